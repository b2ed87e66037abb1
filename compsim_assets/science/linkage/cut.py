"""Cuts through a dendrogram: the clusters of a year at a cutoff, and how they are numbered."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from compsim_assets.science.linkage.dendrogram import Dendrogram
from compsim_assets.science.ties import TIE

if TYPE_CHECKING:
    import pandas as pd


def merges_within(height: np.ndarray, distance: np.ndarray | float) -> np.ndarray:
    """How many of the ascending `height` a cutoff keeps: those not above it, ties included. Shape of `distance`."""
    return np.searchsorted(height, np.asarray(distance) + TIE, side="right")


def cut(tree: Dendrogram, distance: float) -> np.ndarray:
    """Connected components when tree edges longer than `distance` are dropped.

    Returns:
        (n,) cluster ids from 1, the largest cluster first and, among equals, the one that holds the
        earliest point first; singletons included.

    Cost: O(n log n).
    """
    n = tree.n_points
    merges = int(merges_within(tree.height, distance))
    cluster = list(range(n + merges))
    # The latest merges first: what a node is in, its parts are in.
    for node, (left, right) in reversed(list(enumerate(tree.children[:merges].tolist(), start=n))):
        cluster[left] = cluster[right] = cluster[node]
    return order_labels(np.array(cluster[:n], dtype=np.int64))


def order_labels(component: np.ndarray) -> np.ndarray:
    """Renumber components 1, 2, ...: by size, largest first, then by the position of the first member."""
    _, first, inverse, sizes = np.unique(component, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return rank[inverse]


def cluster_columns(years: Iterable[tuple[int, np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    """Clusters of some years: `year`, `cluster_id` and `report_id`, rows in this order too.

    Args:
        years: year, (n,) cluster numbers and (n,) report ids of each.
    """
    none = np.empty(0, dtype=np.int64)
    parts = [(none, none, none), *((np.full(len(ids), year), numbers, ids) for year, numbers, ids in years)]
    year, cluster, report = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((report, cluster, year))
    return {"year": year[order], "cluster_id": cluster[order], "report_id": report[order]}


def cluster_frame(years: Iterable[tuple[int, np.ndarray, np.ndarray]]) -> "pd.DataFrame":
    """`cluster_columns` as a frame."""
    import pandas as pd

    return pd.DataFrame(cluster_columns(years))
