"""Scored reports made by the platform's own PCA, and their contributions by brute force."""

import numpy as np

from compsim_assets.science.pca.fit import fit_pca
from compsim_assets.science.reasons.parts import HeldAxes, ScoredReports


class Rows:
    """A feature matrix in memory."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.asarray(values, dtype=np.float32)
        self.shape: tuple[int, int] = self.values.shape

    def columns(self, start: int, stop: int, positions: np.ndarray | None = None) -> np.ndarray:
        """(n, stop - start), copied."""
        return self.values[slice(None) if positions is None else positions, start:stop].copy()

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """(k, D), copied."""
        return self.values[positions]


def topical(rng: np.random.Generator, n: int, n_latents: int, n_topics: int = 5) -> np.ndarray:
    """(n, D) features that share topics; latents 1 and 2 never vary."""
    weights = rng.gamma(0.5, 1.0, (n, n_topics))
    loads = rng.standard_normal((n_topics, n_latents)) * (rng.random((n_topics, n_latents)) < 0.4)
    values = np.maximum(weights @ loads + 0.6 * rng.standard_normal((n, n_latents)), 0)
    values[:, 1], values[:, 2] = 3.3, 0.0
    return values.astype(np.float32)


def scored(features: np.ndarray, n_components: int, own_mean: np.ndarray | None = None) -> ScoredReports:
    """Reports with the scores of a PCA of their own; with `own_mean` as an imported PCA would score them."""
    pca = fit_pca(Rows(features), n_components)
    assert pca.components is not None
    scores, mean = pca.scores, pca.mean
    if own_mean is not None:
        mean = pca.mean + own_mean * pca.scale
        scores = (scores - own_mean @ pca.components.T.astype(np.float64)).astype(np.float32)
    return ScoredReports(Rows(features), scores, HeldAxes(pca.components), mean, pca.scale)


def contributions(reports: ScoredReports, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m, D) float64, all of them, as method section 8 writes them."""
    assert isinstance(reports.features, Rows)
    assert isinstance(reports.axes, HeldAxes)
    text = (reports.features.values.astype(np.float64) - reports.mean) / reports.scale
    scores = reports.scores.astype(np.float64)
    reconstructed = scores @ reports.axes.components.astype(np.float64)
    length = np.linalg.norm(scores, axis=1)
    both = text[a] * reconstructed[b] + text[b] * reconstructed[a]
    return both / (2 * length[a] * length[b])[:, None]


def cosines(reports: ScoredReports, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m,) of the scores."""
    unit = reports.scores / np.linalg.norm(reports.scores.astype(np.float64), axis=1, keepdims=True)
    return np.einsum("mp,mp->m", unit[a], unit[b])
