"""The results folder: paths, stamps of the universe, reading back."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results, StaleResult, content_hash, read_table


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


def features(results: Results, content: str, n_reports: int = 1) -> None:
    """A manifest as `sae_features` has it."""
    folder = results.array_folder("sae_features")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "features.json").write_text(json.dumps({"content": content, "n_reports": n_reports}))


def put(results: Results, asset: str, value: int, mode: str | None = None) -> Path:
    path = results.table(asset, mode)
    results.write_table(path, pa.table({"a": [value]}))
    return path


def test_tables_know_the_features_and_returns_that_they_are_from(results: Results) -> None:
    features(results, "first")
    put(results, "returns", 1)
    scores, clusters = put(results, "pca_scores", 1), put(results, "clusters", 1, "rolling")
    walked, peers = put(results, "walk_forward_clusters", 1), put(results, "nearest_peers", 1)
    every = scores, clusters, walked, peers
    assert [results.stale_sources(path) for path in every] == [[]] * 4
    put(results, "pca_scores", 1)  # made again, and the same
    assert [results.stale_sources(path) for path in every] == [[]] * 4
    features(results, "second")
    # What was made from scores is from other features too, as long as the scores are.
    assert [results.stale_sources(path) for path in every] == [
        ["sae_features"], ["pca_scores"], ["sae_features"], ["pca_scores"],
    ]  # fmt: skip
    put(results, "pca_scores", 2)
    assert results.stale_sources(scores) == []
    assert results.stale_sources(clusters) == ["pca_scores"]
    put(results, "clusters", 1, "rolling")
    assert results.stale_sources(clusters) == []
    put(results, "returns", 2)
    assert results.stale_sources(clusters) == ["returns"]
    assert results.stale_sources(peers) == ["pca_scores"]
    with pytest.raises(StaleResult, match=r"clusters/rolling.parquet .* other returns .*'clusters' of rolling"):
        results.fresh_table("clusters", "rolling")
    assert results.fresh_table("returns") == results.table("returns")


def test_where_pairs_are_compared_features_and_returns_do_not_matter(results: Results) -> None:
    features(results, "none", n_reports=0)
    put(results, "published_pairs", 1)
    clusters = put(results, "clusters", 1, "base")
    put(results, "returns", 2)
    put(results, "pca_scores", 2)
    assert results.stale_sources(clusters) == []
    put(results, "published_pairs", 2)
    assert results.stale_sources(clusters) == ["published_pairs"]


def test_a_writer_killed_before_its_note_leaves_a_table_that_is_not_trusted(results: Results) -> None:
    features(results, "first")
    path = put(results, "pca_scores", 1)
    note = results.folder / ".made_from" / "pca_scores.json"
    before = note.read_bytes()
    put(results, "pca_scores", 2)
    note.write_bytes(before)
    assert results.stale_sources(path) == ["sae_features"]
    # A table from before there were notes is what it was.
    note.unlink()
    assert results.stale_sources(path) == []


def test_notes_are_beside_the_tables_and_change_no_byte_of_them(results: Results, tmp_path: Path) -> None:
    features(results, "first")
    first = put(results, "pca_scores", 1).read_bytes()
    features(results, "second")
    assert put(results, "pca_scores", 1).read_bytes() == first


def test_a_table_of_unknown_origin_does_not_belong(results: Results) -> None:
    results.write_table(results.table("descriptions"), pa.table({"a": [1]}))
    pd.DataFrame({"a": [1]}).to_parquet(results.table("mine"))
    assert not results.belongs_to_universe(results.table("mine"))


def test_a_missing_table_names_the_asset_to_materialize(results: Results) -> None:
    with pytest.raises(FileNotFoundError, match=r"clusters/base\.parquet .*'clusters' first"):
        read_table(results.table("clusters", "base"))
    with pytest.raises(FileNotFoundError, match=r"returns\.parquet .*'returns' first"):
        read_table(results.table("returns"))
