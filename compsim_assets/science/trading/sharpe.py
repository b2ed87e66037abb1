"""Sharpe ratios: with an interval that knows days depend on one another, and with the price of having tried many."""

from functools import partial

import numpy as np
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from scipy.stats import kurtosis, norm, skew

from compsim_assets.science.trading.calendar import DAYS_A_YEAR

_EULER = 0.5772156649015329


def sharpe_ratio(returns: np.ndarray, rows_a_year: float = DAYS_A_YEAR) -> np.ndarray:
    """Mean over sample standard deviation of returns x sqrt(rows a year), risk-free rate 0.

    Args:
        returns: (T, ...) daily returns, or weekly or monthly ones. rows_a_year: as many as there are in a year.

    Returns:
        (...) ratios; NaN with fewer than two days, or where returns do not vary.
    """
    if len(returns) < 2:
        return np.full(returns.shape[1:], np.nan)
    mean, deviation = returns.mean(axis=0), returns.std(axis=0, ddof=1)
    varies = deviation > 1e-12 * np.abs(mean)
    ratio = np.divide(mean, deviation, out=np.full_like(deviation, np.nan), where=varies)
    return np.sqrt(rows_a_year) * ratio


def sharpe_intervals(
    returns: np.ndarray, *, level: float = 0.95, draws: int = 1000, seed: int = 0, rows_a_year: float = DAYS_A_YEAR
) -> np.ndarray:
    """Percentile intervals of Sharpe ratios by the stationary bootstrap (Politis and Romano 1994).

    Blocks of random length keep what neighbouring days have in common; the mean length is Politis and White's choice
    (2004, corrected 2009) for the first series, and never below 1. With strong autocorrelation (0.4) an interval of
    95 % covers about 90 %.

    Args:
        returns: (T, C) daily returns of C versions of one portfolio, resampled together; NaN are not allowed.

    Returns:
        (2, C) lower and upper ends; NaN with fewer than 20 days or where the ratio is NaN.

    Cost: O(draws x T x C).
    """
    if len(returns) < 20 or np.isnan(sharpe_ratio(returns[:, 0])):
        return np.full((2, returns.shape[1]), np.nan)
    block = round(optimal_block_length(returns[:, 0])["stationary"].iloc[0])
    bootstrap = StationaryBootstrap(max(1, block), returns, seed=np.random.default_rng(seed))
    drawn = bootstrap.apply(partial(sharpe_ratio, rows_a_year=rows_a_year), draws)
    tail = (1 - level) / 2
    ends = np.full((2, returns.shape[1]), np.nan)
    varies = ~np.isnan(sharpe_ratio(returns))
    ends[:, varies] = np.nanquantile(drawn[:, varies], [tail, 1 - tail], axis=0)
    return ends


def expected_best_sharpe(tried: np.ndarray) -> float:
    """The Sharpe ratio that the best of several methods without any skill is expected to have.

    Args:
        tried: (N,) Sharpe ratios of all methods tried (any unit; the result has the same); NaN are left out.

    Returns:
        sqrt(variance of them) x the expected largest of N standard normal numbers; 0 for fewer than two.

    Source: Bailey and Lopez de Prado (2014), equation 1.
    """
    tried = tried[~np.isnan(tried)]
    n = len(tried)
    if n < 2:
        return 0.0
    largest = (1 - _EULER) * norm.ppf(1 - 1 / n) + _EULER * norm.ppf(1 - 1 / (n * np.e))
    return float(tried.std(ddof=1) * largest)


def deflated_sharpe(returns: np.ndarray, tried: np.ndarray, rows_a_year: float = DAYS_A_YEAR) -> float:
    """Probability that the true Sharpe ratio is above what the best of the methods tried has by chance.

    Args:
        returns: (T,) daily returns of the method judged.
        tried: (N,) annual Sharpe ratios of all methods tried, this one included.

    Returns:
        A probability that allows for skewness, fat tails, length and the number of trials; NaN where there is no ratio.

    Source: Bailey and Lopez de Prado (2014), equation 2. Days count as independent.
    """
    daily = float(sharpe_ratio(returns, rows_a_year)) / np.sqrt(rows_a_year)
    if np.isnan(daily):
        return float("nan")
    benchmark = expected_best_sharpe(tried) / np.sqrt(rows_a_year)
    fat = kurtosis(returns, fisher=False)
    spread = np.sqrt(1 - skew(returns) * daily + (fat - 1) / 4 * daily**2)
    return float(norm.cdf((daily - benchmark) * np.sqrt(len(returns) - 1) / spread))
