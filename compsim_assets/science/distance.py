"""Cosine distances between reports of one year, and their mean and deviation over all years' pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

# Deviations below this are rounding of equal distances: the standardised distance is then zero everywhere.
_EQUAL_DISTANCES = 1e-12


@dataclass(frozen=True)
class DistanceScale:
    """Mean m and population deviation v of the cosine distance over all pairs of all years (method: delta = (d - m) / v)."""

    mean: float
    deviation: float
    n_pairs: int

    def standardise(self, distance: np.ndarray) -> np.ndarray:
        """Standardised distance delta of a cosine distance d."""
        return (distance - self.mean) / self.deviation

    def distance(self, theta: np.ndarray | float) -> np.ndarray | float:
        """Cosine distance at a standardised cutoff theta."""
        return theta * self.deviation + self.mean


def unit_rows(scores: np.ndarray) -> np.ndarray:
    """Scale rows to length one in float64; a zero row stays zero, so its cosine with everything is zero."""
    scores = np.asarray(scores, dtype=np.float64)
    length = np.linalg.norm(scores, axis=1, keepdims=True)
    return np.divide(scores, length, out=np.zeros_like(scores), where=length > 0)


def pair_cosine_sum(unit: np.ndarray) -> float:
    """Sum of the cosines over all pairs of rows without listing them: (|sum u|^2 - sum |u|^2) / 2.

    Cost: O(n P) time, O(P) memory.
    """
    total = unit.sum(axis=0)
    return float((total @ total - np.einsum("ij,ij->", unit, unit)) / 2)


def condensed_distances(unit: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Cosine distances 1 - cos of all pairs of rows, in the order of `scipy.spatial.distance.pdist`.

    Float64 throughout: a cutoff decides by comparison, and a float32 product would move edges that lie
    within 1e-7 of it.

    Args:
        unit: (n, P) unit (or zero) rows.
        device: torch device of the product.

    Cost: n^2 P multiply-adds; memory 8 n^2 bytes for the square and 4 n^2 for the result.
    """
    from scipy.spatial.distance import squareform

    rows = torch.from_numpy(unit).to(device)
    square = (rows @ rows.T).neg_().add_(1.0).clamp_(0.0, 2.0)
    return squareform(square.cpu().numpy(), checks=False)


def fit_scale(year_sums: Sequence[tuple[int, float]], squared_deviation: float) -> DistanceScale:
    """Scale of the pooled distances from per-year pieces.

    Args:
        year_sums: (number of pairs, sum of cosines) of each year.
        squared_deviation: sum over all pairs of (d - m)^2 with m = `pooled_mean(year_sums)`.
    """
    n_pairs = sum(pairs for pairs, _ in year_sums)
    if n_pairs == 0:
        return DistanceScale(mean=0.0, deviation=1.0, n_pairs=0)
    deviation = float(np.sqrt(squared_deviation / n_pairs))
    if deviation < _EQUAL_DISTANCES:
        deviation = 1.0
    return DistanceScale(mean=pooled_mean(year_sums), deviation=deviation, n_pairs=n_pairs)


def pooled_mean(year_sums: Sequence[tuple[int, float]]) -> float:
    """Mean cosine distance over all pairs of all years; 0 where there is no pair."""
    n_pairs = sum(pairs for pairs, _ in year_sums)
    return 1.0 - sum(cosines for _, cosines in year_sums) / n_pairs if n_pairs else 0.0
