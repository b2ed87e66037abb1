"""Features in standardised blocks: column means and deviations in float64, rows weighted by their copies."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np
import torch

from compsim_assets.science.device import to_device

Progress = Callable[[int, int], None]

# Latents standardised at a time: their float64 copies stay in the processor's cache.
_STRIP = 64


class FeatureMatrix(Protocol):
    """An (n, D) float32 matrix that is read in blocks and never needs to be in memory as a whole."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def columns(self, start: int, stop: int, positions: np.ndarray | None = None) -> np.ndarray:
        """(n, stop - start) values of these latents, or (k, stop - start) of the reports at these positions."""
        ...

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """(k, D) values of these reports."""
        ...


class ChosenRows:
    """A feature matrix of some rows of another one, in the order of `positions`; nothing is kept of it."""

    def __init__(self, features: FeatureMatrix, positions: np.ndarray) -> None:
        self._features, self._positions = features, positions

    @property
    def shape(self) -> tuple[int, int]:
        """(k, D)."""
        return len(self._positions), self._features.shape[1]

    def columns(self, start: int, stop: int, positions: np.ndarray | None = None) -> np.ndarray:
        """(k, stop - start) values of these latents, or (j, stop - start) at these positions among the rows; copied."""
        rows = self._positions if positions is None else self._positions[positions]
        return self._features.columns(start, stop, rows)

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """(j, D) values at these positions among the rows, copied."""
        return self._features.rows(self._positions[positions])


class StandardisedFeatures:
    """((x - mean) / scale) of an (n, D) matrix, read block by block, rows times the square root of their copies.

    Mean and scale are found on the first pass over the columns, and kept: `mean`, `scale` are (D,) float64 column means
    and population standard deviations (1 where the deviation is 0); `varies` says whether any deviation is positive.

    Memory: one block of n x `block` values in float32 and in `dtype`.
    """

    def __init__(
        self,
        features: FeatureMatrix,
        copies: np.ndarray,
        *,
        block: int,
        dtype: torch.dtype,
        device: str,
        progress: Progress | None = None,
    ) -> None:
        self.features, self.block, self.progress = features, block, progress
        self.dtype, self.device = dtype, device
        self.n, self.n_latents = features.shape
        self._weight = torch.from_numpy(np.asarray(copies, dtype=np.float64)).to(device)
        self.total = float(self._weight.sum())
        self.root_weight = self._weight.sqrt()[:, None]
        self._weighted = bool((self._weight != 1).any())
        self._mean, self._scale = self._weight.new_empty(2, self.n_latents)
        self._constant = torch.zeros(self.n_latents, dtype=torch.bool, device=device)
        self._fitted = False

    @property
    def mean(self) -> np.ndarray:
        """(D,) float64."""
        return self._mean.cpu().numpy()

    @property
    def scale(self) -> np.ndarray:
        """(D,) float64."""
        return self._scale.cpu().numpy()

    @property
    def varies(self) -> bool:
        """Whether any latent has more than one value."""
        return not bool(self._constant.all())

    @property
    def varying(self) -> np.ndarray:
        """(D,) whether a latent has more than one value."""
        return ~self._constant.cpu().numpy()

    @property
    def n_varying(self) -> int:
        """How many latents have more than one value."""
        return self.n_latents - int(self._constant.sum())

    def use(self, mean: np.ndarray, scale: np.ndarray) -> None:
        """Take these (D,) statistics instead of finding the features' own."""
        self._mean.copy_(torch.from_numpy(mean))
        self._scale.copy_(torch.from_numpy(scale))
        self._constant.zero_()
        self._fitted = True

    def statistics(self) -> dict[str, np.ndarray]:
        """What the pass over the features has found."""
        return {"mean": self.mean, "scale": self.scale, "constant": self._constant.cpu().numpy()}

    def restore(self, statistics: Mapping[str, np.ndarray]) -> None:
        """Take what an earlier pass over the same features has found, instead of another pass."""
        self.use(statistics["mean"], statistics["scale"])
        self._constant.copy_(torch.from_numpy(statistics["constant"]))

    def alike(self, features: FeatureMatrix) -> "StandardisedFeatures":
        """Other reports, standardised as these; a latent that is constant here is zero there, whatever its value.

        Mean and scale are these reports' own, not copies: a block of latents of the others may be read as soon as the
        same block of these has been.
        """
        each = np.ones(features.shape[0])
        other = StandardisedFeatures(features, each, block=self.block, dtype=self.dtype, device=self.device)
        other._mean, other._scale, other._constant = self._mean, self._scale, self._constant
        other._fitted = True
        return other

    def column_blocks(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """(latents, (n, b) standardised and weighted values), a tensor that is valid until the next one.

        Raises:
            ValueError: a feature that is not finite; names report row and latent.
        """
        shape = self.n, min(self.block, self.n_latents)
        buffer = torch.empty(shape, dtype=self.dtype, device=self.device)
        for where, strips in self._column_strips():
            for latents, values in strips:
                inside = slice(latents.start - where.start, latents.stop - where.start)
                buffer[:, inside] = self._standardised(values, slice(None), latents)
            yield where, buffer[:, : where.stop - where.start]

    def row_blocks(self, rows: int) -> Iterator[tuple[slice, torch.Tensor]]:
        """(reports, (b, D) standardised and weighted values), at most `rows` reports at once."""
        self.fit()
        for start in range(0, self.n, rows):
            where = slice(start, min(start + rows, self.n))
            values = to_device(self.features.rows(np.arange(where.start, where.stop)), self.device)
            standardised = self._standardised(values.double(), where, slice(None))
            yield where, standardised.to(self.dtype)

    def fit(self) -> None:
        """Find mean and scale, unless they are known."""
        if not self._fitted:
            for _, strips in self._column_strips():
                for _ in strips:
                    pass

    def _column_strips(self) -> Iterator[tuple[slice, Iterator[tuple[slice, torch.Tensor]]]]:
        """Blocks of latents, each as strips of float64 values whose mean and scale are known."""
        for start in range(0, self.n_latents, self.block):
            where = slice(start, min(start + self.block, self.n_latents))
            yield where, self._strips(where)
            if self.progress is not None:
                self.progress(where.stop, self.n_latents)
        self._fitted = True

    def _strips(self, where: slice) -> Iterator[tuple[slice, torch.Tensor]]:
        block = to_device(self.features.columns(where.start, where.stop), self.device)
        for start in range(where.start, where.stop, _STRIP):
            latents = slice(start, min(start + _STRIP, where.stop))
            values = block[:, latents.start - where.start : latents.stop - where.start].double()
            if not self._fitted:
                self._fit_strip(values, latents)
            yield latents, values

    def _fit_strip(self, values: torch.Tensor, latents: slice) -> None:
        mean = (self._weight @ values) / self.total
        if not bool(torch.isfinite(mean).all()):
            row, column = (~torch.isfinite(values)).nonzero()[0].tolist()
            raise ValueError(f"feature of report row {row}, latent {latents.start + column} is not finite")
        deviation = ((self._weight @ (values - mean).square_()) / self.total).sqrt()
        # A column that is constant up to rounding has no direction of its own.
        constant = deviation <= 1e-12 * mean.abs()
        self._mean[latents], self._constant[latents] = mean, constant
        self._scale[latents] = deviation.masked_fill(constant, 1.0)

    def _standardised(self, values: torch.Tensor, rows: slice, latents: slice) -> torch.Tensor:
        """Float64 values of these rows and latents, standardised and weighted in place."""
        values.sub_(self._mean[latents]).div_(self._scale[latents])
        values.masked_fill_(self._constant[latents], 0.0)
        # Each pass over the values costs as much as reading them.
        return values.mul_(self.root_weight[rows]) if self._weighted else values
