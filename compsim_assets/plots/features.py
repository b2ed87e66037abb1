"""Figure 1: how large the summed SAE activations are."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compsim_assets.plots.axes import no_data_figure, percent, percent_axis
from compsim_assets.plots.style import BLUE, ORANGE, SKY, TEXT_SIZE, Page, new_figure, styled

_TITLE = "Distribution of SAE feature values"


@styled
def feature_value_histogram(distribution: pd.DataFrame, synthetic: bool) -> Figure:
    """Histogram of all feature values of all reports (paper Fig. 1).

    Nearly half of the values are exactly 0 and some lie far beyond the histogram. As bars they
    would flatten everything else, so a strip above splits all values in three, and the bars below
    show the middle part on a linear scale of its own.

    Args:
        distribution: bin_left, bin_right, count, share (of all values): a row (0, 0) for exact
            zeros, the bins, and a row up to infinity for the values above.
    """
    total = float(distribution["count"].sum()) if len(distribution) else 0.0
    if not total:
        return no_data_figure(_TITLE, "there are no feature values", synthetic)
    zero = distribution["bin_right"] == 0
    above = np.isinf(distribution["bin_right"].astype(float))
    bins = distribution[~zero & ~above].sort_values("bin_left")
    limit = float(bins["bin_right"].max()) if len(bins) else 0.0
    shares = [100 * float(distribution.loc[rows, "share"].sum()) for rows in (zero, ~zero & ~above, above)]

    figure, (strip, axes) = new_figure(
        _TITLE,
        f"One value per report and latent: the sum of its activations over the tokens. {_count(total)} values.",
        page=Page(height=6.0, top=1.35, row_gap=0.4, bottom=0.95),
        rows=2,
        heights=(0.3, 4.0),
        synthetic=synthetic,
    )
    names = ("exactly 0", f"between 0 and {limit:g}, drawn below", f"above {limit:g}")
    _strip(strip, shares, names)
    _bars(axes, bins, limit)
    return figure


def _strip(axes: Axes, shares: list[float], names: tuple[str, str, str]) -> None:
    """All values as one bar in three parts; a legend, since a thin part has no room for a label."""
    left = 0.0
    for share, name, colour in zip(shares, names, (SKY, BLUE, ORANGE), strict=True):
        label = f"{percent(share, 1)} {name}"
        axes.barh(0, share, left=left, height=1, color=colour, edgecolor="white", label=label)
        left += share
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.5, 0.5)
    axes.set_axis_off()
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.15),
        ncols=3,
        borderpad=0,
        borderaxespad=0,
        columnspacing=3.0,
        handlelength=0.9,
        handleheight=0.9,
        prop={"weight": "bold", "size": TEXT_SIZE + 0.5},
    )


def _bars(axes: Axes, bins: pd.DataFrame, limit: float) -> None:
    edges = np.append(bins["bin_left"].to_numpy(float), limit)
    heights = 100 * bins["share"].to_numpy(float)
    axes.stairs(heights, edges, fill=True, color=BLUE, gid="histogram")
    axes.set_xlim(0, limit or 1)
    axes.set_ylim(0, 1.06 * heights.max() if len(heights) and heights.max() > 0 else 1)
    axes.set_xlabel("Feature value (sum of activations)")
    width = limit / len(bins) if len(bins) else 0
    axes.set_ylabel(f"Share of all values per bin of {width:g}")
    percent_axis(axes)


def _count(total: float) -> str:
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if total >= size:
            return f"{total / size:.2f} {word}"
    return f"{total:,.0f}"
