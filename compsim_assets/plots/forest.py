"""The forest plot: every method with its intervals, one row per method, headed by its group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from compsim_assets.plots.axes import AT_ROW, beside, legend_above, no_data_figure, overall, signed
from compsim_assets.plots.methods import MethodStyle, method_styles
from compsim_assets.plots.style import INK, POPULATION_LINE, TEXT_SIZE, Page, new_figure, styled

_TITLE = "Return correlation by method, with 95 % intervals"
_PANELS = (
    ("mean_correlation", "", "MeanCorr: every cluster counts once"),
    ("pair_weighted", "", "By pairs: every pair counts once"),
    ("mean_correlation", "sic_code", "Difference to SIC codes"),
)
_ROW = 0.26  # inches
_AFTER_GROUP = 0.4  # rows of space
DODGE = 0.17  # rows from the middle to each of two marks of one method


@styled
def methods_forest(robustness: pd.DataFrame, published: Mapping[str, float], synthetic: bool) -> Figure:
    """MeanCorr and pair-weighted correlation of every method, and its difference to SIC codes.

    Args:
        robustness: contract table; drawn are mean_correlation and pair_weighted without a level,
            alone and versus sic_code. A row without an interval is a point.
        published: method -> published MeanCorr, a diamond in the first panel.
    """
    shown = [overall(robustness, statistic, versus) for statistic, versus, _ in _PANELS]
    by_pairs = overall(robustness, "pair_weighted", "sic_code")
    if shown[0].empty and shown[1].empty:
        return no_data_figure(_TITLE, "no method has clusters of two companies with returns", synthetic)
    forest = Forest.of(method_styles({name for rows in (*shown, by_pairs) for name in rows.index}))
    compared = not (shown[2].empty and by_pairs.empty)
    page = forest.page(3 if compared else 2)
    figure, panels = new_figure(
        _TITLE,
        "Pearson correlation of monthly log returns within clusters; lines are 95 % intervals.",
        page=page,
        columns=3 if compared else 2,
        note="A mark without a line has no interval. The two panels of correlations have one scale.",
        synthetic=synthetic,
    )
    for axes, (_, _, title) in zip(panels, _PANELS, strict=False):
        forest.set_up(axes, title)
    for axes, rows in zip(panels[:2], shown, strict=False):
        forest.draw(axes, rows, numbers=True)
        if "population" in rows.index:
            axes.axvline(float(rows["value"].loc["population"]), gid="population", **POPULATION_LINE)
    forest.draw_published(panels[0], published)
    limits = [edge for axes in panels[:2] for edge in axes.get_xlim()]
    for axes in panels[:2]:
        axes.set_xlim(min(limits), max(limits))
    if compared:
        forest.draw_differences(panels[2], shown[2], by_pairs)
    forest.name_rows(panels[0], page)
    _legend(figure, page, compared)
    return figure


@dataclass(frozen=True)
class Forest:
    """Where each method's row and each group's heading are, in rows from the top, and how to draw into them."""

    styles: Mapping[str, MethodStyle]
    methods: Mapping[str, float]
    groups: Mapping[str, float]
    height: float

    @classmethod
    def of(cls, styles: Mapping[str, MethodStyle]) -> "Forest":
        methods: dict[str, float] = {}
        groups: dict[str, float] = {}
        depth = -_AFTER_GROUP
        for name, style in styles.items():
            if style.group not in groups:
                groups[style.group] = depth + _AFTER_GROUP
                depth += 1 + _AFTER_GROUP
            methods[name] = depth
            depth += 1
        return cls(styles, methods, groups, depth)

    def page(self, columns: int) -> Page:
        """As high as its rows; each panel is as wide as its title and has its numbers beside it."""
        return Page(
            width=3.2 + 3.1 * columns,
            height=round(1.6 + 0.95 + _ROW * self.height, 2),
            left=2.55,
            right=0.65,
            top=1.6,
            bottom=0.95,
            column_gap=0.62,
        )

    def set_up(self, axes: Axes, title: str) -> None:
        """A panel without a y axis of its own: its rows are named at the left of the first."""
        axes.set_title(title)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        axes.spines["left"].set_visible(False)
        axes.yaxis.set_major_locator(NullLocator())
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_ylim(self.height - 0.4, -0.5)
        axes.margins(x=0.07)
        axes.set_xlabel("Correlation")

    def draw(
        self, axes: Axes, rows: pd.DataFrame, *, marker: str = "o", shift: float = 0.0, numbers: bool = False
    ) -> None:
        """A point, its interval and its number for every method that the rows have."""
        for name, row in rows.iterrows():
            colour, y = self.styles[str(name)].colour, self.methods[str(name)] + shift
            if np.isfinite(row["low"]) and np.isfinite(row["high"]):
                interval: dict[str, Any] = {
                    "linewidth": 1.8,
                    "solid_capstyle": "butt",
                    "gid": f"interval:{marker}:{name}",
                }
                axes.plot([row["low"], row["high"]], [y, y], color=colour, **interval)
            axes.plot(
                [row["value"]],
                [y],
                marker,
                color=colour,
                markersize=6.5 if numbers else 5.5,
                markerfacecolor="white" if row["in_sample"] else colour,
                markeredgewidth=1.4,
                zorder=3,
                gid=f"value:{marker}:{name}",
            )
            if numbers:
                look = {"va": "center", "size": TEXT_SIZE - 0.5, "gid": f"number:{name}", "annotation_clip": False}
                beside(axes, signed(row["value"], 3), (1.0, y), (5, 0), AT_ROW, **look)

    def draw_differences(self, axes: Axes, by_clusters: pd.DataFrame, by_pairs: pd.DataFrame) -> None:
        """Differences of both averages around zero, one above the other in each row."""
        axes.axvline(0, color=INK, linewidth=1.2, gid="zero")
        self.draw(axes, by_clusters, shift=-DODGE)
        self.draw(axes, by_pairs, marker="s", shift=DODGE)
        axes.set_xlabel("Difference of correlations")

    def draw_published(self, axes: Axes, published: Mapping[str, float]) -> None:
        """A diamond where a method's number was published; methods without a row have none."""
        for name, value in published.items():
            if name in self.methods and np.isfinite(value):
                y, gid = self.methods[name], f"published:{name}"
                axes.plot([value], [y], "D", color=INK, markersize=4, zorder=4, gid=gid)

    def name_rows(self, axes: Axes, page: Page) -> None:
        """Names of groups and methods at the left of the page."""
        heading = {"weight": "bold", "gid": "group-label"}
        labels = [(y, group, 0.25, heading) for group, y in self.groups.items()]
        labels += [(self.methods[name], s.label, 0.38, {"gid": "row-label"}) for name, s in self.styles.items()]
        for y, text, left, look in labels:
            offset = (72 * (left - page.left), 0)
            beside(axes, text, (0.0, y), offset, AT_ROW, va="center", size=TEXT_SIZE, annotation_clip=False, **look)


def _legend(figure: Figure, page: Page, compared: bool) -> None:
    """One line above the panels that explains the marks."""

    def mark(marker: str, label: str, size: float = 6.5, face: str = INK) -> Line2D:
        look: dict[str, Any] = {
            "color": INK,
            "marker": marker,
            "markersize": size,
            "markerfacecolor": face,
            "linestyle": "none",
        }
        return Line2D([], [], label=label, **look)

    handles = [
        mark("o", "Value"),
        mark("o", "In sample: chosen with data of the years judged", face="white"),
        mark("D", "Published", 4),
        Line2D([], [], label="Population", **POPULATION_LINE),
    ]
    if compared:
        handles.append(mark("s", "Difference by pairs", 5.5))
    legend_above(figure, page, handles, 1.02, columnspacing=1.4, handletextpad=0.5, handlelength=1.4)
