"""Statistics of pairs and nearest peers against explicit loops and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.linkage.pairs import YearPairs
from compsim_assets.science.peers.returns import Levels, year_statistics
from compsim_assets.science.peers.statistics import (
    Statistic,
    YearReports,
    correlations,
    cosines,
    dense,
    group_statistics,
    neighbours,
    pair_statistics,
    peer_weights,
    same_group,
)
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.peer_universes import Year, make_year, slow_existing, slow_weights, years
from compsim_assets_tests.science.strategies import examples

COUNTS = (1, 3, 5)


def listed(similarity: np.ndarray, reports: YearReports) -> tuple[np.ndarray, ...]:
    """Similarity, correlation and positions of each existing pair once."""
    there = slow_existing(similarity, reports.correlation)
    pairs = [(a, b) for b in range(len(there)) for a in range(b) if there[a, b]]
    a, b = np.array(pairs, dtype=int).reshape(-1, 2).T
    return similarity[a, b], reports.correlation[a, b], a, b


def by_name(found: list[Statistic], name: str) -> dict[float, Statistic]:
    return {s.level: s for s in found if s.statistic == name}


def with_gaps(year: Year, seed: int = 0) -> tuple[np.ndarray, YearReports]:
    """A similarity that some pairs do not have, as published pairs may miss."""
    similarity, reports = year.similarity(), year.reports()
    gaps = np.random.default_rng(seed).random(similarity.shape) < 0.2
    similarity[gaps | gaps.T] = np.nan
    return similarity, reports


def test_correlations_are_numpys_and_missing_for_undefined_returns() -> None:
    returns = make_year(1, missing=0.0).returns
    returns[3, 5], returns[7] = np.nan, 0.01
    found = correlations(*normalise_returns(returns))
    wanted = np.full_like(found, np.nan)
    known = [i for i in range(30) if i not in (3, 7)]
    wanted[np.ix_(known, known)] = np.corrcoef(returns[known])
    np.fill_diagonal(wanted, np.nan)
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_cosines_are_those_of_the_definition() -> None:
    rows = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    rows[2] = 0
    wanted = [[oracles.cosine(a, b) for b in rows.astype(float)] for a in rows.astype(float)]
    np.testing.assert_allclose(cosines(rows), wanted, atol=1e-12)


def test_published_pairs_fill_both_halves_and_unknown_reports_are_left_out() -> None:
    pairs = YearPairs(
        np.array([10, 10, 20]), np.array([20, 99, 30]), np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.6, np.nan])
    )
    found = dense(pairs, np.array([10, 20, 30]), pairs.cosine)
    nan = np.nan
    wanted = [[nan, 0.1, nan], [0.1, nan, 0.3], [nan, 0.3, nan]]
    np.testing.assert_array_equal(found, np.array(wanted))


def test_spearman_is_scipys_over_existing_pairs() -> None:
    similarity, reports = with_gaps(make_year(2, kind="grid"))
    like, rho, _, _ = listed(similarity, reports)
    assert len(set(like.tolist())) < len(like)
    found = by_name(pair_statistics(similarity, reports, ()), "spearman")[0]
    assert found.value == pytest.approx(spearmanr(like, rho).statistic, abs=1e-9)
    assert found.n == len(rho) > 100
    assert np.isnan(found.random)


def test_length_controlled_spearman_is_the_correlation_of_rank_residuals() -> None:
    year = make_year(3)
    year.length[[4, 9]] = np.nan
    similarity, reports = with_gaps(year)
    like, rho, a, b = listed(similarity, reports)
    length = np.log(reports.length[a]) + np.log(reports.length[b])
    known = ~np.isnan(length)
    ranks = [rankdata(values[known]) for values in (like, rho, length)]
    design = np.column_stack([np.ones(known.sum()), ranks[2]])
    left = [y - design @ np.linalg.lstsq(design, y, rcond=None)[0] for y in ranks[:2]]
    found = by_name(pair_statistics(similarity, reports, ()), "spearman_length_controlled")[0]
    assert found.value == pytest.approx(np.corrcoef(*left)[0, 1], abs=1e-9)
    assert found.n == known.sum() < len(rho)


def test_a_similarity_of_nothing_but_length_has_no_length_controlled_spearman() -> None:
    year = make_year(4, n=80, missing=0.0)
    strength = np.argsort(np.argsort(year.length)) / 80
    year.returns = strength[:, None] * np.random.default_rng(0).normal(size=12) + 0.2 * year.returns
    reports = year.reports()
    log = np.log(reports.length)
    noise = np.random.default_rng(1).normal(scale=0.1, size=(80, 80))
    similarity = np.add.outer(log, log) + noise + noise.T
    found = {s.statistic: s.value for s in pair_statistics(similarity, reports, ())}
    assert found["spearman"] > 0.3
    assert abs(found["spearman_length_controlled"]) < 0.1


def test_without_lengths_nothing_is_controlled_for_them() -> None:
    year = make_year(5)
    year.length[:] = np.nan
    names = [s.statistic for s in pair_statistics(year.similarity(), year.reports(), (1.0,))]
    assert names == ["spearman", "top_pairs"]


def test_top_pairs_are_the_first_of_a_full_sort() -> None:
    similarity, reports = with_gaps(make_year(6))
    like, rho, _, _ = listed(similarity, reports)
    found = by_name(pair_statistics(similarity, reports, (0.1, 2, 5, 100)), "top_pairs")
    order = np.argsort(-like)
    for share, one in found.items():
        k = max(1, round(len(like) * share / 100))
        assert one.n == k
        assert one.value == pytest.approx(rho[order[:k]].mean(), abs=1e-12)
        assert one.random == pytest.approx(rho.mean(), abs=1e-12)
    assert len({one.n for one in found.values()}) == 4


def test_equally_similar_pairs_at_the_edge_count_with_their_mean() -> None:
    year = make_year(7, kind="equal", missing=0.0)
    similarity, reports = year.similarity(), year.reports()
    like, rho, _, _ = listed(similarity, reports)
    assert len(set(like.tolist())) == 1
    found = by_name(pair_statistics(similarity, reports, (1.0,)), "top_pairs")[1.0]
    assert found.value == pytest.approx(rho.mean(), abs=1e-12)
    similarity[3, 8] = similarity[8, 3] = 2.0
    found = by_name(pair_statistics(similarity, reports, (1.0,)), "top_pairs")[1.0]
    others = (rho.sum() - reports.correlation[3, 8]) / (len(rho) - 1)
    wanted = (reports.correlation[3, 8] + (found.n - 1) * others) / found.n
    assert found.n == 4
    assert found.value == pytest.approx(wanted, abs=1e-12)


@examples(25)
@given(years, st.booleans())
def test_neighbours_equal_explicit_loops(year: Year, same: bool) -> None:
    similarity, reports = with_gaps(year)
    allowed = slow_existing(similarity, reports.correlation)
    if same:
        for a, b in np.argwhere(allowed).tolist():
            allowed[a, b] = reports.sic2[a] == reports.sic2[b] >= 0
        np.testing.assert_array_equal(allowed, same_group(slow_existing(similarity, reports.correlation), reports.sic2))
    weights = peer_weights(similarity, allowed, COUNTS)
    for one in neighbours("name", weights, allowed, reports.correlation):
        values, randoms = [], []
        for report, chosen in slow_weights(similarity, allowed, int(one.level)):
            rho = reports.correlation[report]
            values.append(sum(weight * rho[peer] for peer, weight in chosen.items()))
            randoms.append(rho[allowed[report]].mean())
        assert one.n == len(values)
        wanted = (np.mean(values), np.mean(randoms)) if values else (np.nan, np.nan)
        assert (one.value, one.random) == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_a_report_without_a_choice_does_not_count() -> None:
    year = make_year(8, n=6, missing=0.0)
    year.sic2 = np.array([0, 0, 0, 0, 1, 1])
    reports = year.reports()
    found, _ = year_statistics(year.similarity(), reports, Levels(peers=(1, 3, 5)))
    n = {s.level: s.n for s in found if s.statistic == "neighbours_same_sic2"}
    assert n == {1: 4, 3: 0, 5: 0}
    n = {s.level: s.n for s in found if s.statistic == "neighbours"}
    assert n == {1: 6, 3: 6, 5: 0}


def test_weights_are_shares_of_a_choice() -> None:
    """A report with as many peers as are asked for has none to choose."""
    reports = make_year(10, n=6, missing=0.0).reports()
    pool = slow_existing(reports.correlation, reports.correlation)
    pool[0, 1:4] = False
    weights = peer_weights(make_year(10, n=6).similarity(), pool, (1, 2, 5))
    sums = {k: chosen.sum(axis=1).round(12).tolist() for k, chosen in weights.items()}
    assert sums == {1: [1.0] * 6, 2: [0.0] + [1.0] * 5, 5: [0.0] * 6}


def test_equal_similarities_that_are_rounded_apart_share_the_places_left() -> None:
    reports = make_year(10, n=6, missing=0.0).reports()
    pool = slow_existing(reports.correlation, reports.correlation)
    similarity = np.full((6, 6), 0.123456789012)
    similarity[0, 4:] = similarity[4:, 0] = 0.123456789013
    weights = peer_weights(similarity, pool, (2,))[2].toarray()
    np.testing.assert_allclose(weights, (1 - np.eye(6)) / 5, atol=1e-15)
    top = by_name(pair_statistics(similarity, reports, (1.0,)), "top_pairs")[1.0]
    assert top.value == pytest.approx(top.random, abs=1e-12)


def test_a_report_is_never_its_own_peer() -> None:
    year = make_year(11, n=9, missing=0.0)
    reports = year.reports()
    found, _ = year_statistics(year.similarity(), reports, Levels(peers=(1,)))
    np.fill_diagonal(reports.correlation, 1.0)
    again, _ = year_statistics(year.similarity(), reports, Levels(peers=(1,)))
    assert [repr(s) for s in again] == [repr(s) for s in found]


def test_sic_groups_alone_against_loops() -> None:
    reports = make_year(9).reports()
    own, others, inside = [], [], []
    every = slow_existing(reports.correlation, reports.correlation)
    for a in range(30):
        peers = [b for b in range(30) if every[a, b] and reports.sic2[a] == reports.sic2[b] >= 0]
        if peers:
            own.append(reports.correlation[a, peers].mean())
            others.append(reports.correlation[a, every[a]].mean())
            inside += reports.correlation[a, peers].tolist()
    near, pairs = group_statistics(reports)
    assert (near.statistic, near.level, near.n) == ("neighbours", 0, len(own))
    assert (near.value, near.random) == pytest.approx((np.mean(own), np.mean(others)), abs=1e-12)
    assert (pairs.statistic, pairs.level, pairs.n) == ("top_pairs", 0, len(inside) / 2)
    wanted = (np.mean(inside), reports.correlation[every].mean())
    assert (pairs.value, pairs.random) == pytest.approx(wanted, abs=1e-12)


@examples(25)
@given(years, st.integers(0, 100))
def test_the_order_of_the_reports_changes_nothing(year: Year, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(year.report_id))
    turned = year.take(order)
    levels = Levels(peers=(1, 3), shares=(1.0, 50.0))
    first, _ = year_statistics(year.similarity(), year.reports(), levels)
    second, _ = year_statistics(turned.similarity(), turned.reports(), levels)
    assert [(s.statistic, s.level, s.n) for s in first] == [(s.statistic, s.level, s.n) for s in second]
    for one, other in zip(first, second, strict=True):
        assert one[2:] == pytest.approx(other[2:], abs=1e-9, nan_ok=True)


@examples(15)
@given(years)
def test_values_are_correlations_or_shares(year: Year) -> None:
    found, now = year_statistics(year.similarity(), year.reports(), Levels(peers=(1, 3)))
    again, _ = year_statistics(year.similarity(), year.reports(2011), Levels(peers=(1, 3)), now)
    for s in (*found, *again):
        low = 0.0 if s.statistic in ("peer_r2", "peer_stability") else -1.0
        for value in (s.value, s.random):
            assert np.isnan(value) or low - 1e-9 <= value <= 1 + 1e-9
        assert np.isnan(s.value) or s.n > 0
