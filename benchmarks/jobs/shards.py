"""Which file format for the features: written in blocks, read by a block of latents and by single reports.

The file cache is emptied of a format's files before each read, so that the disk counts.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Row, timed
from compsim_assets.storage.matrices import list_column, matrix_of
from compsim_assets.storage.shards import FeatureShards, write_feature_shards

SHAPES = {"small": (512, 32_768), "paper": (4_000, 131_072)}
BLOCK, ROWS, BATCH = 4_096, 100, 128


@dataclass(frozen=True)
class Format:
    """A way to keep an (n, D) matrix: write all of it, read columns [a, b), read some rows."""

    name: str
    write: Callable[[Path, np.ndarray], Any]
    columns: Callable[[Path, int, int], Any]
    rows: Callable[[Path, np.ndarray], Any]


def rows(size: str, device: str) -> list[Row]:
    """Three rows: writing, a block of latents, some reports; ours beside the others in the note."""
    n, latents = SHAPES[size]
    rng = np.random.default_rng(0)
    values = rng.random((n, latents), dtype=np.float32)
    positions = np.sort(rng.choice(n, ROWS, replace=False))
    seconds_of: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in _formats():
            path = Path(folder) / kind.name
            path.mkdir()
            seconds_of[kind.name] = _seconds(kind, path, values, positions)
            shutil.rmtree(path)
    jobs = (
        ("write features", f"{values.nbytes / 1e9:.2f} GB", timed(values.copy).seconds),
        ("read a block of latents", f"{n:,} x {BLOCK:,}", None),
        ("read reports", f"{ROWS} x {latents:,}", None),
    )
    return [
        Row(
            job=f"{job}, Arrow IPC",
            size=text,
            ours=seconds_of["Arrow IPC"][number],
            floor=floor,
            note="others: " + ", ".join(
                f"{name} {seconds[number]:.2f} s"
                for name, seconds in seconds_of.items()
                if name != "Arrow IPC"
            )
            + ("; floor: a copy in memory" if floor else "; from a cold file cache"),
        )
        for number, (job, text, floor) in enumerate(jobs)
    ]  # fmt: skip


def _seconds(kind: Format, path: Path, values: np.ndarray, positions: np.ndarray) -> list[float]:
    written = timed(lambda: kind.write(path, values))
    start = values.shape[1] // 2
    _forget(path)
    block = timed(lambda: kind.columns(path, start, start + BLOCK))
    np.testing.assert_array_equal(block.result, values[:, start : start + BLOCK])
    _forget(path)
    single = timed(lambda: kind.rows(path, positions))
    np.testing.assert_array_equal(single.result, values[positions])
    return [written.seconds, block.seconds, single.seconds]


def _forget(folder: Path) -> None:
    """Have the system write a folder's files out and drop them from its cache."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _blocks(values: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(values), BATCH):
        rows = values[start : start + BATCH]
        yield np.arange(start, start + len(rows)), rows


def _formats() -> list[Format]:
    return [
        Format(
            "Arrow IPC",
            lambda path, values: write_feature_shards(path, _blocks(values), values.shape[1], {}),
            lambda path, a, b: FeatureShards(path).columns(a, b),
            lambda path, positions: FeatureShards(path).rows(positions),
        ),
        Format("Parquet", _write_parquet, _parquet_columns, _parquet_rows),
        Format("datasets", _write_datasets, _datasets_columns, _datasets_rows),
        Format("safetensors", _write_safetensors, _safetensors_columns, _safetensors_rows),
        Format("Zarr", _write_zarr, _zarr_columns, _zarr_rows),
    ]


def _write_parquet(path: Path, values: np.ndarray) -> None:
    schema = pa.schema([("features", pa.list_(pa.float32(), values.shape[1]))])
    with pq.ParquetWriter(path / "x.parquet", schema, use_dictionary=False) as writer:
        for _, block in _blocks(values):
            writer.write_table(pa.table({"features": list_column(block)}, schema=schema))


def _parquet_columns(path: Path, start: int, stop: int) -> np.ndarray:
    with pq.ParquetFile(path / "x.parquet") as table:
        batches = table.iter_batches(BATCH)
        return np.concatenate([matrix_of(batch["features"])[:, start:stop] for batch in batches])


def _parquet_rows(path: Path, positions: np.ndarray) -> np.ndarray:
    with pq.ParquetFile(path / "x.parquet") as table:
        groups = sorted({int(row) // BATCH for row in positions})
        read = [matrix_of(table.read_row_group(group)["features"]) for group in groups]
    place = {group: number for number, group in enumerate(groups)}
    return np.stack([read[place[int(row) // BATCH]][int(row) % BATCH] for row in positions])


def _write_datasets(path: Path, values: np.ndarray) -> None:
    from datasets import Features, List, Value
    from datasets.arrow_writer import ArrowWriter

    features = Features({"features": List(Value("float32"), length=values.shape[1])})
    writer = ArrowWriter(path=str(path / "x.arrow"), features=features)
    for _, block in _blocks(values):
        writer.write_table(pa.table({"features": list_column(block)}, schema=features.arrow_schema))
    writer.finalize()


def _datasets_columns(path: Path, start: int, stop: int) -> np.ndarray:
    from datasets import Dataset

    column = Dataset.from_file(str(path / "x.arrow")).data.column("features")
    return np.concatenate([matrix_of(chunk)[:, start:stop] for chunk in column.chunks])


def _datasets_rows(path: Path, positions: np.ndarray) -> np.ndarray:
    from datasets import Dataset

    rows: np.ndarray = Dataset.from_file(str(path / "x.arrow")).with_format("numpy")[positions]["features"]
    return rows


def _write_safetensors(path: Path, values: np.ndarray) -> None:
    from safetensors.numpy import save_file

    save_file({"features": values}, path / "x.safetensors")


def _safetensors_columns(path: Path, start: int, stop: int) -> np.ndarray:
    from safetensors import safe_open

    with safe_open(path / "x.safetensors", framework="np") as file:
        columns: np.ndarray = file.get_slice("features")[:, start:stop]
    return columns


def _safetensors_rows(path: Path, positions: np.ndarray) -> np.ndarray:
    from safetensors import safe_open

    with safe_open(path / "x.safetensors", framework="np") as file:
        features = file.get_slice("features")
        return np.concatenate([features[int(row) : int(row) + 1] for row in positions])


def _write_zarr(path: Path, values: np.ndarray) -> None:
    import zarr

    array = zarr.create_array(path / "x.zarr", shape=values.shape, chunks=(BATCH, BLOCK), dtype="f4", compressors=None)
    for ids, block in _blocks(values):
        array[ids[0] : ids[-1] + 1] = block


def _zarr_columns(path: Path, start: int, stop: int) -> Any:
    import zarr

    return zarr.open_array(path / "x.zarr", mode="r")[:, start:stop]


def _zarr_rows(path: Path, positions: np.ndarray) -> Any:
    import zarr

    return zarr.open_array(path / "x.zarr", mode="r").oindex[positions]
