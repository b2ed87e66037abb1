"""Linkage and cutoffs from lists of pairs: against the thresholded graph, loops over pairs, and the way from scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from compsim_assets.science.correlation.mean_correlation import year_correlation
from compsim_assets.science.correlation.pairs import pair_correlation
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.pairs import link_pairs, pair_step_function
from compsim_assets.science.cutoffs.step_function import StepFunction, step_function
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import Dendrogram
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.linkage.pairs import PairGraph, YearPairs, pair_graph, positions_of, spanning_forest
from compsim_assets.science.linkage.years import link_years
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, universes

CUTOFFS = [-1.0, 0.0, 0.125, 0.2, 0.25, 0.5, 0.9, 1.0, 1.3, 2.0, 9.0]


def link(graph: PairGraph, near: int = 8) -> Dendrogram:
    return spanning_forest(graph.a, graph.b, graph.distance, len(graph.report_id), near)


def steps(graph: PairGraph, near: int = 8) -> StepFunction:
    return pair_step_function(link(graph, near), graph.a, graph.b, graph.correlation)


def listed(graph: PairGraph) -> oracles.YearPairs:
    ends = list(zip(graph.a.tolist(), graph.b.tolist(), strict=True))
    return oracles.YearPairs(len(graph.report_id), ends, graph.distance.tolist(), graph.correlation.tolist())


def random_pairs(
    rng: np.random.Generator, n: int, share: float, kind: str = "uniform", missing: float = 0.0
) -> YearPairs:
    """Some of all pairs of n reports, in either direction and in no order; cosines of kind `eighths` tie."""
    ids = rng.choice(1000, n, replace=False)
    a, b = np.triu_indices(n, 1)
    kept = rng.permutation(np.flatnonzero(rng.random(len(a)) < share))
    a, b = a[kept], b[kept]
    turned = rng.random(len(a)) < 0.5
    a, b = np.where(turned, b, a), np.where(turned, a, b)
    cosine = rng.uniform(-1, 1, size=len(a))
    if kind == "eighths":
        cosine = rng.integers(4, 9, size=len(a)) / 8
    correlation = rng.uniform(-1, 1, size=len(a))
    correlation[rng.random(len(a)) < missing] = np.nan
    return YearPairs(ids[a], ids[b], cosine, correlation)


@st.composite
def year_pairs(draw: st.DrawFn, max_reports: int = 10) -> YearPairs:
    """Graphs with ties, zero distances, several components and missing correlations."""
    return random_pairs(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        draw(st.integers(0, max_reports)),
        draw(st.sampled_from([0.1, 0.3, 0.6, 1.0])),
        draw(st.sampled_from(["uniform", "eighths"])),
        draw(st.sampled_from([0.0, 0.3, 1.0])),
    )


def complete(universe: Universe) -> list[YearPairs]:
    """All pairs of each year, from scores and returns."""
    unit, defined = normalise_returns(universe.returns)
    years = []
    for rows in universe.positions():
        a, b = np.triu_indices(len(rows), 1)
        cosine = np.einsum("ij,ij->i", *(unit_rows(universe.scores[rows])[end] for end in (a, b)))
        correlation = np.einsum("ij,ij->i", unit[rows][a], unit[rows][b])
        correlation[~(defined[rows][a] & defined[rows][b])] = np.nan
        ids = universe.report_id[rows]
        years.append(YearPairs(ids[a], ids[b], cosine, correlation))
    return years


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


def test_parts_that_no_pair_joins_never_merge() -> None:
    rng = np.random.default_rng(4)
    one, other = (random_pairs(rng, 30, 1.0) for _ in range(2))
    both = YearPairs(
        np.concatenate([one.report_a, other.report_a + 1000]),
        np.concatenate([one.report_b, other.report_b + 1000]),
        np.concatenate([one.cosine, other.cosine]),
        np.concatenate([one.correlation, other.correlation]),
    )
    graph = pair_graph(both)
    assert len(link(graph, near=3).height) == 58
    assert cut(link(graph, near=3), 9.0).tolist() == [1] * 30 + [2] * 30
    last = steps(graph, near=3)
    assert last.n_clusters[-1] == 2
    means = [part.correlation.mean() for part in (one, other)]
    assert last.mean_correlation[-1] == pytest.approx(np.mean(means), abs=1e-12)


@examples(50)
@given(year_pairs())
def test_every_row_of_the_step_function_equals_brute_force(pairs: YearPairs) -> None:
    graph = pair_graph(pairs)
    curve, expected = steps(graph), oracles.BruteForce([listed(graph)]).steps(0)
    np.testing.assert_allclose(curve.position, [distance for distance, _ in expected], atol=1e-12)
    for name, values in vars(curve).items():
        if name != "position":
            np.testing.assert_allclose(values, [getattr(quality, name) for _, quality in expected], atol=1e-12)


@pytest.mark.parametrize("share", [0.004, 0.02, 1.0])
def test_hundreds_of_merges_do_not_lose_accuracy(share: float) -> None:
    graph = pair_graph(random_pairs(np.random.default_rng(6), 700, share))
    tree, curve = link(graph), steps(graph)
    for row in range(0, len(curve.position), 23):
        labels = cut(tree, curve.position[row]) - 1
        direct = pair_correlation(labels, graph.a, graph.b, graph.correlation)
        assert curve.mean_correlation[row] == pytest.approx(direct.mean_correlation, abs=1e-12)
        assert curve.pair_weighted_mean_correlation[row] == pytest.approx(direct.pair_weighted, abs=1e-12)
        assert curve.n_clusters[row] == direct.n_clusters


@examples(25)
@given(universes(max_years=4, max_reports=12))
def test_pairs_of_scores_and_returns_give_what_the_scores_give(universe: Universe) -> None:
    # Pairs do not know reports without returns, so these are left out on both sides.
    unit, defined = normalise_returns(universe.returns)
    known = Universe(*(column[defined] for column in vars(universe).values()))
    unit = unit[defined]
    linked = link_years(known.scores, known.year)
    pairs = dict(zip(linked.years.tolist(), complete(known), strict=True))
    curves, scale = link_pairs(linked.years.tolist(), pairs.__getitem__)
    assert list(curves) == linked.years.tolist()
    for year, rows, tree in zip(curves, linked.rows, linked.trees, strict=True):
        expected = step_function(tree, unit[rows], np.ones(len(rows), dtype=bool))
        for name, values in vars(expected).items():
            np.testing.assert_allclose(getattr(curves[year], name), values, rtol=0, atol=1e-12)
        if len(rows) >= 2:
            assert_same_clusters(pairs[year], known.report_id[rows], tree)
    assert scale.n_pairs == linked.scale.n_pairs
    assert scale.mean == pytest.approx(linked.scale.mean, abs=1e-12)
    assert scale.deviation == pytest.approx(linked.scale.deviation, abs=1e-12)


def assert_same_clusters(pairs: YearPairs, report_id: np.ndarray, expected: Dendrogram) -> None:
    """`expected` links the reports of `report_id`; both trees are cut at many distances."""
    graph = pair_graph(pairs)
    assert graph.report_id.tolist() == sorted(report_id.tolist())
    for cutoff in [*CUTOFFS, *expected.height]:
        known = dict(zip(report_id, cut(expected, cutoff), strict=True))
        found = oracles.partition(cut(link(graph), cutoff))
        assert found == oracles.partition([known[report] for report in graph.report_id])


def test_progress_counts_years_and_each_is_read_once() -> None:
    rng = np.random.default_rng(1)
    pairs = {year: random_pairs(rng, 6, 1.0) for year in (2003, 2001)}
    read, seen = [], []

    def of_year(year: int) -> YearPairs:
        read.append(year)
        return pairs[year]

    curves, scale = link_pairs([2001, 2003], of_year, lambda *at: seen.append(at))
    assert (read, seen) == ([2001, 2003], [(1, 2), (2, 2)])
    assert scale.n_pairs == 30
    both = np.concatenate([1 - pairs[year].cosine for year in curves])
    assert (scale.mean, scale.deviation) == pytest.approx((both.mean(), both.std()), abs=1e-12)


def test_no_years() -> None:
    curves, scale = link_pairs([], {}.__getitem__)
    assert curves == {}
    assert (scale.mean, scale.deviation, scale.n_pairs) == (0.0, 1.0, 0)


def test_the_step_function_of_returns_knows_forests_too() -> None:
    rng = np.random.default_rng(8)
    universe = Universe(np.arange(20), np.repeat([1, 2], 10), rng.normal(size=(20, 3)), rng.normal(size=(20, 12)))
    # Two years in one list: a graph of two complete halves.
    halves = complete(universe)
    both = YearPairs(
        *(np.concatenate(columns) for columns in zip(*(vars(half).values() for half in halves), strict=True))
    )
    graph = pair_graph(both)
    unit, defined = normalise_returns(universe.returns)
    direct, found = step_function(link(graph), unit, defined), steps(graph)
    for name, values in vars(direct).items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=0, atol=1e-12)
    at_end = year_correlation(np.repeat([1, 2], 10), unit, defined)
    assert found.mean_correlation[-1] == pytest.approx(at_end.mean_correlation, abs=1e-12)


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
