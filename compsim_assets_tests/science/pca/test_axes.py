"""Rows of W from the scores against the components of the fitted PCA."""

import numpy as np
import pytest
import torch

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.pca.axes import AxesFromScores
from compsim_assets.science.pca.fit import fit_pca


@pytest.mark.parametrize(("n", "n_latents"), [(30, 80), (80, 30)])
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_axes_are_the_components_of_the_latents(n: int, n_latents: int, block: int) -> None:
    rng = np.random.default_rng(n)
    features = (rng.gamma(2.0, 1.0, (n, n_latents)) * (rng.random((n, n_latents)) < 0.6)).astype(np.float32)
    features[:, 5] = 1.3  # a latent without variance has no direction
    copies = rng.integers(1, 4, n)
    fitted = fit_pca(DenseFeatures(features), 12, copies=copies)
    # Identical reports are given as often as they occur, in any order.
    rows = rng.permutation(np.repeat(np.arange(n), copies))
    latents = np.array([3, 5, 17, 29, 0])
    found = AxesFromScores(fitted.mean[latents], fitted.scale[latents], 12, device=torch.device("cpu"))
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        found.add(features[part][:, latents], fitted.scores[part])
    axes = found.axes(fitted.explained_variance, len(rows)).numpy()
    np.testing.assert_allclose(axes, fitted.components[:, latents].T, rtol=0, atol=2e-7)
    assert np.abs(axes[1]).max() < 1e-7
