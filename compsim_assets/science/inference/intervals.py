"""Bias-corrected and accelerated bootstrap intervals (Efron 1987) of many statistics at once."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri


class Interval(NamedTuple):
    """Ends of an interval."""

    low: np.ndarray
    high: np.ndarray


def bca(value: np.ndarray, resampled: np.ndarray, jackknife: np.ndarray, level: float = 0.95) -> Interval:
    """BCa interval of each statistic.

    The bias counts a resample that equals the value as half below it. A statistic that no left-out unit changes has no
    acceleration. Quantiles are interpolated linearly between resamples.

    Args:
        value: (...) the statistics of the data.
        resampled: (B, ...) the same of each resample; NaN where a resample has none.
        jackknife: (n, ...) the same with each unit left out; NaN where nothing is left, which is passed over.
        level: coverage, between 0 and 1.

    Returns:
        low, high (...): NaN where the value is NaN; where all resamples lie on one side of it, so that they cannot tell
        its bias; and where more than 1 - level of the resamples have no value: those could fill a whole tail.

    Raises:
        ValueError: when `level` is no share, or the shapes do not fit.

    Cost: one sort of `resampled`; memory of two copies of it.
    """
    value, resampled, jackknife = (np.asarray(array, dtype=np.float64) for array in (value, resampled, jackknife))
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    if resampled.shape[1:] != value.shape or jackknife.shape[1:] != value.shape:
        raise ValueError(
            f"values have shape {value.shape}, resamples {resampled.shape}, left-out units {jackknife.shape}: all but "
            "the first dimension of the last two must be that of the values"
        )
    used = np.isfinite(resampled).sum(axis=0)
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        below = ((resampled < value).sum(axis=0) + (resampled <= value).sum(axis=0)) / (2 * used)
        bias, speed = ndtri(below), acceleration(jackknife)
        # NaN is sorted to the end.
        ordered = np.sort(resampled, axis=0)
        low, high = (_quantile(ordered, used, _share(bias, speed, ndtri(p))) for p in (tail, 1 - tail))
    told = np.isfinite(value) & np.isfinite(bias) & (used >= level * len(resampled))
    return Interval(np.where(told, low, np.nan), np.where(told, high, np.nan))


def acceleration(jackknife: np.ndarray) -> np.ndarray:
    """Sum of d^3 / (6 (sum of d^2)^1.5), d = mean - value without a unit; (n, ...) to (...)."""
    present = np.isfinite(jackknife)
    filled = np.where(present, jackknife, 0.0)
    mean = filled.sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    change = np.where(present, mean - filled, 0.0)
    # Units that change nothing but rounding: their cubes are noise.
    change[:, np.abs(change).max(axis=0, initial=0.0) <= 1e-12 * np.abs(mean)] = 0.0
    squares = (change**2).sum(axis=0)
    cubes = (change**3).sum(axis=0)
    return np.divide(cubes, 6 * squares**1.5, out=np.zeros_like(cubes), where=squares > 0)


def _share(bias: np.ndarray, speed: np.ndarray, normal: float) -> np.ndarray:
    """Share of resamples below the end whose normal quantile is `normal`."""
    moved = bias + normal
    shrunk = 1 - speed * moved
    # Beyond the pole of the formula the end has run past every resample.
    return ndtr(np.where(shrunk > 0, bias + moved / shrunk, np.copysign(np.inf, moved)))


def _quantile(ordered: np.ndarray, used: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Quantile of each column's first `used` rows, at a share of its own."""
    last = np.maximum(used - 1, 0)
    place = np.nan_to_num(share) * last
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, last)
    lower, upper = (np.take_along_axis(ordered, row[None], axis=0)[0] for row in (below, above))
    return lower + (place - below) * (upper - lower)
