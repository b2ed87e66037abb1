"""Spanning trees as lists of edges: the minimum one, and its dendrogram."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compsim_assets.science.linkage.dendrogram import Dendrogram, merged
from compsim_assets.science.ties import TIE


@dataclass(frozen=True)
class Edges:
    """m edges between points: `first` < `second` (m,) int64 positions, `distance` (m,) float64."""

    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray

    def __len__(self) -> int:
        return len(self.distance)

    def at(self, where: np.ndarray) -> "Edges":
        """The edges at these positions, or where a mask is true."""
        return Edges(self.first[where], self.second[where], self.distance[where])


def edges(a: np.ndarray, b: np.ndarray, distance: np.ndarray) -> Edges:
    """Edges a-b in either direction."""
    return Edges(np.minimum(a, b), np.maximum(a, b), distance)


def joined(parts: Sequence[Edges]) -> Edges:
    """All edges of some lists, duplicates kept."""
    none = np.empty(0, dtype=np.int64)
    return Edges(
        np.concatenate([none, *(part.first for part in parts)]),
        np.concatenate([none, *(part.second for part in parts)]),
        np.concatenate([np.empty(0), *(part.distance for part in parts)]),
    )


def minimum_spanning_tree(n_points: int, given: Edges) -> Edges:
    """Kruskal's tree: shortest edges first, equal ones by their points; ascending in that order.

    Any tree or forest that contains a minimum one of these edges gives the same bottlenecks. Trees of parts of
    the edges may therefore be merged: the tree of a union is the tree of the union of the trees.

    Cost: O(m log m) time, about 100 m bytes.
    """
    # Years whose distances are listed need no scipy, which takes a second to import.
    from scipy.sparse import csgraph, csr_array

    _, once = np.unique(given.first * n_points + given.second, return_index=True)
    order = once[np.argsort(given.distance[once], kind="stable")]
    # Ranks instead of distances: scipy takes an edge of length 0 for none, and ranks do not tie.
    ends = (given.first[order], given.second[order])
    graph = csr_array((np.arange(1.0, len(order) + 1), ends), shape=(n_points, n_points))
    rank = np.sort(csgraph.minimum_spanning_tree(graph, overwrite=True).data).astype(np.int64)
    return given.at(order[rank - 1])


def dendrogram(n_points: int, tree: Edges) -> Dendrogram:
    """Single linkage from the ascending edges of a minimum spanning tree or forest; see `merged`."""
    return merged(n_points, tree.first, tree.second, tree.distance)


def with_settled_ties(n_points: int, tree: Edges) -> Edges:
    """The same merges whichever of several equal edges an ascending tree happens to have.

    Edges in a tie (to `TIE`) become those from the smallest point of each cluster that they make to the smallest points
    of its parts, at their distance, to 12 decimals. Other edges stay.

    Cost: O(n log n).
    """
    parent = list(range(n_points))

    def smallest(point: int) -> int:
        while parent[point] != point:
            parent[point] = point = parent[parent[point]]
        return point

    distance = tree.distance.copy()
    ends = list(zip(tree.first.tolist(), tree.second.tolist(), strict=True))
    starts = np.flatnonzero(np.diff(tree.distance, prepend=-np.inf) > TIE)
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(ends)], strict=False):
        parts = [smallest(point) for edge in ends[start:stop] for point in edge]
        for a, b in ends[start:stop]:
            low, high = sorted((smallest(a), smallest(b)))
            parent[high] = low
        if stop - start > 1:
            distance[start:stop] = np.round(distance[start], 12)
            ends[start:stop] = sorted((smallest(part), part) for part in {*parts} if smallest(part) != part)
    first, second = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    return Edges(first, second, distance)
