"""What a version costs: the checksums of large results and their publication, beside writing them.

All is brought to the disk in both, as the platform does. The share is of plain writing; a run computes between writes.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from safetensors.numpy import save_file

from benchmarks.inputs import SIZES
from benchmarks.measure import Row, timed
from compsim_assets.contracts import TABLES
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.matrices import list_column
from compsim_assets.storage.publish import sync_tree
from compsim_assets.storage.results import Results, seal
from compsim_assets.storage.shards import write_feature_shards
from compsim_assets.storage.versions import Versions

LATENTS = {"small": 8_192, "paper": 131_072}
BLOCK = 240


def rows(size: str, device: str) -> list[Row]:
    """One row: `ours` writes, seals and publishes; `floor` writes."""
    shape, latents = SIZES[size], LATENTS[size]
    reports = shape.reports * shape.years
    with tempfile.TemporaryDirectory(dir=os.environ.get("COMPSIM_DATA")) as name:
        results = Results(Path(name))
        plain = timed(lambda: _write(results, reports, latents, shape.axes))
        sealed = timed(lambda: [seal(results.array_folder(a), f) for a, f in _ARRAYS.items()])
        published = timed(lambda: Versions(results).publish({}))
        again = timed(lambda: Versions(results).publish({}))
        stored = sum(
            path.stat().st_size for path in Path(name).rglob("*") if path.is_file() and ".pub" not in str(path)
        )
    added = sealed.seconds + published.seconds
    return [
        Row(
            job="publication of a whole version",
            size=f"{reports:,} x {latents:,}, P = {shape.axes:,}: {stored / 1e9:.2f} GB",
            ours=plain.seconds + added,
            floor=plain.seconds,
            peak=published.peak,
            note=f"checksums {sealed.seconds:.2f} s, publication {published.seconds:.2f} s, of the same once more "
            f"{again.seconds:.2f} s; floor: writing to the disk, {100 * added / plain.seconds:.1f} % of it are added",
        )
    ]


_ARRAYS = {"sae_features": "features.json", "pca": "pca.json"}


def _write(results: Results, reports: int, latents: int, axes: int) -> None:
    """Features, axes and scores of that size, and all other tables, empty."""
    rng = np.random.default_rng(0)
    block = rng.random((BLOCK, latents), dtype=np.float32)
    starts = range(0, reports, BLOCK)
    blocks = ((np.arange(start, min(start + BLOCK, reports)), block[: reports - start]) for start in starts)
    with results.new_folder(results.array_folder("sae_features")) as folder:
        write_feature_shards(folder, blocks, latents, {})
    with results.new_folder(results.array_folder("pca")) as folder:
        save_file({"components": np.resize(block, (axes, latents))}, folder / "pca.safetensors")
        (folder / "pca.json").write_text('{"content": "1"}')
    for name in _ARRAYS:
        results.write_note(name, results.content(name), Note())
        sync_tree(results.array_folder(name).resolve())
    scores = {"report_id": np.arange(reports), "scores": list_column(np.resize(block, (reports, axes)))}
    results.write_table(results.table("pca_scores"), pa.table(scores), compression="none")
    for name in sorted(set(TABLES) - {"pca_scores", *_ARRAYS}):
        results.write_table(results.table(name), TABLES[name].empty())
