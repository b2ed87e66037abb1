"""Cosine distances between reports of one year, and their mean and deviation over all years' pairs."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

# Deviations below this are rounding of equal distances: the standardised distance is then zero everywhere.
_EQUAL_DISTANCES = 1e-12


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


def unit_rows(scores: np.ndarray) -> np.ndarray:
    """Scale rows to length one in float64; a zero row stays zero, so its cosine with everything is zero."""
    rows = np.array(scores, dtype=np.float64)
    _normalise(torch.from_numpy(rows))
    return rows


def _normalise(rows: torch.Tensor) -> None:
    length = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    rows.div_(length.masked_fill_(length == 0, 1.0))


class YearDistances:
    """Cosine distances 1 - cos of all pairs of rows, one year after another in the same memory.

    Fresh memory would cost more than it holds: every page of it is zeroed before its first use.

    Float64 throughout: a cutoff decides by comparison, and a float32 product would move edges that lie
    within 1e-7 of it.

    Args:
        device: torch device of the products.
        panel: rows of the square of products that are computed at once.

    Cost of a year: n^2 P / 2 multiply-adds, for the upper half in panels of rows. Memory, for the largest year: 8 n P
    bytes of unit rows, 4 n^2 of distances, 8 n `panel` of products.
    """

    def __init__(self, device: str = "cpu", panel: int = 256) -> None:
        self._device, self._rows = torch.device(device), panel
        self._unit = torch.empty(0, dtype=torch.float64, device=self._device)
        self._panel = torch.empty(0, dtype=torch.float64, device=self._device)
        self._condensed = np.empty(0)

    def of(self, scores: np.ndarray) -> np.ndarray:
        """(n (n - 1) / 2,) distances of the rows of (n, P) scores in `pdist` order, valid until the next call."""
        n, n_axes = scores.shape
        self._unit = _at_least(self._unit, n * n_axes)
        unit = self._unit[: n * n_axes].view(n, n_axes)
        unit.copy_(torch.from_numpy(np.require(scores, requirements=("C", "W"))))
        _normalise(unit)
        self._panel = _at_least(self._panel, min(self._rows, n) * n)
        if len(self._condensed) < n * (n - 1) // 2:
            self._condensed = np.empty(n * (n - 1) // 2)
        filled = 0
        for start in range(0, n, self._rows):
            stop = min(start + self._rows, n)
            panel = self._panel[: (stop - start) * (n - start)].view(stop - start, n - start)
            torch.mm(unit[start:stop], unit[start:].T, out=panel)
            cosines = panel.neg_().add_(1.0).clamp_(0.0, 2.0).cpu().numpy()
            for row, distances in enumerate(cosines):
                size = n - start - row - 1
                self._condensed[filled : filled + size] = distances[row + 1 :]
                filled += size
        return self._condensed[:filled]


def _at_least(pool: torch.Tensor, size: int) -> torch.Tensor:
    return pool if len(pool) >= size else torch.empty(size, dtype=pool.dtype, device=pool.device)


def moments_of(distances: np.ndarray) -> Moments:
    """Moments of some distances, which are overwritten: a second pass about the mean loses no digits."""
    if len(distances) == 0:
        return Moments(0, 0.0, 0.0)
    mean = float(distances.mean())
    distances -= mean
    return Moments(len(distances), mean, float(distances @ distances))


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
