"""Single linkage of one year: the minimum spanning tree as an ordered list of merges."""

from dataclasses import dataclass

import numpy as np

from compsim_assets.science.ties import TIE


@dataclass(frozen=True)
class Dendrogram:
    """Merges of n points in ascending distance.

    `children` is (m, 2), ascending in each row: nodes below n are points, node n + k is the cluster made by merge k. m
    is n - 1, or fewer where the graph of known distances is not connected.
    `height` is (m,): the cosine distance of each merge, an edge of the minimum spanning tree; equal ones (to `TIE`) are
    the same number.
    """

    n_points: int
    children: np.ndarray
    height: np.ndarray


def merged(n_points: int, first: np.ndarray, second: np.ndarray, distance: np.ndarray) -> Dendrogram:
    """The dendrogram of m edges that join n points, shortest first, none inside a cluster of the earlier ones.

    Cost: O(n log n), 2 microseconds per point (union by size on Python lists).
    """
    parent, size, node = list(range(n_points)), [1] * n_points, list(range(n_points))
    children = []
    for merge, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        while parent[a] != a:
            parent[a] = a = parent[parent[a]]
        while parent[b] != b:
            parent[b] = b = parent[parent[b]]
        larger, smaller = (a, b) if size[a] >= size[b] else (b, a)
        children.append((node[larger], node[smaller]))
        parent[smaller], node[larger] = larger, n_points + merge
        size[larger] += size[smaller]
    pairs = np.sort(np.array(children, dtype=np.int64).reshape(-1, 2), axis=1)
    return Dendrogram(n_points, pairs, merge_ties(distance))


def single_linkage(condensed: np.ndarray, n_points: int) -> Dendrogram:
    """Single linkage from condensed distances: Prim's minimum spanning tree, its edges sorted.

    Args:
        condensed: (n (n - 1) / 2,) distances in `pdist` order; zeros (duplicates) are ordinary edges.
        n_points: n; 0 and 1 give a tree without merges.

    The merges are those of scipy's `linkage`, tie for tie, without the second that importing it takes and without its
    check of all distances.

    Cost: O(n^2) time, as many steps of numpy as points; memory O(n).
    """
    if n_points < 2:
        return Dendrogram(n_points, np.empty((0, 2), dtype=np.int64), np.empty(0))
    row = np.arange(n_points)
    # Where row a begins, less what its first column is: the pair a < b is at `begin[a] + b`.
    begin = n_points * row - row * (row + 1) // 2 - row - 1
    nearest, outside, point = np.full(n_points, np.inf), np.full(n_points, True), 0
    path, distance = [0], []
    for _ in range(n_points - 1):
        outside[point] = False
        before, after = condensed[begin[:point] + point], condensed[begin[point] + row[point + 1 :]]
        np.minimum(nearest[:point], before, out=nearest[:point])
        np.minimum(nearest[point + 1 :], after, out=nearest[point + 1 :])
        nearest[point] = np.inf
        point = int(np.where(outside, nearest, np.inf).argmin())
        path.append(point)
        distance.append(nearest[point])
    order = np.argsort(distance, kind="stable")
    # A point joins the part of the tree it came to; in ascending order that is the cluster of the point before it.
    joined = np.array(path)
    return merged(n_points, joined[:-1][order], joined[1:][order], np.array(distance)[order])


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


def range_maxima(values: np.ndarray) -> np.ndarray:
    """(levels, m) of m values: in row k the largest of the 2^k from each position on, at the end of fewer.

    The largest of any stretch is the larger of two entries. Cost: O(m log m) time and memory.
    """
    levels = [values]
    while 2 ** len(levels) <= len(values):
        half, longer = 2 ** (len(levels) - 1), levels[-1].copy()
        np.maximum(longer[:-half], levels[-1][half:], out=longer[:-half])
        levels.append(longer)
    return np.stack(levels)


def joining_merges(tree: Dendrogram, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m,) the merge that joins the two points of each pair a, b: the latest one between their leaves.

    Of two points that are never joined it is the number behind the last merge. Cost: O(n log n), then O(1) per pair.
    """
    if len(a) == 0:
        return np.empty(0, dtype=np.int64)
    order, between = leaves(tree)
    position = np.argsort(order)
    low, high = np.minimum(position[a], position[b]), np.maximum(position[a], position[b])
    level = np.frexp(high - low)[1] - 1
    table = range_maxima(between)
    return np.maximum(table[level, low], table[level, high - (1 << level)])
