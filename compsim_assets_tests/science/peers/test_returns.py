"""What peers explain of a return, and whether they stay, against regressions and sets."""

import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.peers import squares
from compsim_assets.science.peers.returns import Levels, YearPeers, year_statistics
from compsim_assets.science.peers.statistics import Statistic, correlations, group_statistics
from compsim_assets_tests.science.peer_universes import Year, make_year, slow_existing, slow_weights, years
from compsim_assets_tests.science.strategies import examples


def by_level(found: list[Statistic], name: str) -> dict[float, Statistic]:
    return {s.level: s for s in found if s.statistic == name}


def slow_r2(own: np.ndarray, portfolio: np.ndarray) -> float:
    return float(sm.OLS(own, sm.add_constant(portfolio)).fit().rsquared)


def test_explained_share_is_that_of_a_regression_on_the_peers_mean_return() -> None:
    year = make_year(1)
    similarity, reports = year.similarity(), year.reports()
    found, _ = year_statistics(similarity, reports, Levels(peers=(1, 4)))
    allowed = slow_existing(similarity, reports.correlation)
    for k, one in by_level(found, "peer_r2").items():
        values = []
        for report, chosen in slow_weights(similarity, allowed, int(k)):
            portfolio = sum(weight * reports.returns[peer] for peer, weight in chosen.items())
            values.append(slow_r2(reports.returns[report], np.asarray(portfolio)))
        assert one.n == len(values) > 20
        assert one.value == pytest.approx(np.mean(values), abs=1e-12)


def test_random_peers_explain_what_all_choices_do_on_average() -> None:
    year = make_year(2, n=7, missing=0.0)
    reports = year.reports()
    found, _ = year_statistics(year.similarity(), reports, Levels(peers=(1, 3), draws=4000))
    for k, one in by_level(found, "peer_r2").items():
        wanted = [
            slow_r2(reports.returns[own], reports.returns[list(peers)].mean(axis=0))
            for own in range(7)
            for peers in combinations([p for p in range(7) if p != own], int(k))
        ]
        # 28,000 draws of a share with a deviation of about 0.2.
        assert one.random == pytest.approx(np.mean(wanted), abs=0.006)


def test_peers_are_drawn_from_the_reports_with_a_pair_alone() -> None:
    """The silent reports would explain everything: they are the reports' own returns, but in no pair."""
    year = make_year(3, n=8, missing=0.0)
    year.returns[4:] = year.returns[:4]
    year.report_id = np.arange(8)
    reports = year.reports()
    reports.correlation[4:], reports.correlation[:, 4:] = np.nan, np.nan
    found, _ = year_statistics(year.similarity(), reports, Levels(peers=(1,), draws=500))
    rho = np.corrcoef(reports.returns[:4])
    wanted = np.mean(rho[~np.eye(4, dtype=bool)] ** 2)
    one = by_level(found, "peer_r2")[1.0]
    assert one.n == 4
    assert one.random == pytest.approx(wanted, abs=0.02)


def test_unrelated_returns_explain_an_eleventh() -> None:
    rng = np.random.default_rng(4)
    year = make_year(4, n=400, missing=0.0)
    year.returns = rng.normal(size=(400, 12))
    found, _ = year_statistics(year.similarity(), year.reports(), Levels())
    for one in by_level(found, "peer_r2").values():
        assert one.value == pytest.approx(1 / 11, abs=0.02)
        assert one.random == pytest.approx(1 / 11, abs=0.01)


@pytest.mark.parametrize("large", [12, 11])
def test_a_pair_with_a_published_correlation_but_without_returns_explains_nothing(
    large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = make_year(5, n=12, missing=0.0)
    reports, dense = year.reports(), year.similarity()
    monkeypatch.setattr(squares, "LARGE", large)
    silent = reports.returns.copy()
    silent[3, 2] = np.nan
    found, _ = year_statistics(year.similarity(), replace(reports, returns=silent), Levels((1, 5)))
    assert {one.n for one in by_level(found, "peer_r2").values()} == {11}
    assert {one.n for one in by_level(found, "neighbours").values()} == {12}
    without = np.delete(np.arange(12), 3)
    similarity = dense[np.ix_(without, without)]
    alone, _ = year_statistics(similarity, reports.take(without), Levels((1, 5)))
    values = [[s.value for s in by_level(f, "peer_r2").values()] for f in (found, alone)]
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_draws_depend_on_seed_and_year_alone() -> None:
    year = make_year(6)

    def random(levels: Levels, label: int) -> list[float]:
        found, _ = year_statistics(year.similarity(), year.reports(label), levels)
        return [one.random for one in by_level(found, "peer_r2").values()]

    first = random(Levels(), 2010)
    assert random(Levels(), 2010) == first
    assert random(Levels(), 2011) != first
    assert random(Levels(seed=1), 2010) != first


def followed(now: Year, before: Year, k: int, years: tuple[int, int] = (2010, 2011)) -> Statistic:
    """Stability of `now` after `before`."""
    levels = Levels(peers=(k,))
    _, earlier = year_statistics(before.similarity(), before.reports(years[0]), levels)
    found, _ = year_statistics(now.similarity(), now.reports(years[1]), levels, earlier)
    return by_level(found, "peer_stability")[float(k)]


@examples(15)
@given(years, years, st.integers(1, 3))
def test_stability_equals_sets_of_companies(now: Year, before: Year, k: int) -> None:
    kept, chance = [], []
    peers: list[dict[int, dict[int, float]]] = []
    pools: list[dict[int, set[int]]] = []
    for year in (before, now):
        reports, similarity = year.reports(), year.similarity()
        allowed = slow_existing(similarity, reports.correlation)
        company = reports.company.tolist()
        peers.append(
            {
                company[own]: {company[peer]: weight for peer, weight in chosen.items()}
                for own, chosen in slow_weights(similarity, allowed, k)
            }
        )
        pools.append(
            {company[own]: {company[p] for p in np.flatnonzero(row)} for own, row in enumerate(allowed)}
        )  # fmt: skip
    for company in set(peers[0]) & set(peers[1]):
        first, second = peers[0][company], peers[1][company]
        kept.append(sum(min(first.get(c, 0.0), weight) for c, weight in second.items()))
        common = pools[0][company] & pools[1][company]
        chance.append(len(common) * k / len(pools[0][company]) / len(pools[1][company]))
    one = followed(now, before, k)
    assert one.n == len(kept)
    wanted = (np.mean(kept), np.mean(chance)) if kept else (np.nan, np.nan)
    assert (one.value, one.random) == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_unchanged_companies_keep_their_peers_whatever_their_report_ids() -> None:
    before = make_year(7, missing=0.0)
    now = before.take(np.random.default_rng(0).permutation(30))
    now.report_id = now.report_id + 1000
    one = followed(now, before, 3)
    assert (one.value, one.n) == (1.0, 30)
    assert one.random == pytest.approx(3 / 29)


def test_random_stability_is_that_of_random_peers() -> None:
    one = [
        followed(make_year(seed, n=40, missing=0.0), make_year(900 + seed, n=30, missing=0.0), 5) for seed in range(30)
    ]
    assert np.mean([s.value for s in one]) == pytest.approx(one[0].random, abs=0.02)


def test_of_a_companys_two_reports_the_first_counts_and_an_unknown_company_never() -> None:
    before, now = make_year(8, n=9, missing=0.0), make_year(9, n=9, missing=0.0)
    now.report_id = np.arange(9)
    before.company = np.array([-1, 1, 2, 3, 0, 6, 7, 4, 5])
    now.company = np.array([0, 1, 2, 3, 0, -1, -1, 4, 5])
    one = followed(now, before, 1)
    assert one.n == 6
    assert one.random == pytest.approx(5 / 8 / 8)


def test_a_year_after_a_gap_has_no_stability() -> None:
    year = make_year(10)
    found, peers = year_statistics(year.similarity(), year.reports(2010), Levels())
    assert isinstance(peers, YearPeers)
    assert not by_level(found, "peer_stability")
    found, _ = year_statistics(year.similarity(), year.reports(2012), Levels(), peers)
    assert not by_level(found, "peer_stability")


def test_company_codes_are_names_alone() -> None:
    """Codes may come from all years: to the byte, nothing depends on what they are."""
    for seed in range(10):
        before, now = make_year(seed, n=60), make_year(100 + seed, n=60)
        one = followed(now, before, 7)
        for year in (before, now):
            year.company = (year.company * 7 + 3) % 61
        assert followed(now, before, 7) == one


@pytest.mark.parametrize(
    "wrong", [{"peers": (0, 1)}, {"peers": (3, 3)}, {"shares": (0.0,)}, {"shares": (101.0,)}, {"shares": (1.0, 1.0)}]
)
def test_levels_that_mean_nothing_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="expected different"):
        Levels(**wrong)


def test_correlation_of_the_peers_is_that_of_their_returns() -> None:
    """One peer: its explained share is its squared correlation, so the two statistics see the same peers."""
    year = make_year(13, missing=0.0)
    found, _ = year_statistics(year.similarity(), year.reports(), Levels(peers=(1,)))
    rho = correlations(*normalise_returns(year.reports().returns))
    similarity = year.similarity()
    np.fill_diagonal(similarity, -np.inf)
    nearest = rho[np.arange(30), similarity.argmax(axis=1)]
    assert by_level(found, "neighbours")[1.0].value == pytest.approx(nearest.mean(), abs=1e-10)
    assert by_level(found, "peer_r2")[1.0].value == pytest.approx((nearest**2).mean(), abs=1e-10)


@examples(15)
@given(years, years)
def test_a_large_year_has_the_same_statistics(now: Year, before: Year) -> None:
    """Nothing is held of it: similarities and correlations are made some rows at a time."""

    def both() -> list[Statistic]:
        reports = [year.reports(label) for year, label in ((before, 2010), (now, 2011))]
        _, earlier = year_statistics(before.similarity(), reports[0], Levels())
        return year_statistics(now.similarity(), reports[1], Levels(), earlier)[0] + group_statistics(reports[1])

    dense = both()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(squares, "LARGE", 0)
        patch.setattr(squares, "_MADE_BYTES", 8 * 3 * len(now.company))
        assert not isinstance(now.similarity(), np.ndarray)
        large = both()
    assert [(s.statistic, s.level, s.n) for s in large] == [(s.statistic, s.level, s.n) for s in dense]
    for one, other in zip(large, dense, strict=True):
        assert one[2:] == pytest.approx(other[2:], abs=1e-9, nan_ok=True)


def test_memory_of_a_large_year_grows_with_its_reports_and_not_with_their_pairs() -> None:
    """5,000 reports, taken for a large year: their similarities would take 200 MB. The process may grow by 160 MB."""
    code = (
        "import resource, numpy as np, torch\n"
        "from dataclasses import replace\n"
        "from compsim_assets.science.correlation.returns import normalise_returns\n"
        "from compsim_assets.science.peers import ranks, squares\n"
        "from compsim_assets.science.peers.returns import Levels, year_statistics\n"
        "from compsim_assets.science.peers.statistics import YearReports, correlations, cosines\n"
        "squares.LARGE, squares._MADE_BYTES = 1000, 1 << 22\n"
        "ranks._BUCKETS, ranks._OFF, PairRanks = 1 << 16, 1.0, ranks.PairRanks\n"
        "PairRanks.__init__.__defaults__ = (), 1 << 16\n"
        "n, rng = 5_000, np.random.default_rng(0)\n"
        "scores, returns = rng.normal(size=(n, 8)), rng.normal(size=(n, 12))\n"
        "known = correlations(*normalise_returns(returns))\n"
        "reports = YearReports(2000, np.arange(n), known, returns, np.arange(n) % 60, np.arange(n), np.ones(n))\n"
        "torch.rand(64, 64) @ torch.rand(64, 64)\n"
        "used = int(open('/proc/self/statm').read().split()[5]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (used + 160 * 2**20,) * 2)\n"
        "statistics, now = year_statistics(cosines(scores), reports, Levels())\n"
        "print(statistics[0].n, abs(statistics[0].value) < 0.01)\n"
        "statistics, _ = year_statistics(cosines(scores), replace(reports, year=2001), Levels(), now)\n"
        "print({each.value for each in statistics if each.statistic == 'peer_stability'})\n"
        "try:\n"
        "    np.ones((n, n))\n"
        "except MemoryError:\n"
        "    print('the square does not fit')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.splitlines() == ["12497500 True", "{1.0}", "the square does not fit"], ran.stderr
