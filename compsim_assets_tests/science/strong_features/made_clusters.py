"""Clusters whose strong features are searched for in tests, with the truth by zeroing raw features."""

from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st

from compsim_assets.science.strong_features.axis_products import AxisProducts
from compsim_assets.science.strong_features.candidates import sample_pairs
from compsim_assets.science.strong_features.removal import Removal
from compsim_assets.science.strong_features.search import ClusterPairs, StrongFeatures, find_strong_features
from compsim_assets_tests.science import oracles


@dataclass
class Cluster:
    """Raw features (n, D) of a cluster's reports, scaler (D,), components (P, D), pairs and candidate latents."""

    features: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    components: np.ndarray
    pairs: np.ndarray
    candidates: np.ndarray

    def truth(self) -> oracles.Elbow:
        return oracles.strong_features(
            self.features, self.mean, self.scale, self.components, self.pairs.tolist(), self.candidates.tolist()
        )

    def products(self, dtype: torch.dtype = torch.float64, n_reports: int = 10**6) -> AxisProducts:
        rows = np.ascontiguousarray(self.components[:, self.candidates].T)
        return AxisProducts.of(torch.from_numpy(rows), dtype, n_reports)

    def coefficients(self) -> np.ndarray:
        return np.ascontiguousarray((self.features / self.scale)[:, self.candidates])

    def scores(self) -> np.ndarray:
        return oracles.scores_of(self.features, self.mean, self.scale, self.components)

    def cosines(self) -> np.ndarray:
        return oracles.cosines_of_pairs(self.scores(), self.pairs.tolist())

    def cosines_without(self, candidates: np.ndarray) -> np.ndarray:
        """Candidates by position."""
        return oracles.removal_cosines(
            self.features, self.mean, self.scale, self.components,
            self.pairs.tolist(), self.candidates[candidates],
        )  # fmt: skip

    def study(self, products: torch.dtype = torch.float64, n_reports: int = 10**6) -> StrongFeatures:
        return study_all([self], self.products(products, n_reports))[0]

    def removal(self) -> Removal:
        """A batch of this cluster alone."""
        scores, products = torch.from_numpy(self.scores()), self.products()
        coefficients = torch.from_numpy(self.coefficients())
        a, b = self.pairs.T
        return Removal(
            pairs=torch.from_numpy(self.pairs)[None],
            dots=(scores[a] * scores[b]).sum(dim=1)[None],
            squares=scores.square().sum(dim=1)[None],
            coefficients=coefficients[None],
            projections=products.project(scores)[None],
            spread=products.spread(coefficients)[None],
            lengths=products.lengths,
            rounding=products.rounding,
        )


def study_all(clusters: list[Cluster], products: AxisProducts, budget: int = 1 << 28) -> list[StrongFeatures]:
    """Clusters that share scaler, components and candidates."""
    scores = np.concatenate([cluster.scores() for cluster in clusters])
    coefficients = np.concatenate([cluster.coefficients() for cluster in clusters])
    reports = np.split(np.arange(len(scores)), np.cumsum([len(cluster.features) for cluster in clusters])[:-1])
    pairs = [ClusterPairs(rows, cluster.pairs) for rows, cluster in zip(reports, clusters, strict=True)]
    return find_strong_features(products, pairs, lambda rows: (scores[rows], coefficients[rows]), budget=budget)


def make_cluster(seed: int, n: int, n_latents: int, rank: int, n_candidates: int, centred: bool = True) -> Cluster:
    """Sparse non-negative features, as TopK sums are. Without a mean, what is left of a report can be nothing."""
    rng = np.random.default_rng(seed)
    features = rng.gamma(2.0, 1.0, size=(n, n_latents)) * (rng.random((n, n_latents)) < 0.5)
    components = np.linalg.qr(rng.normal(size=(n_latents, min(rank, n_latents))))[0].T
    return Cluster(
        features=features,
        mean=rng.gamma(2.0, 0.5, size=n_latents) if centred else np.zeros(n_latents),
        scale=rng.uniform(0.5, 2.0, size=n_latents),
        components=components,
        pairs=sample_pairs(n, [seed]),
        candidates=np.sort(rng.choice(n_latents, size=min(n_candidates, n_latents), replace=False)),
    )


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """Clusters with all-zero reports, duplicates, inactive latents and reports that consist of one latent."""
    cluster = make_cluster(
        seed=draw(st.integers(0, 2**32 - 1)),
        n=draw(st.integers(2, 7)),
        n_latents=draw(st.integers(2, 40)),
        rank=draw(st.integers(2, 12)),
        n_candidates=draw(st.integers(1, 30)),
        centred=draw(st.booleans()),
    )
    features, candidates = cluster.features, cluster.candidates
    for oddity in draw(st.lists(st.sampled_from(["zero", "single", "twin", "inactive"]), max_size=3)):
        if oddity == "zero":
            features[0] = 0.0
        elif oddity == "single":
            features[1] = 0.0
            features[1, candidates[0]] = 1.7
        elif oddity == "twin":
            features[-1] = features[0]
        else:
            features[:, candidates[-1]] = 0.0
    return cluster
