"""Figure 2 and its companions: how much the members of a cluster move together."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compsim_assets.plots.axes import (
    Key,
    common_years,
    line_by_year,
    no_data_figure,
    number,
    percent_axis,
    settle_y,
    signed,
    year_axis,
)
from compsim_assets.plots.methods import MethodStyle, method_styles
from compsim_assets.plots.style import Page, new_figure, styled
from compsim_assets.plots.theta_panels import (
    LOWEST_THETA,
    range_within,
    theta_legend,
    theta_marks,
    theta_panel,
    theta_window,
    trim_grid,
)

_YEAR_TITLE = "Return correlation within clusters, by year"
_YEAR_PANELS = (
    ("mean_correlation", "MeanCorr: every cluster counts once"),
    ("pair_weighted", "By pairs: every pair counts once"),
    ("coverage", "Coverage: companies in a cluster of two or more"),
)
_THETA_TITLE = "Return correlation within clusters against the cutoff"


@styled
def mean_correlation_by_year(
    mean_correlation: pd.DataFrame,
    synthetic: bool,
    *,
    reason: str = "no year has a cluster of two companies with returns",
) -> Figure:
    """MeanCorr of every method by year, with its pair-weighted value and coverage (paper Fig. 2).

    MeanCorr counts a cluster of two like one of 300, and by pairs the order can reverse: so both
    are drawn, and the key averages both over the years that all methods share.

    Args:
        mean_correlation: method, year, mean_correlation, pair_weighted, n_clusters,
            largest_cluster and, if known, coverage (0 to 1).
        synthetic: mark the figure as made from generated data.
        reason: what to say when there is nothing to draw.
    """
    table = mean_correlation
    if table["mean_correlation"].isna().all():
        return no_data_figure(_YEAR_TITLE, reason, synthetic)
    styles = method_styles(table["method"])
    covered = "coverage" in table and table["coverage"].notna().any()
    heights = (3.2, 2.0, 1.2) if covered else (3.2, 2.0)
    page = Page(width=11, height=2.2 + sum(heights), right=5.2, bottom=0.95)
    figure, panels = new_figure(
        _YEAR_TITLE,
        "Pearson correlation of twelve monthly log returns between companies of one cluster.",
        page=page,
        rows=len(heights),
        heights=heights,
        share_x=True,
        note="MeanCorr weights a cluster of two like one of hundreds; by pairs, large clusters "
        "decide. Read both, with the coverage.",
        synthetic=synthetic,
    )
    for axes, (column, title) in zip(panels, _YEAR_PANELS, strict=False):
        axes.set_title(title)
        _year_lines(axes, table, styles, column)
        year_axis(axes, table["year"], most_labels=8)
    panels[-1].set_xlabel("Year")
    _year_key(figure, page, table, styles)
    return figure


def _year_lines(axes: Axes, table: pd.DataFrame, styles: dict[str, MethodStyle], column: str) -> None:
    as_percent = column == "coverage"
    for name, style in styles.items():
        if not (as_percent and name == "population"):  # all companies, by definition
            rows = table[table["method"] == name]
            line_by_year(axes, rows, column, style, f"method:{name}", 100 if as_percent else 1)
    if as_percent:
        axes.set_ylim(0, 105)
        percent_axis(axes)
    else:
        axes.set_ylabel("Correlation")
        settle_y(axes, 0.1)


def _year_key(figure: Figure, page: Page, table: pd.DataFrame, styles: dict[str, MethodStyle]) -> None:
    common, caption = common_years(table)
    numbers = {
        str(name): _year_numbers(rows)
        for name, rows in common.groupby("method")
        if rows["mean_correlation"].notna().any()
    }
    caption += "\nclusters: mean per year; largest: companies in the largest cluster"
    columns = ("MeanCorr", "by pairs", "clusters", "largest")
    key = Key(page, page.width - 4.97, page.top + 0.05, columns, 1.8, 0.6)
    key.draw(figure, styles, numbers, caption)


def _year_numbers(rows: pd.DataFrame) -> list[str]:
    numbers = [number(float(rows["mean_correlation"].mean()), 3), number(_pooled(rows), 3)]
    if rows["method"].iloc[0] == "population":
        return numbers
    return [*numbers, f"{rows['n_clusters'].mean():,.0f}", f"{rows['largest_cluster'].max():,.0f}"]


def _pooled(rows: pd.DataFrame) -> float:
    """The pair-weighted value over all pairs of the years, as in Table 1; their plain mean where pairs are not counted."""
    known = rows.dropna(subset="pair_weighted")
    if "n_pairs" not in known or not known["n_pairs"].sum():
        return float(known["pair_weighted"].mean())
    return float((known["pair_weighted"] * known["n_pairs"]).sum() / known["n_pairs"].sum())


@styled
def mean_correlation_by_theta(
    curve: pd.DataFrame,
    cutoffs: dict[str, pd.DataFrame],
    population: "pd.Series[float]",
    synthetic: bool,
    *,
    reason: str = "no year has two reports to merge",
) -> Figure:
    """MeanCorr as a step function of theta, one panel a year, with each mode's chosen theta.

    Args:
        curve: year, theta, mean_correlation, pair_weighted_mean_correlation; a row holds from its
            theta to the year's next row.
        cutoffs: mode -> frame with year and theta.
        population: mean correlation of all pairs, indexed by year.
        synthetic: mark the figure as made from generated data.
        reason: what to say when there is nothing to draw.
    """
    if curve.empty:
        return no_data_figure(_THETA_TITLE, reason, synthetic)
    years = sorted(curve["year"].astype(int).unique())
    columns = min(5, len(years))
    rows = -(-len(years) // columns)
    styles = method_styles(cutoffs)
    page = Page(height=2.1 + rows * (1.45 if rows > 1 else 2.6), top=1.45, bottom=0.9, row_gap=0.36, column_gap=0.16)
    figure, panels = new_figure(
        _THETA_TITLE,
        f"One panel a year; the exact step function. Below {signed(LOWEST_THETA, 0)} nothing is searched.",
        page=page,
        rows=rows,
        columns=columns,
        share_x=True,
        share_y=True,
        synthetic=synthetic,
    )
    window = theta_window(curve, cutoffs)
    for axes, year in zip(panels, years, strict=False):
        level = float(population.get(year, np.nan))
        theta_panel(axes, curve[curve["year"].astype(int) == year], window, level)
        theta_marks(axes, year, cutoffs, styles)
    panels[0].set_ylim(range_within(curve, population, window[0]))
    trim_grid(panels, len(years), columns)
    figure.text(0.5, page.y(-0.5), "Cutoff theta (standardised cosine distance)", ha="center")
    middle = (page.y(page.top) + page.y(-page.bottom)) / 2
    figure.text(page.x(0.25), middle, "Correlation", rotation=90, va="center", ha="center")
    theta_legend(figure, page, cutoffs, styles)
    return figure
