"""PCA of the standardised features through the smaller of the Gram and the covariance matrix, out of core."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from compsim_assets.science.pca.cross_products import covariance, gram
from compsim_assets.science.pca.eigenpairs import solver_bytes, top_eigenpairs
from compsim_assets.science.pca.standardise import FeatureMatrix, Progress, StandardisedFeatures

# Above this many multiply-adds float64 products of the Gram matrix stop being a matter of seconds.
FLOAT64_WORK = 2e12
# Eigenvalues of a float32 Gram matrix below this share of the largest are rounding.
_FLOAT32_NOISE = 1e-6
# Scores within this share of the largest one compete for the sign; the first report decides.
_SIGN_TIE = 1e-3

# (n, P) scores, (P, D) axes and (k, P) scores of held-out reports, the last two where they were asked for.
_Results = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]


class NoVariance(ValueError):
    """Every report has the same features: there is no axis."""


@dataclass(frozen=True)
class PrincipalComponents:
    """PCA of ((x - mean) / scale).

    mean, scale: (D,) float64 column mean and population standard deviation (1 where the deviation is 0).
    components: (P, D) float32, orthonormal rows; None where they were not asked for.
    explained_variance: (P,) float64, eigenvalues of the sample covariance (divisor n - 1), descending.
    explained_variance_ratio: (P,) their share of the total variance.
    scores: (n, P) float32. The largest score of each component (the first report's, of equal ones) is positive.
    products: dtype of the large matrix products.
    method, basis, cosine_change, residuals: how the eigenpairs were found, see `Eigenpairs`.
    converged: whether the cosines stood still; False only for a spectrum without decay.
    own_mean: (D,) mean of the standardised features that an imported PCA subtracts; None for one fitted here, where it
        is zero.
    held_out_scores: (k, P) float32 scores of the reports that took no part in the fit; None where there were none.
    fitted_on: what an imported PCA was fitted on, as `fitted_on` says it.
    """

    mean: np.ndarray
    scale: np.ndarray
    components: np.ndarray | None
    explained_variance: np.ndarray
    explained_variance_ratio: np.ndarray
    scores: np.ndarray
    products: str
    method: str
    basis: int
    cosine_change: float
    residuals: tuple[float, float, float]
    converged: bool
    own_mean: np.ndarray | None = None
    held_out_scores: np.ndarray | None = None
    fitted_on: str = "standardised"


def no_components() -> PrincipalComponents:
    """The PCA of no features: no latents, no axes, no scores."""
    nothing, unknown = np.empty(0), float("nan")
    return PrincipalComponents(
        mean=nothing,
        scale=nothing,
        components=None,
        explained_variance=nothing,
        explained_variance_ratio=nothing,
        scores=np.empty((0, 0), dtype=np.float32),
        products="none",
        method="none",
        basis=0,
        cosine_change=0.0,
        residuals=(unknown, unknown, unknown),
        converged=True,
    )


def fit_pca(
    features: FeatureMatrix,
    n_components: int,
    *,
    copies: np.ndarray | None = None,
    components: bool = True,
    held_out: FeatureMatrix | None = None,
    block: int = 4096,
    device: str = "cpu",
    tolerance: float = 1e-5,
    seed: int = 0,
    progress: Progress | None = None,
    log: Callable[[str], None] | None = None,
    float64_work: float = FLOAT64_WORK,
) -> PrincipalComponents:
    """PCA of the standardised features (method section 2: PCA through the Gram matrix).

    Args:
        features: (n, D) distinct reports.
        n_components: P; capped at the numerical rank of the data.
        copies: (n,) how often each row occurs in the sample; 1 each by default. Identical reports are exactly one
            row of that weight, which makes the Gram matrix as small as the number of different texts.
        components: whether to make the (P, D) axes, which costs another pass and n D P multiply-adds. The scores
            need none, and a few rows of the axes follow from the scores (`AxesFromScores`).
        held_out: (k, D) reports that take no part in scaler and axes and get scores too, standardised as the others
            are. A latent without variance among the fitted reports contributes nothing.
        block, device: latents read at once, and the torch device of the products.
        tolerance: of the cosines between scores, where eigenpairs come from an iteration (`top_eigenpairs`).
        seed: of that iteration's start.
        progress: called with (latents done, latents in all) after each block of a pass over columns.
        log: called with a line per stage of the eigenpairs.
        float64_work: products of more multiply-adds than that are float32.

    Raises:
        NoVariance: all fitted reports have the same features.
        ValueError: fewer than two reports, features that are not finite.

    Cost: with m = min(n, D): n D m / 2 multiply-adds, then `top_eigenpairs` of an (m, m) matrix, then n D P
    multiply-adds for the components. One pass over the features, two with components. Memory O(m^2 + n block + n P),
    and D P values with components; the features are never in memory as a whole.
    """
    n, n_latents = features.shape
    weight = np.ones(n) if copies is None else np.asarray(copies, dtype=np.float64)
    if weight.sum() < 2:
        raise ValueError(f"PCA needs at least two reports with features, not {int(weight.sum())}")
    dtype = products_dtype(n * n_latents * min(n, n_latents), float64_work)
    data = StandardisedFeatures(features, weight, block=block, dtype=dtype, device=device, progress=progress)
    through_gram = n <= n_latents
    matrix = gram(data) if through_gram else covariance(data)
    if not data.varies:
        raise NoVariance("features have no variance: every report has the same features")
    total_variance = float(matrix.diagonal().double().sum()) / (data.total - 1)
    pairs = top_eigenpairs(matrix, n_components, tolerance=tolerance, seed=seed, progress=log)
    del matrix
    keep = _rank(pairs.values, dtype, max(n, n_latents))
    values, vectors = pairs.values[:keep], pairs.vectors[:, :keep]
    finish = _from_left if through_gram else _from_right
    others = None if held_out is None else data.alike(held_out)
    scores, axes, held_out_scores = finish(data, values, vectors, components, others)
    variance = values.cpu().numpy() / (data.total - 1)
    return PrincipalComponents(
        mean=data.mean,
        scale=data.scale,
        components=axes,
        explained_variance=variance,
        explained_variance_ratio=variance / total_variance,
        scores=scores,
        products=str(dtype).removeprefix("torch."),
        method=pairs.method,
        basis=pairs.basis,
        cosine_change=pairs.cosine_change,
        residuals=pairs.residuals,
        converged=pairs.cosine_change <= tolerance,
        held_out_scores=held_out_scores,
    )


def products_dtype(work: float, float64_work: float = FLOAT64_WORK) -> torch.dtype:
    """Type of products that need so many multiply-adds: float64 where that is a matter of seconds."""
    return torch.float64 if work <= float64_work else torch.float32


def memory_needed(n: int, n_latents: int, n_components: int, block: int) -> int:
    """About how many bytes `fit_pca` holds at its peak, for n distinct reports and D latents."""
    m, k = min(n, n_latents), min(n_components, n, n_latents)
    value = products_dtype(n * n_latents * m).itemsize
    blocks = (4 + value) * n * min(block, n_latents)
    solving = value * m**2 + solver_bytes(m, k, value)
    finishing = blocks + 4 * n * k * 2 + 4 * n_latents * k
    return max(value * m**2 + blocks, solving, finishing)


def _rank(values: torch.Tensor, dtype: torch.dtype, size: int) -> int:
    """How many of the descending eigenvalues are not rounding of the largest one; at least one."""
    noise = size * torch.finfo(dtype).eps if dtype is torch.float64 else _FLOAT32_NOISE
    return max(1, int((values > values[0] * noise).sum()))


def _from_left(
    data: StandardisedFeatures,
    values: torch.Tensor,
    left: torch.Tensor,
    components: bool,
    held_out: StandardisedFeatures | None,
) -> _Results:
    """Scores Z = U L^(1/2) from the Gram matrix's eigenvectors, with no projection; axes from another pass."""
    length = values.sqrt()
    weighted = left * length.to(left.dtype) / data.root_weight.to(left.dtype)
    scores = weighted.to(torch.float32).cpu().numpy()
    sign = _signs(scores)
    scores *= sign
    if not components and held_out is None:
        return scores, None, None
    rotation = (left * (torch.from_numpy(sign).to(left.device) / length)).to(left.dtype)
    axes = _axes(data, rotation) if components else None
    return scores, axes, None if held_out is None else _finite(_through_products(data, held_out, rotation))


def _axes(data: StandardisedFeatures, rotation: torch.Tensor) -> np.ndarray:
    """(P, D) axes from the (n, P) matrix U L^(-1/2) and a pass over the features."""
    axes = np.empty((rotation.shape[1], data.n_latents), dtype=np.float32)
    for where, block in data.column_blocks():
        axes[:, where] = (rotation.T @ block).cpu().numpy()
    return axes


def _through_products(data: StandardisedFeatures, held_out: StandardisedFeatures, rotation: torch.Tensor) -> np.ndarray:
    """(k, P) scores K U L^(-1/2), K (k, n) the products with the fitted reports: no (P, D) axes are made."""
    products = torch.zeros(held_out.n, data.n, dtype=data.dtype, device=data.device)
    for (_, fitted), (_, other) in zip(data.column_blocks(), held_out.column_blocks(), strict=True):
        products.addmm_(other, fitted.T)
    return (products @ rotation).to(torch.float32).cpu().numpy()


def _from_right(
    data: StandardisedFeatures,
    values: torch.Tensor,
    right: torch.Tensor,
    components: bool,
    held_out: StandardisedFeatures | None,
) -> _Results:
    """The axes are the covariance matrix's eigenvectors; the scores are projections on them, in another pass."""
    scores = _projected(data, right)
    sign = _signs(scores)
    scores *= sign
    axes = None
    if components:
        axes = np.ascontiguousarray(right.T.cpu().numpy() * sign[:, None], dtype=np.float32)
    return scores, axes, None if held_out is None else _finite(_projected(held_out, right) * sign)


def _projected(data: StandardisedFeatures, axes: torch.Tensor) -> np.ndarray:
    """(n, P) products of the rows with (D, P) axes, as much of them at once as a block of latents takes."""
    scores = np.empty((data.n, axes.shape[1]), dtype=np.float32)
    for where, block in data.row_blocks(max(1, data.n * data.block // data.n_latents)):
        scores[where] = ((block @ axes) / data.root_weight[where]).cpu().numpy()
    return scores


def _finite(scores: np.ndarray) -> np.ndarray:
    """The scores of held-out reports, whose features no mean has checked."""
    wrong = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(wrong):
        raise ValueError(f"features of held-out report row {wrong[0]} are not finite")
    return scores


def _signs(scores: np.ndarray) -> np.ndarray:
    """(P,) signs that make the largest score of each component positive, the first one of nearly equal ones."""
    size = np.abs(scores)
    first = (size >= (1 - _SIGN_TIE) * size.max(axis=0)).argmax(axis=0)
    return np.where(scores[first, np.arange(scores.shape[1])] < 0, np.float32(-1), np.float32(1))
