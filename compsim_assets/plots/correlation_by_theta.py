"""MeanCorr against the cutoff, one panel per year."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from compsim_assets.plots.axes import legend_above, no_data_figure, signed
from compsim_assets.plots.methods import MethodStyle, method_styles
from compsim_assets.plots.style import INK, POPULATION_LINE, SKY, Page, new_figure, styled

_TITLE = "Return correlation within clusters against the cutoff"
_LOWEST_THETA = -5.0  # where the searched lattice starts
_LINES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("pair_weighted_mean_correlation", "by-pairs", {"color": SKY, "linewidth": 1.0}),
    ("mean_correlation", "mean-correlation", {"color": INK, "linewidth": 1.3}),
)


@styled
def mean_correlation_by_theta(
    curve: pd.DataFrame, cutoffs: Mapping[str, pd.DataFrame], population: "pd.Series[float]", synthetic: bool
) -> Figure:
    """MeanCorr as a step function of theta, one panel per year, with each mode's theta.

    Args:
        curve: year, theta, mean_correlation, pair_weighted_mean_correlation; a row holds from its
            theta to the year's next row.
        cutoffs: mode -> frame with year and theta.
        population: mean correlation of all pairs, indexed by year.
    """
    if curve.empty:
        return no_data_figure(_TITLE, "no year has two reports to merge", synthetic)
    years = sorted(curve["year"].astype(int).unique())
    columns = min(5, len(years))
    rows = -(-len(years) // columns)
    styles = method_styles(cutoffs)
    page = Page(height=2.1 + rows * (1.45 if rows > 1 else 2.6), top=1.45, bottom=0.9, row_gap=0.36, column_gap=0.16)
    figure, panels = new_figure(
        _TITLE,
        f"One panel a year; the exact step function. Below {signed(_LOWEST_THETA, 0)} nothing is searched.",
        page=page,
        rows=rows,
        columns=columns,
        share_x=True,
        share_y=True,
        synthetic=synthetic,
    )
    window = _window(curve, cutoffs)
    for axes, year in zip(panels, years, strict=False):
        _panel(axes, curve[curve["year"].astype(int) == year], window, population.get(year, np.nan))
        _marks(axes, year, cutoffs, styles)
    panels[0].set_ylim(*_range_within(curve, population, window[0]))
    _trim_grid(panels, len(years), columns)
    figure.text(0.5, page.y(-0.5), "Cutoff theta (standardised cosine distance)", ha="center")
    middle = (page.y(page.top) + page.y(-page.bottom)) / 2
    figure.text(page.x(0.25), middle, "Correlation", rotation=90, va="center", ha="center")
    _legend(figure, page, cutoffs, styles)
    return figure


def _window(curve: pd.DataFrame, cutoffs: Mapping[str, pd.DataFrame]) -> tuple[float, float]:
    """The x range: the searched lattice, cut where every year has become one cluster."""
    thetas = [frame["theta"].dropna() for frame in cutoffs.values()]
    marks = pd.concat([curve["theta"], *thetas]).astype(float)
    low = max(float(marks.min()) - 0.2, _LOWEST_THETA)
    low = min([low, *(float(theta.min()) - 0.1 for theta in thetas if len(theta))])
    return low, max(float(marks.max()), low) + 0.4


def _panel(axes: Axes, steps: pd.DataFrame, window: tuple[float, float], population: float) -> None:
    """MeanCorr and its pair-weighted twin as steps, and the level of all pairs."""
    low, high = window
    steps = steps.sort_values("theta")
    # The last step goes on to the right; the step that holds at the left edge starts there.
    theta = np.append(steps["theta"].to_numpy(float), high)
    for column, gid, look in _LINES:
        value = steps[column].to_numpy(float)
        axes.plot(theta, np.append(value, value[-1]), drawstyle="steps-post", gid=gid, **look)
    if np.isfinite(population):
        axes.axhline(population, gid="population", **POPULATION_LINE)
    axes.set_xlim(low, high)


def _marks(axes: Axes, year: int, cutoffs: Mapping[str, pd.DataFrame], styles: dict[str, MethodStyle]) -> None:
    """The thetas of one year; a value is written where it changes from year to year."""
    axes.set_title(str(year), pad=4)
    written = 0
    for mode, frame in cutoffs.items():
        theta = frame.loc[frame["year"].astype(int) == year, "theta"].dropna()
        if theta.empty:
            continue
        value, colour = float(theta.iloc[0]), styles[mode].colour
        axes.axvline(value, color=colour, linewidth=1.4, gid=f"theta:{mode}", zorder=1.5)
        if frame["theta"].nunique() > 1:
            axes.text(1 - 0.24 * written, 1.04, signed(value), transform=axes.transAxes, ha="right", color=colour)
            written += 1


def _range_within(curve: pd.DataFrame, population: "pd.Series[float]", low: float) -> tuple[float, float]:
    """The y range of what holds at or right of `low`, with a margin."""
    shown = [population.astype(float).to_numpy()]
    for _, steps in curve.groupby("year"):
        steps = steps.sort_values("theta")
        first = max(int((steps["theta"] <= low).sum()) - 1, 0)
        shown.append(steps[[column for column, _, _ in _LINES]].iloc[first:].to_numpy(float).ravel())
    every = np.concatenate(shown)
    every = every[np.isfinite(every)]
    if not every.size:
        return 0.0, 1.0
    margin = 0.06 * max(float(np.ptp(every)), 0.1)
    return min(float(every.min()) - margin, 0.0), float(every.max()) + margin


def _trim_grid(panels: list[Axes], used: int, columns: int) -> None:
    """Take the last row's empty cells away; the panels above them get their tick labels back."""
    for axes in panels[used:]:
        axes.remove()
    for axes in panels[max(used - columns, 0) : used]:
        axes.tick_params(labelbottom=True)


def _legend(figure: Figure, page: Page, cutoffs: Mapping[str, pd.DataFrame], styles: dict[str, MethodStyle]) -> None:
    """One line above the panels; a theta that changes is written at each panel's corner."""
    handles = [
        Line2D([], [], color=INK, linewidth=1.3, label="MeanCorr"),
        Line2D([], [], color=SKY, linewidth=1.0, label="By pairs"),
        Line2D([], [], label="Population", **POPULATION_LINE),
    ]
    for mode, frame in cutoffs.items():
        theta = frame["theta"].dropna()
        label = f"{mode.replace('_', '-').capitalize()} theta"
        if theta.nunique() <= 1:
            label += f" {signed(float(theta.iloc[0]))}" if len(theta) else " (none)"
        handles.append(Line2D([], [], color=styles[mode].colour, linewidth=1.4, label=label))
    legend_above(figure, page, handles, 0.98, columnspacing=1.6, handlelength=1.8)
