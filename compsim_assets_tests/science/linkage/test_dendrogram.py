"""Single linkage of listed distances: a minimum spanning tree, its ties merged."""

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import squareform

from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import single_linkage
from compsim_assets.science.linkage.distance import YearDistances, unit_rows


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
