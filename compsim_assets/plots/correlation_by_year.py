"""Figure 2: how much the members of a cluster move together, by year."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compsim_assets.plots.axes import (
    Key,
    common_years,
    line_by_year,
    no_data_figure,
    percent_axis,
    settle_y,
    signed,
    year_axis,
)
from compsim_assets.plots.methods import MethodStyle, method_styles
from compsim_assets.plots.style import Page, new_figure, styled

_TITLE = "Return correlation within clusters, by year"
_PANELS = (
    ("mean_correlation", "MeanCorr: every cluster counts once"),
    ("pair_weighted", "By pairs: every pair counts once"),
    ("coverage", "Coverage: companies in a cluster of two or more"),
)


@styled
def mean_correlation_by_year(mean_correlation: pd.DataFrame, synthetic: bool) -> Figure:
    """MeanCorr of every method by year, with its pair-weighted value and coverage (paper Fig. 2).

    MeanCorr counts a cluster of two like one of 300, and by pairs the order can reverse: so both
    are drawn, and the key averages both over the years that all methods share.

    Args:
        mean_correlation: method, year, mean_correlation, pair_weighted, n_clusters, largest_cluster and, if there are
            any, coverage (0 to 1) and n_pairs.
    """
    table = mean_correlation
    if table["mean_correlation"].isna().all():
        return no_data_figure(_TITLE, "no year has a cluster of two companies with returns", synthetic)
    styles = method_styles(table["method"])
    covered = "coverage" in table and table["coverage"].notna().any()
    heights = (3.2, 2.0, 1.2) if covered else (3.2, 2.0)
    page = Page(width=11, height=2.2 + sum(heights), right=5.2, bottom=0.95)
    figure, panels = new_figure(
        _TITLE,
        "Pearson correlation of twelve monthly log returns between companies of one cluster.",
        page=page,
        rows=len(heights),
        heights=heights,
        share_x=True,
        note="MeanCorr weights a cluster of two like one of hundreds; by pairs, large clusters "
        "decide. Read both, with the coverage.",
        synthetic=synthetic,
    )
    for axes, (column, title) in zip(panels, _PANELS, strict=False):
        axes.set_title(title)
        _lines(axes, table, styles, column)
        year_axis(axes, table["year"], most_labels=8)
    panels[-1].set_xlabel("Year")
    _key(figure, page, table, styles)
    return figure


def _lines(axes: Axes, table: pd.DataFrame, styles: dict[str, MethodStyle], column: str) -> None:
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


def _key(figure: Figure, page: Page, table: pd.DataFrame, styles: dict[str, MethodStyle]) -> None:
    common, caption = common_years(table)
    numbers = {
        str(name): _numbers(rows) for name, rows in common.groupby("method") if rows["mean_correlation"].notna().any()
    }
    caption += "\nclusters: mean per year; largest: companies in the largest cluster"
    columns = ("MeanCorr", "by pairs", "clusters", "largest")
    Key(page, 4.97, columns, 1.8, 0.6).draw(figure, styles, numbers, caption)


def _numbers(rows: pd.DataFrame) -> list[str]:
    numbers = [signed(rows["mean_correlation"].mean(), 3), signed(_pooled(rows), 3)]
    if rows["method"].iloc[0] == "population":
        return numbers
    return [*numbers, f"{rows['n_clusters'].mean():,.0f}", f"{rows['largest_cluster'].max():,.0f}"]


def _pooled(rows: pd.DataFrame) -> float:
    """The pair-weighted value over all pairs of the years, as in Table 1; a plain mean where pairs are not counted."""
    rows = rows.dropna(subset="pair_weighted")
    if "n_pairs" not in rows or not rows["n_pairs"].sum():
        return float(rows["pair_weighted"].mean())
    return float((rows["pair_weighted"] * rows["n_pairs"]).sum() / rows["n_pairs"].sum())
