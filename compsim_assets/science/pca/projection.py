"""Scores on the axes of a PCA that somebody else has fitted."""

import numpy as np
import torch

from compsim_assets.science.pca.fit import PrincipalComponents, products_dtype
from compsim_assets.science.pca.standardise import FeatureMatrix, Progress, StandardisedFeatures


def project(
    features: FeatureMatrix,
    components: np.ndarray,
    own_mean: np.ndarray,
    *,
    copies: np.ndarray,
    scaler: tuple[np.ndarray, np.ndarray] | None = None,
    explained_variance: np.ndarray | None = None,
    explained_variance_ratio: np.ndarray | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    block_bytes: int = 1 << 28,
) -> PrincipalComponents:
    """z = ((x - mean) / scale - own mean) W of every report (method section 1, an imported PCA).

    Args:
        features: (n, D) distinct reports.
        components: (P, D) axes, float32.
        own_mean: (D,) the PCA's own mean, of standardised features.
        copies: (n,) how often each row occurs in the sample.
        scaler: mean and scale (D,) of the features; by default found from these features, as the published code does.
        explained_variance, explained_variance_ratio: (P,) as published; by default those of the scores.
        device, progress: as in `fit_pca`.
        block_bytes: of features that are standardised at once.

    Raises:
        ValueError: axes of another number of latents than the features.

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
    axes = torch.from_numpy(components).to(device=device, dtype=dtype).T
    offset = (torch.from_numpy(own_mean).to(device).double() @ axes.double()).to(dtype)
    scores = np.empty((n, len(components)), dtype=np.float32)
    for where, block in data.row_blocks(max(1, block_bytes // (8 * n_latents))):
        scores[where] = ((block @ axes) / data.root_weight[where].to(dtype) - offset).cpu().numpy()
        if progress is not None:
            progress(where.stop, n)
    variance = _variance(scores, copies)
    # Of reports that are all the same there is no variance to share.
    total = max(data.n_varying, 1) * data.total / max(data.total - 1, 1)
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
    )


def _variance(scores: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """(P,) sample variance of the scores, identical reports counted as often as they occur."""
    mean = np.average(scores, axis=0, weights=copies)
    squares = np.average(np.square(scores - mean), axis=0, weights=copies)
    return squares * (copies.sum() / max(copies.sum() - 1, 1))
