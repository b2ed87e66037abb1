"""Strong features: MAE of removal and the elbow against zeroing raw features and projecting again."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from compsim_assets.science.strong_features import (
    FLOAT32_ROUNDING,
    FLOAT64_ROUNDING,
    QUANTILES,
    Removal,
    active_latents,
    find_strong_features,
    sample_pairs,
    scored_latents,
)
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
            self.features,
            self.mean,
            self.scale,
            self.components,
            self.pairs.tolist(),
            self.candidates.tolist(),
        )

    def removal(self, products: type = np.float64) -> Removal:
        """Products of the scores with the candidates' rows, the large ones in `products` and cast."""
        scores = oracles.scores_of(self.features, self.mean, self.scale, self.components)
        rows = self.components[:, self.candidates]
        low = rows.astype(products)
        coefficients = (self.features / self.scale)[:, self.candidates]
        gram = (low.T @ low).astype(np.float64)
        a, b = self.pairs.T
        return Removal(
            pairs=torch.from_numpy(self.pairs),
            dots=torch.from_numpy((scores[a] * scores[b]).sum(axis=1)),
            squares=torch.from_numpy((scores * scores).sum(axis=1)),
            coefficients=torch.from_numpy(coefficients),
            projections=torch.from_numpy((scores.astype(products) @ low).astype(np.float64)),
            gram=torch.from_numpy(gram),
            spread=torch.from_numpy(coefficients @ gram),
            rounding=FLOAT32_ROUNDING if products is np.float32 else FLOAT64_ROUNDING,
        )


def make_cluster(
    seed: int, n: int, n_latents: int, rank: int, n_candidates: int, centred: bool = True
) -> Cluster:
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
    for oddity in draw(
        st.lists(st.sampled_from(["zero", "single", "twin", "inactive"]), max_size=3)
    ):
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
    """No MAE within rounding of a threshold it does not equal by construction, no quotient of MAEs within rounding of 1."""
    values = np.unique(truth.mae)
    for q in QUANTILES:
        gap = np.abs(values - np.quantile(truth.mae, q))
        assume(not ((gap > 0) & (gap < 1e-9)).any())
    assume(np.diff(values).min(initial=1.0) > 1e-9)
    duplicated = (
        len(values) < len(truth.mae) - np.count_nonzero(truth.mae == 0) + (truth.mae == 0).any()
    )
    assume(not duplicated)
    assume(truth.mae_weak == 0 or abs(truth.mae_strong / truth.mae_weak - 1) > 1e-6)


@examples(60)
@given(clusters())
def test_mae_and_elbow_equal_zeroing_the_raw_features(cluster: Cluster) -> None:
    truth = cluster.truth()
    found = find_strong_features(cluster.removal())
    # 1e-8 relative; the absolute term is the rounding of a difference of two cosines.
    np.testing.assert_allclose(found.mae, truth.mae, rtol=1e-8, atol=1e-13)
    assume_away_from_ties(truth)
    assert set(np.flatnonzero(found.strong)) == truth.strong
    assert found.quantile == truth.quantile
    assert found.mae_strong == pytest.approx(truth.mae_strong, rel=1e-8, abs=1e-13)
    assert found.mae_weak == pytest.approx(truth.mae_weak, rel=1e-8, abs=1e-13)


@examples(60)
@given(clusters())
def test_float32_products_keep_the_mae_to_1e_4(cluster: Cluster) -> None:
    truth = cluster.truth()
    found = find_strong_features(cluster.removal(np.float32))
    # Rounding grows by what cancels: where a removal leaves 1 % of a squared length, 1e-7 of it is 1e-5 of the rest.
    scores = oracles.scores_of(cluster.features, cluster.mean, cluster.scale, cluster.components)
    removed = (cluster.features / cluster.scale)[:, cluster.candidates]
    rest = scores[:, None, :] - removed[:, :, None] * cluster.components.T[cluster.candidates]
    left = np.square(rest).sum(axis=2) / np.maximum(np.square(scores).sum(axis=1), 1e-300)[:, None]
    resolved = ((left < 1e-20) | (left > 0.03)).all(axis=0)
    np.testing.assert_allclose(found.mae[resolved], truth.mae[resolved], rtol=1e-4, atol=2e-6)


@examples(40)
@given(clusters())
def test_removing_a_whole_set_and_all_the_others(cluster: Cluster) -> None:
    rng = np.random.default_rng(len(cluster.candidates))
    for share in (0.0, 0.3, 0.7, 1.0):
        strong = rng.random(len(cluster.candidates)) < share
        found = cluster.removal().cosine_after_split(torch.from_numpy(strong))
        for after, removed in zip(found, (strong, ~strong), strict=True):
            expected = oracles.removal_cosines(
                cluster.features, cluster.mean, cluster.scale, cluster.components,
                cluster.pairs.tolist(), cluster.candidates[removed],
            )  # fmt: skip
            np.testing.assert_allclose(after, expected, rtol=0, atol=1e-9)


@examples(40)
@given(clusters())
def test_cosine_before_any_removal(cluster: Cluster) -> None:
    scores = oracles.scores_of(cluster.features, cluster.mean, cluster.scale, cluster.components)
    expected = oracles.cosines_of_pairs(scores, cluster.pairs.tolist())
    np.testing.assert_allclose(cluster.removal().cosine(), expected, atol=1e-13)


@pytest.mark.parametrize("n", [2, 3, 17])
@pytest.mark.parametrize("n_candidates", [1, 5, 33])
@pytest.mark.parametrize("products", [np.float64, np.float32])
def test_inactive_latents_change_nothing_at_all(n: int, n_candidates: int, products: type) -> None:
    cluster = make_cluster(3, n, 60, 9, n_candidates)
    inactive = np.arange(n_candidates) % 2 == 0
    cluster.features += 0.1
    cluster.features[:, cluster.candidates[inactive]] = 0.0
    found = find_strong_features(cluster.removal(products))
    assert (found.mae[inactive] == 0.0).all()
    assert (found.mae[~inactive] > 0.0).all()
    assert not found.strong[inactive].any()


def test_only_inactive_candidates_fall_back_to_the_ninetieth_percentile() -> None:
    cluster = make_cluster(4, 4, 30, 6, 10)
    cluster.features[:, cluster.candidates] = 0.0
    found = find_strong_features(cluster.removal())
    assert not found.strong.any()
    assert (found.quantile, found.mae_strong, found.mae_weak) == (0.90, 0.0, 0.0)


def test_one_active_candidate_stops_at_once_because_the_rest_changes_nothing() -> None:
    cluster = make_cluster(5, 4, 30, 6, 12)
    cluster.features[:, cluster.candidates[1:]] = 0.0
    cluster.features[:, cluster.candidates[0]] = [1.0, 2.0, 0.0, 3.0]
    found = find_strong_features(cluster.removal())
    assert np.flatnonzero(found.strong).tolist() == [0]
    assert (found.quantile, found.mae_weak) == (0.99, 0.0)
    assert found.mae_strong == pytest.approx(found.mae[0], rel=1e-12)


def test_every_quantile_of_the_elbow_is_reached_somewhere() -> None:
    stopped = set()
    for seed in range(40):
        cluster = make_cluster(seed, 4, 40, 12, 40, centred=seed % 2 == 0)
        cluster.features[:, : seed % 30] *= 0.05
        truth = cluster.truth()
        found = find_strong_features(cluster.removal())
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
    found = find_strong_features(cluster.removal())
    assert found.mae == pytest.approx([2, 0, 0], abs=1e-15)
    assert (found.quantile, found.mae_strong, found.mae_weak) == (0.90, 2.0, 2.0)


@pytest.mark.parametrize("products", [np.float64, np.float32])
def test_a_report_that_consists_of_one_latent_has_no_cosine_without_it(products: type) -> None:
    for seed in range(5):
        cluster = make_cluster(seed, 3, 20, 8, 20, centred=False)
        cluster.features[0] = 0.0
        cluster.features[0, 6] = 2.3
        pairs = cluster.pairs = np.array([[0, 1], [0, 2]])
        removal = cluster.removal(products)
        before = oracles.cosines_of_pairs(
            oracles.scores_of(cluster.features, cluster.mean, cluster.scale, cluster.components),
            pairs.tolist(),
        )
        after = removal.cosine_after_each()[:, 6]
        assert after.tolist() == [0.0, 0.0]
        found = find_strong_features(removal)
        assert found.mae[6] == pytest.approx(np.abs(before).mean(), rel=1e-12)


def test_the_little_that_is_left_of_a_report_still_has_its_cosine() -> None:
    # Latent 6 is all but a millionth of the first report's squared length.
    cluster = make_cluster(1, 3, 20, 8, 20, centred=False)
    cluster.features[0] = 0.0
    cluster.features[0, 6], cluster.features[0, 7] = 3.0, 0.003
    expected = oracles.removal_cosines(
        cluster.features, cluster.mean, cluster.scale, cluster.components,
        cluster.pairs.tolist(), [6],
    )  # fmt: skip
    assert np.abs(expected[:2]).min() > 0.01
    np.testing.assert_allclose(cluster.removal().cosine_after_each()[:, 6], expected, atol=1e-9)


@pytest.mark.parametrize("n", [2, 5])
def test_identical_reports_have_no_strong_features(n: int) -> None:
    # Whatever is removed from both, their cosine stays 1: rounding must not pick a latent.
    for seed in range(30):
        cluster = make_cluster(seed, n, 40, 12, 30)
        cluster.features[:] = cluster.features[0]
        found = find_strong_features(cluster.removal())
        assert (found.mae == 0).all()
        assert not found.strong.any()
        assert (found.quantile, found.mae_strong, found.mae_weak) == (0.90, 0.0, 0.0)


def test_removal_sets_the_raw_value_to_zero_and_not_to_the_mean() -> None:
    # One latent above its mean in both reports: setting it to 0 moves both scores, setting it to the mean would leave
    # nothing of them.
    cluster = Cluster(
        features=np.array([[3.0], [4.0]]), mean=np.array([1.0]), scale=np.array([2.0]),
        components=np.array([[1.0]]), pairs=np.array([[0, 1]]), candidates=np.array([0]),
    )  # fmt: skip
    after = cluster.removal().cosine_after_each()
    assert after.item() == pytest.approx(1.0)


def test_cosines_stay_within_one() -> None:
    cluster = make_cluster(8, 2, 30, 2, 30)
    cluster.features[1] = cluster.features[0]
    removal = cluster.removal(np.float32)
    removal = replace(removal, dots=removal.dots * (1 + 1e-9), rounding=0.0)
    assert removal.cosine_after_each().abs().max() <= 1
    assert removal.cosine().abs().max() <= 1
    for after in removal.cosine_after_split(torch.arange(30) < 15):
        assert after.abs().max() <= 1


def test_nothing_to_study() -> None:
    none = make_cluster(1, 3, 10, 4, 5)
    none.candidates = none.candidates[:0]
    found = find_strong_features(none.removal())
    assert found.mae.shape == found.strong.shape == (0,)
    assert np.isnan([found.quantile, found.mae_strong, found.mae_weak]).all()


def test_pairs_of_small_clusters_are_all_pairs() -> None:
    assert sample_pairs(2, [1]).tolist() == [[0, 1]]
    assert sample_pairs(4, [1]).tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    # 20 members have 190 pairs, 21 have 210.
    assert len(sample_pairs(20, [1])) == 190
    assert len(sample_pairs(21, [1])) == 200


def test_sampled_pairs_are_seeded_distinct_and_uniform() -> None:
    first = sample_pairs(40, [7, 1999, 3])
    assert len(first) == 200 == len({tuple(pair) for pair in first.tolist()})
    assert (first[:, 0] < first[:, 1]).all()
    assert first.max() < 40
    assert first.tolist() == sorted(first.tolist()) == sample_pairs(40, [7, 1999, 3]).tolist()
    assert first.tolist() != sample_pairs(40, [7, 1999, 4]).tolist()
    counts = np.zeros((30, 30))
    for seed in range(400):
        drawn = sample_pairs(30, [seed])
        counts[drawn[:, 0], drawn[:, 1]] += 1
    drawn_share = counts[np.triu_indices(30, 1)] / 400
    # 200 of 435 pairs; five standard errors of a share around 0.46.
    assert np.abs(drawn_share - 200 / 435).max() < 5 * 0.025


def test_active_latents_are_active_twice_and_most_variable_first() -> None:
    coefficients = np.array(
        [
            # none  once  flat  some  more  some-again
            [0.0, 9.0, 1.0, 1.0, 0.0, 1.0],
            [0.0, 0.0, 1.0, 2.0, 3.0, 2.0],
            [0.0, 0.0, 1.0, 0.0, 3.0, 0.0],
        ]
    )
    assert active_latents(coefficients).tolist() == [4, 3, 5, 2]
    assert active_latents(coefficients, most=2).tolist() == [4, 3]
    assert active_latents(np.zeros((3, 4))).tolist() == []


def test_scored_latents_are_all_or_a_seeded_sample() -> None:
    assert scored_latents(np.array([5, 2, 9, 2]), seed=0).tolist() == [2, 5, 9]
    many = np.arange(0, 4000, 2)
    drawn = scored_latents(many, seed=3)
    assert len(set(drawn.tolist())) == 1000
    assert drawn.tolist() == sorted(drawn.tolist())
    assert set(drawn.tolist()) <= set(many.tolist())
    assert drawn.tolist() == scored_latents(many[::-1], seed=3).tolist()
    assert drawn.tolist() != scored_latents(many, seed=4).tolist()
