"""Spanning trees as lists of edges: the minimum one, its dendrogram, the bottleneck between two points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csgraph, csr_array

from compsim_assets.science.linkage.dendrogram import Dendrogram, merge_ties


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
    _, once = np.unique(given.first * n_points + given.second, return_index=True)
    order = once[np.argsort(given.distance[once], kind="stable")]
    # Ranks instead of distances: scipy takes an edge of length 0 for none, and ranks do not tie.
    ends = (given.first[order], given.second[order])
    graph = csr_array((np.arange(1.0, len(order) + 1), ends), shape=(n_points, n_points))
    rank = np.sort(csgraph.minimum_spanning_tree(graph, overwrite=True).data).astype(np.int64)
    return given.at(order[rank - 1])


def dendrogram(n_points: int, tree: Edges) -> Dendrogram:
    """Single linkage from the ascending edges of a minimum spanning tree or forest.

    Cost: O(n log n), 2 microseconds per point (union by size on Python lists).
    """
    parent, size, node = list(range(n_points)), [1] * n_points, list(range(n_points))
    children = []
    for merge, (a, b) in enumerate(zip(tree.first.tolist(), tree.second.tolist(), strict=True)):
        while parent[a] != a:
            parent[a] = a = parent[parent[a]]
        while parent[b] != b:
            parent[b] = b = parent[parent[b]]
        larger, smaller = (a, b) if size[a] >= size[b] else (b, a)
        children.append((node[larger], node[smaller]))
        parent[smaller], node[larger] = larger, n_points + merge
        size[larger] += size[smaller]
    pairs = np.sort(np.array(children, dtype=np.int64).reshape(-1, 2), axis=1)
    return Dendrogram(n_points, pairs, merge_ties(tree.distance))


class Bottlenecks:
    """The longest edge on the path between two points of a spanning tree: the largest gap between their leaves.

    Args:
        order: (n,) points in the order of the leaves.
        gap: (n - 1,) what neighbours in that order are joined by, ascending as the merges are.

    Cost: O(n log n) to make, 8 n log2(n) bytes; O(1) per pair.
    """

    def __init__(self, order: np.ndarray, gap: np.ndarray, device: torch.device) -> None:
        n = len(order)
        self._position = torch.empty(n, dtype=torch.int64)
        self._position[torch.from_numpy(order)] = torch.arange(n)
        self._position = self._position.to(device)
        # Row k: the largest of the 2^k gaps from each position on.
        table = torch.zeros(max(n - 1, 1).bit_length(), n, dtype=torch.float64)
        table[0, : n - 1] = torch.from_numpy(gap)
        for k in range(1, len(table)):
            half = 1 << (k - 1)
            table[k, : n - half] = torch.maximum(table[k - 1, : n - half], table[k - 1, half:])
        self._table = table.flatten().to(device)
        to_first = torch.zeros(n, dtype=torch.float64)
        to_first[torch.from_numpy(order[1:])] = torch.from_numpy(np.maximum.accumulate(gap))
        self.to_first = to_first.to(device)

    def between(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """(m,) bottlenecks of the pairs of different points a, b. Never above the larger of their `to_first`."""
        low, high = self._position[a], self._position[b]
        low, high = torch.minimum(low, high), torch.maximum(low, high)
        level = torch.frexp((high - low).double()).exponent.long() - 1
        row = level * len(self._position)
        return torch.maximum(self._table[row + low], self._table[row + high - (1 << level)])
