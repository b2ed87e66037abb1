"""Means of what was drawn with several seeds: over draws alone, and over years and draws together."""

from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from compsim_assets.science.inference.tests import MeanTest, hac_mean


class DrawMean(NamedTuple):
    """A mean over draws and its interval; NaN ends of a single draw, which says nothing of others."""

    mean: float
    low: float
    high: float
    n: int


def mean_of_draws(by_draw: np.ndarray, level: float = 0.95) -> DrawMean:
    """Mean over draws, with Student's interval: what further seeds would give on average.

    Args:
        by_draw: (draws,) a number of each; NaN where one has none.
    """
    values = np.asarray(by_draw, dtype=np.float64)
    values = values[np.isfinite(values)]
    n = len(values)
    if n < 2:
        return DrawMean(float(values.mean()) if n else np.nan, np.nan, np.nan, n)
    mean, reach = float(values.mean()), _reach(float(values.var(ddof=1)) / n, n - 1, level)
    return DrawMean(mean, mean - reach, mean + reach, n)


def mean_of_years_and_draws(by_year: np.ndarray, level: float = 0.95) -> MeanTest:
    """Mean over years of what was drawn several times, for further years and further draws at once.

    The variance is that of the mean over years, with Newey-West errors (`hac_mean` of each year's mean over draws),
    and that of the mean over draws. What draws differ by within a year is in both, so the interval is rather too wide.
    Degrees of freedom by Welch and Satterthwaite. One draw: the interval is over years alone.

    Args:
        by_year: (draws, years) NaN where a draw has no value in a year; years ascending.

    Returns:
        As `hac_mean`: NaN ends for fewer than three years; no width and no p-value where nothing differs.
    """
    values = np.asarray(by_year, dtype=np.float64)
    values = values[:, np.isfinite(values).any(axis=0)]
    n_draws = len(values)
    of_years = hac_mean(np.nanmean(values, axis=0) if values.size else np.empty(0), level=level)
    if n_draws < 2 or np.isnan(of_years.low):
        return of_years
    deviation = (of_years.high - of_years.low) / 2 / float(student.ppf((1 + level) / 2, of_years.n - 1))
    parts = deviation**2, float(np.nanmean(values, axis=1).var(ddof=1)) / n_draws
    variance = sum(parts)
    if parts[1] <= 1e-24 * max(of_years.mean**2, variance):
        return of_years
    freedom = variance**2 / (parts[0] ** 2 / (of_years.n - 1) + parts[1] ** 2 / (n_draws - 1))
    reach = _reach(variance, freedom, level)
    p_value = 2 * float(student.sf(abs(of_years.mean) / variance**0.5, freedom))
    return MeanTest(of_years.mean, of_years.mean - reach, of_years.mean + reach, p_value, of_years.n)


def mean_of_halves_and_draws(by_half: np.ndarray, level: float = 0.95) -> MeanTest:
    """Mean over halves of a sample of what was drawn several times: for further samples and further draws at once.

    Each half is one of a random split into two. A number of a half differs from that of the whole as the whole's does
    from what it estimates (half-samples, McCarthy 1969; Shao and Wu 1989 for deleting d of n): the variance is that
    between halves, not divided by their number, with a part for their being few. To it comes the variance of the mean
    over draws. Student's degrees of freedom are one less than the halves.

    Args:
        by_half: (draws, halves) NaN where one has no number.

    Returns:
        As `hac_mean`: NaN ends for fewer than three halves; no width and no p-value where nothing differs.
    """
    values = np.asarray(by_half, dtype=np.float64)
    values = values[:, np.isfinite(values).any(axis=0)]
    n_draws, n = values.shape
    if n < 3:
        return MeanTest(float(np.nanmean(values)) if values.size else np.nan, np.nan, np.nan, np.nan, n)
    of_halves = np.nanmean(values, axis=0)
    mean, variance = float(of_halves.mean()), float(of_halves.var(ddof=1)) * (1 + 1 / n)
    if n_draws > 1:
        variance += float(np.nanmean(values, axis=1).var(ddof=1)) / n_draws
    if variance <= 1e-24 * mean**2:
        return MeanTest(mean, mean, mean, np.nan, n)
    reach = _reach(variance, n - 1, level)
    p_value = 2 * float(student.sf(abs(mean) / variance**0.5, n - 1))
    return MeanTest(mean, mean - reach, mean + reach, p_value, n)


def _reach(variance: float, freedom: float, level: float) -> float:
    return float(student.ppf((1 + level) / 2, freedom) * variance**0.5)
