"""What peers explain of accounting metrics: a panel per metric, a row per method."""

from dataclasses import replace
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from compsim_assets.plots.axes import legend_above, no_data_figure
from compsim_assets.plots.forest import DODGE, Forest
from compsim_assets.plots.methods import MethodStyle, method_styles, similarity_styles
from compsim_assets.plots.style import INK, new_figure, styled

_TITLE = "Share of a company's accounts that its peers explain"
_METRICS, _LONGEST = 3, 28


@styled
def fundamentals_by_method(explained: pd.DataFrame, synthetic: bool) -> Figure:
    """This year's share of the metrics that most companies have, beyond all companies and beyond the industry.

    Args:
        explained: the `fundamentals_explained` table; of several numbers of nearest peers the largest is drawn.
    """
    rows = explained[(explained["ahead"] == 0) & explained["value"].notna()]
    rows = rows[(rows["level"] == 0) | (rows["level"] == rows["level"].max())]
    if rows.empty:
        return no_data_figure(_TITLE, "the universe has no accounting metrics of its companies", synthetic)
    count = rows.groupby("metric")["n"].max().reset_index().sort_values(["n", "metric"], ascending=[False, True])
    metrics = sorted(count["metric"].head(_METRICS))
    rows = rows[rows["metric"].isin(metrics)]
    rows = rows.assign(row=rows["method"] + (rows["level"] > 0).map({True: " nearest", False: ""}))
    forest = Forest.of(_styles(rows))
    page = forest.page(len(metrics))
    figure, panels = new_figure(
        _TITLE,
        "Metrics of one year, less the mean of all others; lines are 95 % intervals over companies.",
        page=page,
        columns=len(metrics),
        note="Zero: no more than random peers. Below zero: peers point the wrong way.",
        synthetic=synthetic,
    )
    for axes, metric in zip(panels, metrics, strict=True):
        forest.set_up(axes, metric if len(metric) <= _LONGEST else f"{metric[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}")
        axes.axvline(0, color=INK, linewidth=1.2, gid="zero")
        axes.set_xlabel("Share explained")
        for scope, marker, shift in (("all", "o", -DODGE), ("industry", "s", DODGE)):
            of_scope = rows[(rows["metric"] == metric) & (rows["scope"] == scope)]
            forest.draw(axes, of_scope.set_index("row"), marker=marker, shift=shift)
    forest.name_rows(panels[0], page)
    marks = {"o": "Beyond all companies of the year", "s": "Beyond the industry (two-digit SIC)"}
    look: dict[str, Any] = {"color": INK, "linestyle": "none", "markersize": 6}
    handles = [Line2D([], [], marker=marker, label=label, **look) for marker, label in marks.items()]
    handles.append(Line2D([], [], marker="o", label="In sample", **look | {"markerfacecolor": "white"}))
    legend_above(figure, page, handles, 1.02)
    return figure


def _styles(rows: pd.DataFrame) -> dict[str, MethodStyle]:
    """Clusters and groups as in all figures, then the nearest peers of similarities."""
    nearest = rows["level"] > 0
    groups = set(rows.loc[~nearest, "method"])
    others = method_styles(groups - {"sic2"})
    # Beside the finer codes, which these reports have too, and not below the last heading.
    first = next((style.group for style in others.values()), "")
    codes = {name: replace(style, group=first) for name, style in similarity_styles(groups & {"sic2"}).items()}
    heading = f"{rows['level'].max():g} nearest peers"
    peers = similarity_styles(rows.loc[nearest, "method"]).items()
    return {
        **{name: style for name, style in others.items() if style.group == first},
        **codes,
        **{name: style for name, style in others.items() if style.group != first},
        **{f"{name} nearest": replace(style, group=heading) for name, style in peers},
    }
