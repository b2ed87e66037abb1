"""A universe's own features, streamed from any layout; what cannot be used is dropped and counted."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.storage.results import Results
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.universe.feature_files import FeatureImport
from compsim_assets.universe.feature_import import ImportedFeatures, import_features
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.table_files import local_files
from compsim_assets_tests.universes import write_features

IDS = [3, 1, 2]
FEATURES = [[0.0, 1.5, 0.25], [2.0, 0.0, 0.5], [0.0, 0.0, 8.0]]


@dataclass(frozen=True)
class Imported:
    said: ImportedFeatures
    ids: list[int]
    values: np.ndarray


def import_all(folder: Path, known: list[int] = IDS, without: list[int] | None = None) -> Imported:
    """All usable features of the universe in `folder`, brought into a folder beside it."""
    found = Universe(folder).features(np.array(known), np.array(without or [], dtype=np.int64))
    assert found is not None
    results, out = Results(folder / "data"), folder / "imported"
    out.mkdir()
    said = import_features(found, results, out, {}, lambda line: None)
    shards = FeatureShards(out)
    rows = np.concatenate([*shards.parts()])
    return Imported(said, shards.report_id.tolist(), rows)


FORMS = {
    "flat": pa.array(FEATURES, pa.list_(pa.float32())),
    "float64": pa.array(FEATURES, pa.list_(pa.float64())),
    "large lists": pa.array(FEATURES, pa.large_list(pa.float32())),
    "fixed size": pa.array(FEATURES, pa.list_(pa.float32(), 3)),
    "nested": pa.array([[row] for row in FEATURES], pa.list_(pa.list_(pa.float32()))),
    "nested fixed size": pa.array([[row] for row in FEATURES], pa.list_(pa.list_(pa.float32(), 3), 1)),
}


@pytest.mark.parametrize("form", FORMS)
def test_flat_and_nested_features(tmp_path: Path, form: str) -> None:
    write_features(tmp_path, [*IDS], FORMS[form])
    found = import_all(tmp_path)
    assert found.said.n_latents == 3
    assert found.ids == IDS
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values, np.array(FEATURES, np.float32))
    assert found.said.dropped == {}


def test_whole_numbers_are_features_too(tmp_path: Path) -> None:
    write_features(tmp_path, [*IDS], pa.array([[1, 0], [0, 2], [3, 3]]))
    np.testing.assert_array_equal(import_all(tmp_path).values, [[1, 0], [0, 2], [3, 3]])


def test_no_features(tmp_path: Path) -> None:
    assert Universe(tmp_path).features(np.array(IDS), np.array([], dtype=np.int64)) is None


def test_a_folder_of_files_in_batches(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    features = rng.random((50, 3)).astype(np.float32)
    write_features(tmp_path, list(range(20)), features[:20].tolist(), "features/a.parquet")
    write_features(tmp_path, list(range(20, 50)), features[20:].tolist(), "features/b.parquet")
    files = local_files(tmp_path, "features")
    assert files is not None
    found = FeatureImport(files, np.arange(50), np.array([], dtype=np.int64), batch_bytes=7 * 3 * 8)
    dropped: Counter[str] = Counter()
    blocks = [block for number in (0, 1) for block in found.blocks(number, 3, dropped)]
    assert max(len(ids) for ids, _ in blocks) == 7
    assert np.concatenate([ids for ids, _ in blocks]).tolist() == list(range(50))
    np.testing.assert_array_equal(np.concatenate([values for _, values in blocks]), features)
    assert not dropped


def test_batches_hold_as_many_rows_as_their_features_allow(tmp_path: Path) -> None:
    """Whatever the rows' length: memory is that of a batch, not of so many rows."""
    for length, rows in ((40, 5), (10, 20), (400, 1)):
        write_features(tmp_path, [*range(30)], np.ones((30, length)).tolist())
        files = local_files(tmp_path, "features")
        assert files is not None
        found = FeatureImport(files, np.arange(30), np.array([], dtype=np.int64), batch_bytes=8 * 40 * 5)
        sizes = [len(ids) for ids, _ in found.blocks(0, length, Counter())]
        assert max(sizes) == rows
        assert sum(sizes) == 30


def test_a_file_of_pandas_with_the_ids_as_index(tmp_path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"features": FEATURES}, index=IDS).to_parquet(tmp_path / "features.parquet")
    assert import_all(tmp_path).ids == IDS


def test_rows_that_cannot_be_used_are_dropped_and_counted(tmp_path: Path) -> None:
    rows: list[tuple[int | None, Any]] = [
        (1, [1.0, 0.0, 2.0]),
        (2, [1.0, 0.0]),
        (3, [1.0, 0.0, 2.0, 3.0]),
        (4, [1.0, float("nan"), 2.0]),
        (5, [1.0, float("inf"), 2.0]),
        (6, None),
        (7, []),
        (8, [1.0, None, 2.0]),
        (99, [1.0, 0.0, 2.0]),
        (None, [1.0, 0.0, 2.0]),
        (9, [0.5, 0.0, 0.0]),
        (10, [4.0, 4.0, 4.0]),
    ]
    write_features(tmp_path, [i for i, _ in rows], [values for _, values in rows])
    found = import_all(tmp_path, list(range(1, 13)), without=[10, 11])
    assert found.ids == [1, 9]
    np.testing.assert_array_equal(found.values, [[1.0, 0.0, 2.0], [0.5, 0.0, 0.0]])
    assert found.said.dropped == {
        "length is not 3": 4,
        "not finite": 3,
        "features without a report": 2,
        "report without a SIC code": 1,
        "report without features": 8,
    }


def test_the_usual_length_is_the_most_common_one(tmp_path: Path) -> None:
    write_features(tmp_path, [1, 2, 3], [[1.0], [1.0, 2.0], [3.0, 4.0]])
    found = import_all(tmp_path)
    assert (found.said.n_latents, found.ids) == (2, [2, 3])


def test_empty_rows_and_files_come_before_the_first_features(tmp_path: Path) -> None:
    write_features(tmp_path, [], [], "features/a.parquet")
    write_features(tmp_path, [1, 2], [None, []], "features/b.parquet")
    write_features(tmp_path, [3], [[1.0, 2.0]], "features/c.parquet")
    found = import_all(tmp_path)
    assert (found.said.n_latents, found.ids) == (2, [3])
    assert found.said.dropped["length is not 2"] == 2


@pytest.mark.parametrize("features", [[], [None, None], [[], []]], ids=str)
def test_a_file_without_any_features_is_named(tmp_path: Path, features: list) -> None:
    path = write_features(tmp_path, [*range(len(features))], features)
    with pytest.raises(UniverseError, match=f"^{path}: no row has features"):
        import_all(tmp_path)


@pytest.mark.parametrize("files", [1, 2])
def test_a_report_with_features_twice_is_named(tmp_path: Path, files: int) -> None:
    first = write_features(tmp_path, [1, 2], [[1.0], [2.0]], "features/a.parquet")
    ids = [3, 3] if files == 1 else [3, 2]
    path = write_features(tmp_path, ids, [[1.0], [2.0]], "features/b.parquet")
    named = path if files == 1 else f"{first} and {path}"
    with pytest.raises(UniverseError, match=f"^{named}: {ID} {ids[1]} occurs twice, expected one"):
        import_all(tmp_path)


@pytest.mark.parametrize("column", [ID, "features"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    path = write_features(tmp_path, [1], [[1.0]])
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    with pytest.raises(UniverseError, match=rf"^{path}: no column {column}; found"):
        import_all(tmp_path)
