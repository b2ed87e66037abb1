"""Features on disk: written in shards of batches, mapped back, read by row, by column and by distinct row."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from compsim_assets.storage.reading import DamagedResult
from compsim_assets.storage.shards import MANIFEST, FeatureShards, write_feature_shards

N_LATENTS = 5
ROW = 4 * N_LATENTS


def some_features(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.gamma(1.0, size=(n, N_LATENTS)).astype(np.float32)
    return rng.permutation(10 * n)[:n].astype(np.int64), features


def blocks(ids: np.ndarray, features: np.ndarray, sizes: list[int]) -> Iterator[tuple]:
    start = 0
    for size in sizes:
        yield ids[start : start + size], features[start : start + size]
        start += size
    assert start == len(ids)


# Three rows a batch, six a shard.
SMALL = {"batch_bytes": 3 * ROW, "shard_bytes": 6 * ROW}


def _content(folder: Path, ids: np.ndarray, features: np.ndarray) -> str:
    folder.mkdir()
    write_feature_shards(folder, blocks(ids, features, [len(ids)]), N_LATENTS, {})
    return json.loads((folder / "features.json").read_text())["content"]


# Blocks that end inside batches and shards, an empty one, and ones larger than a shard.
SIZES = [[20], [1] * 20, [7, 0, 2, 11], [6, 6, 6, 2], [3, 17]]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_shards_give_back_what_was_written(tmp_path: Path, sizes: list[int]) -> None:
    ids, features = some_features(20)
    written = write_feature_shards(tmp_path, blocks(ids, features, sizes), N_LATENTS, {"a": "b"}, **SMALL)
    shards = FeatureShards(tmp_path)
    assert written == 20
    assert shards.shape == (20, N_LATENTS)
    content = shards.manifest.pop("content")
    assert shards.manifest == {"a": "b", "n_latents": N_LATENTS, "n_reports": 20}
    assert json.loads((tmp_path / "features.json").read_text()) == {**shards.manifest, "content": content}
    assert content == _content(tmp_path / "whole", ids, features), "depends on the blocks"
    assert content != _content(tmp_path / "ids", ids + 1, features)
    assert content != _content(tmp_path / "values", ids, features + 1)
    assert len(list(tmp_path.glob("part-*.arrow"))) > 1
    np.testing.assert_array_equal(shards.report_id, ids)
    np.testing.assert_array_equal(np.concatenate(list(shards.parts())), features)
    np.testing.assert_array_equal(shards.columns(1, 4), features[:, 1:4])
    np.testing.assert_array_equal(shards.select(np.array([4, 0])), features[:, [4, 0]])
    positions = np.array([19, 0, 5, 6, 5, 2])
    np.testing.assert_array_equal(shards.rows(positions), features[positions])
    np.testing.assert_array_equal(shards.columns(2, 5, positions), features[positions, 2:5])
    np.testing.assert_array_equal(shards.select(np.array([4, 0]), positions), features[positions][:, [4, 0]])
    assert shards.rows(np.array([], dtype=int)).shape == (0, N_LATENTS)
    assert {part.dtype for part in shards.parts()} == {np.dtype(np.float32)}


def test_shards_and_batches_are_no_larger_than_their_bytes(tmp_path: Path) -> None:
    write_feature_shards(tmp_path, blocks(*some_features(20), [20]), N_LATENTS, {}, **SMALL)
    files = sorted(tmp_path.glob("part-*.arrow"))
    batches = [
        [reader.get_batch(i).num_rows for i in range(reader.num_record_batches)]
        for reader in (pa.ipc.open_file(str(file)) for file in files)
    ]
    assert batches == [[3, 3], [3, 3], [3, 3], [2]]


def test_a_row_larger_than_a_batch_still_fits(tmp_path: Path) -> None:
    ids, features = some_features(3)
    write_feature_shards(tmp_path, blocks(ids, features, [3]), N_LATENTS, {}, batch_bytes=1, shard_bytes=1)
    assert [len(part) for part in FeatureShards(tmp_path).parts()] == [1, 1, 1]


def test_files_hold_ids_and_fixed_size_lists_of_float32(tmp_path: Path) -> None:
    ids, features = some_features(4)
    write_feature_shards(tmp_path, blocks(ids, features, [4]), N_LATENTS, {})
    table = pa.ipc.open_file(str(tmp_path / "part-00000.arrow")).read_all()
    assert table.schema.field("report_id").type == pa.int64()
    assert table.schema.field("features").type == pa.list_(pa.float32(), N_LATENTS)


def test_parts_are_mapped_not_copied(tmp_path: Path) -> None:
    write_feature_shards(tmp_path, blocks(*some_features(4), [4]), N_LATENTS, {})
    (part,) = FeatureShards(tmp_path).parts()
    assert not part.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        part[0, 0] = 1.0


def test_distinct_rows_are_each_once_and_lead_back(tmp_path: Path) -> None:
    _, features = some_features(6)
    row_of = np.array([0, 1, 0, 2, 3, 3, 1, 4, 0, 5, 5, 2])
    ids = np.arange(12)
    write_feature_shards(tmp_path, blocks(ids, features[row_of], [12]), N_LATENTS, {}, **SMALL)
    distinct = FeatureShards(tmp_path).distinct()
    assert distinct.shape == (6, N_LATENTS)
    np.testing.assert_array_equal(distinct.columns(0, N_LATENTS), features)
    np.testing.assert_array_equal(distinct.columns(2, 3), features[:, 2:3])
    np.testing.assert_array_equal(distinct.rows(np.array([5, 0])), features[[5, 0]])
    np.testing.assert_array_equal(distinct.inverse, row_of)
    np.testing.assert_array_equal(distinct.copies, np.bincount(row_of))


def test_rows_that_differ_in_one_value_are_distinct(tmp_path: Path) -> None:
    features = np.zeros((2, N_LATENTS), np.float32)
    features[1, -1] = np.float32(1e-30)
    write_feature_shards(tmp_path, blocks(np.arange(2), features, [2]), N_LATENTS, {})
    assert FeatureShards(tmp_path).distinct().shape[0] == 2


def test_no_rows(tmp_path: Path) -> None:
    assert write_feature_shards(tmp_path, iter([]), N_LATENTS, {}) == 0
    shards = FeatureShards(tmp_path)
    assert shards.shape == (0, N_LATENTS)
    assert list(shards.parts()) == []
    assert shards.rows(np.array([], dtype=int)).shape == (0, N_LATENTS)


@pytest.mark.parametrize("damage", ["empty", "cut", "missing"])
@pytest.mark.parametrize("name", ["features.json", "part-00000.arrow", "part-00001.arrow"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, damage: str) -> None:
    ids, features = some_features(20)
    write_feature_shards(tmp_path, blocks(ids, features, [20]), N_LATENTS, {}, **SMALL)
    path = tmp_path / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else path.read_bytes()[:-9])
    expected = {
        "empty": rf"{name} is empty: make it again with `compsim materialize sae_features --force`",
        "cut": rf"{name} is cut or damaged .*: make it again with `compsim materialize sae_features --force`",
        "missing": r"lacks part-\*\.arrow: 14 of 20 reports are there: make it again",
    }
    if (name, damage) == ("features.json", "missing"):
        with pytest.raises(FileNotFoundError, match="materialize 'sae_features' first"):
            FeatureShards(tmp_path)
    else:
        with pytest.raises(DamagedResult, match=expected[damage]):
            FeatureShards(tmp_path)


def test_an_unfinished_folder_has_no_manifest(tmp_path: Path) -> None:
    ids, features = some_features(8)

    def broken() -> Iterator[tuple]:
        yield ids, features
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        write_feature_shards(tmp_path, broken(), N_LATENTS, {}, **SMALL)
    assert not (tmp_path / MANIFEST).exists()
    assert list(tmp_path.glob("part-*.arrow"))
    with pytest.raises(FileNotFoundError):
        FeatureShards(tmp_path)
