"""Minimum spanning trees of edge lists, their dendrograms and bottlenecks, against scipy and walks in the tree."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import squareform

from compsim_assets.science.linkage.bottlenecks import Bottlenecks
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import leaves, single_linkage
from compsim_assets.science.linkage.spanning_tree import Edges, dendrogram, edges, joined, minimum_spanning_tree
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import examples


def all_edges(n: int, distance: np.ndarray) -> Edges:
    a, b = np.triu_indices(n, k=1)
    return edges(b, a, distance)


@st.composite
def complete_graphs(draw: st.DrawFn) -> tuple[int, np.ndarray]:
    """Distances of all pairs, some of them equal or zero."""
    n = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([2, 5, 1000]))
    return n, rng.integers(0, levels, n * (n - 1) // 2) / 10


@examples(30)
@given(complete_graphs())
def test_cuts_are_those_of_single_linkage(graph: tuple[int, np.ndarray]) -> None:
    n, distance = graph
    tree = dendrogram(n, minimum_spanning_tree(n, all_edges(n, distance)))
    expected = single_linkage(distance, n)
    np.testing.assert_array_equal(tree.height, expected.height)
    for cutoff in [-1.0, *distance]:
        assert cut(tree, cutoff).tolist() == cut(expected, cutoff).tolist()


@examples(30)
@given(complete_graphs(), st.integers(1, 4))
def test_the_tree_of_a_union_is_the_tree_of_the_trees(graph: tuple[int, np.ndarray], n_parts: int) -> None:
    n, distance = graph
    whole = all_edges(n, distance)
    part = np.arange(len(whole)) % n_parts
    trees = [
        minimum_spanning_tree(n, Edges(whole.first[part == k], whole.second[part == k], distance[part == k]))
        for k in range(n_parts)
    ]
    merged, direct = minimum_spanning_tree(n, joined(trees)), minimum_spanning_tree(n, whole)
    assert len(direct) == n - 1
    for name in ("first", "second", "distance"):
        assert getattr(merged, name).tolist() == getattr(direct, name).tolist()


@examples(30)
@given(complete_graphs())
def test_bottlenecks_are_the_distances_at_which_points_come_together(graph: tuple[int, np.ndarray]) -> None:
    n, distance = graph
    tree = minimum_spanning_tree(n, all_edges(n, distance))
    order, merge = leaves(dendrogram(n, tree))
    gap = tree.distance[merge]
    assert sorted(order.tolist()) == list(range(n))
    found = Bottlenecks(order, gap, torch.device("cpu"))
    a, b = np.triu_indices(n, k=1)
    between = found.between(torch.from_numpy(b), torch.from_numpy(a)).numpy()
    to_first = found.to_first.numpy()
    assert (between <= np.maximum(to_first[a], to_first[b])).all()
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    for height in np.unique(distance):
        kept = [pair for pair, d in zip(pairs, distance, strict=True) if d <= height]
        label = oracles.components(n, kept)
        assert ((label[a] == label[b]) == (between <= height)).all()


def test_leaves_begin_in_the_largest_cluster() -> None:
    # Three points within 0.1, two within 0.2, all within 0.9.
    square = np.full((5, 5), 0.9)
    square[1:4, 1:4], square[np.ix_([0, 4], [0, 4])] = 0.1, 0.2
    np.fill_diagonal(square, 0)
    tree = minimum_spanning_tree(5, all_edges(5, squareform(square)))
    order, merge = leaves(dendrogram(5, tree))
    assert set(order[:3].tolist()) == {1, 2, 3}
    assert tree.distance[merge].tolist() == [0.1, 0.1, 0.9, 0.2]


@pytest.mark.parametrize("n", [0, 1])
def test_no_edges(n: int) -> None:
    tree = dendrogram(n, minimum_spanning_tree(n, joined([])))
    assert (tree.n_points, tree.children.shape) == (n, (0, 2))
    assert [len(part) for part in leaves(tree)] == [n, 0]
