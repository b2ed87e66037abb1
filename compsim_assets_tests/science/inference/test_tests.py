"""Newey-West by hand and by statsmodels, its coverage on dependent years, and Holm's correction."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from compsim_assets.science.inference.tests import hac_mean, holm


def newey_west(values: np.ndarray, lags: int) -> float:
    """Standard error of the mean, from its definition."""
    n = len(values)
    deviation = values - values.mean()
    variance = (deviation**2).sum()
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (deviation[lag:] * deviation[:-lag]).sum()
    return math.sqrt(variance / n**2 * n / (n - 1))


@pytest.mark.parametrize(("n", "lags"), [(3, 1), (20, 2), (25, 2), (60, 3), (100, 4)])
def test_errors_are_those_of_newey_and_west(n: int, lags: int) -> None:
    values = np.random.default_rng(n).normal(0.1, 1.0, n).cumsum() / 5
    found = hac_mean(values)
    error = newey_west(values, lags)
    reach = stats.t.ppf(0.975, n - 1) * error
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((found.mean - reach, found.mean + reach))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.mean) / error, n - 1))
    assert found.n == n


def test_it_is_a_regression_on_a_constant() -> None:
    values = np.random.default_rng(0).normal(0.2, 1.0, 21)
    fitted = sm.OLS(values, np.ones(21)).fit(
        cov_type="HAC", cov_kwds={"maxlags": 5, "use_correction": True}, use_t=True
    )
    found = hac_mean(values, lags=5, level=0.9)
    assert (found.low, found.high) == pytest.approx(fitted.conf_int(0.1)[0], abs=1e-12)
    assert found.p_value == pytest.approx(fitted.pvalues[0], abs=1e-12)


def test_years_are_put_in_order_and_missing_ones_passed_over() -> None:
    values = pd.Series(np.random.default_rng(1).normal(size=15).cumsum(), index=range(2000, 2015))
    expected = hac_mean(values.to_numpy())
    holes = pd.concat([values, pd.Series(np.nan, index=[1995, 2020])])
    assert hac_mean(holes.sample(frac=1, random_state=0)) == expected
    assert hac_mean(values.sample(frac=1, random_state=0).to_numpy()) != expected


@pytest.mark.parametrize("values", [[], [0.3], [0.3, np.nan, 0.5]])
def test_fewer_than_three_years_have_no_interval(values: list[float]) -> None:
    found = hac_mean(np.array(values))
    assert np.isnan([found.low, found.high, found.p_value]).all()
    assert found.n == np.isfinite(values).sum()
    assert found.mean == pytest.approx(np.nanmean(values) if values else np.nan, nan_ok=True)


def test_years_that_do_not_differ_say_nothing_about_the_error() -> None:
    found = hac_mean(np.full(9, 0.1))
    assert found.low == found.mean == found.high == pytest.approx(0.1)
    assert np.isnan(found.p_value)


def coverage(persistence: float, lags: int | None) -> float:
    """Share of 250 series of 60 years whose interval holds their true mean, 1."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(250):
        noise = rng.normal(size=80)
        for year in range(1, 80):
            noise[year] += persistence * noise[year - 1]
        found = hac_mean(1.0 + noise[20:], lags)
        held += found.low <= 1.0 <= found.high
    return held / 250


def test_intervals_hold_the_mean_of_years_that_depend_on_each_other() -> None:
    """Newey-West intervals of short series are a little narrow; those that take years as independent are far off."""
    assert 0.92 <= coverage(0.0, None) <= 0.98
    assert 0.87 <= coverage(0.4, None) <= 0.97
    assert coverage(0.4, 0) < 0.84


def test_holm_multiplies_by_the_tests_that_are_left() -> None:
    found = holm(np.array([0.01, 0.04, np.nan, 0.03, 0.005]))
    # Ordered: 4 x 0.005, 3 x 0.01, 2 x 0.03, 1 x 0.04 raised to its predecessor.
    np.testing.assert_allclose(found, [0.03, 0.06, np.nan, 0.06, 0.02])


def test_holm_stops_at_one_and_keeps_an_empty_family() -> None:
    assert holm(pd.Series([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).tolist() == []
    assert np.isnan(holm(np.array([np.nan]))).all()
