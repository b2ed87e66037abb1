"""Every kind of result goes out through its IO manager and comes back as its handle."""

import dataclasses
import io
from base64 import b64decode
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.inputs import DenseFeatures
from compsim_assets.contracts import ContractError
from compsim_assets.partitions import cutoff_modes
from compsim_assets.science.pca.fit import fit_pca
from compsim_assets.settings import Settings
from compsim_assets.storage.embeddings import EmbeddingFolder
from compsim_assets.storage.io_managers import ResultsFolder, managers
from compsim_assets.storage.matrices import list_column
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.pca import Pca
from compsim_assets.storage.results import MANIFESTS, Results, StaleResult
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards, write_feature_shards
from compsim_assets_tests.storage.managed import (
    CLUSTERS,
    MODES,
    clusters_of,
    materialize,
    metadata,
    publish_features,
    returns_of,
)
from compsim_assets_tests.storage.test_embeddings import publish_embeddings

FEATURES = np.array([[0.0, 1.5, 2.0], [3.0, 0.0, 0.0], [1.0, 1.0, 1.0]], np.float32)
FITTED = fit_pca(DenseFeatures(np.random.default_rng(0).random((6, 4)).astype(np.float32)), 3)
SCORES = pa.table({"report_id": [7, 5], "year": [2001, 2002], "scores": list_column(FEATURES[:2])})
PAIRS = {
    "year": np.array([2001, 2001, 2002]),
    "report_a": np.array([1, 1, 4]),
    "report_b": np.array([2, 3, 5]),
    "cosine": np.array([0.5, -0.25, 1.0]),
    "correlation": np.array([np.nan, 0.1, 0.2]),
}


def asset_of(name: str, key: str, make: Any) -> dg.AssetsDefinition:
    """An asset of one kind."""

    @dg.asset(name=name, io_manager_key=key)
    def asset(context: dg.AssetExecutionContext, folder: ResultsFolder):
        if name in ("sae_features", "embeddings"):
            with folder.results.scratch(name) as scratch:
                aside = scratch / "made"
                aside.mkdir()
                make(aside)
                yield dg.Output(aside)
                assert not aside.exists(), "the folder is moved, not copied"
        else:
            yield dg.Output(make())

    return asset


def shards(folder: Path, factor: float = 1.0) -> None:
    write_feature_shards(folder, [(np.array([3, 4, 5]), FEATURES * np.float32(factor))], 3, {"hookpoint": "h"})


MADE = {
    "sae_features": ("folder_io_manager", shards, FeatureShards),
    "embeddings": ("folder_io_manager", publish_embeddings, EmbeddingFolder),
    "pca": ("pca_io_manager", lambda: FITTED, Pca),
    "pca_scores": ("scores_io_manager", lambda: SCORES, ScoreTable),
    "published_pairs": ("pairs_io_manager", lambda: PAIRS, PairTable),
}


def read_back(settings: Settings, name: str, make: Any = None) -> tuple[Any, dg.ExecuteInProcessResult]:
    """What a reader gets of an asset, and the run."""
    key, made, _ = MADE[name]
    read = {}

    @dg.asset(ins={"handle": dg.AssetIn(name)}, io_manager_key="none")
    def reader(handle):
        read["handle"] = handle

    result = materialize(settings, [asset_of(name, key, make or made), reader])
    return read["handle"], result


@pytest.mark.parametrize("name", MADE)
def test_it_comes_back_as_its_handle_and_says_where_it_is(settings: Settings, results: Results, name: str) -> None:
    handle, result = read_back(settings, name)
    assert type(handle) is MADE[name][2]
    shown = metadata(result, name)
    path = results.array_folder(name) if name in MANIFESTS else results.table(name)
    assert shown["path"] == str(path)
    assert shown["data"] == "synthetic sample"
    assert results.note(name) is not None
    results.require(name)
    (event,) = result.asset_materializations_for_node(name)
    assert (event.tags or {})["dagster/data_version"] == results.content(name) != ""


@pytest.mark.parametrize("name", MADE)
def test_its_content_is_the_same_where_the_values_are(settings: Settings, results: Results, name: str) -> None:
    other = {
        "sae_features": lambda folder: shards(folder, 2.0),
        "embeddings": lambda folder: publish_embeddings(folder, names=("second",)),
        "pca": lambda: dataclasses.replace(FITTED, mean=FITTED.mean + 1),
        "pca_scores": lambda: SCORES.slice(0, 1),
        "published_pairs": lambda: {**PAIRS, "correlation": np.array([0.0, 0.1, 0.2])},
    }
    read_back(settings, name)
    first = results.content(name)
    read_back(settings, name)
    assert results.content(name) == first
    read_back(settings, name, other[name])
    assert results.content(name) not in ("", first)
    notes = results.folder / ".made_from" / name
    assert [path.stem for path in notes.iterdir()] == [results.content(name)]


@pytest.mark.parametrize("name", MADE)
def test_it_is_refused_where_it_is_stale(settings: Settings, results: Results, name: str) -> None:
    key, make, _ = MADE[name]
    asset = asset_of(name, key, make)
    made_of = dg.asset(name=name, io_manager_key=key, deps=["returns"])(asset.op.compute_fn.decorated_fn)  # type: ignore[union-attr]

    @dg.asset(ins={"handle": dg.AssetIn(name)}, io_manager_key="none")
    def reader(handle):
        return None

    materialize(settings, [returns_of(0), made_of, reader])
    materialize(settings, [returns_of(1)])
    with pytest.raises(StaleResult, match=f"^{name} was made from other returns than the present ones: materialize "):
        materialize(settings, [returns_of(0), made_of, reader], selection=[reader])


def test_features_come_back(settings: Settings) -> None:
    handle, _ = read_back(settings, "sae_features")
    np.testing.assert_array_equal(handle.columns(0, 3), FEATURES)
    assert handle.report_id.tolist() == [3, 4, 5]
    assert handle.manifest["hookpoint"] == "h"


def test_embeddings_come_back(settings: Settings) -> None:
    handle, _ = read_back(settings, "embeddings")
    assert handle.encoders == ["first", "second"]
    assert {name: each.matrix.shape for name, each in handle} == {"first": (7, 3), "second": (7, 3)}


def test_a_pca_comes_back(settings: Settings) -> None:
    handle, result = read_back(settings, "pca")
    for name, array in handle.arrays(["mean", "components"]).items():
        np.testing.assert_array_equal(array, getattr(FITTED, name))
    shown = metadata(result, "pca")
    assert shown["shape"] == "3 components x 4 latents"
    assert shown["dagster/row_count"] == 3
    assert len(shown["preview"].splitlines()) == 2 + 3


def test_scores_come_back(settings: Settings) -> None:
    handle, _ = read_back(settings, "pca_scores")
    assert len(handle) == 2
    ids, year, scores = handle.read()
    assert (ids.tolist(), year.tolist()) == ([7, 5], [2001, 2002])
    np.testing.assert_array_equal(scores, FEATURES[:2])
    pd.testing.assert_frame_equal(handle.reports(), pd.DataFrame({"report_id": [7, 5], "year": [2001, 2002]}))
    blocks = list(handle.batches(rows=1))
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), scores)
    assert [ids.tolist() for ids, _ in blocks] == [[7], [5]]


def test_scores_keep_their_contract(settings: Settings, results: Results) -> None:
    with pytest.raises(ContractError, match="pca_scores: row 0, column 'report_id': 7, expected one row per"):
        read_back(settings, "pca_scores", lambda: pa.concat_tables([SCORES, SCORES]))
    assert results.content("pca_scores") == ""


def test_pairs_come_back(settings: Settings) -> None:
    handle, result = read_back(settings, "published_pairs")
    assert (len(handle), handle.years, handle.n_with_correlation()) == (3, [2001, 2002], 2)
    of_year = handle.of_year(2001)
    np.testing.assert_array_equal(of_year.cosine, [0.5, -0.25])
    np.testing.assert_array_equal(of_year.correlation, [np.nan, 0.1])
    shown = metadata(result, "published_pairs")
    assert shown["dagster/row_count"] == 3
    assert shown["preview"].splitlines()[2].split()[1::2] == ["1", "2", "2001", "0.5", "|"]


def test_no_pairs_come_back(settings: Settings) -> None:
    nothing = {name: values[:0] for name, values in PAIRS.items()}
    handle, result = read_back(settings, "published_pairs", lambda: nothing)
    assert (len(handle), handle.years, handle.n_with_correlation()) == (0, [], 0)
    assert metadata(result, "published_pairs")["preview"] == "*no rows*"


def drawing(values: tuple[int, ...] = (1, 3, 2)) -> Figure:
    figure = Figure(figsize=(6, 4))
    figure.subplots().plot(values)
    return figure


def figure_asset(by_mode: bool) -> dg.AssetsDefinition:
    options: dict[str, Any] = {"partitions_def": cutoff_modes} if by_mode else {}

    @dg.asset(name="curve", io_manager_key="figure_io_manager", **options)
    def curve(context: dg.AssetExecutionContext):
        if not by_mode:
            return drawing()
        return {mode: drawing((1, 2, MODES.index(mode))) for mode in context.partition_keys}

    return curve


@pytest.mark.parametrize("mode", [None, *MODES])
def test_a_figure_is_a_png_with_a_small_preview(settings: Settings, results: Results, mode: str | None) -> None:
    result = materialize(settings, [figure_asset(mode is not None)], both=mode is not None)
    path = results.figure("curve", mode)
    image = path.read_bytes()
    with Image.open(io.BytesIO(image)) as opened:
        opened.load()
        assert opened.format == "PNG"
        assert opened.size[0] >= 600
    shown = metadata(result, "curve", mode)
    assert (shown["path"], shown["bytes"]) == (str(path), len(image))
    start, data = shown["preview"].split(";base64,")
    assert start == "![curve](data:image/png"
    with Image.open(io.BytesIO(b64decode(data.removesuffix(")")))) as opened:
        opened.load()
        assert opened.size[0] / opened.size[1] == pytest.approx(6 / 4, rel=0.01)


def test_a_figure_is_read_as_its_bytes(settings: Settings, results: Results) -> None:
    read = {}

    @dg.asset(io_manager_key="none", partitions_def=cutoff_modes)
    def reader(curve):
        read.update(curve)

    materialize(settings, [figure_asset(True), reader], both=True)
    assert read == {mode: results.figure("curve", mode).read_bytes() for mode in MODES}
    assert read["base"] != read["rolling"]
    assert results.note("curve/base") is not None


def test_the_folder_reads_what_fits_and_refuses_the_rest(settings: Settings, results: Results) -> None:
    """For steps that read what they make themselves when they are asked to."""
    folder = ResultsFolder(settings=settings)
    materialize(settings, [returns_of(0), clusters_of(CLUSTERS, deps=["returns"])], both=True)
    pd.testing.assert_frame_equal(folder.read("clusters", "rolling"), CLUSTERS)
    assert list(folder.read("returns")) == ["report_id", "year", "returns"]
    assert folder.fresh("clusters", "base") == results.table("clusters", "base")
    assert folder.fresh("sae_features") == results.array_folder("sae_features")
    with pytest.raises(FileNotFoundError, match="materialize 'descriptions' first"):
        folder.read("descriptions")
    materialize(settings, [returns_of(1)])
    for read in (folder.read, folder.fresh):
        with pytest.raises(StaleResult, match="materialize 'clusters' of rolling again"):
            read("clusters", "rolling")
    publish_features(results, FEATURES, [1, 2, 3])
    with pytest.raises(StaleResult, match="sae_features was made by something that left no note"):
        folder.fresh("sae_features")


def test_there_is_a_manager_for_every_key_that_assets_name(settings: Settings) -> None:
    assert set(managers(settings)) == {
        "io_manager", "scores_io_manager", "figure_io_manager", "folder_io_manager", "pca_io_manager",
        "pairs_io_manager",
    }  # fmt: skip
