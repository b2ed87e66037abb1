"""Mean and deviation of the distances of all years' pairs: they turn a cutoff theta into a distance, and back."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

# Deviations below this are rounding of equal distances: the standardised distance is then zero everywhere.
_EQUAL_DISTANCES = 1e-12
# BLAS adds up more numbers than this in as many parts as it has threads.
_ONE_PART = 10_000


@dataclass(frozen=True)
class Moments:
    """Number of some distances, their mean, and the sum of their squared deviations from it."""

    n_pairs: int
    mean: float
    squared_deviation: float


@dataclass(frozen=True)
class DistanceScale:
    """Mean m and population deviation v of the cosine distance d over all years' pairs: delta = (d - m) / v."""

    mean: float
    deviation: float
    n_pairs: int

    def standardise(self, distance: np.ndarray) -> np.ndarray:
        """Standardised distance delta of a cosine distance d."""
        return (distance - self.mean) / self.deviation

    def distance(self, theta: np.ndarray | float) -> np.ndarray | float:
        """Cosine distance at a standardised cutoff theta."""
        return theta * self.deviation + self.mean


def moments_of(distances: np.ndarray) -> Moments:
    """Moments of some distances, which are overwritten: a second pass about the mean loses no digits."""
    if len(distances) == 0:
        return Moments(0, 0.0, 0.0)
    mean = float(distances.mean())
    distances -= mean
    return Moments(len(distances), mean, _sum_of_squares(distances))


def _sum_of_squares(values: np.ndarray) -> float:
    """Long ones in two halves, whatever the number of threads: the last bits depend on how many parts there are."""
    parts = [values] if len(values) <= _ONE_PART else np.array_split(values, 2)
    with threadpool_limits(1, user_api="blas"):
        return float(sum(float(part @ part) for part in parts))


def fit_scale(parts: Iterable[Moments]) -> DistanceScale:
    """Scale of all distances from the moments of parts of them: deviations inside the parts and between their means."""
    parts = [part for part in parts if part.n_pairs]
    n_pairs = sum(part.n_pairs for part in parts)
    if n_pairs == 0:
        return DistanceScale(mean=0.0, deviation=1.0, n_pairs=0)
    mean = sum(part.n_pairs * part.mean for part in parts) / n_pairs
    squares = sum(part.squared_deviation + part.n_pairs * (part.mean - mean) ** 2 for part in parts)
    deviation = float(np.sqrt(squares / n_pairs))
    if deviation < _EQUAL_DISTANCES:
        deviation = 1.0
    return DistanceScale(mean=mean, deviation=deviation, n_pairs=n_pairs)
