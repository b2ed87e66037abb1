"""Linkage of lists of pairs: against the thresholded graph and scipy; what pairs are no edges, and ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from compsim_assets.science.cutoffs.pairs import pair_step_function
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import Dendrogram
from compsim_assets.science.linkage.pairs import PairGraph, YearPairs, pair_graph, positions_of, spanning_forest
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.linkage.pair_graphs import CUTOFFS, link, listed, random_pairs, steps, year_pairs
from compsim_assets_tests.science.strategies import examples


def assert_cuts_are_components(graph: PairGraph, tree: Dendrogram, cutoffs: list[float]) -> None:
    year = listed(graph)
    for cutoff in cutoffs:
        kept = [pair for pair, d in zip(year.pairs, year.distance, strict=True) if d <= cutoff + oracles.TIE]
        found = oracles.partition(cut(tree, cutoff))
        assert found == oracles.partition(oracles.components(year.n, kept)), cutoff


@examples(50)
@given(year_pairs())
def test_cut_is_the_components_of_the_thresholded_pairs(pairs: YearPairs) -> None:
    graph = pair_graph(pairs)
    assert_cuts_are_components(graph, link(graph), [*CUTOFFS, *graph.distance])


@examples(40)
@given(year_pairs())
def test_a_forest_has_a_merge_less_than_points_in_each_component(pairs: YearPairs) -> None:
    graph = pair_graph(pairs)
    tree, year = link(graph), listed(graph)
    n, parts = year.n, len(oracles.partition(oracles.components(year.n, year.pairs)))
    assert tree.n_points == n
    assert tree.children.shape == (n - parts, 2)
    assert tree.height.shape == (n - parts,)
    assert (np.diff(tree.height) >= 0).all()
    # Nobody is the child of two merges, nor of an earlier one.
    assert len(set(tree.children.ravel().tolist())) == 2 * (n - parts)
    assert (tree.children < np.arange(n, 2 * n - parts)[:, None]).all()


@pytest.mark.parametrize("kind", ["uniform", "eighths"])
@pytest.mark.parametrize("share", [0.03, 0.3, 1.0])
def test_linking_the_shortest_edges_first_changes_nothing(share: float, kind: str) -> None:
    graph = pair_graph(random_pairs(np.random.default_rng(1), 50, share, kind))
    tree = link(graph, near=1000)
    assert_cuts_are_components(graph, tree, [*CUTOFFS, *tree.height[::3], *(tree.height[::3] - 1e-6)])
    for near in (1, 2, 8):
        other = link(graph, near)
        assert other.height.tolist() == tree.height.tolist()
        for cutoff in tree.height[::2]:
            assert cut(other, cutoff).tolist() == cut(tree, cutoff).tolist()


@pytest.mark.parametrize(("groups", "alone"), [(1, 60), (6, 0), (30, 60), (100, 60)])
def test_dense_groups_are_linked_as_scipy_links_them(groups: int, alone: int) -> None:
    """All pairs of groups far apart, and of points far from everything: the shortest edges join none of them."""
    rng = np.random.default_rng([groups, alone])
    n = 120 + alone
    centre = np.concatenate([100 * rng.normal(size=(groups, 3))[np.arange(120) % groups],
                             1000 * rng.normal(size=(alone, 3))])  # fmt: skip
    condensed = pdist(centre + rng.normal(size=(n, 3)))
    tree = spanning_forest(*np.triu_indices(n, 1), condensed, n)
    truth = linkage(condensed, "single")
    np.testing.assert_array_equal(tree.height, truth[:, 2])
    for height in truth[::7, 2]:
        theirs = fcluster(truth, height, "distance")
        ours = cut(tree, height)
        assert len({*zip(ours, theirs, strict=True)}) == len({*ours}) == len({*theirs})


@examples(25)
@given(year_pairs(), st.integers(0, 2**32 - 1))
def test_order_and_direction_of_pairs_do_not_matter(pairs: YearPairs, seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pairs))
    turned = rng.random(len(pairs)) < 0.5
    other = YearPairs(
        np.where(turned, pairs.report_b, pairs.report_a)[order],
        np.where(turned, pairs.report_a, pairs.report_b)[order],
        pairs.cosine[order],
        pairs.correlation[order],
    )
    graph, other_graph = pair_graph(pairs), pair_graph(other)
    assert other_graph.report_id.tolist() == graph.report_id.tolist()
    assert link(other_graph).height.tolist() == link(graph).height.tolist()
    for cutoff in CUTOFFS:
        assert cut(link(other_graph), cutoff).tolist() == cut(link(graph), cutoff).tolist()
    for name, values in vars(steps(graph)).items():
        np.testing.assert_allclose(getattr(steps(other_graph), name), values, rtol=0, atol=1e-12)


def test_pairs_without_a_correlation_or_a_cosine_are_no_edges() -> None:
    nan = np.nan
    pairs = YearPairs(
        np.array([30, 10, 50, 20, 10]),
        np.array([20, 30, 10, 40, 60]),
        np.array([0.5, 0.75, 1.0, 0.25, nan]),
        np.array([0.1, 0.2, nan, 0.4, 0.5]),
    )
    graph = pair_graph(pairs)
    # 50 and 60 are named by pairs that do not exist.
    assert graph.report_id.tolist() == [10, 20, 30, 40]
    assert (graph.a.tolist(), graph.b.tolist()) == ([2, 0, 1], [1, 2, 3])
    assert graph.distance.tolist() == [0.5, 0.25, 0.75]
    assert graph.correlation.tolist() == [0.1, 0.2, 0.4]
    assert len(pairs) == 5


def test_tied_distances_join_at_once_although_they_differ_by_rounding() -> None:
    ends = np.array([0, 1, 2]), np.array([1, 2, 3])
    tree = spanning_forest(*ends, np.array([0.3, 0.3 + 2e-16, 0.0]), 4)
    assert tree.height.tolist() == [0.0, 0.3, 0.3]
    curve = pair_step_function(tree, *ends, np.array([0.5, 0.7, 0.1]))
    assert curve.position.tolist() == [0.0, 0.3]
    assert curve.mean_correlation.tolist() == pytest.approx([0.1, 1.3 / 3], abs=1e-15)


def test_cosines_above_one_by_rounding_are_distance_zero() -> None:
    pairs = YearPairs(np.array([1, 2]), np.array([2, 3]), np.array([1 + 1e-7, -1 - 1e-7]), np.zeros(2))
    assert pair_graph(pairs).distance.tolist() == [0.0, 2.0]


@pytest.mark.parametrize("n", [0, 1, 5])
def test_no_pairs_at_all(n: int) -> None:
    none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
    tree = spanning_forest(none, none, nothing, n)
    assert tree.children.shape == (0, 2)
    assert cut(tree, 1.0).tolist() == list(range(1, n + 1))
    curve = pair_step_function(tree, none, none, nothing)
    assert len(curve.position) == 0
    assert np.isnan(curve.at(np.array([1.0]))).all()
    assert len(pair_graph(YearPairs(none, none, nothing, nothing)).report_id) == 0


def test_positions_of_ids() -> None:
    known = np.array([3, 7, 20])
    assert positions_of(known, np.array([20, 3, 3, 7])).tolist() == [2, 0, 0, 1]
    assert positions_of(known, np.array([1, 4, 21, 7])).tolist() == [-1, -1, -1, 1]
    assert positions_of(known[:0], known).tolist() == [-1, -1, -1]
