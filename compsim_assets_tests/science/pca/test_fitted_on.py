"""What a PCA was fitted on is told by its own mean and variance, as scikit-learn leaves them, and is not guessed."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from compsim_assets.science.pca.fitted_on import UnlikeFeatures, fitted_on

# (reports, latents, size of a value, share of active latents): means far below 1/100 of a deviation, and far above 1.
SHAPES = [(96, 40, 1.0, 0.5), (500, 300, 1e-4, 0.1), (800, 100, 300.0, 0.05)]


def sparse(n: int, n_latents: int, unit: float, active: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    values = rng.gamma(2, 1, (n, n_latents)) * (rng.random((n, n_latents)) < active)
    values *= rng.lognormal(0, 1, n_latents) * unit
    values[:, 5] = 0
    return values.astype(np.float32).astype(float)


def asked(pca: PCA, here: np.ndarray, says_variance: bool = True) -> str:
    """The answer about a PCA for a universe that has these features."""
    deviation = here.std(axis=0)
    total = pca.explained_variance_[0] / pca.explained_variance_ratio_[0] if says_variance else None
    return fitted_on(
        pca.mean_.astype(float),
        total,
        len(pca.components_),
        mean=here.mean(axis=0),
        deviation=np.where(deviation > 0, deviation, 1),
        varying=deviation > 0,
        n_reports=len(here),
    )


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "standardised": StandardScaler().fit_transform,
    "scaled": StandardScaler(with_mean=False).fit_transform,
    "centred": lambda values: values - values.mean(axis=0),
    "raw": lambda values: values,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", [PCA(8), IncrementalPCA(8)], ids=["PCA", "IncrementalPCA"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_told_of_the_same_and_of_some_of_the_reports(
    way: str, model: PCA, shape: tuple[int, int, float, float]
) -> None:
    values = sparse(*shape)
    for fitted in (values, values.astype(np.float32), values[np.random.default_rng(1).random(len(values)) < 0.7]):
        assert asked(model.fit(WAYS[way](fitted)), values) == way


@pytest.mark.parametrize("shape", SHAPES)
def test_without_variances_the_mean_alone_tells(shape: tuple[int, int, float, float]) -> None:
    values = sparse(*shape)
    for way in ("standardised", "scaled", "raw"):
        assert asked(PCA(8).fit(WAYS[way](values)), values, says_variance=False) == way


def test_a_standardised_part_has_a_mean_of_its_own() -> None:
    values = sparse(*SHAPES[2])
    part = PCA(8).fit(WAYS["standardised"](values)[::2])
    assert np.abs(part.mean_).max() > 0.05
    assert asked(part, values) == "standardised"


def test_the_variance_of_standardised_features_tells_them_whatever_the_mean() -> None:
    values = sparse(*SHAPES[0])
    assert asked(PCA(8).fit(WAYS["standardised"](values) - 3), values) == "standardised"


def test_features_that_are_standardised_already_are_so_as_they_are() -> None:
    values = WAYS["standardised"](sparse(*SHAPES[0]))
    assert asked(PCA(8).fit(values), values) == "standardised"


OTHERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "minmax": MinMaxScaler().fit_transform,
    "maxabs": MaxAbsScaler().fit_transform,
    "robust": RobustScaler(quantile_range=(1, 99)).fit_transform,
    "unit length": Normalizer().fit_transform,
    "logarithms": np.log1p,
    "roots": np.sqrt,
    "twice": lambda values: 2 * values,
    "another order": lambda values: values[:, ::-1],
}


@pytest.mark.parametrize("says_variance", [True, False])
@pytest.mark.parametrize("way", OTHERS)
def test_other_features_are_refused(way: str, says_variance: bool) -> None:
    values = sparse(*SHAPES[0])
    pca = PCA(8).fit(OTHERS[way](values))
    with pytest.raises(UnlikeFeatures) as caught:
        asked(pca, values, says_variance)
    assert caught.value.off[0] == pytest.approx(np.abs(pca.mean_).max())
    assert (caught.value.variance is None) == (not says_variance)


def test_of_reports_that_are_all_the_same_nothing_is_told() -> None:
    values = np.ones((4, 3))
    assert asked(PCA(2).fit(np.eye(4, 3)), values) == "standardised"
