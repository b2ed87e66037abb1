"""Single linkage of listed distances: a minimum spanning tree, its ties merged; and what joins two points in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import squareform

from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import joining_merges, merge_ties, merged, range_maxima, single_linkage
from compsim_assets.science.linkage.distance import YearDistances, unit_rows
from compsim_assets_tests.science.strategies import examples


@examples(60)
@given(st.integers(2, 40), st.sampled_from([1, 3, 20, 10**9]), st.integers(0, 2**32 - 1))
def test_merges_are_scipys_tie_for_tie(n: int, levels: int, seed: int) -> None:
    distances = np.random.default_rng(seed).integers(0, levels, n * (n - 1) // 2) / 7
    expected = linkage(distances, method="single")
    tree = single_linkage(distances, n)
    assert tree.children.tolist() == expected[:, :2].astype(int).tolist()
    assert tree.height.tolist() == merge_ties(expected[:, 2]).tolist()


@pytest.mark.parametrize("m", [0, 1, 2, 3, 7, 8, 9])
def test_range_maxima_are_the_largest_of_so_many_values(m: int) -> None:
    values = np.random.default_rng(m).integers(0, 50, m)
    table = range_maxima(values)
    for level, row in enumerate(table):
        assert row.tolist() == [values[start : start + 2**level].max() for start in range(m)]
    # The longest stretch is the larger of two entries of the last row.
    assert len(table) == max(m.bit_length(), 1)


def test_two_points_are_joined_by_the_merge_after_which_they_share_a_cluster() -> None:
    rng = np.random.default_rng(3)
    order = rng.permutation(20)
    # Two trees: each point is joined to an earlier one of its half.
    second = np.array([order[k % 2 + 2 * rng.integers(k // 2)] for k in range(2, 20)])
    tree = merged(20, order[2:], second, np.arange(18) / 10)
    a, b = np.triu_indices(20, 1)
    found = joining_merges(tree, b, a)
    for merge in range(18):
        label = cut(tree, merge / 10)
        assert ((label[a] == label[b]) == (found <= merge)).all()
    assert (found == 18).sum() == 100
    assert joining_merges(tree, a[:0], b[:0]).tolist() == []


def test_heights_are_the_edges_of_a_minimum_spanning_tree() -> None:
    distances = YearDistances().of(unit_rows(np.random.default_rng(0).normal(size=(60, 5))))
    tree = single_linkage(distances, 60)
    expected = np.sort(minimum_spanning_tree(squareform(distances)).data)
    np.testing.assert_allclose(tree.height, expected, rtol=0, atol=0)
    assert (np.diff(tree.height) >= 0).all()


def test_children_form_one_tree_over_all_points() -> None:
    tree = single_linkage(YearDistances().of(np.random.default_rng(1).normal(size=(30, 4))), 30)
    # Every point and every merge but the last is the child of exactly one merge that comes after it.
    assert sorted(tree.children.ravel().tolist()) == list(range(58))
    assert (tree.children < np.arange(30, 59)[:, None]).all()


def test_ties_join_distances_that_differ_by_rounding_only() -> None:
    distances = np.array([0.3 + 2e-16, 0.9, 0.3])
    tree = single_linkage(distances, 3)
    assert len(set(tree.height.tolist())) == 1
    assert cut(tree, 0.1 + 0.2).tolist() == cut(tree, 0.3 - 1e-16).tolist() == [1, 1, 1]
    apart = single_linkage(np.array([0.3, 0.9, 0.3 + 1e-9]), 3)
    assert len(set(apart.height.tolist())) == 2
    assert cut(apart, 0.3).tolist() == [1, 1, 2]
