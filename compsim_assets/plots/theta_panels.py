"""The panels of MeanCorr against theta, one a year."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from compsim_assets.plots.axes import signed
from compsim_assets.plots.methods import MethodStyle
from compsim_assets.plots.style import BLACK, INK, SKY, Page

LOWEST_THETA = -5.0  # where the searched lattice starts


def theta_window(curve: pd.DataFrame, cutoffs: dict[str, pd.DataFrame]) -> tuple[float, float]:
    """The x range: the searched lattice, cut where every year has become one cluster."""
    chosen = [frame["theta"].dropna() for frame in cutoffs.values()]
    marks = pd.concat([curve["theta"], *chosen]).astype(float)
    low = max(float(marks.min()) - 0.2, LOWEST_THETA)
    low = min([low, *(float(theta.min()) - 0.1 for theta in chosen if len(theta))])
    return low, max(float(marks.max()), low) + 0.4


def theta_panel(axes: Axes, steps: pd.DataFrame, window: tuple[float, float], population: float) -> None:
    """MeanCorr and its pair-weighted twin as steps, and the level of all pairs."""
    low, high = window
    steps = steps.sort_values("theta")
    # The last step goes on to the right; the step that holds at the left edge starts there.
    theta = np.append(steps["theta"].to_numpy(float), high)
    for column, gid, colour, width in (
        ("pair_weighted_mean_correlation", "by-pairs", SKY, 1.0),
        ("mean_correlation", "mean-correlation", INK, 1.3),
    ):
        value = steps[column].to_numpy(float)
        value = np.append(value, value[-1])
        axes.plot(theta, value, drawstyle="steps-post", color=colour, linewidth=width, gid=gid)
    if np.isfinite(population):
        axes.axhline(population, color=BLACK, linestyle=(0, (1, 1.2)), linewidth=1.4, gid="population")
    axes.set_xlim(low, high)


def theta_marks(axes: Axes, year: int, cutoffs: dict[str, pd.DataFrame], styles: dict[str, MethodStyle]) -> None:
    """The chosen thetas of one year; the value is written where it changes from year to year."""
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


def range_within(curve: pd.DataFrame, population: "pd.Series[float]", low: float) -> tuple[float, float]:
    """The y range of what holds at or right of `low`, with a margin."""
    shown = [population.astype(float).to_numpy()]
    for _, steps in curve.groupby("year"):
        steps = steps.sort_values("theta")
        first = max(int((steps["theta"] <= low).sum()) - 1, 0)
        values = steps[["mean_correlation", "pair_weighted_mean_correlation"]].iloc[first:]
        shown.append(values.to_numpy(float).ravel())
    every = np.concatenate(shown)
    every = every[np.isfinite(every)]
    if not every.size:
        return 0.0, 1.0
    margin = 0.06 * max(float(np.ptp(every)), 0.1)
    return min(float(every.min()) - margin, 0.0), float(every.max()) + margin


def trim_grid(panels: list[Axes], used: int, columns: int) -> None:
    """Take the last row's empty cells away; the panels above them get their tick labels back."""
    for axes in panels[used:]:
        axes.remove()
    for axes in panels[max(used - columns, 0) : used]:
        axes.tick_params(labelbottom=True)


def theta_legend(figure: Figure, page: Page, cutoffs: dict[str, pd.DataFrame], styles: dict[str, MethodStyle]) -> None:
    """One line above the panels; a theta that changes is written at each panel's corner."""
    handles = [
        Line2D([], [], color=INK, linewidth=1.3, label="MeanCorr"),
        Line2D([], [], color=SKY, linewidth=1.0, label="By pairs"),
        Line2D([], [], color=BLACK, linestyle=(0, (1, 1.2)), linewidth=1.4, label="Population"),
    ]
    for mode, frame in cutoffs.items():
        theta = frame["theta"].dropna()
        varies = theta.nunique() > 1
        name = mode.replace("_", "-").capitalize()
        label = f"{name} theta" if varies else f"{name} theta {_constant(theta)}"
        handles.append(Line2D([], [], color=styles[mode].colour, linewidth=1.4, label=label))
    figure.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(page.x(0.25), page.y(0.98)),
        ncols=min(len(handles), 6),
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.6,
        handlelength=1.8,
    )


def _constant(theta: "pd.Series[float]") -> str:
    return signed(float(theta.iloc[0])) if len(theta) else "(none)"
