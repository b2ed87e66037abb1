"""The chain from earlier years only, by scikit-learn, scipy and loops; and universes that it is tried on."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.walk_forward import EvaluatedYear, Reports, walk_forward

THETAS = [k / 10 for k in range(-45, -9)]
KINDS = ("wide", "narrow", "repeated", "constant", "uneven", "silent")


@dataclass(frozen=True)
class Given:
    """One row a report, by year: year (n,), features (n, D), returns (n, 12), clustered (n,)."""

    year: np.ndarray
    features: np.ndarray
    returns: np.ndarray
    clustered: np.ndarray

    def take(self, rows: np.ndarray) -> "Given":
        return Given(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def evaluate(self, n_components: int = 1000, seed: int | None = None, **options: Any) -> list[EvaluatedYear]:
        """What the package finds; a seed puts the rows of the features in another order."""
        texts, text = np.unique(self.features, axis=0, return_inverse=True)
        order = np.arange(len(texts))
        if seed is not None:
            order = np.random.default_rng(seed).permutation(order)
        unit, defined = normalise_returns(self.returns)
        reports = Reports(self.year, np.argsort(order)[text], self.clustered, unit, defined)
        return list(walk_forward(DenseFeatures(texts[order]), reports, n_components, **options))


def made(seed: int, kind: str, n_years: int = 8) -> Given:
    """Reports of a few groups that are alike and move together, a little differently in every year."""
    rng = np.random.default_rng(seed)
    n_latents = 6 if kind == "narrow" else 40
    sizes = rng.integers(5, 12, n_years)
    if kind == "uneven":
        sizes = rng.choice([1, 2, 3, 14], n_years)
        sizes[0] = 6
    year = np.repeat(1990 + 2 * np.arange(n_years), sizes)
    group = rng.integers(0, 4, len(year))
    noise = np.array([0.2, 0.6, 1.0, 1.4])[group]
    centres = 2 * rng.normal(size=(4, n_latents))
    features = centres[group] + noise[:, None] * rng.normal(size=(len(year), n_latents))
    if kind == "repeated":
        features = features[rng.integers(0, len(year) // 3, len(year))]
    if kind == "constant":
        features[:, :5] = 0.3
        features[year >= 1996, 1] = rng.normal(size=int((year >= 1996).sum()))
        features[year >= 2002, 2] = 100.0
    returns = rng.normal(size=(4, 12))[group] + 1.5 * rng.normal(size=(len(year), 12))
    clustered = np.ones(len(year), dtype=bool)
    if kind == "silent":
        returns[rng.random(len(year)) < 0.3] = 0.1
        returns[rng.random(len(year)) < 0.2, 4] = np.nan
        clustered = rng.random(len(year)) < 0.8
    return Given(year, features.astype(np.float32), returns, clustered)


@dataclass
class ByHand:
    """One evaluated year, every pair listed."""

    cosine: np.ndarray
    theta: float
    distance: float
    labels: np.ndarray
    mean_correlation: float


def correlations(returns: np.ndarray) -> np.ndarray:
    """(n, n) correlation of every two rows; NaN with a missing month or constant returns."""
    rho = np.full((len(returns), len(returns)), np.nan)
    usable = [np.isfinite(row).all() and np.ptp(row) > 0 for row in returns]
    for a, b in itertools.combinations(np.flatnonzero(usable), 2):
        rho[a, b] = np.corrcoef(returns[a], returns[b])[0, 1]
    return rho


def mean_correlation_of(labels: np.ndarray, rho: np.ndarray) -> float:
    """Mean over clusters of the mean correlation of their existing pairs."""
    means = []
    for label in set(labels.tolist()):
        pairs = itertools.combinations(np.flatnonzero(labels == label), 2)
        existing = [rho[a, b] for a, b in pairs if not np.isnan(rho[a, b])]
        means += [np.mean(existing)] if existing else []
    return float(np.mean(means)) if means else np.nan


def labels_at(cosine: np.ndarray, distance: float) -> np.ndarray:
    if len(cosine) < 2:
        return np.ones(len(cosine), dtype=int)
    apart = np.clip(1 - cosine, 0, 2)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "single")
    return fcluster(tree, distance + 1e-7, "distance")


def axes_of(given: Given, year: int, n_components: int) -> tuple[StandardScaler, np.ndarray]:
    """scikit-learn's scaler and principal axes of all reports before the year, a row each."""
    before = given.features[given.year < year].astype(np.float64)
    scaler = StandardScaler().fit(before)
    pca = PCA(svd_solver="full").fit(scaler.transform(before))
    kept = pca.singular_values_ > 1e-6 * pca.singular_values_[0]
    return scaler, pca.components_[kept][:n_components]


def evaluated_years(given: Given) -> list[int]:
    """Years with reports to compare and five earlier ones that have a pair of returns."""
    years = sorted(set(given.year[given.clustered].tolist()))
    rows = {y: (given.year == y) & given.clustered for y in years}
    measured = [y for y in years if np.isfinite(correlations(given.returns[rows[y]])).any()]
    return [y for y in years if sum(earlier < y for earlier in measured) >= 5]


def by_hand(given: Given, year: int, n_components: int = 1000) -> ByHand:
    """The definition, literally, in float64."""
    scaler, axes = axes_of(given, year, n_components)
    years = sorted(set(given.year[given.clustered].tolist()))
    earlier = [y for y in years if y < year]
    cosines, rho = {}, {}
    for y in [*earlier, year]:
        rows = (given.year == y) & given.clustered
        rho[y] = correlations(given.returns[rows])
        own = given.features[rows].astype(np.float64)
        scores = scaler.transform(own) @ axes.T
        unit = scores / np.linalg.norm(scores, axis=1, keepdims=True)
        cosines[y] = unit @ unit.T
    listed = [1 - cosines[y][np.triu_indices(len(cosines[y]), 1)] for y in earlier]
    every = np.concatenate(listed)
    m, v = (every.mean(), every.std()) if len(every) else (0.0, 1.0)

    def quality(y: int, theta: float) -> float:
        return mean_correlation_of(labels_at(cosines[y], theta * v + m), rho[y])

    window = [y for y in earlier if np.isfinite(rho[y]).any()][-5:]
    best, chosen = -np.inf, THETAS[0]
    for theta in THETAS:
        found = [q for q in (quality(y, theta) for y in window) if not np.isnan(q)]
        if found and np.mean(found) > best + 1e-9:
            best, chosen = float(np.mean(found)), theta
    distance = chosen * v + m
    labels = labels_at(cosines[year], distance)
    return ByHand(cosines[year], chosen, distance, labels, quality(year, chosen))


def groups(labels: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


def cosines_of(scores: np.ndarray) -> np.ndarray:
    unit = scores / np.linalg.norm(scores.astype(np.float64), axis=1, keepdims=True)
    return unit @ unit.T
