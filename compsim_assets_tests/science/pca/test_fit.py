"""PCA through the Gram or the covariance matrix against scikit-learn on standardised data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.pca.fit import PrincipalComponents, fit_pca
from compsim_assets_tests.science.strategies import examples

# Components and scores are stored in float32.
FLOAT32 = 5e-6


def sparse_features(seed: int, n: int, n_latents: int) -> np.ndarray:
    """About 45 % zeros and values around 1, as sums of TopK activations."""
    rng = np.random.default_rng(seed)
    return (rng.gamma(2.0, 1.0, (n, n_latents)) * (rng.random((n, n_latents)) > 0.45)).astype(np.float32)


def standardised(values: np.ndarray) -> np.ndarray:
    return StandardScaler().fit_transform(np.asarray(values, dtype=np.float32).astype(np.float64))


def assert_equals_sklearn(found: PrincipalComponents, values: np.ndarray, tolerance: float = FLOAT32) -> None:
    """Same spectrum, same axes and scores up to sign, for data whose eigenvalues are distinct."""
    scaled = standardised(values)
    kept = len(found.explained_variance)
    truth = PCA(n_components=kept, svd_solver="full").fit(scaled)
    np.testing.assert_allclose(found.explained_variance, truth.explained_variance_, rtol=tolerance)
    np.testing.assert_allclose(found.explained_variance_ratio, truth.explained_variance_ratio_, rtol=tolerance)
    sign = np.sign((found.components * truth.components_).sum(axis=1))
    expected = truth.transform(scaled) * sign
    np.testing.assert_allclose(found.components, truth.components_ * sign[:, None], atol=20 * tolerance)
    np.testing.assert_allclose(found.scores, expected, atol=20 * tolerance * np.abs(expected).max())
    assert_orthonormal(found.components, 20 * tolerance)


def assert_orthonormal(components: np.ndarray, tolerance: float) -> None:
    gram = components.astype(np.float64) @ components.T.astype(np.float64)
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=tolerance)


@pytest.mark.parametrize(("n", "n_latents"), [(12, 40), (40, 12), (20, 20), (2, 30), (30, 2)])
@pytest.mark.parametrize("block", [7, 4096])
def test_equals_scikit_learn(n: int, n_latents: int, block: int) -> None:
    values = sparse_features(0, n, n_latents)
    found = fit_pca(DenseFeatures(values), 1000, block=block)
    assert found.products == "float64"
    # Centred data of n rows has rank n - 1 at most.
    assert len(found.explained_variance) == min(n - 1, n_latents)
    assert_equals_sklearn(found, values)


@pytest.mark.parametrize(("n", "n_latents"), [(60, 150), (150, 60)])
def test_only_the_first_components_are_kept(n: int, n_latents: int) -> None:
    values = sparse_features(1, n, n_latents)
    found = fit_pca(DenseFeatures(values), 9)
    assert found.components.shape == (9, n_latents)
    assert found.scores.shape == (n, 9)
    assert found.explained_variance_ratio.sum() < 1
    assert_equals_sklearn(found, values)


@examples(40)
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(1, 20), st.integers(1, 20), st.integers(1, 5),
    st.lists(st.sampled_from(["constant", "zero", "twin column", "twin row"]), max_size=3),
)  # fmt: skip
def test_scores_reproduce_the_standardised_data(
    seed: int, n: int, n_latents: int, n_components: int, block: int, oddities: list[str]
) -> None:
    values = sparse_features(seed, n, n_latents)
    values[0] += 0.5
    for oddity in oddities:
        if oddity == "constant":
            values[:, -1] = 0.3
        elif oddity == "zero":
            values[:, n_latents // 2] = 0.0
        elif oddity == "twin column":
            values[:, -1] = values[:, 0]
        else:
            values[-1] = values[n // 2]
    scaled = standardised(values)
    singular = np.linalg.svd(scaled, compute_uv=False)
    if singular[0] < 1e-9:
        with pytest.raises(ValueError, match="no variance"):
            fit_pca(DenseFeatures(values), n_components, block=block)
        return
    rank = int((singular > 1e-6 * singular[0]).sum())
    kept = min(n_components, rank)
    found = fit_pca(DenseFeatures(values), n_components, block=block)
    assert found.scores.shape == (n, kept)
    np.testing.assert_allclose(found.explained_variance, singular[:kept] ** 2 / (n - 1), rtol=1e-6)
    np.testing.assert_allclose(found.explained_variance_ratio, singular[:kept] ** 2 / (singular**2).sum(), rtol=1e-6)
    assert_orthonormal(found.components, 1e-4)
    # Scores are the projections of the standardised data on the components...
    np.testing.assert_allclose(found.scores, scaled @ found.components.T, atol=1e-4)
    # ...and the best of that rank: what they leave out is what the other singular values hold.
    left_out = scaled - found.scores.astype(np.float64) @ found.components.astype(np.float64)
    assert np.linalg.norm(left_out) == pytest.approx(np.linalg.norm(singular[kept:]), abs=1e-4)
    # The score of largest size of each component is positive.
    largest = np.abs(found.scores).max(axis=0)
    np.testing.assert_allclose(found.scores.max(axis=0), largest, rtol=2e-3)


@pytest.mark.parametrize(("n", "n_latents"), [(14, 90), (90, 14)])
def test_cosines_of_all_scores_are_those_of_the_standardised_features(n: int, n_latents: int) -> None:
    values = sparse_features(2, n, n_latents)
    values[3] = values[7]
    scores = fit_pca(DenseFeatures(values), 1000).scores.astype(np.float64)
    expected = pdist(standardised(values), "cosine")
    np.testing.assert_allclose(pdist(scores, "cosine"), expected, atol=1e-6)


@pytest.mark.parametrize(("n", "n_latents"), [(10, 50), (50, 10)])
def test_copies_equal_repeated_rows(n: int, n_latents: int) -> None:
    values = sparse_features(3, n, n_latents)
    copies = np.random.default_rng(3).integers(1, 5, size=n)
    repeated = np.repeat(values, copies, axis=0)
    short, long = (fit_pca(DenseFeatures(values), 1000, copies=copies), fit_pca(DenseFeatures(repeated), 1000))
    assert_equals_sklearn(long, repeated)
    for name in ("mean", "scale", "explained_variance", "explained_variance_ratio"):
        np.testing.assert_allclose(getattr(short, name), getattr(long, name), rtol=1e-9, atol=1e-12)
    sign = np.sign((short.components * long.components).sum(axis=1))
    np.testing.assert_allclose(short.components, long.components * sign[:, None], atol=1e-4)
    np.testing.assert_allclose(np.repeat(short.scores, copies, axis=0), long.scores * sign, atol=1e-4)


def test_identical_rows_have_identical_scores_up_to_rounding() -> None:
    values = np.repeat(sparse_features(4, 8, 60), 2, axis=0)
    scores = fit_pca(DenseFeatures(values), 1000).scores
    np.testing.assert_allclose(scores[::2], scores[1::2], atol=1e-5)
    assert scores.shape == (16, 7)


def test_mean_and_population_deviation_of_each_latent() -> None:
    values = sparse_features(5, 25, 30)
    values[:, 4], values[:, 9] = 0.7, 0.0
    found = fit_pca(DenseFeatures(values), 5, block=8)
    scaler = StandardScaler().fit(values.astype(np.float64))
    np.testing.assert_allclose(found.mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(found.scale, scaler.scale_, rtol=1e-12)
    assert (found.scale[4], found.scale[9]) == (1.0, 1.0)
    assert (found.components[:, [4, 9]] == 0).all()


def test_a_constant_latent_adds_no_direction_however_large() -> None:
    # Means in float32 would leave it a deviation of rounding, and scaling would make that a direction of its own.
    values = sparse_features(6, 15, 20)
    with_constant = np.column_stack([values, np.full(15, 12345.678, dtype=np.float32)])
    plain, other = fit_pca(DenseFeatures(values), 1000), fit_pca(DenseFeatures(with_constant), 1000)
    np.testing.assert_allclose(other.explained_variance, plain.explained_variance, rtol=1e-9)
    assert other.scale[-1] == 1.0


@pytest.mark.parametrize(("n", "n_latents"), [(40, 120), (120, 40)])
def test_float32_products_stay_close(n: int, n_latents: int) -> None:
    values = sparse_features(7, n, n_latents)
    found = fit_pca(DenseFeatures(values), 10, float64_work=0)
    assert found.products == "float32"
    assert_equals_sklearn(found, values, tolerance=2e-5)
    whole = fit_pca(DenseFeatures(values), 1000, float64_work=0)
    assert len(whole.explained_variance) == min(n - 1, n_latents)
    expected = pdist(standardised(values), "cosine")
    np.testing.assert_allclose(pdist(whole.scores, "cosine"), expected, atol=1e-5)


@pytest.mark.parametrize(("n", "n_latents"), [(20, 60), (60, 20)])
@pytest.mark.parametrize("work", [0, np.inf])
def test_small_directions_are_kept_and_rounding_is_not(n: int, n_latents: int, work: float) -> None:
    # One strong factor; the others hold about 1e-4 of its variance. Twin rows and columns take away some of them.
    rng = np.random.default_rng(8)
    values = 5 + rng.normal(size=(n, 1)) + 0.05 * rng.normal(size=(n, n_latents))
    values[:4], values[:, :3] = values[4], values[:, 3:4]
    singular = np.linalg.svd(standardised(values), compute_uv=False)
    expected = singular[: min(n - 5, n_latents - 3)]
    assert 1e-7 < (expected[-1] / expected[0]) ** 2 < 1e-3
    found = fit_pca(DenseFeatures(values), 1000, float64_work=work)
    assert len(found.explained_variance) == len(expected)
    np.testing.assert_allclose(found.explained_variance[0], expected[0] ** 2 / (n - 1), rtol=1e-5)


def test_progress_counts_both_passes() -> None:
    seen: list[tuple[int, int]] = []
    fit_pca(DenseFeatures(sparse_features(8, 5, 10)), 3, block=4, progress=lambda *at: seen.append(at))
    assert seen == [(4, 10), (8, 10), (10, 10)] * 2


def test_too_few_reports() -> None:
    with pytest.raises(ValueError, match="at least two reports with features, not 1"):
        fit_pca(DenseFeatures(np.ones((1, 4))), 2)
    with pytest.raises(ValueError, match="at least two"):
        fit_pca(DenseFeatures(np.ones((0, 4))), 2)


@pytest.mark.parametrize("n", [2, 9])
def test_features_without_variance(n: int) -> None:
    with pytest.raises(ValueError, match="no variance"):
        fit_pca(DenseFeatures(np.full((n, 4), 0.1)), 2)
    with pytest.raises(ValueError, match="no variance"):
        fit_pca(DenseFeatures(np.full((1, 4), 0.1)), 2, copies=np.array([n]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_named(value: float) -> None:
    values = sparse_features(9, 6, 10)
    values[2, 7] = value
    with pytest.raises(ValueError, match="row 2, latent 7"):
        fit_pca(DenseFeatures(values), 2, block=4)


# -- reports that a PCA is not fitted on --------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "n_latents", "block"), [(14, 30, 3), (30, 14, 3), (20, 20, 4096)])
def test_held_out_reports_are_projected(n: int, n_latents: int, block: int) -> None:
    """Through products or axes: as scikit-learn's transform, up to the signs of the fitted scores."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 1.0, (n, n_latents)).astype(np.float32)
    others = rng.gamma(2.0, 1.0, (7, n_latents)).astype(np.float32)
    copies = rng.integers(1, 4, n)
    repeated = np.repeat(values, copies, axis=0).astype(np.float64)
    scaler = StandardScaler().fit(repeated)
    truth = PCA(n_components=9, svd_solver="full").fit(scaler.transform(repeated))
    found = fit_pca(DenseFeatures(values), 9, copies=copies, held_out=DenseFeatures(others), block=block)
    fitted = truth.transform(scaler.transform(values.astype(np.float64)))
    sign = np.sign((found.scores * fitted).sum(axis=0))
    wanted = truth.transform(scaler.transform(others.astype(np.float64))) * sign
    assert found.held_out_scores is not None
    np.testing.assert_allclose(found.held_out_scores, wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("n_latents", [5, 40])
def test_held_out_reports_leave_the_fit_as_it_is(n_latents: int) -> None:
    rng = np.random.default_rng(1)
    values, others = rng.normal(size=(20, n_latents)), 9 * rng.normal(size=(6, n_latents))
    alone = fit_pca(DenseFeatures(values), 1000)
    beside = fit_pca(DenseFeatures(values), 1000, held_out=DenseFeatures(others))
    again = fit_pca(DenseFeatures(values), 1000, held_out=DenseFeatures(values))
    for name in ("mean", "scale", "components", "explained_variance", "scores"):
        np.testing.assert_array_equal(getattr(beside, name), getattr(alone, name))
    assert alone.held_out_scores is None
    np.testing.assert_allclose(again.held_out_scores, alone.scores, atol=1e-5)


@pytest.mark.parametrize("n_latents", [5, 40])
def test_a_latent_without_variance_in_the_fit_says_nothing_of_held_out_reports(n_latents: int) -> None:
    rng = np.random.default_rng(2)
    values, others = rng.normal(size=(20, n_latents)), rng.normal(size=(6, n_latents))
    values[:, 3] = others[:, 3] = 0.1
    plain = fit_pca(DenseFeatures(values), 1000, held_out=DenseFeatures(others))
    others[:, 3] = 1e9
    found = fit_pca(DenseFeatures(values), 1000, held_out=DenseFeatures(others))
    np.testing.assert_array_equal(found.held_out_scores, plain.held_out_scores)


@pytest.mark.parametrize("n_latents", [5, 40])
def test_held_out_features_that_are_not_finite_are_refused(n_latents: int) -> None:
    values = np.random.default_rng(3).normal(size=(20, n_latents))
    others = values[:6].copy()
    others[4, 2] = np.nan
    with pytest.raises(ValueError, match="held-out report row 4 are not finite"):
        fit_pca(DenseFeatures(values), 3, held_out=DenseFeatures(others))
