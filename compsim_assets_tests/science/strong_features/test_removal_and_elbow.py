"""Strong features: MAE of removal and the elbow against zeroing raw features and projecting again."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from compsim_assets.science.strong_features.axis_products import AxisProducts
from compsim_assets.science.strong_features.elbow import QUANTILES, find_elbows
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import examples
from compsim_assets_tests.science.strong_features.made_clusters import Cluster, clusters, make_cluster


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
