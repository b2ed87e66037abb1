"""A published PCA is read from scikit-learn's pickles and from safetensors, and checked."""

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.decomposition import PCA, IncrementalPCA, SparsePCA, TruncatedSVD
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published import PublishedPca, read_pca
from compsim_assets_tests.universe.published.pickles.write import features

FOLDER = Path(__file__).parent / "pickles"
VERSIONS = ["pandas-1.5", "pandas-2.2", "numpy-2.0"]


def fitted(**options: Any) -> PCA:
    return PCA(3, **options).fit(features())


def assert_is(found: PublishedPca, pca: Any) -> None:
    """The same PCA, up to the signs that a version of scikit-learn has chosen."""
    assert found.components.dtype == np.float32
    assert found.components.flags["C_CONTIGUOUS"]
    np.testing.assert_allclose(np.abs(found.components), np.abs(pca.components_), atol=1e-6)
    for name in ("mean", "explained_variance", "explained_variance_ratio"):
        value = getattr(found, name)
        assert value.dtype == np.float64
        np.testing.assert_allclose(value, getattr(pca, f"{name}_"), rtol=1e-6, atol=1e-12)
    assert found.scaler_mean is None
    assert found.scaler_scale is None


def test_a_pca_of_other_versions_is_read() -> None:
    pca, incremental = fitted(), IncrementalPCA(3).fit(features())
    for version in VERSIONS:
        for name in ("pca.pkl", "pca_plain.pkl"):
            assert_is(read_pca(FOLDER / version / name), pca)
        assert_is(read_pca(FOLDER / version / "incremental.pkl"), incremental)


def test_a_pca_of_the_installed_version_is_read(tmp_path: Path) -> None:
    for kind, compress in ((np.float32, 0), (np.float64, 3)):
        pca = PCA(3).fit(features().astype(kind))
        joblib.dump(pca, tmp_path / "pca.joblib", compress=compress)
        assert_is(read_pca(tmp_path / "pca.joblib"), pca)


def test_components_of_float32_are_those_of_the_file_without_a_copy(tmp_path: Path) -> None:
    pca = fitted()
    pca.components_ = np.eye(3, 10_000, k=7_000, dtype=np.float32)
    pca.mean_ = np.zeros(10_000)
    (tmp_path / "pca.pkl").write_bytes(pickle.dumps(pca, 4))
    found = read_pca(tmp_path / "pca.pkl").components
    np.testing.assert_array_equal(found, pca.components_)
    assert isinstance(found.base, np.ndarray)
    assert found.base.dtype == np.uint8
    assert found.flags.writeable


def test_safetensors_with_names_of_scikit_learn_are_read(tmp_path: Path) -> None:
    pca = fitted()
    names = ("components_", "mean_", "explained_variance_", "explained_variance_ratio_")
    save_file({name: np.ascontiguousarray(getattr(pca, name)) for name in names}, tmp_path / "pca.safetensors")
    assert_is(read_pca(tmp_path / "pca.safetensors"), pca)


def test_axes_that_safetensors_has_mixed_up_are_refused(tmp_path: Path) -> None:
    # It writes an array's memory as it lies, and scikit-learn's components are often transposed ones.
    pca = fitted()
    arrays = {"components_": np.asfortranarray(pca.components_), "mean_": pca.mean_}
    save_file(arrays, tmp_path / "pca.safetensors")
    with pytest.raises(UniverseError, match=r"pca\.safetensors: axes whose lengths.*ascontiguous"):
        read_pca(tmp_path / "pca.safetensors")


def own(**changes: Any) -> dict[str, np.ndarray]:
    """A PCA as this project writes it: 2 axes of 3 latents."""
    return {
        "components": np.eye(2, 3, dtype=np.float32),
        "mean": np.arange(3.0),
        "scale": np.arange(1.0, 4.0),
        "explained_variance": np.array([2.0, 1.0]),
        "explained_variance_ratio": np.array([0.5, 0.25]),
        **changes,
    }


def test_safetensors_of_this_project_bring_their_scaler(tmp_path: Path) -> None:
    save_file(own(), tmp_path / "pca.safetensors")
    found = read_pca(tmp_path / "pca.safetensors")
    np.testing.assert_array_equal(found.components, np.eye(2, 3))
    for name, expected in {
        "mean": [0, 0, 0],
        "scaler_mean": [0, 1, 2],
        "scaler_scale": [1, 2, 3],
        "explained_variance": [2, 1],
        "explained_variance_ratio": [0.5, 0.25],
    }.items():
        np.testing.assert_array_equal(getattr(found, name), expected)


def test_safetensors_of_this_project_may_bring_a_mean_of_the_pca(tmp_path: Path) -> None:
    save_file(own(pca_mean=np.array([7.0, 8.0, 9.0])), tmp_path / "pca.safetensors")
    found = read_pca(tmp_path / "pca.safetensors")
    np.testing.assert_array_equal(found.mean, [7, 8, 9])
    np.testing.assert_array_equal(found.scaler_mean, [0, 1, 2])


def test_variances_may_be_missing(tmp_path: Path) -> None:
    arrays = own()
    del arrays["explained_variance"], arrays["explained_variance_ratio"]
    save_file(arrays, tmp_path / "pca.safetensors")
    found = read_pca(tmp_path / "pca.safetensors")
    assert found.explained_variance is None
    assert found.explained_variance_ratio is None


NOT_FINITE = np.array([[1, 2, 3], [4, 5, np.inf]], dtype=np.float32)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"components": np.zeros(3)}, r"no components \(P, D\)"),
        ({"components": np.zeros((0, 3))}, r"no components \(P, D\)"),
        ({"components": np.zeros((2, 3), dtype=bool)}, "components are of type bool"),
        ({"components": NOT_FINITE}, r"components at \(1, 2\) is inf, expected finite numbers"),
        ({"mean": np.zeros(2)}, r"scaler_mean of shape \(2,\), expected \(3,\)"),
        ({"mean": np.array([0, np.nan, 0])}, r"scaler_mean at \(1,\) is nan"),
        ({"scale": np.array([1.0, 0.0, 1.0])}, "a scale of 0.0, expected positive numbers"),
        ({"explained_variance": np.zeros(3)}, r"explained_variance_ of shape \(3,\), expected \(2,\)"),
        ({"explained_variance_ratio": np.zeros((2, 1))}, r"ratio_ of shape \(2, 1\), expected \(2,\)"),
        ({"pca_mean": np.zeros(4)}, r"mean_ of shape \(4,\), expected \(3,\)"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_named(tmp_path: Path, changes: dict, said: str) -> None:
    save_file(own(**changes), tmp_path / "pca.safetensors")
    with pytest.raises(UniverseError, match=rf"pca\.safetensors: .*{said}"):
        read_pca(tmp_path / "pca.safetensors")


def test_a_missing_array_is_named(tmp_path: Path) -> None:
    for name in ("mean", "scale", "components"):
        arrays = own()
        del arrays[name]
        save_file(arrays, tmp_path / "pca.safetensors")
        with pytest.raises(UniverseError, match=rf"pca\.safetensors: no {name}"):
            read_pca(tmp_path / "pca.safetensors")


def test_safetensors_of_scikit_learn_without_a_mean_are_refused(tmp_path: Path) -> None:
    save_file({"components_": np.eye(2, 3)}, tmp_path / "pca.safetensors")
    with pytest.raises(UniverseError, match=r"pca\.safetensors: no mean_"):
        read_pca(tmp_path / "pca.safetensors")


def test_broken_safetensors_are_named(tmp_path: Path) -> None:
    for content in (None, b"", b"no safetensors", b"\xff" * 40):
        if content is not None:
            (tmp_path / "pca.safetensors").write_bytes(content)
        with pytest.raises(UniverseError, match=r"pca\.safetensors: .*expected safetensors of numbers"):
            read_pca(tmp_path / "pca.safetensors")


def test_a_whitened_pca_is_refused_with_the_reason(tmp_path: Path) -> None:
    joblib.dump(fitted(whiten=True), tmp_path / "pca.pkl")
    with pytest.raises(UniverseError, match=r"pca\.pkl: a PCA with whiten=True.*variance 1"):
        read_pca(tmp_path / "pca.pkl")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"components_": np.eye(2)}, "holds a dict, expected a fitted PCA"),
        (PCA(3), "no mean_, expected that of a fitted PCA"),
    ],
)
def test_another_object_than_a_fitted_pca_is_named(tmp_path: Path, value: Any, said: str) -> None:
    joblib.dump(value, tmp_path / "pca.pkl")
    with pytest.raises(UniverseError, match=rf"pca\.pkl: {said}"):
        read_pca(tmp_path / "pca.pkl")


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_a_pipeline_brings_its_scaler(tmp_path: Path, with_mean: bool, with_std: bool) -> None:
    pipeline = make_pipeline(StandardScaler(with_mean=with_mean, with_std=with_std), PCA(3)).fit(features())
    for write in (joblib.dump, lambda model, path: path.write_bytes(pickle.dumps(model))):
        write(pipeline, tmp_path / "pca.pkl")
        found = read_pca(tmp_path / "pca.pkl")
        assert found.scaler_mean is not None
        assert found.scaler_scale is not None
        scores = ((features() - found.scaler_mean) / found.scaler_scale - found.mean) @ found.components.T
        np.testing.assert_allclose(scores, pipeline.transform(features()), atol=1e-5)


def test_a_pipeline_of_the_pca_alone_is_the_pca(tmp_path: Path) -> None:
    joblib.dump(make_pipeline(fitted()), tmp_path / "pca.pkl")
    assert_is(read_pca(tmp_path / "pca.pkl"), fitted())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (StandardScaler().fit(features()), "holds a StandardScaler, expected a fitted PCA"),
        (make_pipeline(StandardScaler(), PCA(3)), "a StandardScaler without n_features_in_"),
        (
            make_pipeline(fitted(), StandardScaler()),
            "a pipeline of PCA, StandardScaler, expected StandardScaler and PCA",
        ),
        (make_pipeline("passthrough", fitted()), "a pipeline of passthrough, PCA, expected"),
        (
            make_pipeline(MinMaxScaler(), fitted()),
            r"refused: it tried to load sklearn.preprocessing._data.MinMaxScaler",
        ),
        (
            TruncatedSVD(3).fit(features()),
            r"refused: it tried to load sklearn.decomposition._truncated_svd.TruncatedSVD",
        ),
        (
            SparsePCA(3, max_iter=1).fit(features()),
            r"refused: it tried to load sklearn.decomposition._sparse_pca.SparsePCA",
        ),
    ],
)
def test_other_models_are_refused_by_name(tmp_path: Path, value: Any, said: str) -> None:
    joblib.dump(value, tmp_path / "pca.pkl")
    with pytest.raises(UniverseError, match=rf"pca\.pkl: {said}"):
        read_pca(tmp_path / "pca.pkl")
