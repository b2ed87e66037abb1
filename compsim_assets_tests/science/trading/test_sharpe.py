"""Sharpe ratios: known answers, and intervals that cover the truth as often as they say."""

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from scipy.stats import norm

from compsim_assets.science.trading.sharpe import deflated_sharpe, expected_best_sharpe, sharpe_intervals, sharpe_ratio

MEAN, DAYS, SIMULATIONS = 0.0004, 750, 400


def simulated(rng: np.random.Generator, persistence: float) -> np.ndarray:
    """(DAYS, SIMULATIONS) returns with fat, clustered shocks (GARCH) and autocorrelation; deviation 1 % a day."""
    variance, shock, value = np.ones(SIMULATIONS), np.zeros(SIMULATIONS), np.zeros(SIMULATIONS)
    rows = []
    for _ in range(DAYS + 100):
        variance = 0.1 + 0.1 * shock**2 + 0.8 * variance
        shock = np.sqrt(variance) * rng.normal(size=SIMULATIONS)
        value = persistence * value + np.sqrt(1 - persistence**2) * shock
        rows.append(value)
    return MEAN + 0.01 * np.array(rows[100:])


def coverage(ends: np.ndarray) -> float:
    truth = np.sqrt(252) * MEAN / 0.01
    return float(((ends[0] <= truth) & (truth <= ends[1])).mean())


@pytest.mark.parametrize(("persistence", "least"), [(0.0, 0.92), (0.4, 0.88)])
def test_the_interval_covers_the_true_ratio_as_often_as_it_says(persistence: float, least: float) -> None:
    """Nearly: blocks cut what neighbours have in common, and with strong autocorrelation 95 % become about 90 %."""
    returns = simulated(np.random.default_rng(1), persistence)
    ends = sharpe_intervals(returns, draws=200)
    assert least <= coverage(ends) <= 0.975
    # The bounds tell an interval that is wrong from one that is right.
    middle, half = ends.mean(axis=0), np.ptp(ends, axis=0) / 2
    assert coverage(np.stack([middle - 0.7 * half, middle + 0.7 * half])) < least
    assert coverage(np.stack([middle - 1.4 * half, middle + 1.4 * half])) > 0.975


def test_the_interval_is_arch_own_percentile_interval() -> None:
    returns = simulated(np.random.default_rng(3), 0.4)[:, :1]
    block = round(optimal_block_length(returns[:, 0])["stationary"].iloc[0])
    assert block > 3
    bootstrap = StationaryBootstrap(block, returns, seed=np.random.default_rng(7))
    wanted = bootstrap.conf_int(sharpe_ratio, 200, method="percentile")
    assert sharpe_intervals(returns, draws=200, seed=7) == pytest.approx(wanted, abs=1e-12)


def test_versions_of_a_portfolio_are_resampled_together() -> None:
    returns = simulated(np.random.default_rng(3), 0.0)[:, :1]
    versions = np.hstack([returns, returns, returns - 0.001])
    ends = sharpe_intervals(versions, draws=100)
    assert ends[:, 0].tobytes() == ends[:, 1].tobytes()
    assert (ends[:, 2] < ends[:, 0]).all()
    assert ends.tobytes() == sharpe_intervals(versions, draws=100).tobytes()


def test_ratio_of_a_known_series() -> None:
    returns = np.array([0.01, -0.01, 0.02, 0.0])
    assert sharpe_ratio(returns) == pytest.approx(15.8745078664 * 0.005 / 0.0129099445)


def test_no_ratio_and_no_interval_without_variation() -> None:
    flat = np.full((50, 1), 0.001)
    assert np.isnan(sharpe_ratio(flat)).all()
    assert np.isnan(sharpe_intervals(flat)).all()
    assert np.isnan(sharpe_ratio(np.array([0.01])))
    assert np.isnan(deflated_sharpe(flat[:, 0], np.array([1.0, 2.0])))
    assert np.isnan(sharpe_intervals(np.random.default_rng(0).normal(size=(19, 1)))).all()


def test_best_of_many_without_skill_is_what_simulation_says() -> None:
    rng = np.random.default_rng(4)
    tried = rng.normal(0, 0.3, size=(800, 10))
    best = np.mean([expected_best_sharpe(row) for row in tried])
    assert best == pytest.approx(tried.max(axis=1).mean(), rel=0.04)
    assert expected_best_sharpe(np.array([1.3])) == 0
    assert expected_best_sharpe(np.array([1.3, np.nan])) == 0


def test_deflated_ratio_is_a_calibrated_p_value_without_skill() -> None:
    """Of the best of ten methods without skill about half are above the median best, not nine of ten above zero."""
    rng = np.random.default_rng(5)
    deflated, plain = [], []
    for _ in range(120):
        returns = rng.normal(0, 0.01, size=(500, 10))
        ratios = sharpe_ratio(returns)
        best = returns[:, ratios.argmax()]
        deflated.append(deflated_sharpe(best, ratios))
        plain.append(deflated_sharpe(best, ratios[:1]))
    assert 0.4 < np.mean(np.array(deflated) > 0.5) < 0.6
    assert np.mean(np.array(plain) > 0.5) > 0.95


def test_deflated_ratio_of_normal_days_is_the_normal_tail() -> None:
    quantiles = norm.ppf((np.arange(1000) + 0.5) / 1000)
    returns = 0.001 + 0.01 * quantiles
    daily = returns.mean() / returns.std(ddof=1)
    wanted = norm.cdf(daily * np.sqrt(999) / np.sqrt(1 + 0.5 * daily**2))
    assert deflated_sharpe(returns, np.array([1.0])) == pytest.approx(wanted, abs=2e-3)


def test_ratios_of_weeks_are_annual_by_the_weeks_of_a_year() -> None:
    returns = 0.002 + 0.02 * np.random.default_rng(6).normal(size=(300, 1))
    mean, deviation = returns.mean(), returns.std(ddof=1)
    assert sharpe_ratio(returns, 52)[0] == pytest.approx(np.sqrt(52) * mean / deviation)
    daily, weekly = (sharpe_intervals(returns, draws=100, rows_a_year=rows) for rows in (252, 52))
    assert weekly == pytest.approx(daily * np.sqrt(52 / 252))
    # The probability has no unit: ratios of the trials and of the method are annual alike.
    tried = np.array([0.2, 0.5, 0.9])
    deflated = deflated_sharpe(returns[:, 0], tried, 252)
    assert deflated_sharpe(returns[:, 0], tried * np.sqrt(52 / 252), 52) == pytest.approx(deflated)
