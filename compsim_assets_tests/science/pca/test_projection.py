"""Scores on somebody else's axes: against scikit-learn's transform and loops, sign and all."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.pca.fit import PrincipalComponents, fit_pca
from compsim_assets.science.pca.projection import project
from compsim_assets_tests.science.strategies import examples


def sparse_features(seed: int, n: int, n_latents: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.gamma(2.0, 1.0, (n, n_latents)) * (rng.random((n, n_latents)) > 0.45)
    return values.astype(np.float32)


def projected(
    values: np.ndarray, axes: np.ndarray, own_mean: np.ndarray | float = 0.0, copies: Any = None, **options: Any
) -> PrincipalComponents:
    n, n_latents = values.shape
    return project(
        DenseFeatures(values),
        axes.astype(np.float32),
        np.broadcast_to(np.float64(own_mean), n_latents).copy(),
        copies=np.ones(n) if copies is None else np.asarray(copies),
        **options,
    )


def close(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@examples(40)
@given(n=st.integers(3, 25), n_latents=st.integers(2, 30), shifted=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_equals_scikit_learn_sign_and_all(n: int, n_latents: int, shifted: bool, seed: int) -> None:
    values = sparse_features(seed, n, n_latents)
    scaled = StandardScaler().fit_transform(values.astype(np.float64))
    truth = PCA(n_components=min(n, n_latents) - 1).fit(scaled)
    if shifted:
        truth.mean_ = truth.mean_ + np.random.default_rng(seed).normal(size=n_latents)
    found = projected(values, truth.components_, truth.mean_)
    close(found.scores, truth.transform(scaled))
    np.testing.assert_allclose(found.explained_variance, truth.explained_variance_, rtol=1e-4)
    np.testing.assert_allclose(found.explained_variance_ratio, truth.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(found.mean, values.mean(axis=0, dtype=np.float64))
    assert found.scores.dtype == np.float32


@pytest.mark.parametrize("own_mean", [0.0, 0.7])
def test_identical_reports_count_as_often_as_they_occur(own_mean: float) -> None:
    values, copies = sparse_features(1, 9, 6), np.array([3, 1, 1, 4, 1, 2, 1, 1, 5])
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 4)))[0].T
    once = projected(values, axes, own_mean, copies)
    repeated = projected(np.repeat(values, copies, axis=0), axes, own_mean)
    close(np.repeat(once.scores, copies, axis=0), repeated.scores)
    for name in ("mean", "scale", "explained_variance", "explained_variance_ratio"):
        np.testing.assert_allclose(getattr(once, name), getattr(repeated, name), rtol=1e-5)


def test_a_given_scaler_is_used_instead_of_the_features_own() -> None:
    values = sparse_features(2, 8, 5)
    rng = np.random.default_rng(0)
    mean, scale, own_mean = rng.normal(size=5), rng.uniform(0.5, 2, 5), rng.normal(size=5)
    axes = np.linalg.qr(rng.normal(size=(5, 3)))[0].T.astype(np.float32)
    found = projected(values, axes, own_mean, scaler=(mean, scale))
    expected = ((values.astype(np.float64) - mean) / scale - own_mean) @ axes.T.astype(np.float64)
    close(found.scores, expected)
    np.testing.assert_array_equal(found.mean, mean)
    np.testing.assert_array_equal(found.scale, scale)
    np.testing.assert_array_equal(found.own_mean, own_mean)


def test_the_fitted_pca_gives_its_own_scores_again() -> None:
    values = sparse_features(3, 20, 30)
    fitted = fit_pca(DenseFeatures(values), 12)
    assert fitted.components is not None
    for scaler in (None, (fitted.mean, fitted.scale)):
        found = projected(values, fitted.components, scaler=scaler)
        close(found.scores, fitted.scores)
        np.testing.assert_allclose(found.explained_variance, fitted.explained_variance, rtol=1e-4)
        ratio = fitted.explained_variance_ratio
        np.testing.assert_allclose(found.explained_variance_ratio, ratio, rtol=1e-4)


def test_a_latent_that_does_not_vary_says_nothing() -> None:
    values = sparse_features(4, 10, 6)
    values[:, 2] = 0.1
    axes = np.eye(6)
    found = projected(values, axes)
    assert (found.scores[:, 2] == 0).all()
    assert found.explained_variance_ratio[2] == 0
    assert found.explained_variance_ratio.sum() == pytest.approx(1)


def test_published_variances_are_kept() -> None:
    values, variance, ratio = sparse_features(5, 6, 4), np.array([3.0, 1.0]), np.array([0.5, 0.1])
    found = projected(values, np.eye(4)[:2], explained_variance=variance, explained_variance_ratio=ratio)
    np.testing.assert_array_equal(found.explained_variance, variance)
    np.testing.assert_array_equal(found.explained_variance_ratio, ratio)


@pytest.mark.parametrize("scaler", [None, (np.zeros(4), np.ones(4))])
def test_a_single_report_has_scores_and_no_variance(scaler: Any) -> None:
    values = sparse_features(6, 1, 4)
    found = projected(values, np.eye(4)[:2], scaler=scaler)
    close(found.scores, np.zeros((1, 2)) if scaler is None else values[:, :2])
    assert found.explained_variance.tolist() == [0, 0]
    assert np.isfinite(found.explained_variance_ratio).all()


def test_blocks_of_reports_do_not_matter() -> None:
    values = sparse_features(7, 11, 5)
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 3)))[0].T
    whole = projected(values, axes, 0.3)
    steps: list[tuple[int, int]] = []
    parts = projected(values, axes, 0.3, block_bytes=8 * 5 * 4, progress=lambda *step: steps.append(step))
    np.testing.assert_allclose(parts.scores, whole.scores, rtol=1e-6)
    assert steps == [(4, 11), (8, 11), (11, 11)]


def test_axes_of_other_latents_are_refused() -> None:
    with pytest.raises(ValueError, match="the PCA is of 6 latents, the features have 5"):
        projected(sparse_features(8, 4, 5), np.eye(6))


WAYS = {
    "scaled": StandardScaler(with_mean=False).fit_transform,
    "centred": StandardScaler(with_std=False).fit_transform,
    "raw": lambda values: values,
}


@pytest.mark.parametrize("told", [True, False], ids=["told", "found out"])
@pytest.mark.parametrize("way", WAYS)
def test_a_pca_of_other_than_standardised_features_equals_scikit_learn(way: str, told: bool) -> None:
    values = sparse_features(10, 30, 12) * np.float32([0.01, 1, 300] * 4)
    values[:, 4] = 0.1  # a latent that does not vary has a value
    seen = WAYS[way](values.astype(np.float64))
    truth = PCA(5).fit(seen)
    variances = {name: getattr(truth, f"{name}_") for name in ("explained_variance", "explained_variance_ratio")}
    found = projected(values, truth.components_, truth.mean_, of=way if told else "", **variances)
    assert found.fitted_on == way
    close(found.scores, truth.transform(seen))
    # What is kept of it gives the same scores again, as a PCA with a scaler.
    assert found.components is not None
    assert found.own_mean is not None
    again = projected(values, found.components, found.own_mean, scaler=(found.mean, found.scale))
    close(again.scores, truth.transform(seen))
    without = projected(values, truth.components_, truth.mean_, of=way)
    np.testing.assert_allclose(without.explained_variance_ratio, truth.explained_variance_ratio_, rtol=1e-4)


def test_a_pca_of_standardised_features_is_found_out_and_projected_as_ever() -> None:
    values = sparse_features(11, 30, 12)
    truth = PCA(5).fit(StandardScaler().fit_transform(values.astype(np.float64)))
    found, ever = (projected(values, truth.components_, truth.mean_, of=of) for of in ("", "standardised"))
    assert found.fitted_on == "standardised"
    assert found.scores.tobytes() == ever.scores.tobytes()
