"""Single linkage of one year in tiles, at two sizes so that growth shows; the published way at a size it can do."""

import dataclasses

import numpy as np
import torch

from benchmarks import published
from benchmarks.inputs import SIZES, yearly_scores
from benchmarks.measure import Row, timed
from compsim_assets.science.linkage.blocked import BLOCK, PartialTree, merge_shares, spanning_tree_of_share

# Companies and axes. On a GPU the larger year is five times as large.
YEARS = {"small": (5_000, 256), "paper": (20_000, 4_000)}
GPU_COMPANIES = 100_000
PUBLISHED_COMPANIES = 1_500
FLOOR_TILES = 45


def rows(size: str, device: str) -> list[Row]:
    """Half of the companies, then all of them."""
    n, n_axes = YEARS[size]
    if size == "paper" and device == "cuda":
        n = GPU_COMPANIES
    scores = _scores(n, n_axes)
    seconds, difference = _published(scores[:PUBLISHED_COMPANIES], device)
    return [
        _row(scores[:count], device, seconds * (count / PUBLISHED_COMPANIES) ** 2, difference) for count in (n // 2, n)
    ]


def _scores(n: int, n_axes: int) -> np.ndarray:
    shape = dataclasses.replace(SIZES["paper"], reports=n, years=1, axes=n_axes)
    return yearly_scores(shape)[0]


def _row(scores: np.ndarray, device: str, published_seconds: float, difference: float) -> Row:
    n, n_axes = scores.shape
    measured = timed(lambda: _linked(scores, device))
    part = measured.result
    return Row(
        job="single linkage of a year, in tiles",
        size=f"{n:,} companies, P = {n_axes:,}",
        ours=measured.seconds,
        published=published_seconds,
        floor=floor_of_products(scores, device),
        peak=measured.peak,
        difference=difference,
        note=f"{part.seen / n:.1f} n pairs in float64, {part.merges} trees; floor: half of the float32 product; "
        f"published: timed at {PUBLISHED_COMPANIES:,}, scaled by n^2",
    )


def _linked(scores: np.ndarray, device: str) -> PartialTree:
    part = spanning_tree_of_share(scores, device)
    merge_shares([part])
    return part


def floor_of_products(scores: np.ndarray, device: str) -> float:
    """Seconds of the products of all pairs in float32, from some tiles of them."""
    size = min(BLOCK[device], len(scores) // 2)
    unit = torch.from_numpy(scores[: min(len(scores), 9 * size)]).to(device)
    starts = range(0, len(unit) - size + 1, size)
    tiles = [(a, b) for a in starts for b in starts if b >= a][:FLOOR_TILES]
    out = torch.empty(size, size, device=device)
    products = timed(lambda: [torch.mm(unit[a : a + size], unit[b : b + size].T, out=out) is None for a, b in tiles])
    return products.seconds * len(scores) ** 2 / 2 / (len(tiles) * size**2)


def _published(scores: np.ndarray, device: str) -> tuple[float, float]:
    """Seconds of pair table and spanning tree, and the largest difference of the trees' edges."""
    n = len(scores)
    returns = np.random.default_rng(0).normal(size=(n, 12))

    theirs = timed(lambda: published.spanning_tree(published.pair_table(scores, returns), n))
    height = merge_shares([spanning_tree_of_share(scores, device)])[0].height
    return theirs.seconds, float(np.abs(np.sort(theirs.result.data) - height).max())
