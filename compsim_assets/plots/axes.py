"""Parts shared by the figures: year axes, lines by year, labels, keys, empty pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, ScalarFormatter

from compsim_assets.plots.methods import MethodStyle
from compsim_assets.plots.style import MUTED, TEXT_SIZE, Page, new_figure

MINUS = "\N{MINUS SIGN}"


def signed(value: float, digits: int | None = None) -> str:
    """A number with a real minus sign; without `digits`, one or two decimals as needed."""
    if digits is None:
        digits = 1 if abs(value - round(value, 1)) < 0.005 else 2
    return f"{value:.{digits}f}".replace("-", MINUS)


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


def year_axis(axes: Axes, years: Iterable[float], most_labels: int = 14) -> None:
    """An x axis of whole years: a tick each year, a label every 1, 2, 5 or 10."""
    known = sorted({int(year) for year in years})
    first, last = known[0], known[-1]
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
        axes.annotate(
            text,
            (x, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-3 if left[k] else 3, 18 if k == raised else 4),
            textcoords="offset points",
            ha="right" if left[k] else "left",
            color=colour,
            weight="bold",
            annotation_clip=False,
        )
        if k == raised:
            leader = {"arrowstyle": "-", "color": colour, "shrinkA": 0, "shrinkB": 0}
            axes.annotate(
                "", (x, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 28),
                textcoords="offset points", arrowprops=leader, annotation_clip=False,
            )  # fmt: skip


@dataclass(frozen=True)
class Key:
    """A key beside the axes: groups of methods, a row each with its line and some numbers.

    Sizes in inches; `numbers` maps a method to its columns' texts, `columns` heads them.
    """

    page: Page
    left: float
    top: float
    columns: Sequence[str] = ()
    label_width: float = 2.0
    column_width: float = 0.62
    row: float = 0.24

    def draw(
        self, figure: Figure, styles: Mapping[str, MethodStyle], numbers: Mapping[str, Sequence[str]], caption: str = ""
    ) -> None:
        """Draw the rows in the order of `styles`, with group headings, and the caption below."""
        depth, group = self.top, ""
        no_numbers = ["\N{EN DASH}"] if numbers else []
        self._cells(figure, depth, self.columns if numbers else (), "key-head", MUTED)
        for name, style in styles.items():
            if style.group != group:
                group = style.group
                self._text(figure, self.left, depth, group, weight="bold")
                depth += self.row
            self._row(figure, depth, name, style)
            self._cells(figure, depth, numbers.get(name, no_numbers), f"key:{name}", None)
            depth += self.row
            last_of_group = [n for n, s in styles.items() if s.group == group][-1] == name
            depth += 0.12 if last_of_group else 0.0
        self._text(figure, self.left, depth + 0.1, caption, color=MUTED, va="top", gid="key-caption")

    def _row(self, figure: Figure, depth: float, name: str, style: MethodStyle) -> None:
        x = [self.page.x(self.left + inches) for inches in (0.0, 0.21, 0.42)]
        y = self.page.y(depth - 0.045)
        figure.add_artist(Line2D(x, [y] * 3, markevery=[1], gid=f"sample:{name}", **style.line()))
        self._text(figure, self.left + 0.52, depth, style.label)

    def _cells(self, figure: Figure, depth: float, texts: Sequence[str], gid: str, colour: str | None) -> None:
        for k, text in enumerate(texts):
            x = self.left + 0.52 + self.label_width + (k + 1) * self.column_width
            extra = {} if colour is None else {"color": colour}
            self._text(figure, x, depth, text, ha="right", gid=f"{gid}:{k}", **extra)

    def _text(self, figure: Figure, x: float, depth: float, text: str, **options: Any) -> None:
        figure.text(self.page.x(x), self.page.y(depth), text, size=TEXT_SIZE, **options)


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


def number(value: float, digits: int) -> str:
    """A number, or a dash where there is none."""
    return signed(value, digits) if np.isfinite(value) else "\N{EN DASH}"


def no_data_figure(title: str, reason: str, synthetic: bool) -> Figure:
    """A page that says why there is nothing to draw."""
    page = Page(height=3.4)
    figure, (axes,) = new_figure(title, page=page, synthetic=synthetic)
    axes.remove()
    text = fill(f"No data: {reason}.", 84)
    figure.text(0.5, 0.5, text, size=12, color=MUTED, ha="center", va="center", gid="no-data")
    return figure
