"""Strong features: MAE of removal and the elbow against zeroing raw features and projecting again."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from compsim_assets.science.strong_features.axis_products import AxisProducts
from compsim_assets.science.strong_features.candidates import sample_pairs
from compsim_assets.science.strong_features.elbow import QUANTILES, find_elbows
from compsim_assets.science.strong_features.removal import Removal
from compsim_assets.science.strong_features.search import ClusterPairs, StrongFeatures, find_strong_features
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import examples


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


def assume_away_from_ties(truth: oracles.Elbow) -> None:
    """No MAE within rounding of a threshold it does not equal by construction, no quotient of MAEs close to 1."""
    values = np.unique(truth.mae)
    for q in QUANTILES:
        gap = np.abs(values - np.quantile(truth.mae, q))
        assume(not ((gap > 0) & (gap < 1e-9)).any())
    assume(np.diff(values).min(initial=1.0) > 1e-9)
    duplicated = len(values) < len(truth.mae) - np.count_nonzero(truth.mae == 0) + (truth.mae == 0).any()
    assume(not duplicated)
    assume(truth.mae_weak == 0 or abs(truth.mae_strong / truth.mae_weak - 1) > 1e-6)


@examples(30)
@given(clusters())
def test_mae_and_elbow_equal_zeroing_the_raw_features(cluster: Cluster) -> None:
    truth = cluster.truth()
    found = cluster.study()
    # 1e-8 relative; the absolute term is the rounding of a difference of two cosines.
    np.testing.assert_allclose(found.mae, truth.mae, rtol=1e-8, atol=1e-13)
    assume_away_from_ties(truth)
    assert set(np.flatnonzero(found.strong)) == truth.strong
    assert found.quantile == truth.quantile
    assert found.mae_strong == pytest.approx(truth.mae_strong, rel=1e-8, abs=1e-13)
    assert found.mae_weak == pytest.approx(truth.mae_weak, rel=1e-8, abs=1e-13)


@examples(30)
@given(clusters())
def test_float32_products_keep_the_mae_to_1e_4(cluster: Cluster) -> None:
    truth = cluster.truth()
    found = cluster.study(torch.float32)
    # Rounding grows by what cancels: where a removal leaves 1 % of a squared length, 1e-7 of it is 1e-5 of the rest.
    scores = oracles.scores_of(cluster.features, cluster.mean, cluster.scale, cluster.components)
    removed = (cluster.features / cluster.scale)[:, cluster.candidates]
    rest = scores[:, None, :] - removed[:, :, None] * cluster.components.T[cluster.candidates]
    left = np.square(rest).sum(axis=2) / np.maximum(np.square(scores).sum(axis=1), 1e-300)[:, None]
    resolved = ((left < 1e-20) | (left > 0.03)).all(axis=0)
    np.testing.assert_allclose(found.mae[resolved], truth.mae[resolved], rtol=1e-4, atol=2e-6)


def check_whole_sets(cluster: Cluster, mae: np.ndarray, products: AxisProducts) -> None:
    """Any order of the latents gives nested sets; the elbow stops somewhere among them."""
    found = find_elbows(cluster.removal(), torch.from_numpy(mae)[None], products)
    strong = mae > np.quantile(mae, float(found.quantile))
    assert found.strong[0].tolist() == strong.tolist()
    sets = (np.flatnonzero(strong), np.flatnonzero(~strong))
    for change, removed in zip((found.mae_strong, found.mae_weak), sets, strict=True):
        expected = np.abs(cluster.cosines_without(removed) - cluster.cosines()).mean()
        assert float(change) == pytest.approx(expected, rel=1e-8, abs=1e-9)


@examples(30)
@given(clusters(), st.integers(0, 2**32 - 1), st.sampled_from([1, 16]))
def test_removing_a_whole_set_and_all_the_others(cluster: Cluster, seed: int, decimals: int) -> None:
    # With one decimal there are ties, some of them with a quantile.
    mae = np.random.default_rng(seed).random(len(cluster.candidates)).round(decimals)
    check_whole_sets(cluster, mae, cluster.products())


def test_whole_sets_of_many_latents() -> None:
    for seed in range(12):
        cluster = make_cluster(seed, 30, 300, 40, 250)
        mae = np.random.default_rng(seed).random(250).round(1 + seed // 2 % 3)
        # Without and with a Gram matrix.
        check_whole_sets(cluster, mae, cluster.products(n_reports=10**6 * (seed % 2)))


@examples(20)
@given(clusters())
def test_without_a_gram_matrix_nothing_changes(cluster: Cluster) -> None:
    assume_away_from_ties(cluster.truth())
    one, other = cluster.study(), cluster.study(n_reports=0)
    assert one.strong.tolist() == other.strong.tolist()
    np.testing.assert_allclose(one.mae, other.mae, rtol=1e-10, atol=1e-14)
    for name in ("quantile", "mae_strong", "mae_weak"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9, abs=1e-12)


def many_clusters() -> list[Cluster]:
    """Sizes in no order, some with few pairs of many reports; one scaler, components and candidates."""
    whole = make_cluster(11, 500, 80, 20, 60)
    sizes = [2, 40, 2, 3, 25, 7, 2, 60, 21, 33, 3, 2, 45, 12, 2, 30, 5]
    start = np.cumsum([0, *sizes])
    return [
        replace(
            whole, features=whole.features[first : first + n], pairs=sample_pairs(n, [n], most=9 if n == 60 else 200)
        )
        for first, n in zip(start, sizes, strict=False)
    ]


def test_clusters_together_are_clusters_alone_and_in_order() -> None:
    clusters = many_clusters()
    products = clusters[0].products()
    truths = [cluster.truth() for cluster in clusters]
    singles = [study_all([cluster], products)[0] for cluster in clusters]
    for budget in (1, 200_000, 1 << 28):
        for found, alone, truth in zip(study_all(clusters, products, budget), singles, truths, strict=True):
            assert found.strong.tolist() == alone.strong.tolist()
            assert set(np.flatnonzero(found.strong)) == truth.strong
            assert found.quantile == alone.quantile == truth.quantile
            np.testing.assert_allclose(found.mae, alone.mae, rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose(found.mae, truth.mae, rtol=1e-8, atol=1e-13)
            for name in ("mae_strong", "mae_weak"):
                assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=1e-8)
                assert getattr(found, name) == pytest.approx(getattr(alone, name), rel=1e-11)


def test_the_same_inputs_give_the_same_bytes() -> None:
    clusters = many_clusters()
    one, two = (study_all(clusters, clusters[0].products(), 1 << 20) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        assert first.mae.tobytes() == second.mae.tobytes()
        assert (first.quantile, first.mae_strong, first.mae_weak) == (
            second.quantile, second.mae_strong, second.mae_weak,
        )  # fmt: skip


def test_a_thousand_pairs_are_studied_in_blocks() -> None:
    cluster = make_cluster(2, 40, 30, 10, 20)
    cluster.pairs = sample_pairs(40, [0], most=10**6)
    whole = cluster.study()
    in_blocks = cluster.removal().mean_changes(cached=8 * 20 * 77)
    np.testing.assert_allclose(in_blocks[0], whole.mae, rtol=1e-13)
    np.testing.assert_allclose(whole.mae, cluster.truth().mae, rtol=1e-9)


def test_progress_and_reports_asked_for() -> None:
    clusters = [ClusterPairs(np.arange(k, k + 3), sample_pairs(3, [k])) for k in range(0, 30, 3)]
    clusters.append(ClusterPairs(np.arange(30, 39), np.array([[2, 5]])))
    clusters.append(ClusterPairs(np.arange(40, 43), np.empty((0, 2), dtype=np.int64)))
    given = make_cluster(1, 50, 20, 6, 10)
    asked, told = [], []

    def read(reports: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.extend(reports.tolist())
        return given.scores()[reports], given.coefficients()[reports]

    found = find_strong_features(
        given.products(), clusters, read, budget=30_000, progress=lambda *done: told.append(done)
    )
    assert sorted(asked) == [*range(30), 32, 35]
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] == (12, 12)
    assert np.isnan(found[-1].quantile)
    assert not found[-1].strong.any()


LIMITED = """
import resource
import numpy as np
import torch
from compsim_assets.science.strong_features.axis_products import AxisProducts
from compsim_assets.science.strong_features.search import ClusterPairs, find_strong_features
from compsim_assets.science.strong_features.candidates import sample_pairs

torch.set_num_threads(1)
rng = np.random.default_rng(0)
n, width = 8000, 200
scores = rng.standard_normal((n, 50), dtype=np.float32)
coefficients = rng.gamma(1.0, 1.0, (n, width)) * (rng.random((n, width)) < 0.5)
products = AxisProducts.of(torch.from_numpy(rng.normal(size=(width, 50))), torch.float64, n)
clusters = [
    ClusterPairs(np.arange(k, k + size), sample_pairs(size, [k]))
    for size, start, stop in ((4, 0, 3000), (50, 3000, 7000), (1000, 7000, 8000))
    for k in range(start, stop, size)
]
study = lambda budget, some=None: find_strong_features(
    products, clusters[:some], lambda rows: (scores[rows], coefficients[rows]), budget=budget
)
study(1 << 20, 20)
used = next(line for line in open("/proc/self/status") if line.startswith("VmData"))
# Room for 8 MB of temporaries, 8 MB of results and of blocks of pairs, and 32 MB for the allocator, which keeps what it
# has been given back in pieces of its own.
room = int(used.split()[1]) * 1024 + (48 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (room, room))
print(len(study(8 << 20)))
try:
    study(1 << 40)
except (MemoryError, RuntimeError) as error:
    print("too much:", str(error).splitlines()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="limits as on Linux")
def test_memory_stays_within_the_budget() -> None:
    """All reports and pairs at once would need 100 MB and more."""
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    studied, refused = done.stdout.splitlines()
    assert studied == "831"
    assert refused.startswith("too much:")


@examples(20)
@given(clusters())
def test_cosine_before_any_removal(cluster: Cluster) -> None:
    np.testing.assert_allclose(cluster.removal().cosine()[0], cluster.cosines(), atol=1e-13)


@pytest.mark.parametrize("n", [2, 3, 17])
@pytest.mark.parametrize("n_candidates", [1, 5, 33])
@pytest.mark.parametrize("products", [torch.float64, torch.float32])
def test_inactive_latents_change_nothing_at_all(n: int, n_candidates: int, products: torch.dtype) -> None:
    cluster = make_cluster(3, n, 60, 9, n_candidates)
    inactive = np.arange(n_candidates) % 2 == 0
    cluster.features += 0.1
    cluster.features[:, cluster.candidates[inactive]] = 0.0
    found = cluster.study(products)
    assert (found.mae[inactive] == 0.0).all()
    assert (found.mae[~inactive] > 0.0).all()
    assert not found.strong[inactive].any()


def test_only_inactive_candidates_fall_back_to_the_ninetieth_percentile() -> None:
    cluster = make_cluster(4, 4, 30, 6, 10)
    cluster.features[:, cluster.candidates] = 0.0
    found = cluster.study()
    assert not found.strong.any()
    assert (found.quantile, found.mae_strong, found.mae_weak) == (0.90, 0.0, 0.0)


def test_one_active_candidate_stops_at_once_because_the_rest_changes_nothing() -> None:
    cluster = make_cluster(5, 4, 30, 6, 12)
    cluster.features[:, cluster.candidates[1:]] = 0.0
    cluster.features[:, cluster.candidates[0]] = [1.0, 2.0, 0.0, 3.0]
    found = cluster.study()
    assert np.flatnonzero(found.strong).tolist() == [0]
    assert (found.quantile, found.mae_weak) == (0.99, 0.0)
    assert found.mae_strong == pytest.approx(found.mae[0], rel=1e-12)


def test_every_quantile_of_the_elbow_is_reached_somewhere() -> None:
    stopped = set()
    for seed in range(40):
        cluster = make_cluster(seed, 4, 40, 12, 40, centred=seed % 2 == 0)
        cluster.features[:, : seed % 30] *= 0.05
        truth = cluster.truth()
        found = cluster.study()
        assert found.quantile == truth.quantile
        assert set(np.flatnonzero(found.strong)) == truth.strong
        stopped.add(found.quantile)
    assert len(stopped) >= 5


def test_equal_effects_of_both_sets_do_not_stop_the_search() -> None:
    # In one dimension, without the first latent or without both others, a turns round and b does not: both MAEs are 2.
    cluster = Cluster(
        features=np.array([[5.0, 2.5, 2.5], [7.0, 3.5, 3.5]]),
        mean=np.full(3, 2.0),
        scale=np.ones(3),
        components=np.ones((1, 3)),
        pairs=np.array([[0, 1]]),
        candidates=np.arange(3),
    )
    found = cluster.study()
    assert found.mae == pytest.approx([2, 0, 0], abs=1e-15)
    assert (found.quantile, found.mae_strong, found.mae_weak) == (0.90, 2.0, 2.0)


@pytest.mark.parametrize("products", [torch.float64, torch.float32])
def test_a_report_that_consists_of_one_latent_has_no_cosine_without_it(products: torch.dtype) -> None:
    for seed in range(5):
        cluster = make_cluster(seed, 3, 20, 8, 20, centred=False)
        cluster.features[0] = 0.0
        cluster.features[0, 6] = 2.3
        cluster.pairs = np.array([[0, 1], [0, 2]])
        mae = np.abs(cluster.cosines()).mean()
        assert cluster.study(products).mae[6] == pytest.approx(mae, rel=1e-6)
        if products == torch.float64:
            assert cluster.study().mae[6] == pytest.approx(mae, rel=1e-12)


def test_the_little_that_is_left_of_a_report_still_has_its_cosine() -> None:
    # Latent 6 is all but a millionth of the first report's squared length.
    cluster = make_cluster(1, 3, 20, 8, 20, centred=False)
    cluster.features[0] = 0.0
    cluster.features[0, 6], cluster.features[0, 7] = 3.0, 0.003
    for pair in ([0, 1], [0, 2]):
        cluster.pairs = np.array([pair])
        expected = cluster.cosines_without(np.array([6]))
        assert np.abs(expected).min() > 0.01
        change = np.abs(expected - cluster.cosines())
        assert cluster.study().mae[6] == pytest.approx(change[0], abs=1e-9)


@pytest.mark.parametrize("n", [2, 5])
def test_identical_reports_have_no_strong_features(n: int) -> None:
    # Whatever is removed from both, their cosine stays 1: rounding must not pick a latent.
    for seed in range(15):
        cluster = make_cluster(seed, n, 40, 12, 30)
        cluster.features[:] = cluster.features[0]
        found = cluster.study()
        assert (found.mae == 0).all()
        assert not found.strong.any()
        assert (found.quantile, found.mae_strong, found.mae_weak) == (0.90, 0.0, 0.0)


def test_removal_sets_the_raw_value_to_zero_and_not_to_the_mean() -> None:
    # One latent, above its mean in one report and below it in the other: cosine -1. Set to 0 both scores are negative:
    # cosine 1. Set to the mean nothing would be left of them.
    cluster = Cluster(
        features=np.array([[3.0], [0.5]]), mean=np.array([1.0]), scale=np.array([2.0]),
        components=np.array([[1.0]]), pairs=np.array([[0, 1]]), candidates=np.array([0]),
    )  # fmt: skip
    assert cluster.study().mae.tolist() == pytest.approx([2.0])


def test_cosines_stay_within_one() -> None:
    cluster = make_cluster(8, 2, 30, 2, 30)
    cluster.features[1] = cluster.features[0]
    removal = cluster.removal()
    removal = replace(removal, dots=removal.dots * (1 + 1e-9), rounding=0.0)
    assert removal.cosine().tolist() == [[1.0]]
    assert removal.mean_changes().max() == 0.0


def test_nothing_to_study() -> None:
    none = make_cluster(1, 3, 10, 4, 5)
    none.candidates = none.candidates[:0]
    found = none.study()
    assert found.mae.shape == found.strong.shape == (0,)
    assert np.isnan([found.quantile, found.mae_strong, found.mae_weak]).all()
