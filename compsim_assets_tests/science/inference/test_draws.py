"""Intervals over draws, and over years and draws, cover what they claim."""

import numpy as np
import pytest
from scipy import stats

from compsim_assets.science.inference.draws import mean_of_draws, mean_of_halves_and_draws, mean_of_years_and_draws
from compsim_assets.science.inference.tests import hac_mean


def test_the_interval_over_draws_is_students() -> None:
    values = np.array([0.2, 0.5, 0.3, np.nan])
    interval = mean_of_draws(values)
    expected = stats.ttest_1samp(values[:3], 0).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert (interval.mean, interval.n) == (pytest.approx(1 / 3), 3)


def test_a_single_draw_says_nothing_of_others() -> None:
    interval = mean_of_draws(np.array([0.2]))
    assert interval.mean == 0.2
    assert np.isnan([interval.low, interval.high]).all()


@pytest.mark.parametrize("n_draws", [2, 3, 8])
def test_coverage_over_draws(n_draws: int) -> None:
    rng = np.random.default_rng(n_draws)
    covered = [(m := mean_of_draws(rng.normal(0.3, 0.1, n_draws))).low <= 0.3 <= m.high for _ in range(2000)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(("of_years", "of_draws"), [(0.1, 0.0), (0.1, 0.1), (0.02, 0.2)])
def test_coverage_over_years_and_draws(of_years: float, of_draws: float) -> None:
    """Years 20, draws 3; the mean over both of what is drawn anew each time is 0.3."""
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(400):
        years, draws = rng.normal(0, of_years, 20), rng.normal(0, of_draws, (3, 1))
        test = mean_of_years_and_draws(0.3 + years + draws + rng.normal(0, 0.01, (3, 20)))
        covered.append(test.low <= 0.3 <= test.high)
    # Newey-West errors of twenty years are themselves a little short.
    assert 0.90 <= np.mean(covered) <= 0.995


def test_years_alone_would_be_far_too_sure() -> None:
    rng = np.random.default_rng(6)
    alone, both = [], []
    for _ in range(200):
        values = 0.3 + rng.normal(0, 0.2, (3, 1)) + rng.normal(0, 0.02, (3, 20))
        for covered, test in ((alone, hac_mean(values.mean(axis=0))), (both, mean_of_years_and_draws(values))):
            covered.append(test.low <= 0.3 <= test.high)
    assert np.mean(alone) < 0.3
    assert np.mean(both) > 0.9


def test_one_draw_is_the_mean_over_years_and_what_agrees_has_no_width() -> None:
    rng = np.random.default_rng(0)
    years = rng.normal(0.1, 0.1, 12)
    assert mean_of_years_and_draws(years[None]) == hac_mean(years)
    assert mean_of_years_and_draws(np.tile(years, (3, 1))) == pytest.approx(hac_mean(years))
    equal = mean_of_years_and_draws(np.zeros((3, 12)))
    assert (equal.mean, equal.low, equal.high) == (0, 0, 0)
    assert np.isnan(equal.p_value)


def test_years_that_no_draw_has_do_not_count() -> None:
    values = np.array([[0.1, np.nan, 0.2, 0.4], [0.2, np.nan, np.nan, 0.5]])
    test = mean_of_years_and_draws(values)
    assert test.n == 3
    assert test.mean == pytest.approx((0.15 + 0.2 + 0.45) / 3)
    assert mean_of_years_and_draws(np.empty((0, 0))).n == 0


@pytest.mark.parametrize("halves", [4, 6, 12])
def test_coverage_over_halves_of_the_companies(halves: int) -> None:
    """A number of a company with mean 0.3; what is judged is one half, chosen anew each time."""
    rng = np.random.default_rng(halves)
    covered = []
    for _ in range(1500):
        sample = 0.3 + rng.gamma(2.0, 0.1, 200) - 0.2
        judged = np.array([sample[rng.permutation(200) < 100].mean() for _ in range(halves)])
        test = mean_of_halves_and_draws(judged[None])
        covered.append(test.low <= 0.3 <= test.high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)


def test_draws_widen_what_halves_say() -> None:
    rng = np.random.default_rng(1)
    values = 0.3 + rng.normal(0, 0.01, (3, 6))
    apart = values + np.array([[-0.1], [0.0], [0.1]])
    narrow, wide = mean_of_halves_and_draws(values), mean_of_halves_and_draws(apart)
    assert wide.mean == pytest.approx(narrow.mean)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_too_few_halves_and_halves_that_agree() -> None:
    few = mean_of_halves_and_draws(np.array([[0.1, np.nan, 0.3, np.nan]]))
    assert (few.mean, few.n) == (pytest.approx(0.2), 2)
    assert np.isnan([few.low, few.high, few.p_value]).all()
    same = mean_of_halves_and_draws(np.full((2, 4), 0.25))
    assert (same.mean, same.low, same.high) == (0.25, 0.25, 0.25)
    assert np.isnan(same.p_value)
