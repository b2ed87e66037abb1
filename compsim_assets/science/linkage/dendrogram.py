"""Single linkage of one year: the minimum spanning tree as an ordered list of merges."""

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import linkage

# Distances closer than this are equal: they differ by the rounding of their dot products. Identical reports,
# orthogonal ones and symmetric years tie exactly, and a tie must not be split or miss a cutoff by 1e-16.
TIE = 1e-12


@dataclass(frozen=True)
class Dendrogram:
    """Merges of n points in ascending distance.

    `children` is (m, 2): nodes below n are points, node n + k is the cluster made by merge k. m is n - 1, or fewer
    where the graph of known distances is not connected.
    `height` is (m,): the cosine distance of each merge, an edge of the minimum spanning tree; equal ones (to `TIE`) are
    the same number.
    """

    n_points: int
    children: np.ndarray
    height: np.ndarray


def single_linkage(condensed: np.ndarray, n_points: int) -> Dendrogram:
    """Single linkage from condensed distances, by scipy's exact O(n^2) minimum-spanning-tree algorithm.

    Args:
        condensed: (n (n - 1) / 2,) distances in `pdist` order; zeros (duplicates) are ordinary edges.
        n_points: n; 0 and 1 give a tree without merges.

    Cost: O(n^2) time; memory beside the distances n^2 / 2 bytes.
    """
    if n_points < 2:
        return Dendrogram(n_points, np.empty((0, 2), dtype=np.int64), np.empty(0))
    merges = linkage(condensed, method="single")
    return Dendrogram(n_points, merges[:, :2].astype(np.int64), merge_ties(merges[:, 2]))


def merge_ties(height: np.ndarray) -> np.ndarray:
    """Give runs of ascending heights that differ by rounding the run's first value."""
    new = np.diff(height, prepend=-np.inf) > TIE
    return height[new][np.cumsum(new) - 1]


def leaves(tree: Dendrogram) -> tuple[np.ndarray, np.ndarray]:
    """Points in an order that keeps every cluster together, and the number of the merge between each two neighbours.

    The larger part of every merge comes first. Neighbours that never merge have the number behind the last merge.

    Cost: O(n), 1 microsecond per point.
    """
    n, merges = tree.n_points, len(tree.height)
    children, size = tree.children.tolist(), [1] * n
    for left, right in children:
        size.append(size[left] + size[right])
    start = np.zeros(n + merges, dtype=np.int64)
    roots = np.setdiff1d(np.arange(n + merges), tree.children)
    start[roots] = np.cumsum([0, *(size[root] for root in roots[:-1])])
    first, between = start.tolist(), [merges] * (n - 1)
    for merge in range(merges - 1, -1, -1):
        right, left = sorted(children[merge], key=size.__getitem__)
        first[left] = first[n + merge]
        first[right] = first[left] + size[left]
        between[first[right] - 1] = merge
    return np.argsort(first[:n]), np.array(between, dtype=np.int64)
