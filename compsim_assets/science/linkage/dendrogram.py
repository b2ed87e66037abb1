"""Single linkage of one year: the minimum spanning tree as an ordered list of merges, and cuts through it."""

from dataclasses import dataclass

import numpy as np

# Distances closer than this are equal: they differ by the rounding of their dot products. Identical reports,
# orthogonal ones and symmetric years tie exactly, and a tie must not be split or miss a cutoff by 1e-16.
TIE = 1e-12
# A year is linked from a list of its distances where that takes no more than this: up to 10,900 companies. Beyond, the
# blocked way is also the faster one (8,000 companies, P = 4,000: 5.4 s of one core against 7.6 s).
DENSE_BYTES = 1 << 29


@dataclass(frozen=True)
class Dendrogram:
    """Merges of n points in ascending distance.

    `children` is (m, 2): nodes below n are points, node n + k is the cluster made by merge k. m is n - 1, or fewer where
    the graph of known distances is not connected.
    `height` is (m,): the cosine distance of each merge, an edge of the minimum spanning tree; equal
    distances (to `TIE`) are the same number.
    """

    n_points: int
    children: np.ndarray
    height: np.ndarray


def fits_dense(n_points: int, dense_bytes: int = DENSE_BYTES) -> bool:
    """Whether n points' condensed distances (4 n^2 bytes) and scipy's check of them (n^2 / 2) fit."""
    return n_points**2 * 9 // 2 <= dense_bytes


def single_linkage(condensed: np.ndarray, n_points: int) -> Dendrogram:
    """Single linkage from condensed distances, by scipy's exact O(n^2) minimum-spanning-tree algorithm.

    Args:
        condensed: (n (n - 1) / 2,) distances in `pdist` order; zeros (duplicates) are ordinary edges.
        n_points: n; 0 and 1 give a tree without merges.

    Cost: O(n^2) time; memory beside the distances n^2 / 2 bytes.
    """
    if n_points < 2:
        return Dendrogram(n_points, np.empty((0, 2), dtype=np.int64), np.empty(0))
    from scipy.cluster.hierarchy import linkage

    merges = linkage(condensed, method="single")
    return Dendrogram(n_points, merges[:, :2].astype(np.int64), merge_ties(merges[:, 2]))


def merge_ties(height: np.ndarray) -> np.ndarray:
    """Give runs of ascending heights that differ by rounding the run's first value."""
    new = np.diff(height, prepend=-np.inf) > TIE
    return height[new][np.cumsum(new) - 1]


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
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = tree.n_points
    if n == 0:
        return np.empty(0, dtype=np.int64)
    kept = int(merges_within(tree.height, distance))
    parents = np.repeat(np.arange(n, n + kept), 2)
    edges = (np.ones(2 * kept, dtype=np.int8), (tree.children[:kept].ravel(), parents))
    graph = coo_array(edges, shape=(n + kept, n + kept))
    _, component = connected_components(graph, directed=False)
    return order_labels(component[:n])


def order_labels(component: np.ndarray) -> np.ndarray:
    """Renumber components 1, 2, ...: by size, largest first, then by the position of the first member."""
    _, first, inverse, sizes = np.unique(component, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return rank[inverse]
