"""Single linkage against connected components of the thresholded graph of all pairs."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import squareform

from compsim_assets.science.linkage.dendrogram import (
    Dendrogram,
    cut,
    fits_dense,
    merges_within,
    order_labels,
    single_linkage,
)
from compsim_assets.science.linkage.distance import YearDistances, unit_rows
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, universes

CUTOFFS = [-1.0, 0.0, 0.05, 0.2, 0.5, 0.9, 1.0, 1.3, 1.7, 2.0]


def link(scores: np.ndarray) -> Dendrogram:
    return single_linkage(YearDistances().of(unit_rows(scores)), len(scores))


@examples(60)
@given(universes(max_years=1, max_reports=14))
def test_cut_is_the_components_of_the_thresholded_graph(universe: Universe) -> None:
    year = universe.year_pairs()[0]
    tree = link(universe.scores)
    for cutoff in [*CUTOFFS, *year.distance]:
        kept = [p for p, d in zip(year.pairs, year.distance, strict=True) if d <= cutoff + oracles.TIE]
        assert oracles.partition(cut(tree, cutoff)) == oracles.partition(oracles.components(year.n, kept))


@examples(40)
@given(universes(max_years=1, max_reports=14), st.lists(st.floats(0, 2), min_size=2, max_size=10))
def test_partitions_are_nested(universe: Universe, cutoffs: list[float]) -> None:
    tree = link(universe.scores)
    finer = None
    for cutoff in sorted(cutoffs):
        coarser = oracles.partition(cut(tree, cutoff))
        if finer is not None:
            assert all(any(small <= large for large in coarser) for small in finer)
        finer = coarser


@examples(40)
@given(universes(max_years=1, max_reports=14), st.randoms(use_true_random=False))
def test_order_of_reports_does_not_matter(universe: Universe, random: Random) -> None:
    n = len(universe.scores)
    order = list(range(n))
    random.shuffle(order)
    tree, other = link(universe.scores), link(universe.scores[order])
    for cutoff in CUTOFFS:
        back = {frozenset(order[position] for position in members) for members in oracles.partition(cut(other, cutoff))}
        assert back == oracles.partition(cut(tree, cutoff))


def test_heights_are_the_edges_of_a_minimum_spanning_tree() -> None:
    distances = YearDistances().of(unit_rows(np.random.default_rng(0).normal(size=(60, 5))))
    tree = single_linkage(distances, 60)
    expected = np.sort(minimum_spanning_tree(squareform(distances)).data)
    np.testing.assert_allclose(tree.height, expected, rtol=0, atol=0)
    assert (np.diff(tree.height) >= 0).all()


def test_children_form_one_tree_over_all_points() -> None:
    tree = link(np.random.default_rng(1).normal(size=(30, 4)))
    # Every point and every merge but the last is the child of exactly one merge that comes after it.
    assert sorted(tree.children.ravel().tolist()) == list(range(58))
    assert (tree.children < np.arange(30, 59)[:, None]).all()


def test_duplicates_are_ordinary_edges_of_length_zero() -> None:
    scores = np.repeat(np.random.default_rng(3).normal(size=(4, 23)), 5, axis=0)
    tree = link(scores)
    # One number, to the bit, although the products differ in the last one.
    assert len(set(tree.height[:16].tolist())) == 1
    assert tree.height[0] == pytest.approx(0, abs=1e-12)
    assert oracles.partition(cut(tree, 0.0)) == oracles.partition(np.repeat(range(4), 5))


def test_ties_join_distances_that_differ_by_rounding_only() -> None:
    distances = np.array([0.3 + 2e-16, 0.9, 0.3])
    tree = single_linkage(distances, 3)
    assert len(set(tree.height.tolist())) == 1
    assert cut(tree, 0.1 + 0.2).tolist() == cut(tree, 0.3 - 1e-16).tolist() == [1, 1, 1]
    apart = single_linkage(np.array([0.3, 0.9, 0.3 + 1e-9]), 3)
    assert len(set(apart.height.tolist())) == 2
    assert cut(apart, 0.3).tolist() == [1, 1, 2]


def test_merges_within_counts_edges_up_to_and_at_the_cutoff() -> None:
    height = np.array([0.1, 0.2, 0.2, 0.5])
    cutoffs = np.array([0.0, 0.1, 0.15, 0.2, 0.4999, 0.5, 2.0])
    assert merges_within(height, cutoffs).tolist() == [0, 1, 1, 3, 3, 4, 4]


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_points(n: int) -> None:
    tree = single_linkage(np.empty(0), n)
    assert tree.children.shape == (0, 2)
    assert tree.height.shape == (0,)
    assert cut(tree, 1.0).tolist() == [1] * n


def test_clusters_are_numbered_by_size_then_by_first_member() -> None:
    assert order_labels(np.array([7, 3, 3, 9, 7, 5, 9, 9])).tolist() == [2, 3, 3, 1, 2, 4, 1, 1]
    assert order_labels(np.array([2, 1, 0])).tolist() == [1, 2, 3]


def test_a_year_is_listed_where_its_distances_and_their_check_fit() -> None:
    assert fits_dense(1000, 4_500_000)
    assert not fits_dense(1000, 4_499_999)
    assert fits_dense(10_000)
    assert not fits_dense(20_000)
