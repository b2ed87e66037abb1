"""Inputs of the paper's shape, made from a seed: PCA scores by year, returns, clusters, axes of latents."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Size:
    """Reports a year, years, principal axes, clusters by number of members, candidate latents."""

    reports: int
    years: int
    axes: int
    clusters: dict[int, int]
    candidates: int


# The paper: 27,888 reports in 25 years, 4,000 axes, 559 clusters (397 pairs, the largest of 322), 1,000 candidates.
SIZES = {
    "small": Size(400, 6, 500, {2: 40, 4: 12, 16: 6, 64: 2}, 300),
    "paper": Size(1116, 25, 4000, {2: 397, 4: 76, 12: 46, 60: 39, 322: 1}, 1000),
}


class DenseFeatures:
    """A feature matrix that is in memory: (n, D), as float32."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.asarray(values, dtype=np.float32)
        self.shape: tuple[int, int] = self.values.shape

    def columns(self, start: int, stop: int, positions: np.ndarray | None = None) -> np.ndarray:
        """(n, stop - start) values of these latents, or (k, stop - start) at these positions."""
        return self.values[slice(None) if positions is None else positions, start:stop]

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """(k, D) values of these reports."""
        return self.values[positions]


def yearly_scores(size: Size, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, P) float32 scores with groups of alike reports, (n,) years, (n, 12) returns that share a group factor."""
    rng = np.random.default_rng([seed, 1])
    n = size.reports * size.years
    group = rng.integers(0, size.reports // 3, n)
    centres = rng.standard_normal((size.reports // 3, size.axes), dtype=np.float32)
    spread = rng.uniform(0.3, 3.0, (n, 1)).astype(np.float32)
    scores = centres[group] + spread * rng.standard_normal((n, size.axes), dtype=np.float32)
    year = np.repeat(np.arange(2000, 2000 + size.years), size.reports)
    returns = rng.normal(size=(size.reports // 3, 12))[group] + rng.normal(scale=2.0, size=(n, 12))
    return scores, year, returns


@dataclass(frozen=True)
class ClusterInputs:
    """Scores (n, P), coefficients x / s (n, J), axes W_j (J, P), and the rows of each cluster."""

    scores: np.ndarray
    coefficients: np.ndarray
    axes: np.ndarray
    rows: list[np.ndarray]


def cluster_inputs(size: Size, seed: int = 0) -> ClusterInputs:
    """Clusters of the given sizes; candidates are active in about half of the reports, as the paper's are."""
    rng = np.random.default_rng([seed, 2])
    members = [count for count, often in size.clusters.items() for _ in range(often)]
    n = sum(members)
    axes = rng.standard_normal((size.candidates, size.axes), dtype=np.float32) / np.sqrt(131_072)
    active = rng.random((n, size.candidates)) < 0.55
    coefficients = np.where(active, rng.gamma(1.0, 2.0, (n, size.candidates)), 0.0)
    scores = rng.standard_normal((n, size.axes), dtype=np.float32)
    scores += (coefficients @ axes).astype(np.float32)
    return ClusterInputs(scores, coefficients, axes, np.split(np.arange(n), np.cumsum(members)[:-1]))


@dataclass(frozen=True)
class FeatureSize:
    """Reports (six a firm), latents, principal axes."""

    reports: int
    latents: int
    axes: int


def feature_blocks(size: FeatureSize, seed: int = 0, block: int = 240) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(ids, (b, D) float32 features) of a synthetic universe with the paper's structure, streamed.

    Reports of one firm are alike over the years, firms share sparse topics, half of the values are zero, and reports
    differ in length; so the eigenvalues decay without a gap, as those of texts do.
    """
    topics = torch.Generator().manual_seed(seed)
    load = torch.randn(300, size.latents, generator=topics)
    load *= torch.rand(300, size.latents, generator=topics) < 0.05
    for start in range(0, size.reports, block):
        rows = torch.Generator().manual_seed(seed + 1 + start)
        firms, n = block // 6, min(block, size.reports - start)
        weight = 3 * torch.rand(firms, 300, generator=rows).pow(6).repeat_interleave(6, dim=0)
        weight += 0.15 * torch.rand(block, 300, generator=rows).pow(3)
        values = torch.randn(firms, size.latents, generator=rows).mul_(0.6)
        values = values.repeat_interleave(6, dim=0).addmm_(weight, load)
        values += torch.randn(block, size.latents, generator=rows).mul_(0.9).add_(0.3)
        length = torch.exp(0.5 * torch.randn(block, 1, generator=rows))
        features = torch.relu_(values).mul_(length)[:n]
        yield np.arange(start, start + n), features.numpy()
