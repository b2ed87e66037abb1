"""Embeddings as they lie on disk: the same whatever the blocks they are written in."""

import json
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from compsim_assets.storage import embeddings
from compsim_assets.storage.embeddings import MANIFEST, EmbeddingFolder, write_embeddings
from compsim_assets.storage.results import Results


def written(path: Path) -> str:
    """Seven reports, of four different texts; the hash of what is written."""
    unique = np.arange(12, dtype=np.float32).reshape(4, 3) / 7
    digest = blake2b(digest_size=16)
    ids, year = np.arange(7) * 10, np.array([2001, 2001, 2002, 2002, 2003, 2003, 2003])
    write_embeddings(path, ids, year, unique, np.array([0, 3, 3, 1, 2, 2, 0]), digest)
    return digest.hexdigest()


def test_what_is_written_does_not_depend_on_the_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = written(tmp_path / "whole.parquet")
    monkeypatch.setattr(embeddings, "_BLOCK_BYTES", 2 * 3 * 4)
    assert written(tmp_path / "blocks.parquet") == whole
    table = pq.read_table(tmp_path / "blocks.parquet")
    assert pq.read_metadata(tmp_path / "blocks.parquet").num_row_groups == 4
    assert table.equals(pq.read_table(tmp_path / "whole.parquet"))
    assert str(table.schema.field("embedding").type).startswith("fixed_size_list<")
    expected = np.float32([[0, 1, 2], [9, 10, 11], [9, 10, 11], [3, 4, 5]]) / np.float32(7)
    np.testing.assert_array_equal(table["embedding"].to_pylist()[:4], expected)
    assert table["report_id"].to_pylist() == [0, 10, 20, 30, 40, 50, 60]
    assert table["year"].to_pylist() == [2001, 2001, 2002, 2002, 2003, 2003, 2003]


def test_embeddings_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="materialize 'embeddings' first"):
        EmbeddingFolder.of(Results(tmp_path))


def publish_embeddings(folder: Path, names: tuple[str, ...] = ("first", "second")) -> None:
    """Tables of these encoders, and their manifest."""
    for name in names:
        written(folder / f"{name}.parquet")
    listed = [{"name": name, "width": 3} for name in names]
    (folder / MANIFEST).write_text(json.dumps({"encoders": listed, "content": "of " + "-".join(names)}))


def test_encoders_are_read_one_after_the_other_in_the_order_of_the_manifest(results: Results) -> None:
    with results.new_folder(results.array_folder("embeddings")) as folder:
        publish_embeddings(folder, ("second", "first"))
    opened = EmbeddingFolder.of(results)
    assert opened.encoders == [name for name, _ in opened] == ["second", "first"]
    first = dict(opened)["first"]
    assert first.report_id.tolist() == [0, 10, 20, 30, 40, 50, 60]
    assert first.year.tolist() == [2001, 2001, 2002, 2002, 2003, 2003, 2003]
    assert (first.matrix.shape, first.matrix.dtype) == ((7, 3), np.float32)
    # A version that takes its place meanwhile is not mixed in: this one's files are gone, and it says so.
    with results.new_folder(results.array_folder("embeddings")) as folder:
        publish_embeddings(folder, ("first",))
    with pytest.raises(FileNotFoundError, match=r"second\.parquet does not exist: materialize 'embeddings' first"):
        next(iter(opened))
    assert EmbeddingFolder.of(results).encoders == ["first"]
