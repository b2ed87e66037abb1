"""MeanCorr of resampled companies: literal copies of companies, companies left out, no lost clusters."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.correlation.groups import correlation_by_year
from compsim_assets.science.inference.resampled_correlation import SIZE_STRATA
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.inference.company_tables import Tables, one_year, resampled
from compsim_assets_tests.science.strategies import Universe, examples, universes


def tables(universe: Universe, rng: np.random.Generator, n_companies: int = 5) -> Tables:
    """Groups, some reports in none; returns; companies, some with two reports in one year."""
    labels = rng.choice(np.array(["a", "b", "c", None], dtype=object), len(universe.year))
    keys = {"year": universe.year, "report_id": universe.report_id}
    company = pd.Series(rng.integers(n_companies, size=len(labels)), index=universe.report_id)
    return (
        pd.DataFrame(keys | {"cluster_id": labels}),
        pd.DataFrame(keys | {"returns": list(universe.returns)}),
        company,
    )


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def statistics_of_copies(found: Tables, copies: dict[int, int]) -> list[float]:
    """Every company written down as often as it was drawn, every pair listed."""
    groups, returns, company = found
    by_report = returns.set_index("report_id")["returns"]
    by_year: dict[int, list[float]] = {}
    sized: list[tuple[int, float]] = []
    pooled: list[float] = []
    for (year, _), members in groups.dropna().groupby(["year", "cluster_id"]):
        written = [(report, company[report]) for report in members["report_id"] for _ in range(copies[company[report]])]
        pairs = [
            oracles.pearson(by_report[first[0]].tolist(), by_report[second[0]].tolist())
            for first, second in itertools.combinations(written, 2)
            # A company makes no pair with itself: neither with a copy nor with another report.
            if first[1] != second[1]
        ]
        existing = [rho for rho in pairs if rho is not None]
        if existing:
            by_year.setdefault(year, []).append(mean(existing))
            sized.append((len(members), mean(existing)))
            pooled += existing
    return [
        mean([mean(year) for year in by_year.values()]),
        mean(pooled),
        *(mean([rho for size, rho in sized if low <= size <= high]) for low, high in SIZE_STRATA),
    ]


@examples(12)
@given(universes(max_years=4, max_reports=9), st.integers(0, 2**32 - 1))
def test_sums_equal_the_list_of_all_pairs_of_copies(universe: Universe, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = tables(universe, rng)
    companies = np.unique(found[2])
    weights = rng.integers(0, 4, (len(companies), 3))
    values = resampled(found).values(weights)
    for column in range(3):
        expected = statistics_of_copies(found, dict(zip(companies.tolist(), weights[:, column].tolist(), strict=True)))
        np.testing.assert_allclose(values[:, column], expected, atol=1e-9)


@examples(12)
@given(universes(max_years=4, max_reports=9), st.integers(0, 2**32 - 1))
def test_one_copy_of_each_gives_mean_correlation(universe: Universe, seed: int) -> None:
    found = tables(universe, np.random.default_rng(seed))
    by_year = correlation_by_year(*found)
    value = resampled(found).values(np.ones((found[2].nunique(), 1)))[:2, 0]
    np.testing.assert_allclose(value[0], by_year["mean_correlation"].mean(), atol=1e-12)
    np.testing.assert_allclose(value[1], pooled(by_year), atol=1e-12)


def pooled(by_year: pd.DataFrame) -> float:
    n_pairs = by_year["n_pairs"].sum()
    return (by_year["pair_weighted"] * by_year["n_pairs"]).sum() / n_pairs if n_pairs else np.nan


@examples(12)
@given(universes(max_years=4, max_reports=9), st.integers(0, 2**32 - 1))
def test_a_company_left_out_is_a_company_that_is_not_there(universe: Universe, seed: int) -> None:
    found = tables(universe, np.random.default_rng(seed))
    groups, returns, company = found
    one = resampled(found)
    left_out = one.left_out()
    companies = np.unique(company)
    np.testing.assert_allclose(left_out, one.values(1.0 - np.eye(len(companies))), atol=1e-9)
    for name, values in zip(companies, left_out.T, strict=True):
        others = returns[(company.loc[returns["report_id"]] != name).to_numpy()]
        by_year = correlation_by_year(groups, others, company)
        np.testing.assert_allclose(values[0], by_year["mean_correlation"].mean(), atol=1e-9)
        np.testing.assert_allclose(values[1], pooled(by_year), atol=1e-9)


def all_draws(n: int) -> np.ndarray:
    """(n, n^n): every way to draw n of n companies."""
    return np.array([np.bincount(d, minlength=n) for d in itertools.product(range(n), repeat=n)]).T


def test_clusters_that_are_lost_do_not_move_the_mean_over_all_resamples() -> None:
    one = resampled(one_year([2, 4], seed=1, alike=2.0))
    draws = all_draws(6)
    value = one.values(np.ones((6, 1)))[:, 0]
    without = one.resampled(draws)
    for statistic in (0, 2, 3):
        # A resample that lost all clusters tells nothing: it is where it was.
        kept = np.where(np.isnan(without[statistic]), value[statistic], without[statistic])
        assert kept.mean() == pytest.approx(value[statistic], abs=1e-12)
    plain = np.nanmean(one.values(draws)[0])
    assert abs(plain - value[0]) > 1e-3
