"""The windows of text that an extraction leaves beside its features: `windows.parquet` in the same folder."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.storage.reading import reading
from compsim_assets.storage.results import content_hash, read_manifest, verify_sealed
from compsim_assets.storage.shards import MANIFEST, FeatureShards

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "windows.parquet"


def add_windows(folder: Path, table: "pa.Table") -> None:
    """Put windows (latent, rank, report_id, activation, tokens, activations) beside the features in an unpublished
    folder, and into the hash of its content.
    """
    import pyarrow.parquet as pq

    manifest = read_manifest(folder, MANIFEST)
    pq.write_table(table, folder / FILE, compression="zstd")
    manifest |= {"n_windows": table.num_rows, "content": manifest["content"] + content_hash(table)}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2))


def read_windows(features: FeatureShards) -> "pa.Table | None":
    """The windows of extracted features; None where none were kept.

    Raises:
        DamagedResult: the file is not what was written.
    """
    import pyarrow.parquet as pq

    if "n_windows" not in features.manifest:
        return None
    path = features.folder / FILE
    with reading(path, "sae_features"):
        verify_sealed(path, features.manifest, "sae_features")
        return pq.read_table(path)
