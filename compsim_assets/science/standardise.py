"""Features in standardised blocks: column means and deviations in float64, rows weighted by their copies."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch

from compsim_assets.science.transfer import to_device

Progress = Callable[[int, int], None]

# Latents standardised at a time: their float64 copies stay in the processor's cache.
_STRIP = 64


class FeatureMatrix(Protocol):
    """An (n, D) float32 matrix that is read in blocks and never needs to be in memory as a whole."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def columns(self, start: int, stop: int) -> np.ndarray:
        """(n, stop - start) values of these latents."""
        ...

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """(k, D) values of these reports."""
        ...


class DenseFeatures:
    """A feature matrix that is in memory: (n, D), kept as float32."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.asarray(values, dtype=np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, D)."""
        return self.values.shape[0], self.values.shape[1]

    def columns(self, start: int, stop: int) -> np.ndarray:
        """(n, stop - start) values of these latents, not copied."""
        return self.values[:, start:stop]

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """(k, D) values of these reports."""
        return self.values[positions]


class StandardisedFeatures:
    """((x - mean) / scale) of an (n, D) matrix, read block by block, rows times the square root of their copies.

    mean, scale: (D,) float64 column mean and population standard deviation (1 where the deviation is 0), known
    once `column_blocks` has gone through; `varies` says whether any deviation is positive.

    Memory: one block of n x `block` values in float32 and in `dtype`.
    """

    def __init__(
        self,
        features: FeatureMatrix,
        copies: np.ndarray,
        block: int,
        dtype: torch.dtype,
        device: str,
        progress: Progress | None = None,
    ) -> None:
        self.features, self.copies = features, np.asarray(copies, dtype=np.float64)
        self.block, self.dtype, self.device, self.progress = block, dtype, device, progress
        self.n, self.n_latents = features.shape
        self.total = float(self.copies.sum())
        self._weight = torch.from_numpy(self.copies).to(device)
        self.mean = np.empty(self.n_latents)
        self.scale = np.empty(self.n_latents)
        self._constant = np.zeros(self.n_latents, dtype=bool)
        self.varies = False

    @property
    def root_weight(self) -> torch.Tensor:
        """(n, 1) square roots of the copies, float64."""
        return self._weight.sqrt()[:, None]

    def column_blocks(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """(latents, (n, b) standardised and weighted values), a tensor that is valid until the next one.

        Raises:
            ValueError: a feature that is not finite; names report row and latent.
        """
        buffer = torch.empty(self.n, min(self.block, self.n_latents), dtype=self.dtype)
        buffer = buffer.to(self.device)
        for start in range(0, self.n_latents, self.block):
            where = slice(start, min(start + self.block, self.n_latents))
            out = buffer[:, : where.stop - start]
            self._standardise(where, out)
            yield where, out
            if self.progress is not None:
                self.progress(where.stop, self.n_latents)

    def row_blocks(self, rows: int) -> Iterator[tuple[slice, torch.Tensor]]:
        """(reports, (b, D) standardised and weighted values); the mean and scale must be known."""
        mean, scale, constant = (
            torch.from_numpy(a).to(self.device) for a in (self.mean, self.scale, self._constant)
        )
        for start in range(0, self.n, rows):
            where = slice(start, min(start + rows, self.n))
            values = to_device(self.features.rows(np.arange(where.start, where.stop)), self.device)
            scaled = values.double().sub_(mean).div_(scale)
            scaled.masked_fill_(constant, 0.0).mul_(self.root_weight[where])
            yield where, scaled.to(self.dtype)

    def fit(self) -> None:
        """Find mean and scale only."""
        for _ in self.column_blocks():
            pass

    def _standardise(self, where: slice, out: torch.Tensor) -> None:
        values = to_device(self.features.columns(where.start, where.stop), self.device)
        for start in range(0, values.shape[1], _STRIP):
            strip = slice(start, min(start + _STRIP, values.shape[1]))
            latents = slice(where.start + strip.start, where.start + strip.stop)
            out[:, strip] = self._standardised_strip(values[:, strip].double(), latents)

    def _standardised_strip(self, values: torch.Tensor, latents: slice) -> torch.Tensor:
        mean = (self._weight @ values) / self.total
        if not bool(torch.isfinite(mean).all()):
            row, column = (~torch.isfinite(values)).nonzero()[0].tolist()
            raise ValueError(
                f"feature of report row {row}, latent {latents.start + column} is not finite"
            )
        values -= mean
        deviation = ((self._weight @ values.square()) / self.total).sqrt()
        # A column that is constant up to rounding has no direction of its own.
        constant = deviation <= 1e-12 * mean.abs()
        values.masked_fill_(constant, 0.0)
        deviation.masked_fill_(constant, 1.0)
        self.varies |= not bool(constant.all())
        self.mean[latents], self.scale[latents] = mean.cpu().numpy(), deviation.cpu().numpy()
        self._constant[latents] = constant.cpu().numpy()
        return values.div_(deviation).mul_(self.root_weight)
