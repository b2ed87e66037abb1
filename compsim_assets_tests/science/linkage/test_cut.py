"""Cuts of single linkage against connected components of the thresholded graph of all pairs."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.linkage.cut import cluster_frame, cut, merges_within, order_labels
from compsim_assets.science.linkage.dendrogram import Dendrogram, single_linkage
from compsim_assets.science.linkage.distance import YearDistances, unit_rows
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, universes

CUTOFFS = [-1.0, 0.0, 0.05, 0.2, 0.5, 0.9, 1.0, 1.3, 1.7, 2.0]


def link(scores: np.ndarray) -> Dendrogram:
    return single_linkage(YearDistances().of(unit_rows(scores)), len(scores))


@examples(30)
@given(universes(max_years=1, max_reports=14))
def test_cut_is_the_components_of_the_thresholded_graph(universe: Universe) -> None:
    year = universe.year_pairs()[0]
    tree = link(universe.scores)
    for cutoff in [*CUTOFFS, *year.distance[::3]]:
        kept = [p for p, d in zip(year.pairs, year.distance, strict=True) if d <= cutoff + oracles.TIE]
        assert oracles.partition(cut(tree, cutoff)) == oracles.partition(oracles.components(year.n, kept))


@examples(20)
@given(universes(max_years=1, max_reports=14), st.lists(st.floats(0, 2), min_size=2, max_size=10))
def test_partitions_are_nested(universe: Universe, cutoffs: list[float]) -> None:
    tree = link(universe.scores)
    finer = None
    for cutoff in sorted(cutoffs):
        coarser = oracles.partition(cut(tree, cutoff))
        if finer is not None:
            assert all(any(small <= large for large in coarser) for small in finer)
        finer = coarser


@examples(20)
@given(universes(max_years=1, max_reports=14), st.randoms(use_true_random=False))
def test_order_of_reports_does_not_matter(universe: Universe, random: Random) -> None:
    n = len(universe.scores)
    order = list(range(n))
    random.shuffle(order)
    tree, other = link(universe.scores), link(universe.scores[order])
    for cutoff in CUTOFFS:
        back = {frozenset(order[position] for position in members) for members in oracles.partition(cut(other, cutoff))}
        assert back == oracles.partition(cut(tree, cutoff))


def test_duplicates_are_ordinary_edges_of_length_zero() -> None:
    scores = np.repeat(np.random.default_rng(3).normal(size=(4, 23)), 5, axis=0)
    tree = link(scores)
    # One number, to the bit, although the products differ in the last one.
    assert len(set(tree.height[:16].tolist())) == 1
    assert tree.height[0] == pytest.approx(0, abs=1e-12)
    assert oracles.partition(cut(tree, 0.0)) == oracles.partition(np.repeat(range(4), 5))


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


def test_a_frame_of_clusters_is_ordered_and_has_whole_numbers_even_when_empty() -> None:
    parts = [(2002, np.array([2, 1, 1]), np.array([7, 9, 8])), (2001, np.array([1]), np.array([3]))]
    frame = cluster_frame(parts)
    assert frame.to_dict("list") == {
        "year": [2001, 2002, 2002, 2002],
        "cluster_id": [1, 1, 1, 2],
        "report_id": [3, 8, 9, 7],
    }
    for empty in (cluster_frame([]), cluster_frame(parts).iloc[:0], frame):
        assert dict(empty.dtypes) == dict.fromkeys(["year", "cluster_id", "report_id"], np.dtype("int64"))
