"""Figure 5 and the cutoffs by year: how theta was chosen, and what it gave."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from compsim_assets.plots.axes import (
    AT_ROW,
    Key,
    beside,
    common_years,
    label_verticals,
    legend_above,
    line_by_year,
    no_data_figure,
    settle_y,
    signed,
    year_axis,
)
from compsim_assets.plots.methods import MethodStyle, method_styles, mode_name
from compsim_assets.plots.style import BLUE, GRID, INK, MUTED, ORANGE, PURPLE, Page, new_figure, styled

_OBJECTIVE_TITLE = "Objective of the base cutoff against theta"
_YEAR_TITLE = "Cutoff and return correlation, by year"
_LINES = (
    ("fold_1", "Fold 1 (later half of the years)", ORANGE, 1.1),
    ("fold_2", "Fold 2 (last quarter of the years)", PURPLE, 1.1),
    ("objective", "Objective (mean of the folds)", INK, 2.0),
)


@styled
def objective_by_theta(objective: pd.DataFrame, best: float, published: float, synthetic: bool) -> Figure:
    """The base objective and its folds over the lattice, with this run's and the published theta (paper Fig. 5).

    Args:
        objective: theta, objective, fold_1, fold_2; minus infinity where no validation year has a
            cluster (drawn as a gap).
        best: this run's theta; NaN for none.
        published: the paper's theta; NaN for none.
    """
    table = objective.sort_values("theta").replace([np.inf, -np.inf], np.nan)
    if table.empty or table["objective"].isna().all():
        return no_data_figure(_OBJECTIVE_TITLE, "no year has two companies with returns to merge", synthetic)
    page = Page(height=6.0, top=1.7, bottom=0.95)
    figure, (axes,) = new_figure(
        _OBJECTIVE_TITLE,
        "Mean over two folds of the mean MeanCorr over the fold's years. "
        "The folds overlap, and the same years judge theta.",
        page=page,
        synthetic=synthetic,
    )
    theta = table["theta"].to_numpy(float)
    handles: list[Artist] = []
    for column, label, colour, width in _LINES:
        values = table[column].to_numpy(float)
        handles += axes.plot(theta, values, color=colour, linewidth=width, label=label, gid=column)
    settle_y(axes, 0.1)
    axes.set_xlim(theta[0], _end(table, best, published))
    axes.set_xlabel("Cutoff theta (standardised cosine distance)")
    axes.set_ylabel("Mean correlation (MeanCorr)")
    handles += _shade_gap(axes, table)
    _mark_thetas(axes, table, best, published)
    legend_above(figure, page, handles, 1.0, columnspacing=1.5)
    return figure


def _end(table: pd.DataFrame, best: float, published: float) -> float:
    """A little right of the last change (then every year is one cluster) and of both thetas."""
    theta = table["theta"].to_numpy(float)
    value = table["objective"].to_numpy(float)
    changes = np.flatnonzero((np.abs(np.diff(value)) > 1e-9) | np.isnan(value[:-1]))
    last = np.nanmax([theta[changes[-1] + 1] if len(changes) else theta[0], best, published])
    return float(min(theta[-1], last + 0.15 * max(last - theta[0], 1.0)))


def _shade_gap(axes: Axes, table: pd.DataFrame) -> list[Patch]:
    missing = table["objective"].isna().to_numpy()
    if not missing.any():
        return []
    theta = table["theta"].to_numpy(float)
    across = axes.get_xaxis_transform()
    patch = axes.fill_between(theta, 0, 1, where=missing, step="mid", color=GRID, transform=across)
    patch.set_gid("undefined")
    return [Patch(color=GRID, label="No cluster in a fold")]


def _mark_thetas(axes: Axes, table: pd.DataFrame, best: float, published: float) -> None:
    low, high = axes.get_xlim()
    marks = []
    if low <= best <= high:
        value = float(table["objective"].iloc[int((table["theta"] - best).abs().to_numpy().argmin())])
        text = f"chosen {signed(best)}"
        if np.isfinite(value):
            axes.plot([best], [value], "o", color=BLUE, markersize=7, zorder=5, gid="chosen-point")
            text += f" (objective {signed(value, 3)})"
        axes.axvline(best, color=BLUE, linewidth=1.6, gid="chosen")
        marks.append((best, text, BLUE))
    if low <= published <= high:
        axes.axvline(published, color=MUTED, linewidth=1.4, linestyle=(0, (4, 2)), gid="published")
        marks.append((published, f"published {signed(published)}", MUTED))
    label_verticals(axes, marks)


@styled
def theta_by_year(cutoffs: dict[str, pd.DataFrame], synthetic: bool) -> Figure:
    """Theta and MeanCorr by year and mode; a theta that never changes is a horizontal reference.

    Args:
        cutoffs: mode -> frame with year, theta, mean_correlation and, if there is one, in_sample.
    """
    tables = {mode: frame for mode, frame in cutoffs.items() if frame["theta"].notna().any()}
    if not tables:
        return no_data_figure(_YEAR_TITLE, "no year has a cutoff", synthetic)
    styles = method_styles(tables)
    page = Page(height=6.8, right=4.05, bottom=0.95)
    figure, (top, bottom) = new_figure(
        _YEAR_TITLE,
        "Theta is the standardised distance at which single linkage is cut.",
        page=page,
        rows=2,
        share_x=True,
        note=_by_year_note(cutoffs, tables),
        synthetic=synthetic,
    )
    top.set_title("Theta")
    top.set_ylabel("Theta (standardised distance)")
    bottom.set_title("MeanCorr at that theta: every cluster counts once")
    bottom.set_ylabel("Correlation")
    for mode, style in styles.items():
        _draw_theta(top, tables[mode], style, mode)
        _draw_correlation(bottom, tables[mode], style, mode)
    settle_y(top, 0.5)
    settle_y(bottom, 0.1)
    year_axis(bottom, pd.concat([frame["year"] for frame in tables.values()]), most_labels=10)
    bottom.set_xlabel("Year")
    long = pd.concat([frame.assign(method=mode) for mode, frame in tables.items()])
    common, caption = common_years(long)
    means = common.groupby("method")["mean_correlation"].mean()
    key = Key(page, 3.4, ("MeanCorr",), column_width=0.65)
    key.draw(figure, styles, {str(k): [signed(v, 3)] for k, v in means.items()}, caption.replace(": ", ":\n"))
    return figure


def _by_year_note(given: dict[str, pd.DataFrame], drawn: dict[str, pd.DataFrame]) -> str:
    note = "Hollow markers: theta was chosen with that year's returns (in sample)."
    missing = [mode_name(mode) for mode in given if mode not in drawn]
    return f"{note} No theta: {', '.join(missing)}." if missing else note


def _draw_theta(axes: Axes, table: pd.DataFrame, style: MethodStyle, mode: str) -> None:
    theta = table["theta"].dropna()
    if theta.nunique() > 1 or len(table) == 1:
        line_by_year(axes, table, "theta", style, f"theta:{mode}")
        return
    level = float(theta.iloc[0])
    axes.axhline(level, color=style.colour, linewidth=1.6, gid=f"theta:{mode}")
    beside(axes, signed(level), (1.0, level), (4, 0), AT_ROW, va="center", color=style.colour, weight="bold")


def _draw_correlation(axes: Axes, table: pd.DataFrame, style: MethodStyle, mode: str) -> None:
    line_by_year(axes, table, "mean_correlation", style, f"mean_correlation:{mode}")
    if "in_sample" not in table:
        return
    inside = table[table["in_sample"].astype(bool) & table["mean_correlation"].notna()]
    options = style.line() | {"linestyle": "none", "markerfacecolor": "white", "zorder": 6}
    years = inside["year"].astype(int)
    axes.plot(years, inside["mean_correlation"], gid=f"in-sample:{mode}", **options)
