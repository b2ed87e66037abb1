"""The results folder: paths, what a result holds, reading back."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.settings import Settings
from compsim_assets.storage.reading import DamagedResult
from compsim_assets.storage.results import MANIFESTS, Results, content_hash, read_table


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
    assert pd.read_parquet(path)["s"].tolist()[:2] == ["x", "ü"], "other programs read it"
    read = read_table(path)
    assert read.schema.equals(table.schema)
    assert str(read.to_pydict()) == str(table.to_pydict())
    assert read_table(path, ["s"]).column_names == ["s"]
    assert sorted(p.name for p in results.folder.iterdir()) == [".made_from", ".scratch", "returns.parquet"]


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


OTHER = {
    "fewer": CONTENT.slice(0, 3),
    "order": CONTENT.take([1, 0, 2, 3]),
    "name": CONTENT.rename_columns(["i", "s", "c", "l"]),
    "value": CONTENT.set_column(0, "i", pa.array([1, 2, None, 5])),
    "null": CONTENT.set_column(0, "i", pa.array([1, 2, 0, 4])),
    "type": CONTENT.set_column(0, "i", CONTENT["i"].cast(pa.int32())),
    "columns": CONTENT.select(["s", "i", "b", "l"]),
}


def test_other_content_has_another_hash() -> None:
    assert [name for name, other in OTHER.items() if content_hash(other) == content_hash(CONTENT)] == []


def test_what_a_result_holds_is_known_without_reading_it(results: Results) -> None:
    names = ("returns", "clusters/base", "theta_by_year", "proportion/rolling", "sae_features", "pca", "embeddings")
    assert [results.content(name) for name in names] == [""] * len(names)
    content = results.write_table(results.table("returns"), CONTENT)
    assert results.content("returns") == content == content_hash(CONTENT)
    assert results.write_table(results.table("clusters", "base"), CONTENT) == results.content("clusters/base")
    assert results.content("clusters/rolling") == ""
    pictures = [("theta_by_year", None), ("proportion", "rolling")]
    for number, (asset, mode) in enumerate(pictures):
        with results.new_file(results.figure(asset, mode)) as aside:
            aside.write_bytes(bytes([number]))
    assert len({results.content(name) for name in ("theta_by_year", "proportion/rolling", "")}) == 3
    for asset, manifest in MANIFESTS.items():
        results.array_folder(asset).mkdir()
        (results.array_folder(asset) / manifest).write_text(json.dumps({"content": f"of {asset}"}))
        assert results.content(asset) == f"of {asset}"


def test_what_is_there_now_counts(results: Results) -> None:
    path = results.table("returns")
    first = results.write_table(path, pa.table({"a": [1]}))
    assert results.content("returns") == first
    second = results.write_table(path, pa.table({"a": [2]}))
    assert results.content("returns") == second != first
    with results.new_file(results.figure("curve")) as aside:
        aside.write_bytes(b"1")
    before = results.content("curve")
    with results.new_file(results.figure("curve")) as aside:
        aside.write_bytes(b"2")
    assert results.content("curve") not in ("", before)


def test_what_cannot_be_read_holds_nothing(results: Results) -> None:
    """Whoever opens it says what is wrong with it."""
    path = results.table("returns")
    results.write_table(path, CONTENT)
    path.write_bytes(path.read_bytes()[:-10])
    assert results.content("returns") == ""
    results.require("returns")
    with pytest.raises(
        DamagedResult, match=r"returns\.parquet is cut or damaged .*`compsim materialize returns --force`"
    ):
        read_table(path)
    manifest = results.array_folder("pca") / "pca.json"
    manifest.parent.mkdir()
    for damaged in ("", '{"content": "ab'):
        manifest.write_text(damaged)
        assert results.content("pca") == ""
        results.require("pca")


def test_a_missing_table_names_the_asset_to_materialize(results: Results) -> None:
    with pytest.raises(FileNotFoundError, match=r"clusters/base\.parquet .*'clusters' first"):
        read_table(results.table("clusters", "base"))
    with pytest.raises(FileNotFoundError, match=r"returns\.parquet .*'returns' first"):
        read_table(results.table("returns"))
