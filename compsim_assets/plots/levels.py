"""Figures over levels, one line per method: correlation by cluster size, and lift by the number of peers."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from compsim_assets.plots.axes import Key, no_data_figure, overall, percent, rows_of, say, settle_y
from compsim_assets.plots.methods import MethodStyle, key_height, method_styles, similarity_styles
from compsim_assets.plots.style import INK, POPULATION_LINE, Page, new_figure, styled

_SIZE_TITLE = "Return correlation by cluster size"
_LIFT_TITLE = "Lift of similar companies over random ones"
_LIFT_PANELS = (
    ("neighbours_lift", "Among all companies"),
    ("neighbours_same_sic2_lift", "Among companies of the same two-digit SIC"),
)


def _dodged(
    axes: Axes, rows: Mapping[str, pd.DataFrame], styles: Mapping[str, MethodStyle], levels: list[str], column: str
) -> None:
    """One line per method over the levels, each beside the others, with interval bars of `value`."""
    step = min(0.7 / max(len(rows), 1), 0.12)
    for k, (name, table) in enumerate(rows.items()):
        by_level = table.set_index("level").reindex(levels)
        x = np.arange(len(levels)) + (k - (len(rows) - 1) / 2) * step
        look = styles[name].line() | {"linewidth": 0.8 if len(rows) > 6 else 1.4}
        axes.plot(x, by_level[column].to_numpy(float), gid=f"method:{name}", **look)
        bars = np.isfinite(by_level[["low", "high"]].to_numpy(float)).all(axis=1)
        if column == "value" and bars.any():
            ends = by_level.loc[bars, ["low", "high"]].to_numpy(float).T
            axes.vlines(x[bars], *ends, color=styles[name].colour, linewidth=1.1, gid=f"interval:{name}")


def _level_axis(axes: Axes, levels: list[str]) -> None:
    axes.set_xlim(-0.6, len(levels) - 0.4)
    axes.xaxis.set_major_locator(FixedLocator(range(len(levels))))
    # A level without a name is that of a method that takes all of its kind.
    axes.set_xticklabels([level.replace("-", "\N{EN DASH}") or "all" for level in levels])
    axes.tick_params(axis="x", length=0)


def _ordered(levels: "pd.Series[str]") -> list[str]:
    """Levels by the number that they start with, whatever stands before it."""

    def rank(level: str) -> tuple[float, str]:
        number = re.search(r"\d+", level)
        return (float(number[0]) if number else np.inf, level)

    return sorted(set(levels), key=rank)


@styled
def mean_correlation_by_size(robustness: pd.DataFrame, synthetic: bool) -> Figure:
    """Mean correlation of the clusters of each size, and how many clusters have that size.

    MeanCorr counts every cluster once, so the sizes with most clusters decide it.

    Args:
        robustness: contract table; drawn is mean_correlation_by_size, level = sizes, n = clusters;
            and the population's mean_correlation as a line.
    """
    table = rows_of(robustness, "mean_correlation_by_size")
    if table.empty:
        return no_data_figure(_SIZE_TITLE, "no method has clusters of two companies with returns", synthetic)
    levels = _ordered(table["level"])
    styles = method_styles(table["method"])
    rows = {name: table[table["method"] == name] for name in styles}
    population = overall(robustness, "mean_correlation")["value"].get("population", np.nan)
    if np.isfinite(population):
        styles |= method_styles(["population"])
    page = Page(width=11.4, height=max(6.9, round(2.75 + key_height(styles), 2)), right=4.15, bottom=0.95)
    figure, (top, bottom) = new_figure(
        _SIZE_TITLE,
        "MeanCorr counts every cluster once: the sizes that most clusters have decide it.",
        page=page,
        rows=2,
        heights=(2.2, 1.2),
        share_x=True,
        note="Bars are 95 % intervals. Points of one size are drawn beside each other.",
        synthetic=synthetic,
    )
    top.set_title("Mean correlation of the clusters of that size")
    top.set_ylabel("Correlation")
    _dodged(top, rows, styles, levels, "value")
    settle_y(top, 0.1)
    if np.isfinite(population):
        top.axhline(population, gid="population", **POPULATION_LINE)
    _dodged(bottom, rows, styles, levels, "n")
    _count_axis(bottom, table["n"].max())
    _level_axis(bottom, levels)
    bottom.set_xlabel("Companies in the cluster")
    numbers = {name: _size_numbers(of_method) for name, of_method in rows.items()}
    caption = "clusters: over all years\nof two: share of them with two companies"
    Key(page, 3.95, ("clusters", "of two"), 1.95, 0.65).draw(figure, styles, numbers, caption)
    return figure


def _count_axis(axes: Axes, most: int) -> None:
    axes.set_title("Clusters of that size (log scale)")
    axes.set_ylabel("Clusters")
    axes.set_yscale("log")
    axes.set_ylim(0.7, max(most * 1.6, 12))
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:,.0f}")


def _size_numbers(rows: pd.DataFrame) -> list[str]:
    of_two, clusters = rows.loc[rows["level"] == "2", "n"].sum(), rows["n"].sum()
    return [f"{clusters:,.0f}", percent(100 * of_two / clusters) if clusters else "\N{EN DASH}"]


@styled
def lift_by_peers(robustness: pd.DataFrame, synthetic: bool) -> Figure:
    """How much more the K most similar companies correlate with a company than random ones do.

    Args:
        robustness: contract table; drawn are neighbours_lift and neighbours_same_sic2_lift, level = K.
    """
    tables = [rows_of(robustness, statistic) for statistic, _ in _LIFT_PANELS]
    table = pd.concat(tables)
    if table.empty:
        return no_data_figure(_LIFT_TITLE, "no company has a peer with returns", synthetic)
    levels = _ordered(table["level"])
    in_sample = table.groupby("method")["in_sample"].any()
    styles = {
        name: replace(style, hollow=bool(in_sample[name])) for name, style in similarity_styles(table["method"]).items()
    }
    page = Page(width=12.2, height=max(5.6, round(2.2 + key_height(styles), 2)), right=3.2, bottom=0.95)
    figure, panels = new_figure(
        _LIFT_TITLE,
        "Correlation with the K most similar companies less that with random ones of the same kind.",
        page=page,
        columns=2,
        share_y=True,
        note="Bars are 95 % intervals. Hollow markers: the similarity knows data of the years "
        "that judge it (in sample).",
        synthetic=synthetic,
    )
    for axes, (_, title), rows in zip(panels, _LIFT_PANELS, tables, strict=True):
        axes.set_title(title)
        axes.set_xlabel("K: peers of each company")
        axes.axhline(0, color=INK, linewidth=1.2, gid="zero")
        _dodged(axes, {name: rows[rows["method"] == name] for name in styles}, styles, levels, "value")
        _level_axis(axes, levels)
        if rows.empty:
            say(axes, "No values", 0.55)
    panels[0].set_ylabel("Lift in correlation")
    settle_y(panels[0], 0.02)
    Key(page, 3.0).draw(figure, styles, {})
    return figure
