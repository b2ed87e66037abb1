"""Parts shared by the figures: year axes, lines by year, labels, keys, empty pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, ScalarFormatter

from compsim_assets.plots.methods import MethodStyle
from compsim_assets.plots.style import MUTED, TEXT_SIZE, Page, new_figure

# Coordinates of what stands above a vertical, and of what stands at the end of a row.
ABOVE, AT_ROW = ("data", "axes fraction"), ("axes fraction", "data")


def signed(value: float, digits: int | None = None) -> str:
    """A number with a real minus sign; a dash for none. Without `digits`, one or two decimals as needed."""
    if not np.isfinite(value):
        return "\N{EN DASH}"
    if digits is None:
        digits = 1 if abs(value - round(value, 1)) < 0.005 else 2
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def percent(value: float, digits: int = 0) -> str:
    """A number that is already in per cent, with its unit."""
    return f"{value:.{digits}f} %"


def percent_axis(axes: Axes, which: str = "y") -> None:
    """Tick labels with their unit, for values in per cent on a linear scale."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(_PercentFormatter(useOffset=False))


class _PercentFormatter(ScalarFormatter):
    """Matplotlib's own choice of decimals, the same for all ticks of an axis, with the unit."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return super().__call__(x, pos) + " %"


def year_axis(axes: Axes, years: Iterable[float], most_labels: int) -> None:
    """An x axis of whole years: a tick each year, a label every 1, 2, 5 or 10."""
    whole = {int(year) for year in years}
    first, last = min(whole), max(whole)
    span = last - first + 1
    step = next((s for s in (1, 2, 5, 10, 20) if span / s <= most_labels), 50)
    every = list(range(first, last + 1))
    labelled = every if step == 1 else [year for year in every if year % step == 0]
    axes.set_xlim(first - 0.6, last + 0.6)
    axes.xaxis.set_major_locator(FixedLocator(labelled))
    axes.xaxis.set_minor_locator(FixedLocator(every) if span > 1 else NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: str(round(value))))


def line_by_year(
    axes: Axes, table: pd.DataFrame, column: str, style: MethodStyle, gid: str, scale: float = 1.0
) -> None:
    """Draw one column by year. A year without a row or a value is a gap, not a bridge."""
    values = table.set_index(table["year"].astype(int))[column].astype(float)
    if values.notna().any():
        values = values.reindex(range(values.index.min(), values.index.max() + 1))
        years = values.index.to_numpy()
        axes.plot(years, values.to_numpy() * scale, label=style.label, gid=gid, **style.line())


def settle_y(axes: Axes, least: float) -> None:
    """Give the y axis a least height: rounding must not look like a change."""
    low, high = axes.get_ylim()
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)


def beside(
    axes: Axes, text: str, place: tuple[float, float], offset: tuple[float, float], coords: Any = "data", **options: Any
) -> None:
    """Write a text at an offset in points (right, up) from a place."""
    axes.annotate(text, place, xycoords=coords, xytext=offset, textcoords="offset points", **options)


def say(axes: Axes, text: str, y: float = 0.5) -> None:
    """Write into a panel why it is empty."""
    axes.text(0.5, y, text, transform=axes.transAxes, ha="center", color=MUTED)


def legend_above(figure: Figure, page: Page, handles: Sequence[Artist], depth: float, **spacing: float) -> None:
    """A legend in one line (of six entries, or `ncols`), so many inches below the page's top edge."""
    figure.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(page.x(0.25), page.y(depth)),
        borderpad=0,
        borderaxespad=0,
        **{"ncols": min(len(handles), 6), **spacing},
    )


def label_verticals(axes: Axes, marks: Sequence[tuple[float, str, str]]) -> None:
    """Write (x, text, colour) labels above one or two verticals; set the x limits before.

    Two labels lean away from each other. Where the edge forbids that, both lean the same way and
    the one that would cross the other's line goes a row up, with a leader.
    """
    if not marks:
        return
    low, high = axes.get_xlim()
    inches = axes.bbox.width / axes.figure.dpi
    ordered = sorted(marks)
    place = [(x - low) / (high - low) for x, _, _ in ordered]
    width = [0.082 * len(text) / inches for _, text, _ in ordered]
    left = [place[-1] + width[-1] > 1]
    raised = None
    if len(ordered) == 2:
        left.insert(0, place[0] > width[0])
        reach = width[1] if left[0] else width[0]
        if left[0] == left[1] and place[1] - place[0] < reach:
            raised = 1 if left[0] else 0
    for k, (x, text, colour) in enumerate(ordered):
        offset = (-3 if left[k] else 3, 18 if k == raised else 4)
        look = {"ha": "right" if left[k] else "left", "color": colour, "weight": "bold"}
        beside(axes, text, (x, 1.0), offset, ABOVE, annotation_clip=False, **look)
        if k == raised:
            leader = {"arrowstyle": "-", "color": colour, "shrinkA": 0, "shrinkB": 0}
            beside(axes, "", (x, 1.0), (0, 28), ABOVE, annotation_clip=False, arrowprops=leader)


@dataclass(frozen=True)
class Key:
    """A key beside the axes: methods in groups, one row per method with its line and some numbers.

    Sizes in inches; `width` goes from its left to the page's right edge, `columns` heads the numbers.
    """

    page: Page
    width: float
    columns: Sequence[str] = ()
    label_width: float = 2.0
    column_width: float = 0.62
    row: float = 0.24

    def draw(
        self, figure: Figure, styles: Mapping[str, MethodStyle], numbers: Mapping[str, Sequence[str]], caption: str = ""
    ) -> None:
        """Draw the rows in the order of `styles`, with group headings and each method's numbers; the caption below."""
        depth = self.page.top + 0.05
        no_numbers = ["\N{EN DASH}"] if numbers else []
        self._cells(figure, depth, self.columns if numbers else (), "key-head", color=MUTED)
        for group, members in groupby(styles.items(), key=lambda item: item[1].group):
            self._text(figure, 0, depth, group, weight="bold")
            depth += self.row
            for name, style in members:
                self._row(figure, depth, name, style)
                self._cells(figure, depth, numbers.get(name, no_numbers), f"key:{name}")
                depth += self.row
            depth += 0.12
        self._text(figure, 0, depth + 0.1, caption, color=MUTED, va="top", gid="key-caption")

    def _row(self, figure: Figure, depth: float, name: str, style: MethodStyle) -> None:
        x = [self._x(inches) for inches in (0.0, 0.21, 0.42)]
        y = self.page.y(depth - 0.045)
        figure.add_artist(Line2D(x, [y] * 3, markevery=[1], gid=f"sample:{name}", **style.line()))
        self._text(figure, 0.52, depth, style.label)

    def _cells(self, figure: Figure, depth: float, texts: Sequence[str], gid: str, **options: Any) -> None:
        for k, text in enumerate(texts):
            inches = 0.52 + self.label_width + (k + 1) * self.column_width
            self._text(figure, inches, depth, text, ha="right", gid=f"{gid}:{k}", **options)

    def _text(self, figure: Figure, inches: float, depth: float, text: str, **options: Any) -> None:
        figure.text(self._x(inches), self.page.y(depth), text, size=TEXT_SIZE, **options)

    def _x(self, inches: float) -> float:
        return self.page.x(self.page.width - self.width + inches)


def common_years(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows of the years in which every method has a MeanCorr, and a caption with those years.

    Means over different years cannot be compared. A method without any MeanCorr does not count.
    """
    wide = table.pivot_table(index="year", columns="method", values="mean_correlation").dropna()
    years = sorted(int(year) for year in wide.index)
    if not years:
        return table.iloc[:0], "No means: the methods have no year in common."
    span = f"{years[0]} to {years[-1]}" if len(years) > 1 else f"{years[0]} alone"
    return table[table["year"].isin(wide.index)], f"Over the years that all have: {span} ({len(years)})"


def rows_of(robustness: pd.DataFrame, statistic: str, versus: str = "") -> pd.DataFrame:
    """The rows of one statistic that have a value."""
    wanted = (robustness["statistic"] == statistic) & (robustness["versus"] == versus)
    return robustness[wanted & np.isfinite(robustness["value"].astype(float))]


def overall(robustness: pd.DataFrame, statistic: str, versus: str = "") -> pd.DataFrame:
    """Those of all levels together, by method."""
    rows = rows_of(robustness, statistic, versus)
    return rows[rows["level"] == ""].set_index("method")


def no_data_figure(title: str, reason: str, synthetic: bool) -> Figure:
    """A page that says why there is nothing to draw."""
    page = Page(height=3.4)
    figure, (axes,) = new_figure(title, page=page, synthetic=synthetic)
    axes.remove()
    text = fill(f"No data: {reason}.", 84)
    figure.text(0.5, 0.5, text, size=12, color=MUTED, ha="center", va="center", gid="no-data")
    return figure
