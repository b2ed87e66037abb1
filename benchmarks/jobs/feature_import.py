"""Import of published feature shards: lists of float64 inside lists, checked and kept as float32."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Row, timed
from compsim_assets.storage.results import Results
from compsim_assets.universe.feature_files import FeatureImport
from compsim_assets.universe.feature_import import import_features
from compsim_assets.universe.layout import ID
from compsim_assets.universe.table_files import local_files

# Reports a shard, shards, latents. The paper: 27,888 reports in 59 shards; two of them are enough for a rate.
SHAPES = {"small": (64, 2, 16_384), "paper": (473, 2, 131_072)}
_WRITTEN_AT_ONCE = 64


def rows(size: str, device: str) -> list[Row]:
    """One row: all shards."""
    reports, shards, latents = SHAPES[size]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "features").mkdir()
        for shard in range(shards):
            path = folder / "features" / f"train-{shard:05d}-of-{shards:05d}.parquet"
            _write_shard(path, shard * reports, reports, latents)
        files = local_files(folder, "features")
        assert files is not None
        source = FeatureImport(files, np.arange(reports * shards), np.empty(0, dtype=np.int64))
        out = folder / "imported"
        out.mkdir()
        results = Results(folder / "data")
        measured = timed(lambda: import_features(source, results, out, {}, lambda line: None))
        assert measured.result.n_reports == reports * shards
        values = np.ones((reports, latents), dtype=np.float32)
        paths = sorted((folder / "features").iterdir())
        floor = timed(lambda: [_copied(path, values) for path in paths])
        return [
            Row(
                job="import features",
                size=f"{shards} shards of {reports} x {latents:,}",
                ours=measured.seconds,
                floor=floor.seconds,
                peak=measured.peak,
                note=f"{measured.seconds / shards:.1f} s a shard; floor: its bytes read, the float32 values written",
            )
        ]


def _write_shard(path: Path, first: int, reports: int, latents: int) -> None:
    """One list inside a list a report: about 45 % zeros, as published."""
    rng = np.random.default_rng(first)
    schema = pa.schema([(ID, pa.int64()), ("features", pa.list_(pa.list_(pa.float64())))])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, reports, _WRITTEN_AT_ONCE):
            n = min(_WRITTEN_AT_ONCE, reports - start)
            values = rng.gamma(1.0, 2.0, n * latents) * (rng.random(n * latents) < 0.55)
            inner = pa.ListArray.from_arrays(np.arange(0, n * latents + 1, latents), values)
            nested = pa.ListArray.from_arrays(np.arange(n + 1), inner)
            ids = pa.array(np.arange(first + start, first + start + n))
            writer.write_table(pa.table([ids, nested], schema=schema))


def _copied(path: Path, values: np.ndarray) -> None:
    """The file's bytes read, and as many values written as are kept of it."""
    path.read_bytes()
    with path.with_suffix(".floats").open("wb") as file:
        file.write(values.data)
        os.fsync(file.fileno())
