"""The results folder: paths, publication, stamps of the universe, reading back."""

import os
from pathlib import Path
from socket import gethostname

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.settings import Settings
from compsim_assets.storage import publish as module
from compsim_assets.storage.results import Results, content_hash, read_table
from compsim_assets.storage.shards import FeatureShards, write_feature_shards


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "sample")


def test_paths_are_those_of_the_contract() -> None:
    results = Results.of(Settings(source="local", data="/d"))
    root = Path("/d/local")
    assert results.table("returns") == root / "returns.parquet"
    assert results.table("clusters", "rolling") == root / "clusters" / "rolling.parquet"
    assert results.figure("theta_by_year") == root / "figures" / "theta_by_year.png"
    assert results.figure("proportion", "base") == root / "figures" / "base" / "proportion.png"
    assert results.array_folder("sae_features") == root / "sae_features"


def test_modes_are_those_that_exist(results: Results) -> None:
    assert results.modes_of("clusters") == []
    results.write_table(results.table("clusters", "rolling"), pa.table({"a": [1]}))
    assert results.modes_of("clusters") == ["rolling"]


def test_a_table_is_read_as_it_was_written(results: Results) -> None:
    table = pa.table({"a": [1, 2, None], "s": ["x", "ü", None], "f": [0.1, np.nan, -0.0]})
    path = results.table("returns")
    assert results.write_table(path, table) == content_hash(table)
    read = read_table(path)
    assert read.schema.equals(table.schema)
    assert str(read.to_pydict()) == str(table.to_pydict())
    assert read_table(path, ["s"]).column_names == ["s"]
    assert sorted(p.name for p in results.folder.iterdir()) == [".scratch", "returns.parquet"]


def test_the_same_content_is_the_same_file(results: Results) -> None:
    table = pa.table({"a": [1, 2, 3]})
    first, second = results.table("first"), results.table("second")
    results.write_table(first, table)
    results.write_table(second, table.replace_schema_metadata({"written by": "someone"}))
    assert first.read_bytes() == second.read_bytes()


CONTENT = pa.table(
    {
        "i": [1, 2, None, 4],
        "s": ["x", "y", None, "z"],
        "b": [True, False, None, True],
        "l": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(8.0)), 2),
    }
)


def test_the_hash_is_of_the_content_alone() -> None:
    wanted = content_hash(CONTENT)
    pieces = pa.concat_tables([CONTENT.slice(0, 1), CONTENT.slice(1, 2), CONTENT.slice(3)])
    assert content_hash(pieces) == wanted
    tripled = pa.concat_tables([CONTENT] * 3)
    assert content_hash(tripled.slice(4, 4)) == wanted
    assert content_hash(CONTENT.replace_schema_metadata({"by": "someone"})) == wanted


@pytest.mark.parametrize(
    "other",
    [
        CONTENT.slice(0, 3),
        CONTENT.take([1, 0, 2, 3]),
        CONTENT.rename_columns(["i", "s", "c", "l"]),
        CONTENT.set_column(0, "i", pa.array([1, 2, None, 5])),
        CONTENT.set_column(0, "i", pa.array([1, 2, 0, 4])),
        CONTENT.set_column(0, "i", CONTENT["i"].cast(pa.int32())),
        CONTENT.select(["s", "i", "b", "l"]),
    ],
    ids=["fewer", "order", "name", "value", "null", "type", "columns"],
)
def test_other_content_has_another_hash(other: pa.Table) -> None:
    assert content_hash(other) != content_hash(CONTENT)


def test_an_error_while_writing_leaves_the_previous_version(results: Results) -> None:
    path, folder = results.figure("curve"), results.array_folder("pca")
    with results.new_file(path) as aside:
        aside.write_text("old")
    with results.new_folder(folder) as made:
        (made / "a").write_text("old")

    def write_until_full(made: Path) -> None:
        made.write_text("new")
        raise OSError("full")

    with pytest.raises(OSError, match="full"), results.new_file(path) as aside:
        write_until_full(aside)
    with pytest.raises(OSError, match="full"), results.new_folder(folder) as made:
        write_until_full(made / "a")
    assert path.read_text() == "old"
    assert (folder / "a").read_text() == "old"
    assert list((results.folder / ".scratch").iterdir()) == []
    assert len(list((results.folder / ".versions").iterdir())) == 1


def test_a_file_that_was_not_written_is_not_published(results: Results) -> None:
    with pytest.raises(FileNotFoundError), results.new_file(results.figure("curve")):
        pass
    assert not results.figure("curve").exists()


def test_folders_of_other_assets_stay(results: Results) -> None:
    for name in ("pca", "pca_old", "old-pca", "sae_features"):
        with results.new_folder(results.array_folder(name)) as made:
            (made / "name").write_text(name)
    with results.new_folder(results.array_folder("pca")) as made:
        (made / "name").write_text("again")
    read = {p.name: (p / "name").read_text() for p in results.folder.iterdir() if p.is_symlink()}
    assert read == {"pca": "again", "pca_old": "pca_old", "old-pca": "old-pca", "sae_features": "sae_features"}
    assert len(list((results.folder / ".versions").iterdir())) == 4


def test_the_data_folder_can_be_moved(results: Results, tmp_path: Path) -> None:
    with results.new_folder(results.array_folder("pca")) as made:
        (made / "a").write_text("here")
    moved = results.folder.rename(tmp_path / "elsewhere")
    assert (moved / "pca" / "a").read_text() == "here"


def test_a_folder_that_was_copied_without_its_link_is_replaced(results: Results) -> None:
    path = results.array_folder("pca")
    path.mkdir(parents=True)
    (path / "a").write_text("copied")
    with results.new_folder(path) as made:
        (made / "a").write_text("new")
    assert (path / "a").read_text() == "new"
    assert list((results.folder / ".scratch").iterdir()) == []


def test_a_reader_keeps_the_version_it_has_mapped(results: Results) -> None:
    path = results.array_folder("sae_features")

    def publish(value: float) -> None:
        with results.new_folder(path) as made:
            block = (np.arange(3), np.full((3, 4), value, np.float32))
            write_feature_shards(made, [block], 4, {})

    publish(1.0)
    shards = FeatureShards(path)
    publish(2.0)
    assert (shards.columns(0, 4) == 1.0).all()
    assert (FeatureShards(path).columns(0, 4) == 2.0).all()


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        (f"999999999@{gethostname()}-clusters-abc", False),
        ("999999999@another.host-clusters-abc", True),
        (f"{os.getpid()}@{gethostname()}-clusters-abc", True),
        ("somebody's notes", True),
    ],
    ids=["dead", "another host", "alive", "not ours"],
)
def test_only_scratch_of_dead_processes_of_this_host_goes(results: Results, name: str, stays: bool) -> None:
    left = results.folder / ".scratch" / name
    (left / "deep").mkdir(parents=True)
    with results.scratch("ours"):
        assert left.exists() is stays


def test_scratch_of_another_users_process_stays(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, number: int) -> None:
        raise PermissionError

    left = results.folder / ".scratch" / f"1@{gethostname()}-clusters-abc"
    left.mkdir(parents=True)
    monkeypatch.setattr(module.os, "kill", refused)
    with results.scratch("ours"):
        assert left.exists()


def test_tables_know_their_universe(results: Results) -> None:
    clusters = results.table("clusters", "base")

    def describe(*names: str) -> None:
        results.write_table(results.table("descriptions"), pa.table({"company_name": names}))

    assert results.universe_stamp() == ""
    describe("A", "B")
    first = results.universe_stamp()
    results.write_table(clusters, pa.table({"a": [1]}))
    assert results.belongs_to_universe(clusters)
    assert results.belongs_to_universe(results.table("descriptions"))
    describe("A", "B", "C")
    assert results.universe_stamp() not in ("", first)
    assert not results.belongs_to_universe(clusters)
    describe("A", "B")
    assert results.universe_stamp() == first
    assert results.belongs_to_universe(clusters)


def test_a_table_of_unknown_origin_does_not_belong(results: Results) -> None:
    results.write_table(results.table("descriptions"), pa.table({"a": [1]}))
    pd.DataFrame({"a": [1]}).to_parquet(results.table("mine"))
    assert not results.belongs_to_universe(results.table("mine"))


def test_a_missing_table_names_the_asset_to_materialize(results: Results) -> None:
    with pytest.raises(FileNotFoundError, match=r"clusters/base\.parquet .*'clusters' first"):
        read_table(results.table("clusters", "base"))
    with pytest.raises(FileNotFoundError, match=r"returns\.parquet .*'returns' first"):
        read_table(results.table("returns"))


def test_the_published_file_is_plain_parquet(results: Results) -> None:
    results.write_table(results.table("returns"), pa.table({"a": [1, 2]}))
    assert pd.read_parquet(results.table("returns"))["a"].tolist() == [1, 2]
    assert pq.read_metadata(results.table("returns")).num_rows == 2
