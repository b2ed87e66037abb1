"""Scores on the axes of a PCA that somebody else has fitted."""

import numpy as np
import torch

from compsim_assets.science.pca.fit import PrincipalComponents, products_dtype
from compsim_assets.science.pca.fitted_on import CENTRED, SCALED, STANDARDISED, fitted_on
from compsim_assets.science.pca.standardise import FeatureMatrix, Progress, StandardisedFeatures


def project(
    features: FeatureMatrix,
    components: np.ndarray,
    own_mean: np.ndarray,
    *,
    copies: np.ndarray,
    scaler: tuple[np.ndarray, np.ndarray] | None = None,
    of: str = STANDARDISED,
    explained_variance: np.ndarray | None = None,
    explained_variance_ratio: np.ndarray | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    block_bytes: int = 1 << 28,
) -> PrincipalComponents:
    """z = ((x - mean) / scale - own mean) W of every report (method section 1, an imported PCA).

    Features are as the PCA knew them: where it was fitted on unscaled or uncentred ones, `scale` is 1, and its own mean
    is a part of `mean`.

    Args:
        features: (n, D) distinct reports.
        components: (P, D) axes, float32.
        own_mean: (D,) the PCA's own mean, of the features that it was fitted on.
        copies: (n,) how often each row occurs in the sample.
        scaler: mean and scale (D,) of the features; by default found from these features, as the published code does.
        of: what a PCA without a scaler was fitted on, one of `fitted_on`'s four; empty: what `fitted_on` says.
        explained_variance, explained_variance_ratio: (P,) as published; by default those of the scores.
        device, progress: as in `fit_pca`.
        block_bytes: of features that are standardised at once.

    Raises:
        ValueError: axes of another number of latents than the features.
        UnlikeFeatures: `fitted_on` has to say what the PCA was fitted on, and cannot.

    Cost: n D P multiply-adds and one pass over the features, two without a scaler. Memory: the axes, the scores and
    `block_bytes` of features.
    """
    n, n_latents = features.shape
    if components.shape[1] != n_latents:
        raise ValueError(f"the PCA is of {components.shape[1]} latents, the features have {n_latents}")
    dtype = products_dtype(n * n_latents * len(components))
    data = StandardisedFeatures(features, copies, block=4096, dtype=dtype, device=device)
    if scaler is not None:
        data.use(*scaler)
        of = STANDARDISED
    else:
        data.fit()
        of = of or _fitted_on(own_mean, len(components), explained_variance, explained_variance_ratio, data)
    # Of reports that are all the same there is no variance to share.
    squares = data.n_varying if of in (STANDARDISED, SCALED) else np.square(data.scale[data.varying]).sum()
    total = (squares or 1) * data.total / max(data.total - 1, 1)
    if of != STANDARDISED:
        data.use(*_scaler(of, own_mean, data))
        own_mean = np.zeros_like(own_mean)
    scores = _scores(data, components, own_mean, max(1, block_bytes // (8 * n_latents)), progress)
    variance = _variance(scores, copies)
    return PrincipalComponents(
        mean=data.mean,
        scale=data.scale,
        components=components,
        explained_variance=variance if explained_variance is None else explained_variance,
        explained_variance_ratio=variance / total if explained_variance_ratio is None else explained_variance_ratio,
        scores=scores,
        products=str(dtype).removeprefix("torch."),
        method="published",
        basis=0,
        cosine_change=0.0,
        residuals=(np.nan, np.nan, np.nan),
        converged=True,
        own_mean=own_mean,
        fitted_on=of,
    )


def _scores(
    data: StandardisedFeatures, components: np.ndarray, own_mean: np.ndarray, rows: int, progress: Progress | None
) -> np.ndarray:
    axes = torch.from_numpy(components).to(device=data.device, dtype=data.dtype).T
    offset = (torch.from_numpy(own_mean).to(data.device).double() @ axes.double()).to(data.dtype)
    scores = np.empty((data.n, len(components)), dtype=np.float32)
    for where, block in data.row_blocks(rows):
        scores[where] = ((block @ axes) / data.root_weight[where].to(data.dtype) - offset).cpu().numpy()
        if progress is not None:
            progress(where.stop, data.n)
    return scores


def _fitted_on(
    own_mean: np.ndarray, n_axes: int, variance: np.ndarray | None, ratio: np.ndarray | None, data: StandardisedFeatures
) -> str:
    total = None
    if variance is not None and ratio is not None and variance[0] > 0 and ratio[0] > 0:
        total = float(variance[0] / ratio[0])
    return fitted_on(
        own_mean, total, n_axes, mean=data.mean, deviation=data.scale, varying=data.varying, n_reports=data.total
    )


def _scaler(of: str, own_mean: np.ndarray, data: StandardisedFeatures) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale (D,) of features that were not standardised, the PCA's own mean included."""
    if of == SCALED:
        return own_mean * data.scale, data.scale
    return own_mean + data.mean if of == CENTRED else own_mean, np.ones_like(own_mean)


def _variance(scores: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """(P,) sample variance of the scores, identical reports counted as often as they occur."""
    mean = np.average(scores, axis=0, weights=copies)
    squares = np.average(np.square(scores - mean), axis=0, weights=copies)
    return squares * (copies.sum() / max(copies.sum() - 1, 1))
