"""Two vectors for each report, a block of latents at a time: what it says, and what its scores say of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch

from compsim_assets.science.device import to_device
from compsim_assets.science.pca.axes import AxesFromScores
from compsim_assets.science.pca.standardise import FeatureMatrix


class Axes(Protocol):
    """Principal axes that are read in blocks of latents."""

    def block(self, start: int, stop: int) -> np.ndarray:
        """(P, stop - start) float32 components of these latents."""
        ...


@dataclass(frozen=True)
class ScoredReports:
    """n reports as the PCA knows them.

    features: (n, D). scores: (n, P). axes: (P, D), in blocks.
    mean, scale: (D,) float64; a report is standardised as (x - mean) / scale. What an imported PCA subtracts itself is
        a part of `mean`.
    """

    features: FeatureMatrix
    scores: np.ndarray
    axes: Axes
    mean: np.ndarray
    scale: np.ndarray

    @property
    def n_latents(self) -> int:
        """D."""
        return self.features.shape[1]

    @cached_property
    def inverse_length(self) -> np.ndarray:
        """(n,) float64 1 / |z|; 0 for a report at the origin."""
        square = np.einsum("np,np->n", self.scores, self.scores, dtype=np.float64)
        return np.divide(1.0, np.sqrt(square), out=np.zeros_like(square), where=square > 0)

    def standardised(self, latents: slice, rows: np.ndarray | None = None) -> np.ndarray:
        """(k, b) float32 standardised features of some reports; all by default."""
        mean, scale = (values[latents].astype(np.float32) for values in (self.mean, self.scale))
        values = self.features.columns(latents.start, latents.stop, rows) - mean
        values /= scale
        return values

    def parts(self, rows: np.ndarray, latents: slice, axes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """u and v of some reports: (k, b) each, in the type and on the device of `axes` (P, b).

        u = standardised features / |z|, v = W z / |z|. The sum of u_a v_b over all latents is the cosine of a and b.

        Cost: k b P multiply-adds; memory 4 k b bytes beside the results.
        """
        device, dtype = axes.device, axes.dtype
        inverse = to_device(self.inverse_length[rows, None], device).to(dtype)
        u = to_device(self.features.columns(latents.start, latents.stop, rows), device).to(dtype)
        mean, scale = (to_device(values[latents], device).to(dtype) for values in (self.mean, self.scale))
        u = u.sub_(mean).div_(scale).mul_(inverse)
        v = (to_device(self.scores[rows], device).to(dtype) * inverse) @ axes
        return u, v


class HeldAxes:
    """Axes in memory, (P, D) float32."""

    def __init__(self, components: np.ndarray) -> None:
        self.components = components

    def block(self, start: int, stop: int) -> np.ndarray:
        """(P, stop - start) float32."""
        return self.components[:, start:stop]


class AxesOfScores:
    """Axes that were not stored, block by block from features and scores of all reports (method section 2).

    Cost of a block: n b P multiply-adds in float64 and one reading of its features.
    """

    def __init__(
        self,
        features: FeatureMatrix,
        scores: np.ndarray,
        mean: np.ndarray,
        scale: np.ndarray,
        explained_variance: np.ndarray,
        block_bytes: int = 1 << 28,
    ) -> None:
        self._features, self._scores, self._mean, self._scale = features, scores, mean, scale
        self._explained_variance, self._block_bytes = explained_variance, block_bytes

    def block(self, start: int, stop: int) -> np.ndarray:
        """(P, stop - start) float32."""
        latents, n = slice(start, stop), len(self._scores)
        sums = AxesFromScores(self._mean[latents], self._scale[latents], self._scores.shape[1], torch.device("cpu"))
        step = max(1, self._block_bytes // (12 * (stop - start) + 12 * self._scores.shape[1]))
        for first in range(0, n, step):
            rows = np.arange(first, min(first + step, n))
            sums.add(self._features.columns(start, stop, rows), self._scores[rows])
        axes = sums.axes(self._explained_variance, n).T
        return np.ascontiguousarray(axes.to(torch.float32).numpy())
