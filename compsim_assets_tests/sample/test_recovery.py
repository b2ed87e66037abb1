"""The method, done here in a few plain lines, finds what was planted in the full sample."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from compsim_assets_tests.sample.conftest import Sample

THETAS = np.arange(-50, -14, 4) / 10


def mean_correlation(labels: np.ndarray, returns: np.ndarray) -> float:
    """Mean over groups of two or more of the mean correlation of their pairs with full returns."""
    complete = ~np.isnan(returns).any(axis=1)
    number, returns = np.unique(labels[complete], return_inverse=True)[1], returns[complete]
    # The pairs of a group correlate by the squared length of the sum of its standardised rows, less its own terms.
    scaled = returns - returns.mean(axis=1, keepdims=True)
    scaled /= np.linalg.norm(scaled, axis=1, keepdims=True)
    size = np.bincount(number)
    sums = np.zeros((len(size), scaled.shape[1]))
    np.add.at(sums, number, scaled)
    groups = size >= 2
    if not groups.any():
        return np.nan
    return float((((sums**2).sum(axis=1) - size)[groups] / (size * (size - 1))[groups]).mean())


class Clusters:
    """Clusters of the sample at the best of a coarse lattice of thetas."""

    def __init__(self, sample: Sample) -> None:
        scaled = sample.features - sample.features.mean(axis=0)
        scaled /= sample.features.std(axis=0)
        # All principal components keep every angle, so the scaled features stand for the scores.
        year = sample.reports["year"].to_numpy()
        self.rows = [np.flatnonzero(year == y) for y in np.unique(year)]
        self.returns = sample.returns
        unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
        pairs = [np.triu_indices(len(rows), 1) for rows in self.rows]
        distances = [
            (1 - unit[rows] @ unit[rows].T)[ab].astype(np.float64) for rows, ab in zip(self.rows, pairs, strict=True)
        ]
        pooled = np.concatenate(distances)
        self.trees = [linkage((d - pooled.mean()) / pooled.std() + 50, "single") for d in distances]
        curve = np.array([self.by_year(theta) for theta in THETAS])
        half, quarter = len(self.rows) // 2, 3 * len(self.rows) // 4
        objective = np.nanmean(curve[:, half:], axis=1) + np.nanmean(curve[:, quarter:], axis=1)
        self.theta = float(THETAS[np.nanargmax(objective)])
        self.objective = objective / 2
        self.labels = self.cut(self.theta)

    def cut(self, theta: float) -> list[np.ndarray]:
        return [fcluster(tree, theta + 50, "distance") for tree in self.trees]

    def by_year(self, theta: float) -> list[float]:
        cut = zip(self.cut(theta), self.rows, strict=True)
        return [mean_correlation(labels, self.returns[rows]) for labels, rows in cut]


@pytest.fixture(scope="module")
def clusters(full: Sample) -> Clusters:
    return Clusters(full)


def test_theta_lies_within_both_published_lattices(clusters: Clusters) -> None:
    assert -4.5 < clusters.theta < -2.5
    best = clusters.objective[np.argmin(abs(THETAS - clusters.theta))]
    assert best > clusters.objective[0] + 0.05, "too strict a theta must not win"
    assert best > clusters.objective[-1] + 0.1, "one chain must not win"


def test_a_good_part_is_clustered_and_nothing_chains(clusters: Clusters) -> None:
    sizes = [np.bincount(labels) for labels in clusters.labels]
    clustered = [s[s >= 2].sum() / s.sum() for s in sizes]
    assert 0.3 < np.mean(clustered) < 0.7
    assert max(s.max() / s.sum() for s in sizes) < 0.1
    assert min((s >= 2).sum() for s in sizes) >= 15


def test_clusters_are_of_one_line(full: Sample, clusters: Clusters) -> None:
    line = full.weights.argmax(axis=1)
    alike, pairs = 0, 0
    for labels, rows in zip(clusters.labels, clusters.rows, strict=True):
        a, b = np.triu_indices(len(rows), 1)
        together = labels[a] == labels[b]
        alike += (line[rows[a]] == line[rows[b]])[together].sum()
        pairs += together.sum()
    assert alike / pairs > 0.9


def test_ours_beat_codes_and_codes_beat_the_population(full: Sample, clusters: Clusters) -> None:
    ours = np.nanmean(clusters.by_year(clusters.theta))
    codes = full.reports["sic_code"]
    by_code, population = [], []
    for rows in clusters.rows:
        coded = rows[codes.iloc[rows].notna()]
        by_code.append(mean_correlation(codes.iloc[coded].to_numpy(), full.returns[coded]))
        population.append(mean_correlation(np.zeros(len(rows)), full.returns[rows]))
    assert 0.15 < np.mean(population) < 0.25
    assert np.mean(population) + 0.03 < np.mean(by_code) < np.mean(population) + 0.1
    assert ours > np.mean(by_code) + 0.08
    assert ours > np.mean(population) + 0.14


def test_planted_latents_hold_a_cluster_together(full: Sample, clusters: Clusters) -> None:
    """Of the latents that add most to the cosines within clusters, nearly all are planted."""
    scaled = full.features - full.features.mean(axis=0)
    scaled /= full.features.std(axis=0)
    planted = full.latents["kind"].isin(["line", "copied", "sector", "theme"]).to_numpy()
    of_line, of_any = [], []
    rows, labels = clusters.rows[-1], clusters.labels[-1]
    for label in np.flatnonzero(np.bincount(labels) >= 4):
        members = scaled[rows[labels == label]]
        products = members.sum(axis=0) ** 2 - (members**2).sum(axis=0)
        top = np.argsort(-products)[:10]
        line = np.bincount(full.weights[rows[labels == label]].argmax(axis=1)).argmax()
        of_any.append(planted[top].mean())
        of_line.append((full.latents["line"].to_numpy()[top] == line).mean())
    assert len(of_line) >= 5
    assert np.mean(of_any) > 0.8
    assert np.mean(of_line) > 0.6
