"""Rows and panels of the forest plot: one row a method, headed by its group."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from compsim_assets.plots.axes import signed
from compsim_assets.plots.methods import MethodStyle
from compsim_assets.plots.style import BLACK, INK, TEXT_SIZE, Page

_ROW = 0.26  # inches
POPULATION_LINE: Mapping[str, Any] = MappingProxyType(
    {"color": BLACK, "linestyle": (0, (1, 1.2)), "linewidth": 1.4, "zorder": 2}
)
_AFTER_GROUP = 0.4  # rows of space
_DODGE = 0.17  # rows from the middle to each of two marks of one method


@dataclass(frozen=True)
class Places:
    """Where each method's row and each group's heading are, in rows from the top."""

    methods: Mapping[str, float]
    groups: Mapping[str, float]
    height: float

    @classmethod
    def of(cls, styles: Mapping[str, MethodStyle]) -> "Places":
        methods: dict[str, float] = {}
        groups: dict[str, float] = {}
        depth = -_AFTER_GROUP
        for name, style in styles.items():
            if style.group not in groups:
                groups[style.group] = depth + _AFTER_GROUP
                depth += 1 + _AFTER_GROUP
            methods[name] = depth
            depth += 1
        return cls(methods, groups, depth)


def forest_page(columns: int, places: Places) -> Page:
    """As high as its rows; each panel is as wide as its title and has its numbers beside it."""
    return Page(
        width=3.2 + 3.1 * columns,
        height=round(1.6 + 0.95 + _ROW * places.height, 2),
        left=2.55,
        right=0.65,
        top=1.6,
        bottom=0.95,
        column_gap=0.62,
    )


def forest_axes(axes: Axes, places: Places, title: str) -> None:
    """A panel without a y axis of its own: its rows are named at the left of the first."""
    axes.set_title(title)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_visible(False)
    axes.yaxis.set_major_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_ylim(places.height - 0.4, -0.5)
    axes.margins(x=0.07)
    axes.set_xlabel("Correlation")


def forest_rows(
    axes: Axes,
    rows: pd.DataFrame,
    styles: Mapping[str, MethodStyle],
    places: Places,
    *,
    marker: str = "o",
    shift: float = 0.0,
    numbers: bool = False,
) -> None:
    """A point, its interval and its number for every method that the rows have."""
    for name, row in rows.iterrows():
        style, y = styles[str(name)], places.methods[str(name)] + shift
        if np.isfinite(row["low"]) and np.isfinite(row["high"]):
            axes.plot(
                [row["low"], row["high"]],
                [y, y],
                color=style.colour,
                linewidth=1.8,
                solid_capstyle="butt",
                gid=f"interval:{marker}:{name}",
            )
        axes.plot(
            [row["value"]],
            [y],
            marker,
            color=style.colour,
            markersize=6.5 if numbers else 5.5,
            markerfacecolor="white" if row["in_sample"] else style.colour,
            markeredgewidth=1.4,
            zorder=3,
            gid=f"value:{marker}:{name}",
        )
        if numbers:
            _number_beside(axes, row["value"], y, f"number:{name}")


def _number_beside(axes: Axes, value: float, y: float, gid: str) -> None:
    axes.annotate(
        signed(value, 3),
        (1.0, y),
        xycoords=("axes fraction", "data"),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        size=TEXT_SIZE - 0.5,
        gid=gid,
        annotation_clip=False,
    )


def differences(
    axes: Axes, by_clusters: pd.DataFrame, by_pairs: pd.DataFrame, styles: Mapping[str, MethodStyle], places: Places
) -> None:
    """Differences of both averages around zero, one above the other in each row."""
    axes.axvline(0, color=INK, linewidth=1.2, gid="zero")
    forest_rows(axes, by_clusters, styles, places, shift=-_DODGE)
    forest_rows(axes, by_pairs, styles, places, marker="s", shift=_DODGE)
    axes.set_xlabel("Difference of correlations")


def published_diamonds(axes: Axes, published: Mapping[str, float], places: Places) -> None:
    """A diamond where a method's number was published; methods without a row have none."""
    for name, value in published.items():
        if name in places.methods and np.isfinite(value):
            axes.plot([value], [places.methods[name]], "D", color=INK, markersize=4, zorder=4, gid=f"published:{name}")


def row_labels(axes: Axes, page: Page, styles: Mapping[str, MethodStyle], places: Places) -> None:
    """Names of groups and methods at the left of the page."""
    labels = [(y, group, True, 0.25) for group, y in places.groups.items()]
    labels += [(places.methods[name], style.label, False, 0.38) for name, style in styles.items()]
    for y, text, heads, left in labels:
        axes.annotate(
            text,
            (0.0, y),
            xycoords=("axes fraction", "data"),
            xytext=(72 * (left - page.left), 0),
            textcoords="offset points",
            va="center",
            size=TEXT_SIZE,
            weight="bold" if heads else "normal",
            gid="group-label" if heads else "row-label",
            annotation_clip=False,
        )


def forest_legend(figure: Figure, page: Page, differences: bool) -> None:
    """One line above the panels that explains the marks."""

    def mark(marker: str, label: str, size: float = 6.5, face: str = INK) -> Line2D:
        return Line2D(
            [], [], color=INK, marker=marker, markersize=size, markerfacecolor=face, linestyle="none", label=label
        )

    handles = [
        mark("o", "Value"),
        mark("o", "In sample: chosen with data of the years judged", face="white"),
        mark("D", "Published", 4),
        Line2D([], [], label="Population", **POPULATION_LINE),
    ]
    if differences:
        handles.append(mark("s", "Difference by pairs", 5.5))
    figure.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(page.x(0.25), page.y(1.02)),
        ncols=len(handles),
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.4,
        handletextpad=0.5,
        handlelength=1.4,
    )
