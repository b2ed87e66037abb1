"""A result's file that is empty or cut is named, with how to make it again, whoever reads it."""

import json
import mmap
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from compsim_assets import read_asset
from compsim_assets.settings import Settings
from compsim_assets.storage.embeddings import EmbeddingFolder, write_embeddings
from compsim_assets.storage.io_managers import managers
from compsim_assets.storage.pairs import PairTable, write_pairs
from compsim_assets.storage.pca import Pca
from compsim_assets.storage.reading import DamagedResult, reading
from compsim_assets.storage.results import Results, read_table
from compsim_assets.storage.scores import ScoreTable

TABLE = pa.table({"a": np.arange(50_000), "b": np.random.default_rng(0).random(50_000)})


def _write_arrow(path: Path) -> None:
    with pa.ipc.new_file(str(path), TABLE.schema) as file:
        file.write_table(TABLE)


def _read_arrow(path: Path) -> object:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return pa.ipc.open_file(pa.py_buffer(mapped)).get_batch(0)


def _read_safetensors(path: Path) -> object:
    with safe_open(str(path), framework="numpy") as tensors:
        return tensors.get_tensor("x")


WRITERS: dict[str, Callable[[Path], object]] = {
    "parquet": lambda path: pq.write_table(TABLE, path),
    "arrow": _write_arrow,
    "safetensors": lambda path: save_file({"x": np.ones((100, 10))}, path),
    "json": lambda path: path.write_text(json.dumps({"content": "abc", "n_reports": 3})),
}
READERS: dict[str, Callable[[Path], object]] = {
    "parquet": pq.read_table,
    "arrow": _read_arrow,
    "safetensors": _read_safetensors,
    "json": lambda path: json.loads(path.read_text())["content"],
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "a few bytes": lambda whole: whole[:5],
    "half": lambda whole: whole[: len(whole) // 2],
    "all but the last byte": lambda whole: whole[:-1],
    "zeros": lambda whole: bytes(len(whole)),
    "another format": lambda _: b"\xff\xfe{ not at all }" * 40,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", WRITERS)
def test_a_damaged_file_is_named_with_how_to_make_it_again(tmp_path: Path, kind: str, damage: str) -> None:
    path = tmp_path / f"result.{kind}"
    WRITERS[kind](path)
    with reading(path, "clusters"):
        READERS[kind](path)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    what = "is empty" if damage == "empty" else r"is cut or damaged \(.+\)"
    message = rf"result\.{kind} {what}: make it again with `compsim materialize clusters --force`"
    with pytest.raises(DamagedResult, match=message), reading(path, "clusters"):
        READERS[kind](path)


def test_pages_that_cannot_be_decoded_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "result.parquet"
    pq.write_table(TABLE, path, compression="zstd")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2 : len(whole) // 2 + 1000] = bytes(1000)
    path.write_bytes(whole)
    with pytest.raises(DamagedResult, match=r"result\.parquet is cut or damaged"), reading(path, "clusters"):
        pq.read_table(path)


def test_json_without_what_is_asked_for_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "features.json"
    path.write_text("{}")
    with pytest.raises(DamagedResult, match=r"features\.json is cut or damaged \('content'\)"), reading(path, "pca"):
        READERS["json"](path)


def test_what_is_not_there_is_not_materialized(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"returns\.parquet does not exist: materialize 'returns' first"),
        reading(tmp_path / "returns.parquet", "returns"),
    ):
        raise AssertionError


@pytest.mark.parametrize(
    "problem", [PermissionError(13, "denied"), OSError(5, "input/output error"), RuntimeError("x")]
)
def test_what_is_not_the_files_fault_stays_as_it_is(tmp_path: Path, problem: Exception) -> None:
    with pytest.raises(type(problem)) as caught, reading(tmp_path, "returns"):
        raise problem
    assert caught.value is problem


def test_the_innermost_reader_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"")
    with (
        pytest.raises(DamagedResult, match=f"^{tmp_path}/part is empty"),
        reading(tmp_path, "pca"),
        reading(tmp_path / "part", "pca"),
    ):
        raise ValueError("too short")


def _some_results(results: Results) -> None:
    """One of each kind, as small as can be."""
    results.write_table(results.table("clusters", "base"), TABLE)
    scores = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(200_000, dtype=np.float32)), 2)
    numbers = pa.array(np.arange(100_000))
    results.write_table(
        results.table("pca_scores"), pa.table({"report_id": numbers, "year": numbers, "scores": scores})
    )
    values = {name: np.linspace(0, 1, 10_000) for name in ("cosine", "correlation")}
    ids = {name: np.arange(10_000) for name in ("report_a", "report_b")}
    write_pairs(results.table("published_pairs"), np.full(10_000, 2001), {**ids, **values}, {})
    with results.new_folder(results.array_folder("pca")) as folder:
        save_file({"mean": np.ones(1000)}, folder / "pca.safetensors")
        (folder / "pca.json").write_text('{"content": "abc"}')
    with results.new_folder(results.array_folder("embeddings")) as folder:
        ids_and_year = np.arange(4), np.full(4, 2001)
        write_embeddings(folder / "mini.parquet", *ids_and_year, np.eye(4), np.arange(4), blake2b())
        (folder / "embeddings.json").write_text('{"content": "abc", "encoders": [{"name": "mini"}]}')


# By the file that is damaged: whose it is, and everybody who reads it.
HANDLES: dict[str, tuple[str, list[Callable[[Results], object]]]] = {
    "clusters/base.parquet": (
        "clusters",
        [
            lambda results: read_table(results.table("clusters", "base"), ["a"]),
            lambda results: read_asset("clusters", "base", data=results.folder.parent),
        ],
    ),
    "pca_scores.parquet": (
        "pca_scores",
        [
            lambda results: len(ScoreTable(results.table("pca_scores"))),
            lambda results: ScoreTable(results.table("pca_scores")).reports(),
            lambda results: list(ScoreTable(results.table("pca_scores")).batches()),
        ],
    ),
    "published_pairs.parquet": (
        "published_pairs",
        [
            lambda results: PairTable(results.table("published_pairs")),
            lambda results: PairTable(results.table("published_pairs")).of_year(2001),
            lambda results: PairTable(results.table("published_pairs")).n_with_correlation(),
        ],
    ),
    "pca/pca.json": ("pca", [lambda results: Pca.of(results)]),
    "pca/pca.safetensors": ("pca", [lambda results: Pca.of(results).arrays(["mean"])]),
    "embeddings/embeddings.json": ("embeddings", [lambda results: EmbeddingFolder.of(results)]),
    "embeddings/mini.parquet": ("embeddings", [lambda results: list(EmbeddingFolder.of(results))]),
}


@pytest.mark.parametrize("name", HANDLES)
def test_every_handle_names_a_damaged_file(results: Results, name: str) -> None:
    _some_results(results)
    asset, readers = HANDLES[name]
    path = results.folder / name
    whole = path.read_bytes()
    for what, damaged in (("is empty", b""), (r"is cut or damaged \(.*\)", whole[:-9])):
        path.write_bytes(damaged)
        for read in readers:
            with pytest.raises(
                DamagedResult, match=rf"{path.name} {what}: make it again with `compsim materialize {asset} --force`"
            ):
                read(results)
    path.unlink()
    for read in readers:
        with pytest.raises(FileNotFoundError, match=f"{path.name} does not exist: materialize '{asset}' first"):
            read(results)


@pytest.mark.parametrize("name", ["pca_scores.parquet", "published_pairs.parquet", "clusters/base.parquet"])
def test_a_file_whose_middle_is_gone_is_named_by_who_reads_it(results: Results, name: str) -> None:
    _some_results(results)
    path = results.folder / name
    whole = bytearray(path.read_bytes())
    whole[10 : len(whole) // 2] = bytes(len(whole) // 2 - 10)
    path.write_bytes(whole)
    with pytest.raises(DamagedResult, match=f"{path.name} is (cut or )?damaged"):
        HANDLES[name][1][1](results)


def test_a_step_that_reads_a_damaged_result_fails_with_its_name(settings: Settings, results: Results) -> None:
    path = results.table("returns")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1")

    @dg.asset(name="mean_correlation")
    def reader(returns):  # type: ignore[no-untyped-def]
        raise AssertionError(returns)

    source = dg.AssetSpec("returns")
    resources = {"settings": settings, **managers(settings)}
    run = dg.materialize([reader, source], selection=[reader], resources=resources, raise_on_error=False)
    (failure,) = [event for event in run.all_events if event.is_step_failure]
    shown = failure.step_failure_data.error_display_string
    assert f"{path} is cut or damaged" in shown
    assert "make it again with `compsim materialize returns --force`" in shown
