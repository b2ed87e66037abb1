"""PCA of the standardised features through the smaller of the Gram and the covariance matrix, out of core."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from compsim_assets.science.pca.cross_products import covariance, gram
from compsim_assets.science.pca.eigenpairs import Eigenpairs, is_small, solver_bytes, top_eigenpairs
from compsim_assets.science.pca.resumed import EIGENPAIRS, KEPT_WORK, PRODUCTS, Parts, resumed
from compsim_assets.science.pca.scores import from_eigenpairs
from compsim_assets.science.pca.standardise import FeatureMatrix, Progress, StandardisedFeatures

# Above this many multiply-adds float64 products of the Gram matrix stop being a matter of seconds.
FLOAT64_WORK = 2e12
# Eigenvalues of a float32 Gram matrix below this share of the largest are rounding.
_FLOAT32_NOISE = 1e-6
# Float32 products are added up in float64 where LAPACK solves the matrix, or it has at most so many bytes then.
_FLOAT64_SUMS = 1 << 30


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
    parts: Parts | None = None,
    kept_work: float = KEPT_WORK,
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
        parts: where a fit of more than `kept_work` multiply-adds keeps its products (m^2 values), then its eigenpairs,
            and finds what an earlier one has kept. The bits are the same.

    Raises:
        NoVariance: all fitted reports have the same features.
        ValueError: fewer than two reports, features that are not finite.

    Cost: with m = min(n, D): n D m / 2 multiply-adds, and k n D for k held-out reports in the same pass; then
    `top_eigenpairs` of an (m, m) matrix, then n D P multiply-adds for the components. One pass over the features, two
    with components. Memory O(m^2 + n block + n P), and D P values with components: the features are never there whole.
    """
    n, n_latents = features.shape
    weight = np.ones(n) if copies is None else np.asarray(copies, dtype=np.float64)
    if weight.sum() < 2:
        raise ValueError(f"PCA needs at least two reports with features, not {int(weight.sum())}")
    work = n * n_latents * min(n, n_latents)
    dtype, parts = products_dtype(work, float64_work), parts if work > kept_work else None
    data = StandardisedFeatures(features, weight, block=block, dtype=dtype, device=device, progress=progress)
    others = None if held_out is None else data.alike(held_out)
    pairs, diagonal, products = _solved(data, others, n_components, parts, tolerance=tolerance, seed=seed, progress=log)
    total_variance = float(diagonal.sum()) / (data.total - 1)
    keep = _rank(pairs.values, diagonal, dtype, pairs.vectors.dtype, max(n, n_latents))
    values, vectors = pairs.values[:keep], pairs.vectors[:, :keep]
    scores, axes, held_out_scores = from_eigenpairs(data, values, vectors, components, products, others)
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


def _solved(
    data: StandardisedFeatures,
    others: StandardisedFeatures | None,
    n_components: int,
    parts: Parts | None,
    **options: Any,
) -> tuple[Eigenpairs, torch.Tensor, torch.Tensor]:
    """Eigenpairs and diagonal of the smaller matrix, and products of other reports with the fitted ones."""

    def products() -> dict[str, Any]:
        matrix, of_others = _cross_products(data, others, n_components)
        if not data.varies:
            raise NoVariance("features have no variance: every report has the same features")
        return {"matrix": matrix, "of_others": of_others}

    def eigenpairs() -> dict[str, Any]:
        made = resumed(parts, PRODUCTS, data, products)
        matrix = made.pop("matrix")
        pairs = top_eigenpairs(matrix, n_components, **options)
        return made | {"diagonal": matrix.diagonal().double(), **vars(pairs)}

    solved = resumed(parts, EIGENPAIRS, data, eigenpairs)
    diagonal, of_others = solved.pop("diagonal"), solved.pop("of_others")
    first, middle, last = map(float, solved.pop("residuals"))
    return Eigenpairs(**solved, residuals=(first, middle, last)), diagonal, of_others


def products_dtype(work: float, float64_work: float = FLOAT64_WORK) -> torch.dtype:
    """Type of products that need so many multiply-adds: float64 where that is a matter of seconds."""
    return torch.float64 if work <= float64_work else torch.float32


def memory_needed(n: int, n_latents: int, n_components: int, block: int, held_out: int = 0) -> int:
    """About how many bytes `fit_pca` holds at its peak, for n distinct reports, D latents and some held-out reports."""
    m, k = min(n, n_latents), min(n_components, n, n_latents)
    dtype = products_dtype(n * n_latents * m)
    value, summed = dtype.itemsize, _sums_dtype(m, n_components, dtype).itemsize
    blocks = (4 + value) * (n + held_out) * min(block, n_latents)
    others = summed * n * held_out
    matrix = summed * m**2
    # In the solver's own type, and for a moment in both.
    solved = matrix if is_small(m, n_components) else value * m**2
    solving = max(solved + solver_bytes(m, k, value), 0 if solved == matrix else matrix + solved)
    finishing = blocks + 4 * n * k * 2 + 4 * n_latents * k
    return others + max(matrix + blocks, solving, finishing)


def _cross_products(
    data: StandardisedFeatures, others: StandardisedFeatures | None, n_components: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The smaller matrix, in the type that it is solved in; products of other reports with the fitted ones, if it is
    the Gram matrix.
    """
    size = min(data.n, data.n_latents)
    sums = _sums_dtype(size, n_components, data.dtype)
    if data.n <= data.n_latents:
        matrix, products = gram(data, others=others, sums=sums)
    else:
        matrix, products = covariance(data, sums=sums), torch.empty(0)
    return matrix if is_small(size, n_components) else matrix.to(data.dtype), products


def _sums_dtype(size: int, n_components: int, products: torch.dtype) -> torch.dtype:
    """Type that an (m, m) matrix of products is added up in: float64 where it is solved in that, or is small."""
    exact = is_small(size, n_components) or 8 * size**2 <= _FLOAT64_SUMS
    return torch.float64 if exact else products


def _rank(values: torch.Tensor, diagonal: torch.Tensor, products: torch.dtype, solved: torch.dtype, size: int) -> int:
    """How many of a matrix's descending eigenvalues are not rounding of its products, or of its solution; at least one.

    Args:
        diagonal: of the matrix. products, solved: types of what it was made of, and of itself.
        size: what float64 products are sums of, or the matrix's own size.
    """
    noise = values[0] * size * torch.finfo(torch.float64).eps
    if solved is torch.float32:
        noise = values[0] * _FLOAT32_NOISE
    elif products is torch.float32:
        # A random matrix whose entries are off by half a unit of their rows' lengths would be off by that.
        noise = torch.finfo(products).eps / 2 * (diagonal.sum() * diagonal.max()).sqrt()
    return max(1, int((values > noise).sum()))
