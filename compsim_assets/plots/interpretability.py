"""Figures 3, 4 and 7: can latents that decide many clusters be explained, and how many do?"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from compsim_assets.plots.axes import ABOVE, beside, no_data_figure, percent, percent_axis
from compsim_assets.plots.methods import method_styles, mode_name
from compsim_assets.plots.style import INK, TEXT_SIZE, Page, new_figure, styled

CHANCE = 50.0  # a fuzz score is right half of the time by guessing
FEW_LATENTS = 5


@styled
def interpretability_over_sparsity(curve: pd.DataFrame, mode: str, synthetic: bool) -> Figure:
    """Mean interpretability of latents strong in at least p % of the clusters, and their number.

    A bin without latents is left out: its mean is unknown, not 0. Chance level is 50.

    Args:
        curve: min_share (per cent), mean_interpretability (0 to 100, NaN without latents),
            n_latents, share_of_latents (0 to 1).
        mode: cutoff mode of the clusters.
    """
    title = f"Interpretability of latents that recur, {mode_name(mode)}"
    drawn = curve[curve["mean_interpretability"].notna() & (curve["n_latents"] > 0)]
    if drawn.empty:
        return no_data_figure(title, "no latent has both a fuzz score and a cluster", synthetic)
    drawn = drawn.sort_values("min_share")
    colour = method_styles([mode])[mode].colour
    figure, (top, bottom) = new_figure(
        title,
        "Latents that are strong in at least p % of the clusters: how well their explanations "
        "predict, and how many are left.",
        page=Page(height=6.6, bottom=1.0),
        rows=2,
        heights=(1.7, 1.0),
        share_x=True,
        note=f"Hollow markers: fewer than {FEW_LATENTS} latents. A share p that no latent reaches has no point.",
        synthetic=synthetic,
    )
    _mean_panel(top, drawn, colour)
    _left_panel(bottom, drawn, colour)
    bottom.set_xlim(-0.8, float(curve["min_share"].max()) + 1.6)
    bottom.set_xlabel("p: strong in at least this share of the clusters")
    percent_axis(bottom, "x")
    return figure


def _mean_panel(axes: Axes, drawn: pd.DataFrame, colour: str) -> None:
    share, mean = drawn["min_share"].to_numpy(float), drawn["mean_interpretability"].to_numpy(float)
    axes.set_title("Mean interpretability (fuzz score, 0 to 100)")
    dots: dict[str, Any] = {"color": colour, "marker": "o", "markersize": 5}
    axes.plot(share, mean, gid="mean-interpretability", linewidth=1.8, **dots)
    few = drawn["n_latents"].to_numpy() < FEW_LATENTS
    axes.plot(share[few], mean[few], gid="few-latents", markerfacecolor="white", linestyle="none", **dots)
    axes.axhline(CHANCE, color=INK, linestyle=(0, (4, 2)), linewidth=1.2, gid="chance")
    axes.set_ylim(min(44.0, float(mean.min()) - 3), max(72.0, float(mean.max()) + 4))
    axes.text(1.0, CHANCE - 0.8, "chance level 50", transform=axes.get_yaxis_transform(), ha="right", va="top")
    axes.set_ylabel("Fuzz score")


def _left_panel(axes: Axes, drawn: pd.DataFrame, colour: str) -> None:
    share = drawn["min_share"].to_numpy(float)
    left = 100 * drawn["share_of_latents"].to_numpy(float)
    axes.set_title("Latents left (log scale), with their number")
    axes.set_yscale("log")
    axes.plot(share, left, color=colour, marker="o", markersize=3.5, gid="share-of-latents")
    for x, y, number in zip(share, left, drawn["n_latents"], strict=True):
        if (x % 5 == 0 or x == share[-1]) and y > 0:
            beside(axes, f"{int(number):,}", (x, y), (2, 6), size=TEXT_SIZE - 0.5)
    axes.set_ylim(float(left[left > 0].min(initial=100.0)) / 1.8, 320)
    decades = [1.0] if left.max() > 20 * left.min() else [1.0, 2.0, 5.0]
    ticks = [digit * 10.0**power for power in range(-4, 3) for digit in decades]
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if tick <= 100]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axes.set_ylabel("Share of scored latents")


@styled
def proportion_of_strong_features(proportions: pd.DataFrame, mode: str, synthetic: bool) -> Figure:
    """Share of candidate latents that are strong in a cluster: by decile, and by cluster size.

    The share grows with the size of the cluster, so a median over clusters that are mostly pairs says little alone.

    Args:
        proportions: one row per cluster with n_members and proportion (strong / candidates, 0 to 1).
        mode: cutoff mode of the clusters.
    """
    title = f"Share of latents that are strong, {mode_name(mode)}"
    drawn = proportions.dropna(subset=["proportion"])
    if drawn.empty:
        return no_data_figure(title, "no cluster of two companies has strong features", synthetic)
    colour = method_styles([mode])[mode].colour
    pairs = int((drawn["n_members"] == 2).sum())
    figure, (left, right) = new_figure(
        title,
        f"Strong latents / candidate latents of each cluster. {len(drawn):,} clusters, {pairs:,} of them pairs.",
        page=Page(height=5.6, top=1.5, bottom=0.95, column_gap=0.95),
        columns=2,
        synthetic=synthetic,
    )
    _decile_panel(left, 100 * drawn["proportion"].to_numpy(float), colour)
    _size_panel(right, drawn, colour)
    return figure


def _decile_panel(axes: Axes, per_cent: np.ndarray, colour: str) -> None:
    counts, edges = np.histogram(per_cent, bins=np.linspace(0, 100, 11))
    heights = 100 * counts / len(per_cent)
    axes.set_title("By decile", pad=22)
    bars = axes.bar(edges[:-1], heights, width=10, align="edge", color=colour, alpha=0.55, edgecolor="white")
    median = float(np.median(per_cent))
    for bar, height in zip(bars, heights, strict=True):
        bar.set_gid("decile")
        if height > 0:
            _label_bar(axes, bar.get_x() + 5, height, median)
    axes.axvline(median, color=INK, linewidth=1.6, linestyle=(0, (4, 1.5)), gid="median")
    align = "left" if median < 70 else "right"
    beside(axes, f"median {percent(median, 1)}", (median, 1), (0, 4), ABOVE, ha=align, weight="bold")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 1.1 * heights.max())
    axes.xaxis.set_major_locator(FixedLocator(range(0, 101, 20)))
    axes.set_xlabel("Share of candidate latents that are strong")
    axes.set_ylabel("Share of clusters")
    percent_axis(axes, "x")
    percent_axis(axes)


def _label_bar(axes: Axes, middle: float, height: float, median: float) -> None:
    """The height above a bar, beside the median line where that would cross it."""
    x, align = middle, "center"
    if abs(median - middle) < 5:
        x, align = (median + 0.8, "left") if median < middle else (median - 0.8, "right")
    text = percent(height, 1 if height < 9.95 else 0)
    beside(axes, text, (x, height), (0, 3), ha=align, size=TEXT_SIZE - 1)


def _size_panel(axes: Axes, drawn: pd.DataFrame, colour: str) -> None:
    size, per_cent = drawn["n_members"].to_numpy(float), 100 * drawn["proportion"].to_numpy(float)
    axes.set_title("By cluster size (log scale)", pad=22)
    axes.set_xscale("log", base=2)
    dots: dict[str, Any] = {"alpha": 0.4, "markersize": 6, "zorder": 3, "markeredgewidth": 0, "clip_on": False}
    axes.plot(size, per_cent, "o", color=colour, gid="clusters", label="One cluster", **dots)
    octave = np.floor(np.log2(size))
    medians = pd.DataFrame({"octave": octave, "size": size, "value": per_cent}).groupby("octave").median()
    look: dict[str, Any] = {"color": INK, "markersize": 4, "linewidth": 1.4, "zorder": 2.5}
    label = "Median of sizes 2–3, 4–7, 8–15, ..."
    axes.plot(medians["size"], medians["value"], "-D", gid="size-medians", label=label, **look)
    ticks = [2.0**k for k in range(1, max(int(octave.max()) + 2, 3))]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(2**0.8, max(ticks[-1], 4) * 1.05)
    axes.set_ylim(0, max(5.0, 1.08 * per_cent.max()))
    axes.set_xlabel("Companies in the cluster")
    axes.set_ylabel("Share of candidate latents that are strong")
    percent_axis(axes)
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2, "borderpad": 0}
    axes.legend(ncols=2, handlelength=1.4, columnspacing=1.2, **place)
