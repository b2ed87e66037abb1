"""MeanCorr and peers from lists of pairs: against loops over pairs, and against the way from returns and scores."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compsim_assets.science.correlation.groups import correlation_by_year
from compsim_assets.science.correlation.pairs import correlation_by_year_of_pairs, pair_correlation, peers_of_pairs
from compsim_assets.science.linkage.nearest import nearest_peers
from compsim_assets.science.linkage.pairs import YearPairs, pair_graph
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.linkage.pair_graphs import complete, listed, year_pairs
from compsim_assets_tests.science.strategies import Universe, examples, universes

MEASURES = (
    "mean_correlation", "pair_weighted", "n_clusters", "n_reports", "largest_cluster", "n_pairs",
)  # fmt: skip


@examples(60)
@given(year_pairs(), st.data())
def test_every_measure_of_a_grouping_equals_the_pair_loop(pairs: YearPairs, data: st.DataObject) -> None:
    graph = pair_graph(pairs)
    n = len(graph.report_id)
    labels = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)), dtype=int)
    found = pair_correlation(labels, graph.a, graph.b, graph.correlation)
    # A report in no cluster counts as little as one alone in its cluster.
    alone = [("alone", k) if label < 0 else label for k, label in enumerate(labels.tolist())]
    expected = oracles.quality(listed(graph), alone)
    for name in MEASURES:
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-12, nan_ok=True)


def test_a_pair_counts_only_where_both_ends_are_in_one_cluster() -> None:
    labels = np.array([0, 0, 1, 1, -1, -1])
    a, b = np.array([0, 1, 3, 4, -1, -1]), np.array([1, 2, 2, 5, 0, -1])
    found = pair_correlation(labels, a, b, np.array([0.5, 9, 0.1, 9, 9, 9]))
    assert found.mean_correlation == pytest.approx(0.3)
    assert (found.n_pairs, found.n_clusters, found.n_reports) == (2, 2, 4)


def test_a_cluster_without_pairs_is_left_out_of_the_mean() -> None:
    found = pair_correlation(np.array([0, 0, 1, 1, 1]), np.array([0]), np.array([1]), np.array([0.25]))
    assert (found.mean_correlation, found.pair_weighted) == (0.25, 0.25)
    assert (found.n_clusters, found.n_reports, found.largest_cluster) == (2, 5, 3)


def test_nobody_is_in_a_cluster() -> None:
    ends = np.array([0]), np.array([1])
    for labels in (np.array([-1, -1]), np.array([0, 1])):
        found = pair_correlation(labels, *ends, np.array([0.5]))
        assert math.isnan(found.mean_correlation)
        assert math.isnan(found.pair_weighted)
        assert (found.n_pairs, found.n_clusters, found.largest_cluster) == (0, 0, 0)


# -- by year -----------------------------------------------------------------------------------------------------


def reports_of(universe: Universe) -> pd.DataFrame:
    return pd.DataFrame({"year": universe.year, "report_id": universe.report_id})


class Source:
    """Pairs of a universe by year; remembers the years asked for."""

    def __init__(self, universe: Universe) -> None:
        years = sorted(set(universe.year.tolist()))
        self._pairs = dict(zip(years, complete(universe), strict=True))
        self.asked: list[int] = []

    def __call__(self, year: int) -> YearPairs:
        self.asked.append(year)
        return self._pairs[year]


def generic(sizes: list[int], seed: int = 0) -> Universe:
    n = sum(sizes)
    rng = np.random.default_rng(seed)
    year = np.repeat(2000 + np.arange(len(sizes)), sizes)
    return Universe(rng.permutation(10 + np.arange(n)), year, rng.normal(size=(n, 3)), rng.normal(size=(n, 12)))


def evaluate(universe: Universe, **clusters: list) -> pd.DataFrame:
    reports = reports_of(universe)
    groups = {method: reports.assign(cluster_id=labels) for method, labels in clusters.items()}
    return correlation_by_year_of_pairs(groups, reports, Source(universe))


@examples(12)
@given(universes(max_years=5), st.data())
def test_complete_pairs_give_what_the_returns_give(universe: Universe, data: st.DataObject) -> None:
    n = len(universe.year)
    reports = reports_of(universe)
    names = st.lists(st.sampled_from(["7372", "1311", "a", None]), min_size=n, max_size=n)
    shuffled = np.random.default_rng(n).permutation(n)
    groups = {
        "some": reports.assign(cluster_id=data.draw(names)).iloc[shuffled],
        "others": reports.assign(cluster_id=data.draw(names)).iloc[: n // 2],
        "population": reports.assign(cluster_id=1),
    }
    returns = reports.assign(returns=list(universe.returns))
    expected = [correlation_by_year(frame, returns).assign(method=method) for method, frame in groups.items()]
    found = correlation_by_year_of_pairs(groups, reports, Source(universe))
    truth = pd.concat([frame for frame in expected if len(frame)])
    assert found.columns.tolist() == ["method", *expected[0].columns[:-1]]
    for name in ("method", "year"):
        assert found[name].tolist() == truth[name].tolist()
    for name in found.columns[2:]:
        values = truth[name].to_numpy(dtype=float)
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-12)


def test_methods_stand_as_given_and_years_ascend() -> None:
    universe = generic([3, 4, 2])
    found = evaluate(universe, sic=[1] * 9, base=[None] * 3 + [1] * 4 + [None] * 2, all=[2] * 9)
    assert list(zip(found["method"], found["year"], strict=True)) == [
        ("sic", 2000), ("sic", 2001), ("sic", 2002), ("base", 2001),
        ("all", 2000), ("all", 2001), ("all", 2002),
    ]  # fmt: skip


def test_the_pairs_of_a_year_are_read_once_for_all_methods() -> None:
    universe = generic([3, 4, 2])
    reports = reports_of(universe)
    source = Source(universe)
    groups = {name: reports[reports["year"] < 2002].assign(cluster_id=1) for name in "abc"}
    correlation_by_year_of_pairs(groups, reports, source)
    assert source.asked == [2000, 2001]


def test_rows_match_by_id_and_year_together() -> None:
    universe = generic([3, 3])
    reports = reports_of(universe)
    groups = reports.assign(cluster_id=[1, 1, 2, 1, 1, 1])
    # The right id under the wrong year, and an id nobody has: neither row may count.
    groups.loc[5, "year"] = 2000
    groups.loc[6] = [2001, 999, 1]
    found = correlation_by_year_of_pairs({"m": groups}, reports, Source(universe))
    rho = np.corrcoef(universe.returns)
    assert found["n_reports"].tolist() == [2, 2]
    assert found["coverage"].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert found["mean_correlation"].tolist() == pytest.approx([rho[0, 1], rho[3, 4]], abs=1e-12)


def test_pairs_of_reports_outside_the_universe_do_not_count() -> None:
    universe = generic([5])
    reports = reports_of(universe).iloc[:3]
    found = correlation_by_year_of_pairs(
        {"all": reports_of(universe).assign(cluster_id=1)}, reports, Source(universe)
    ).iloc[0]
    rho = np.corrcoef(universe.returns[:3])[np.triu_indices(3, 1)]
    assert found["mean_correlation"] == pytest.approx(rho.mean(), abs=1e-12)
    assert (found["n_pairs"], found["n_reports"], found["coverage"]) == (3, 3, 1.0)


def test_a_report_named_twice_is_an_error() -> None:
    universe = generic([3])
    reports = reports_of(universe)
    groups = pd.concat([reports.assign(cluster_id=1), reports.assign(cluster_id=2).iloc[:1]])
    with pytest.raises(pd.errors.MergeError):
        correlation_by_year_of_pairs({"m": groups}, reports, Source(universe))


def test_nothing_to_evaluate() -> None:
    universe = generic([3])
    reports = reports_of(universe)
    source = Source(universe)
    for groups in ({}, {"m": reports.assign(cluster_id=None)}):
        found = correlation_by_year_of_pairs(groups, reports, source)
        assert found.empty
        assert set(found.columns) == {"method", "year", *MEASURES, "coverage"}
    assert source.asked == []


# -- peers -------------------------------------------------------------------------------------------------------


@examples(60)
@given(year_pairs(), st.integers(1, 10))
def test_peers_equal_a_full_sort(pairs: YearPairs, n_peers: int) -> None:
    others: dict[int, list] = {}
    for a, b, cosine in zip(pairs.report_a, pairs.report_b, pairs.cosine, strict=True):
        others.setdefault(a, []).append((-cosine, b))
        others.setdefault(b, []).append((-cosine, a))
    expected = [
        (report, rank, peer, -negative)
        for report in sorted(others)
        for rank, (negative, peer) in enumerate(sorted(others[report])[:n_peers], start=1)
    ]
    found = peers_of_pairs(pairs, n_peers)
    assert list(found) == ["report_id", "rank", "peer_id", "cosine"]
    columns = (column.tolist() for column in found.values())
    assert list(zip(*columns, strict=True)) == expected


@examples(30)
@given(universes(max_years=1, max_reports=14), st.integers(1, 15))
def test_complete_pairs_give_the_peers_of_the_scores(universe: Universe, n_peers: int) -> None:
    company = pd.Series(universe.report_id // 3, index=universe.report_id)
    found = peers_of_pairs(complete(universe)[0], n_peers, company)
    there = universe.scores.any(axis=1)  # a report at the origin has pairs, all of cosine 0, and no peers by scores
    assume(there.all() and company.nunique() > 1)
    scored = universe.scores, universe.year, universe.report_id
    (expected,) = nearest_peers(*scored, n_peers, company=company.loc[universe.report_id].to_numpy())
    for name in ("report_id", "rank", "peer_id"):
        assert found[name].tolist() == expected[name].tolist()
    np.testing.assert_allclose(found["cosine"], expected["cosine"], rtol=0, atol=1e-12)


def test_equal_cosines_are_ordered_by_peer_although_they_differ_by_rounding() -> None:
    pairs = YearPairs(np.array([5, 5, 5]), np.array([9, 7, 8]), np.array([0.5 + 2e-16, 0.5, 0.5 + 1e-9]), np.zeros(3))
    assert peers_of_pairs(pairs)["peer_id"].tolist()[:3] == [8, 7, 9]
    # Where a number of twelve digits ends, too.
    pairs = replace(pairs, cosine=np.array([0.1234567890125 + 1e-15, 0.1234567890125 - 1e-15, 0.2]))
    assert peers_of_pairs(pairs)["peer_id"].tolist()[:3] == [8, 7, 9]


def test_a_peer_needs_a_cosine_and_no_correlation() -> None:
    pairs = YearPairs(
        np.array([1, 1, 2]), np.array([2, 3, 3]), np.array([0.5, np.nan, 1 + 1e-9]), np.array([np.nan, 0.5, 0.5])
    )
    found = peers_of_pairs(pairs)
    assert found["report_id"].tolist() == [1, 2, 2, 3]
    assert found["peer_id"].tolist() == [2, 3, 1, 2]
    assert found["cosine"].tolist() == [0.5, 1.0, 0.5, 1.0]


@examples(20)
@given(universes(max_years=3, max_reports=8), st.data())
def test_pairs_of_one_company_do_not_count(universe: Universe, data: st.DataObject) -> None:
    """As by returns, where the pairs are complete and every cosine exists."""
    n = len(universe.year)
    labels = np.array(data.draw(st.lists(st.sampled_from("ab"), min_size=n, max_size=n)))
    keys = {"year": universe.year, "report_id": universe.report_id}
    company = pd.Series(universe.report_id % 4, index=universe.report_id)
    groups = pd.DataFrame(keys | {"cluster_id": labels})
    returns = pd.DataFrame(keys | {"returns": list(universe.returns)})
    found = correlation_by_year_of_pairs({"a": groups}, returns[["year", "report_id"]], Source(universe), company)
    expected = correlation_by_year(groups, returns, company)
    pd.testing.assert_frame_equal(found.drop(columns="method"), expected, check_dtype=False, rtol=0, atol=1e-9)
