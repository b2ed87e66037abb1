"""The PCA on disk: what is written comes back, described, and what is missing is named."""

import dataclasses
import json

import dagster as dg
import numpy as np
import pytest

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.pca.fit import PrincipalComponents, fit_pca
from compsim_assets.settings import Settings
from compsim_assets.storage.checksums import checksum
from compsim_assets.storage.pca import Pca, write_pca
from compsim_assets.storage.results import Results
from compsim_assets_tests.storage.managed import materialize, metadata


def test_a_pca_is_safetensors_with_a_description(settings: Settings, results: Results) -> None:
    values = np.random.default_rng(0).random((6, 4)).astype(np.float32)
    fitted = fit_pca(DenseFeatures(values), 3)

    @dg.asset(name="pca", io_manager_key="pca_io_manager")
    def pca():
        return fitted

    shown = metadata(materialize(settings, [pca]), "pca")
    names = ["mean", "scale", "components", "explained_variance", "explained_variance_ratio"]
    for name, array in Pca.of(results).arrays(names).items():
        np.testing.assert_array_equal(array, getattr(fitted, name))
        assert array.dtype == getattr(fitted, name).dtype
    described = json.loads((results.array_folder("pca") / "pca.json").read_text())
    files = {"pca.safetensors": (results.array_folder("pca") / "pca.safetensors").stat().st_size}
    assert described.pop("files") == files
    sealed = {"xxh3": {"pca.safetensors": checksum(Pca.of(results).path)}}
    assert described.pop("xxh3") == sealed["xxh3"]
    assert len(described.pop("seal")) == 32
    share = fitted.explained_variance_ratio.sum()
    assert described == {
        "n_components": 3,
        "n_latents": 4,
        "components": "all",
        "explained_variance_share": pytest.approx(share),
        "products": "float64",
        "method": "lapack",
        "basis": 4,
        "cosine_change": 0.0,
        "residual_first": pytest.approx(0, abs=1e-12),
        "residual_middle": pytest.approx(0, abs=1e-12),
        "residual_last": pytest.approx(0, abs=1e-12),
        "converged": True,
        "content": results.content("pca"),
    }
    assert Pca.of(results).described == {**described, "files": files, **sealed}
    assert shown["explained_variance_share"] == pytest.approx(share)
    assert shown["shape"] == "3 components x 4 latents"
    assert shown["path"] == str(results.array_folder("pca"))
    assert shown["data"] == "synthetic sample"


def publish(results: Results, fitted: PrincipalComponents) -> str:
    """Publish it; returns its content."""
    with results.new_folder(results.array_folder("pca")) as folder:
        return write_pca(folder, fitted)["content"]


def test_arrays_that_are_not_there_are_named(results: Results) -> None:
    with pytest.raises(FileNotFoundError, match=r"pca\.json does not exist: materialize 'pca' first"):
        Pca.of(results)
    fitted = fit_pca(DenseFeatures(np.eye(4, dtype=np.float32)), 2)
    publish(results, dataclasses.replace(fitted, components=None))
    assert list(Pca.of(results).arrays(["mean"])) == ["mean"]
    with pytest.raises(FileNotFoundError, match="has no components: materialize 'pca' with components = all"):
        Pca.of(results).arrays(["components"])


def test_its_content_is_that_of_every_array(results: Results) -> None:
    fitted = fit_pca(DenseFeatures(np.random.default_rng(0).random((6, 4)).astype(np.float32)), 3)
    first = publish(results, fitted)
    assert publish(results, fitted) == first == results.content("pca")
    for name in ("mean", "scale", "components", "explained_variance", "explained_variance_ratio"):
        array = getattr(fitted, name).copy()
        array.flat[-1] += 1
        assert publish(results, dataclasses.replace(fitted, **{name: array})) != first, name
    assert publish(results, dataclasses.replace(fitted, components=None)) != first
    assert publish(results, dataclasses.replace(fitted, own_mean=np.zeros(4))) != first


def test_a_reader_keeps_the_version_that_it_opened(results: Results) -> None:
    fitted = fit_pca(DenseFeatures(np.random.default_rng(0).random((6, 4)).astype(np.float32)), 3)
    publish(results, fitted)
    opened = Pca.of(results)
    publish(results, dataclasses.replace(fitted, mean=fitted.mean + 1))
    assert opened.described["content"] != Pca.of(results).described["content"]
    with pytest.raises(FileNotFoundError, match=r"pca\.safetensors does not exist: materialize 'pca' first"):
        opened.arrays(["mean"])
