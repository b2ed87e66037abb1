"""A few rows of a large result are read without the rest, and seen to be what was written."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.pca.fit import fit_pca
from compsim_assets.storage import pca as pca_module
from compsim_assets.storage import results as results_module
from compsim_assets.storage import shards as shards_module
from compsim_assets.storage.matrices import list_column
from compsim_assets.storage.pca import Pca, write_pca
from compsim_assets.storage.reading import DamagedResult
from compsim_assets.storage.results import MANIFESTS, Results, seal
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards, write_feature_shards


@pytest.fixture
def pca(tmp_path: Path) -> Pca:
    values = np.random.default_rng(0).random((6, 4)).astype(np.float32)
    write_pca(tmp_path, fit_pca(DenseFeatures(values), 3))
    seal(tmp_path, MANIFESTS["pca"])
    return Pca(tmp_path)


@pytest.mark.parametrize("whole_bytes", [0, 1 << 20])
def test_axes_are_mapped(pca: Pca, whole_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pca_module, "WHOLE_BYTES", whole_bytes)
    axes = pca.axes()
    assert isinstance(axes, np.memmap)
    np.testing.assert_array_equal(axes, pca.arrays(["components"])["components"])


def test_a_small_file_is_looked_at_as_a_whole(pca: Pca) -> None:
    content = bytearray(pca.path.read_bytes())
    content[-1] ^= 1
    pca.path.write_bytes(content)
    with pytest.raises(DamagedResult):
        pca.axes()


def test_axes_that_were_not_made_are_named(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((6, 4)).astype(np.float32)
    write_pca(tmp_path, fit_pca(DenseFeatures(values), 3, components=False))
    with pytest.raises(FileNotFoundError, match="materialize 'pca' with components = all"):
        Pca(tmp_path).axes()


def test_the_scaler_has_an_imported_mean(pca: Pca, tmp_path: Path) -> None:
    import dataclasses

    mean, scale = pca.scaler()
    arrays = pca.arrays(["mean", "scale"])
    np.testing.assert_array_equal(mean, arrays["mean"])
    np.testing.assert_array_equal(scale, arrays["scale"])
    values = np.random.default_rng(0).random((6, 4)).astype(np.float32)
    imported = dataclasses.replace(fit_pca(DenseFeatures(values), 3), own_mean=np.arange(4.0))
    write_pca(tmp_path, imported)
    mean, scale = Pca(tmp_path).scaler()
    x = values[0]
    np.testing.assert_allclose((x - mean) / scale, (x - imported.mean) / imported.scale - np.arange(4.0))


def test_scores_of_a_year_come_from_its_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_module, "_GROUP_BYTES", 100)
    year, values = np.repeat([2001, 2003, 2002], 20), np.random.default_rng(0).random((60, 3)).astype(np.float32)
    results = Results(tmp_path)
    columns = {"report_id": np.arange(60), "year": year, "scores": list_column(values)}
    results.write_table(results.table("pca_scores"), pa.table(columns), compression="none")
    assert pq.ParquetFile(results.table("pca_scores")).num_row_groups > 10
    table = ScoreTable(results.table("pca_scores"))
    np.testing.assert_array_equal(table.read()[2], values)
    for wanted in (2001, 2002, 2003):
        parts = list(table.of_year(wanted))
        assert len(parts) > 2
        np.testing.assert_array_equal(np.concatenate([ids for ids, _ in parts]), np.flatnonzero(year == wanted))
        np.testing.assert_array_equal(np.concatenate([scores for _, scores in parts]), values[year == wanted])
    assert list(table.of_year(1999)) == []


def test_a_row_group_has_as_many_rows_as_fit(results: Results) -> None:
    """Three columns of eight bytes: sixteen megabytes are 700,000 rows."""
    table = pa.table({name: np.arange(1_500_000) for name in "abc"})
    results.write_table(results.table("peers"), table)
    metadata = pq.read_metadata(results.table("peers"))
    rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert rows == [699_050, 699_050, 101_900]


def test_rows_of_large_shards_are_read_unverified_where_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(0).random((6, 4)).astype(np.float32)
    write_feature_shards(tmp_path, [(np.arange(6), values)], 4, {})
    seal(tmp_path, MANIFESTS["sae_features"])
    (path,) = tmp_path.glob("part-*.arrow")
    content = bytearray(path.read_bytes())
    content[content.index(values.tobytes())] ^= 1  # of the first row
    path.write_bytes(content)
    for verified in (True, False):  # a small one is looked at as a whole
        with pytest.raises(DamagedResult):
            FeatureShards(tmp_path, verified=verified).rows(np.array([5]))
    monkeypatch.setattr(shards_module, "WHOLE_BYTES", 0)
    np.testing.assert_array_equal(FeatureShards(tmp_path, verified=False).rows(np.array([5])), values[[5]])
    with pytest.raises(DamagedResult):
        FeatureShards(tmp_path).rows(np.array([5]))
