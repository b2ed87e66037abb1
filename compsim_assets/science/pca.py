"""PCA of the standardised features, exactly, through the smaller of the Gram and the covariance matrix."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch


class FeatureMatrix(Protocol):
    """An (n, D) float32 matrix that is read in blocks and never needs to be in memory as a whole."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def columns(self, start: int, stop: int) -> np.ndarray:
        """(n, stop - start) values of these latents."""
        ...


@dataclass(frozen=True)
class PrincipalComponents:
    """PCA of ((x - mean) / scale).

    mean, scale: (D,) float64 column mean and population standard deviation (1 where the deviation is 0).
    components: (P, D) float32, orthonormal rows; the entry of largest size in each row is positive.
    explained_variance: (P,) float64, eigenvalues of the sample covariance (divisor n - 1), descending.
    explained_variance_ratio: (P,) their share of the total variance.
    scores: (n, P) float32.
    products: dtype of the large matrix products.
    """

    mean: np.ndarray
    scale: np.ndarray
    components: np.ndarray
    explained_variance: np.ndarray
    explained_variance_ratio: np.ndarray
    scores: np.ndarray
    products: str


# Above this many multiply-adds float64 products of the Gram matrix stop being a matter of seconds.
_FLOAT64_WORK = 2e12
# Eigenvalues of a float32 Gram matrix below this share of the largest are rounding.
_FLOAT32_NOISE = 1e-6


def fit_pca(
    features: FeatureMatrix,
    n_components: int,
    *,
    copies: np.ndarray | None = None,
    block: int = 4096,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> PrincipalComponents:
    """Exact PCA of the standardised features (method section 2: PCA through the Gram matrix).

    Args:
        features: (n, D) distinct reports.
        n_components: P; capped at the numerical rank of the data.
        copies: (n,) how often each row occurs in the sample; 1 each by default. Identical reports are exactly one
            row of that weight, which makes the Gram matrix as small as the number of different texts.
        block: latents read at once.
        device: torch device of the products.
        progress: called with (latents done, latents in all) after each block of either pass.

    Raises:
        ValueError: fewer than two reports, features that are not finite, or features without any variance.

    Cost: with m = min(n, D): n D m + m^3 multiply-adds and two passes over the features. Memory O(m^2 + n block + n P + D P).
    """
    n, n_latents = features.shape
    weight = np.ones(n) if copies is None else np.asarray(copies, dtype=np.float64)
    if weight.sum() < 2:
        raise ValueError(f"PCA needs at least two reports with features, not {int(weight.sum())}")
    dtype = torch.float64 if n * n_latents * min(n, n_latents) <= _FLOAT64_WORK else torch.float32
    blocks = _Blocks(features, weight, block, dtype, device, progress)
    solve = _through_gram if n <= n_latents else _through_covariance
    eigenvalues, left = solve(blocks)
    noise = max(n, n_latents) * torch.finfo(dtype).eps if dtype is torch.float64 else _FLOAT32_NOISE
    rank = int((eigenvalues > eigenvalues.max() * noise).sum())
    if rank == 0 or not blocks.varies:
        raise ValueError("features have no variance: every report has the same features")
    keep = min(n_components, rank)
    return _assemble(blocks, eigenvalues, left, keep)


class _Blocks:
    """Standardised column blocks, rows weighted by the square root of their copies."""

    def __init__(
        self,
        features: FeatureMatrix,
        weight: np.ndarray,
        block: int,
        dtype: torch.dtype,
        device: str,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.features, self.weight, self.block = features, weight, block
        self.dtype, self.device, self.progress = dtype, device, progress
        self.root_weight = torch.from_numpy(np.sqrt(weight)).to(device, dtype)
        self.n, self.n_latents = features.shape
        self.mean = np.empty(self.n_latents)
        self.scale = np.empty(self.n_latents)
        self.varies = False

    def __iter__(self) -> Iterator[tuple[slice, torch.Tensor]]:
        for start in range(0, self.n_latents, self.block):
            where = slice(start, min(start + self.block, self.n_latents))
            yield where, self._standardised(where)
            if self.progress is not None:
                self.progress(where.stop, self.n_latents)

    def _standardised(self, where: slice) -> torch.Tensor:
        values = self.features.columns(where.start, where.stop).astype(np.float64)
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            raise ValueError(
                f"feature of report row {row}, latent {where.start + column} is not finite"
            )
        total = self.weight.sum()
        mean = self.weight @ values / total
        values -= mean
        deviation = np.sqrt(self.weight @ np.square(values) / total)
        # A column that is constant up to rounding has no direction of its own.
        deviation[deviation <= 1e-12 * np.abs(mean)] = 0.0
        values[:, deviation == 0] = 0.0
        self.varies |= bool((deviation > 0).any())
        deviation[deviation == 0] = 1.0
        self.mean[where], self.scale[where] = mean, deviation
        values /= deviation
        return torch.from_numpy(values).to(self.device, self.dtype) * self.root_weight[:, None]


def _descending(
    eigenvalues: torch.Tensor, vectors: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    return eigenvalues.flip(0).clamp_min_(0), vectors.flip(1)


def _through_gram(blocks: _Blocks) -> tuple[torch.Tensor, torch.Tensor]:
    """Eigenvalues and left singular vectors from the n x n Gram matrix, accumulated over column blocks."""
    gram = torch.zeros(blocks.n, blocks.n, dtype=blocks.dtype, device=blocks.device)
    for _, values in blocks:
        gram.addmm_(values, values.T)
    return _descending(*torch.linalg.eigh(gram))


def _through_covariance(blocks: _Blocks) -> tuple[torch.Tensor, torch.Tensor]:
    """The same where there are fewer latents than reports: from the D x D covariance matrix."""
    whole = torch.cat([values for _, values in blocks], dim=1)
    eigenvalues, right = _descending(*torch.linalg.eigh(whole.T @ whole))
    length = eigenvalues.sqrt()
    left = (whole @ right) / torch.where(length > 0, length, 1)
    return eigenvalues, left


def _assemble(
    blocks: _Blocks, eigenvalues: torch.Tensor, left: torch.Tensor, keep: int
) -> PrincipalComponents:
    """Components from a second pass over the blocks; scores Z = U L^(1/2), no projection needed."""
    left, values = left[:, :keep], eigenvalues[:keep]
    length = values.sqrt()
    components = np.empty((keep, blocks.n_latents), dtype=np.float32)
    for where, block in blocks:
        components[:, where] = ((left.T @ block) / length[:, None]).cpu().numpy()
    largest = np.abs(components).argmax(axis=1)
    sign = np.where(components[np.arange(keep), largest] < 0, np.float32(-1), np.float32(1))
    components *= sign[:, None]
    scores = (left * length / blocks.root_weight[:, None]).cpu().numpy() * sign
    variance = values.double().cpu().numpy() / (blocks.weight.sum() - 1)
    total = float(eigenvalues.double().sum()) / (blocks.weight.sum() - 1)
    return PrincipalComponents(
        mean=blocks.mean,
        scale=blocks.scale,
        components=components,
        explained_variance=variance,
        explained_variance_ratio=variance / total,
        scores=np.ascontiguousarray(scores, dtype=np.float32),
        products=str(blocks.dtype).removeprefix("torch."),
    )
