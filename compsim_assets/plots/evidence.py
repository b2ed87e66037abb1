"""Figures of the evidence: methods with their intervals, correlation by cluster size, lift by K."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from compsim_assets.plots.axes import Key, no_data_figure, percent, settle_y
from compsim_assets.plots.forest_panels import (
    POPULATION_LINE,
    Places,
    differences,
    forest_axes,
    forest_legend,
    forest_page,
    forest_rows,
    published_diamonds,
    row_labels,
)
from compsim_assets.plots.methods import MethodStyle, key_height, method_styles, similarity_styles
from compsim_assets.plots.style import INK, MUTED, Page, new_figure, styled

_FOREST_TITLE = "Return correlation by method, with 95 % intervals"
_SIZE_TITLE = "Return correlation by cluster size"
_LIFT_TITLE = "Lift of similar companies over random ones"
_FOREST_PANELS = (
    ("mean_correlation", "", "MeanCorr: every cluster counts once"),
    ("pair_weighted", "", "By pairs: every pair counts once"),
    ("mean_correlation", "sic_code", "Difference to SIC codes"),
)
_LIFT_PANELS = (
    ("neighbours_lift", "Among all companies"),
    ("neighbours_same_sic2_lift", "Among companies of the same two-digit SIC"),
)
_NO_ROWS = "no method has clusters of two companies with returns"


def _rows(robustness: pd.DataFrame, statistic: str, versus: str = "") -> pd.DataFrame:
    """The rows of one statistic that have a value."""
    kept = (robustness["statistic"] == statistic) & (robustness["versus"] == versus)
    return robustness[kept & np.isfinite(robustness["value"].astype(float))]


def _overall(robustness: pd.DataFrame, statistic: str, versus: str = "") -> pd.DataFrame:
    rows = _rows(robustness, statistic, versus)
    return rows[rows["level"] == ""].set_index("method")


@styled
def methods_forest(
    robustness: pd.DataFrame, published: Mapping[str, float], synthetic: bool, *, reason: str = _NO_ROWS
) -> Figure:
    """MeanCorr and pair-weighted correlation of every method, and its difference to SIC codes.

    Args:
        robustness: contract table; drawn are mean_correlation and pair_weighted without a level,
            alone and versus sic_code. A row without an interval is a point.
        published: method -> published MeanCorr, a diamond in the first panel.
        synthetic: mark the figure as made from generated data.
        reason: what to say when there is nothing to draw.
    """
    shown = [_overall(robustness, kind, versus) for kind, versus, _ in _FOREST_PANELS]
    by_pairs = _overall(robustness, "pair_weighted", "sic_code")
    if shown[0].empty and shown[1].empty:
        return no_data_figure(_FOREST_TITLE, reason, synthetic)
    styles = method_styles({*shown[0].index, *shown[1].index, *shown[2].index, *by_pairs.index})
    places = Places.of(styles)
    columns = 2 if shown[2].empty and by_pairs.empty else 3
    page = forest_page(columns, places)
    figure, panels = new_figure(
        _FOREST_TITLE,
        "Pearson correlation of monthly log returns within clusters; lines are 95 % intervals.",
        page=page,
        columns=columns,
        note="A mark without a line has no interval. The two panels of correlations have one scale.",
        synthetic=synthetic,
    )
    for axes, (_, _, title) in zip(panels, _FOREST_PANELS, strict=False):
        forest_axes(axes, places, title)
    for axes, rows in zip(panels[:2], shown, strict=False):
        forest_rows(axes, rows, styles, places, numbers=True)
        if "population" in rows.index:
            level = rows["value"].astype(float)["population"]
            axes.axvline(level, gid="population", **POPULATION_LINE)
    published_diamonds(panels[0], published, places)
    limits = [edge for axes in panels[:2] for edge in axes.get_xlim()]
    for axes in panels[:2]:
        axes.set_xlim(min(limits), max(limits))
    if columns == 3:
        differences(panels[2], shown[2], by_pairs, styles, places)
    row_labels(panels[0], page, styles, places)
    forest_legend(figure, page, columns == 3)
    return figure


def _dodged(
    axes: Axes,
    rows: Mapping[str, pd.DataFrame],
    styles: Mapping[str, MethodStyle],
    levels: list[str],
    column: str = "value",
) -> None:
    """One line a method over the levels, each beside the others, with interval bars of `value`."""
    step = min(0.7 / max(len(rows), 1), 0.12)
    for k, (name, table) in enumerate(rows.items()):
        by_level = table.set_index("level").reindex(levels)
        x = np.arange(len(levels)) + (k - (len(rows) - 1) / 2) * step
        look = styles[name].line() | {"linewidth": 0.8 if len(rows) > 6 else 1.4}
        axes.plot(x, by_level[column].to_numpy(float), gid=f"method:{name}", **look)
        bars = np.isfinite(by_level[["low", "high"]].to_numpy(float)).all(axis=1)
        if column == "value" and bars.any():
            ends = by_level.loc[bars, ["low", "high"]].to_numpy(float).T
            colour = styles[name].colour
            axes.vlines(x[bars], *ends, color=colour, linewidth=1.1, gid=f"interval:{name}")


def _level_axis(axes: Axes, levels: list[str]) -> None:
    axes.set_xlim(-0.6, len(levels) - 0.4)
    axes.xaxis.set_major_locator(FixedLocator(range(len(levels))))
    # A level without a name is that of a method that takes all of its kind.
    axes.set_xticklabels([level.replace("-", "\N{EN DASH}") or "all" for level in levels])
    axes.tick_params(axis="x", length=0)


def _ordered(levels: "pd.Series[str]") -> list[str]:
    """Levels by the number that they start with, whatever stands before it."""

    def rank(level: str) -> tuple[float, str]:
        found = re.search(r"\d+", level)
        return (float(found[0]) if found else np.inf, level)

    return sorted(set(levels), key=rank)


@styled
def mean_correlation_by_size(robustness: pd.DataFrame, synthetic: bool, *, reason: str = _NO_ROWS) -> Figure:
    """Mean correlation of the clusters of each size, and how many clusters have that size.

    MeanCorr counts every cluster once, so the sizes with most clusters decide it.

    Args:
        robustness: contract table; drawn is mean_correlation_by_size, level = sizes, n = clusters;
            and the population's mean_correlation as a line.
        synthetic: mark the figure as made from generated data.
        reason: what to say when there is nothing to draw.
    """
    table = _rows(robustness, "mean_correlation_by_size")
    if table.empty:
        return no_data_figure(_SIZE_TITLE, reason, synthetic)
    levels = _ordered(table["level"])
    styles = method_styles(table["method"])
    rows = {name: table[table["method"] == name] for name in styles}
    population = _overall(robustness, "mean_correlation")["value"].get("population", np.nan)
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
    _dodged(top, rows, styles, levels)
    settle_y(top, 0.1)
    if np.isfinite(population):
        top.axhline(population, gid="population", **POPULATION_LINE)
    _dodged(bottom, rows, styles, levels, "n")
    _count_axis(bottom, table["n"].max())
    _level_axis(bottom, levels)
    bottom.set_xlabel("Companies in the cluster")
    key = Key(page, page.width - 3.95, page.top + 0.05, ("clusters", "of two"), 1.95, 0.65)
    numbers = {name: _size_numbers(own) for name, own in rows.items()}
    caption = "clusters: over all years\nof two: share of them with two companies"
    key.draw(figure, styles, numbers, caption)
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
def lift_by_peers(
    robustness: pd.DataFrame, synthetic: bool, *, reason: str = "no company has a peer with returns"
) -> Figure:
    """How much more the K most similar companies correlate with a company than random ones do.

    Args:
        robustness: contract table; drawn are neighbours_lift and neighbours_same_sic2_lift,
            level = K.
        synthetic: mark the figure as made from generated data.
        reason: what to say when there is nothing to draw.
    """
    tables = [_rows(robustness, statistic) for statistic, _ in _LIFT_PANELS]
    table = pd.concat(tables)
    if table.empty:
        return no_data_figure(_LIFT_TITLE, reason, synthetic)
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
    for axes, (_, title), own in zip(panels, _LIFT_PANELS, tables, strict=True):
        axes.set_title(title)
        axes.set_xlabel("K: peers of each company")
        axes.axhline(0, color=INK, linewidth=1.2, gid="zero")
        _dodged(axes, {k: own[own["method"] == k] for k in styles}, styles, levels)
        _level_axis(axes, levels)
        if own.empty:
            middle = axes.transAxes
            axes.text(0.5, 0.55, "No values", transform=middle, ha="center", color=MUTED)
    panels[0].set_ylabel("Lift in correlation")
    settle_y(panels[0], 0.02)
    Key(page, page.width - 3.0, page.top + 0.05).draw(figure, styles, {})
    return figure
