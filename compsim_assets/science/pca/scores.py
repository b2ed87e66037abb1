"""Scores and axes from the eigenpairs of the Gram or the covariance matrix."""

import numpy as np
import torch

from compsim_assets.science.pca.standardise import StandardisedFeatures

# Scores within this share of the largest one compete for the sign; the first report decides.
_SIGN_TIE = 1e-3

# (n, P) scores, (P, D) axes and (k, P) scores of held-out reports, the last two where they were asked for.
Results = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]


def from_eigenpairs(
    data: StandardisedFeatures,
    values: torch.Tensor,
    vectors: torch.Tensor,
    components: bool,
    products: torch.Tensor,
    others: StandardisedFeatures | None,
) -> Results:
    """Scores, axes and others' scores from the eigenpairs of whichever matrix was made: Gram, or covariance.

    Args:
        data: the n standardised reports.
        values, vectors: (P,), (n, P) or (D, P) eigenpairs.
        components: whether the axes are wanted.
        products: (k, n) of the others with the reports, where the matrix is the Gram matrix.
        others: the k reports that took no part, standardised as these are.
    """
    if data.n <= data.n_latents:
        return _from_left(data, values, vectors, components, None if others is None else products)
    return _from_right(data, values, vectors, components, others)


def _from_left(
    data: StandardisedFeatures,
    values: torch.Tensor,
    left: torch.Tensor,
    components: bool,
    products: torch.Tensor | None,
) -> Results:
    """Scores Z = U L^(1/2) from the Gram matrix's eigenvectors, with no projection; axes from another pass.

    Held-out reports have K U L^(-1/2), with K (k, n) their products with the fitted ones: no (P, D) axes are made.
    """
    length = values.sqrt()
    weighted = left * length.to(left.dtype) / data.root_weight.to(left.dtype)
    scores = weighted.to(torch.float32).cpu().numpy()
    sign = _signs(scores)
    scores *= sign
    if not components and products is None:
        return scores, None, None
    rotation = left * (torch.from_numpy(sign).to(left.device) / length).to(left.dtype)
    axes = _axes(data, rotation.to(data.dtype)) if components else None
    if products is None:
        return scores, axes, None
    return scores, axes, _finite((products.to(rotation.dtype) @ rotation).to(torch.float32).cpu().numpy())


def _axes(data: StandardisedFeatures, rotation: torch.Tensor) -> np.ndarray:
    """(P, D) axes from the (n, P) matrix U L^(-1/2) and a pass over the features."""
    axes = np.empty((rotation.shape[1], data.n_latents), dtype=np.float32)
    for where, block in data.column_blocks():
        axes[:, where] = (rotation.T @ block).cpu().numpy()
    return axes


def _from_right(
    data: StandardisedFeatures,
    values: torch.Tensor,
    right: torch.Tensor,
    components: bool,
    held_out: StandardisedFeatures | None,
) -> Results:
    """The axes are the covariance matrix's eigenvectors; the scores are projections on them, in another pass."""
    right = right.to(data.dtype)
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
