"""Cuts through a dendrogram: the clusters of a year at a cutoff, and how they are numbered."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from compsim_assets.science.linkage.dendrogram import TIE, Dendrogram


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
    if n == 0:
        return np.empty(0, dtype=np.int64)
    merges = int(merges_within(tree.height, distance))
    parents = np.repeat(np.arange(n, n + merges), 2)
    edges = (np.ones(2 * merges, dtype=np.int8), (tree.children[:merges].ravel(), parents))
    graph = coo_array(edges, shape=(n + merges, n + merges))
    _, component = connected_components(graph, directed=False)
    return order_labels(component[:n])


def order_labels(component: np.ndarray) -> np.ndarray:
    """Renumber components 1, 2, ...: by size, largest first, then by the position of the first member."""
    _, first, inverse, sizes = np.unique(component, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return rank[inverse]


def cluster_frame(years: Iterable[tuple[int, np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Clusters of some years as one frame: `year`, `cluster_id` and `report_id`, its rows in this order too.

    Args:
        years: year, (n,) cluster numbers and (n,) report ids of each.
    """
    none = np.empty(0, dtype=np.int64)
    parts = [(none, none, none), *((np.full(len(ids), year), numbers, ids) for year, numbers, ids in years)]
    names = ["year", "cluster_id", "report_id"]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return pd.DataFrame(dict(zip(names, columns, strict=True))).sort_values(names, ignore_index=True)
