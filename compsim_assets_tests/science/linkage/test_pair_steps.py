"""Cutoffs from lists of pairs: step functions against loops over pairs, and the way from scores and returns."""

import numpy as np
import pytest
from hypothesis import given

from compsim_assets.science.correlation.mean_correlation import year_correlation
from compsim_assets.science.correlation.pairs import pair_correlation
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.pairs import curves_of_pairs
from compsim_assets.science.cutoffs.step_function import step_function
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import Dendrogram
from compsim_assets.science.linkage.pairs import YearPairs, pair_graph
from compsim_assets.science.linkage.years import link_years
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.linkage.pair_graphs import (
    CUTOFFS,
    complete,
    link,
    link_years_of_pairs,
    listed,
    random_pairs,
    steps,
    year_pairs,
)
from compsim_assets_tests.science.strategies import Universe, examples, universes


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
    trees, scale = link_years_of_pairs(pairs)
    curves = curves_of_pairs(trees, pairs.__getitem__)
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


def test_each_year_is_read_once() -> None:
    rng = np.random.default_rng(1)
    pairs = {year: random_pairs(rng, 6, 1.0) for year in (2001, 2003)}
    trees, scale = link_years_of_pairs(pairs)
    read = []

    def of_year(year: int) -> YearPairs:
        read.append(year)
        return pairs[year]

    assert list(curves_of_pairs(trees, of_year)) == read == [2001, 2003]
    assert scale.n_pairs == 30
    both = np.concatenate([1 - of_year.cosine for of_year in pairs.values()])
    assert (scale.mean, scale.deviation) == pytest.approx((both.mean(), both.std()), abs=1e-12)


def test_a_year_without_returns_is_linked_and_has_no_part_in_the_scale() -> None:
    rng = np.random.default_rng(2)
    pairs = {2001: random_pairs(rng, 6, 1.0), 2002: random_pairs(rng, 6, 1.0, missing=1.0)}
    trees, scale = link_years_of_pairs(pairs)
    assert [len(tree.height) for tree in trees.trees] == [5, 5]
    assert scale == link_years_of_pairs({2001: pairs[2001]})[1]
    curves = curves_of_pairs(trees, pairs.__getitem__)
    assert np.isnan(curves[2002].mean_correlation).all()


def test_no_years() -> None:
    trees, scale = link_years_of_pairs({})
    assert curves_of_pairs(trees, {}.__getitem__) == {}
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
