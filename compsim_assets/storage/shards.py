"""Memory-mapped shards of SAE features, and the matrix of their different rows.

Shards are uncompressed Arrow IPC files. Measured for 4,000 x 131,072 floats from a cold file cache (`make bench`, job
`shards`): Parquet decodes all rows to give a block of latents and is ten times slower to read. safetensors maps as
well, but must hold the whole matrix to write it. `datasets` writes the same Arrow with its own layer around it. Zarr's
chunks are the fastest for a block of latents, no better for reports, and one more dependency; the PCA computes for
minutes on each block, so its lead would not show. Arrow IPC streams, maps, and any Arrow reader opens it.
"""

import json
import mmap
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.contracts.clustering import FEATURES
from compsim_assets.storage.matrices import list_column, matrix_of
from compsim_assets.storage.reading import DamagedResult, reading
from compsim_assets.storage.results import read_manifest, verify_sealed
from compsim_assets.storage.sealed import WHOLE_BYTES

if TYPE_CHECKING:
    import numpy as np

MANIFEST = "features.json"
_ASSET = "sae_features"


class FeatureShards:
    """SAE features of all reports, memory-mapped: an (n, D) float32 matrix and its report ids.

    What a method has read is handed back to the system's file cache part by part, so that the process does not
    grow with the size of the files: it holds what it returns, and one shard's pages at most.

    Args:
        folder: where they lie.
        verified: False where a few rows are wanted at once: files beyond 64 MB are then not read as a whole for their
            checksum, and whoever reads a row holds it against something else.
        asset: whose folder they lie in.

    Raises:
        FileNotFoundError: not materialized yet.
        DamagedResult: a file is empty, cut or missing; when it is read, or holds another byte than was written.
    """

    def __init__(self, folder: Path, verified: bool = True, asset: str = _ASSET) -> None:
        import numpy as np
        import pyarrow as pa

        # A new version may be published meanwhile: the link is followed once, for all of one version.
        self.folder = folder = folder.resolve()
        self.manifest, self._verified, self._asset = read_manifest(folder, MANIFEST, asset), verified, asset
        with reading(folder / MANIFEST, asset):
            self.n_latents, n_reports = (int(self.manifest[name]) for name in ("n_latents", "n_reports"))
        self._parts: list[tuple[np.ndarray, mmap.mmap, Path]] = []
        ids = []
        for path in sorted(folder.glob("part-*.arrow")):
            with reading(path, asset), path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                reader = pa.ipc.open_file(pa.py_buffer(mapped))
                for index in range(reader.num_record_batches):
                    batch = reader.get_batch(index)
                    ids.append(batch.column("report_id").to_numpy())
                    self._parts.append((matrix_of(batch.column("features")), mapped, path))
        self.report_id: np.ndarray = np.concatenate(ids) if ids else np.empty(0, dtype=np.int64)
        if len(self.report_id) != n_reports:
            lacking = f"lacks part-*.arrow: {len(self.report_id):,} of {n_reports:,} reports are there"
            raise DamagedResult.of(folder, lacking, asset)

    @property
    def shape(self) -> tuple[int, int]:
        """(reports, latents)."""
        return len(self.report_id), self.n_latents

    def parts(self) -> Iterator["np.ndarray"]:
        """Consecutive (b, D) blocks of rows, mapped from disk."""
        for number, (_, mapped, _) in enumerate(self._parts):
            yield self._checked(number)
            _hand_back(mapped)

    def _checked(self, number: int) -> "np.ndarray":
        """A part, once its shard is seen to hold what was written; that is looked at when it is first used."""
        part, mapped, path = self._parts[number]
        if self._verified or len(mapped) <= WHOLE_BYTES:
            verify_sealed(path, self.manifest, self._asset)
        return part

    def columns(self, start: int, stop: int, positions: "np.ndarray | None" = None) -> "np.ndarray":
        """(n, stop - start) values of these latents, or (k, stop - start) at these positions; copied."""
        return self._gather(slice(start, stop), stop - start, positions)

    def select(self, latents: "np.ndarray", positions: "np.ndarray | None" = None) -> "np.ndarray":
        """(n, J) values of any latents, or (k, J) at these positions; copied."""
        return self._gather(latents, len(latents), positions)

    def rows(self, positions: "np.ndarray") -> "np.ndarray":
        """(k, D) features of the reports at these positions, copied."""
        return self._gather(slice(None), self.n_latents, positions)

    def _gather(self, latents: Any, width: int, positions: "np.ndarray | None") -> "np.ndarray":
        """Values of some latents, all rows or those at `positions`, filled in part by part."""
        import numpy as np

        starts = np.cumsum([0] + [len(part) for part, *_ in self._parts])
        n = len(self.report_id) if positions is None else len(positions)
        out = np.empty((n, width), dtype=np.float32)
        if positions is None:
            for part, start in zip(self.parts(), starts.tolist(), strict=False):
                out[start : start + len(part)] = part[:, latents]
            return out
        part_of = np.searchsorted(starts, positions, side="right") - 1
        for number in np.unique(part_of).tolist():
            part, mapped = self._checked(number), self._parts[number][1]
            wanted = np.flatnonzero(part_of == number)
            rows = positions[wanted] - starts[number]
            out[wanted] = part[rows if isinstance(latents, slice) else rows[:, None], latents]
            _hand_back(mapped)
        return out

    def distinct(self) -> "DistinctRows":
        """The different rows, each once: identical descriptions have identical features."""
        import numpy as np

        digests = [blake2b(row.tobytes(), digest_size=16).digest() for part in self.parts() for row in part]
        seen: dict[bytes, int] = {}
        inverse = np.array([seen.setdefault(digest, len(seen)) for digest in digests], dtype=np.int64)
        _, first = np.unique(inverse, return_index=True)
        return DistinctRows(self, first, inverse)


def _hand_back(mapped: mmap.mmap) -> None:
    """Drop the pages from this process; they stay in the file cache as long as the system has room."""
    if hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


class DistinctRows:
    """A matrix of the distinct rows of some shards; `inverse` leads back to all of them, `copies` counts them."""

    def __init__(self, shards: FeatureShards, first: "np.ndarray", inverse: "np.ndarray") -> None:
        import numpy as np

        self._shards, self._first, self.inverse = shards, first, inverse
        self.copies = np.bincount(inverse, minlength=len(first))

    @property
    def shape(self) -> tuple[int, int]:
        """(distinct reports, latents)."""
        return len(self._first), self._shards.n_latents

    def columns(self, start: int, stop: int, positions: "np.ndarray | None" = None) -> "np.ndarray":
        """(n, stop - start) values of these latents, or (k, stop - start) at these positions; copied."""
        first = self._first if positions is None else self._first[positions]
        return self._shards.columns(start, stop, first)

    def rows(self, positions: "np.ndarray") -> "np.ndarray":
        """(k, D) values of the distinct rows at these positions, copied."""
        return self._shards.rows(self._first[positions])


def write_feature_shards(
    folder: Path,
    blocks: Iterable[tuple["np.ndarray", "np.ndarray"]],
    n_latents: int,
    manifest: dict[str, Any],
    batch_bytes: int = 32 << 20,
    shard_bytes: int = 1 << 30,
) -> int:
    """Stream (report ids, (b, D) float32 features) blocks into shards; returns the number of reports.

    The manifest gets the numbers of latents and reports and a hash of the content, whatever the blocks' sizes. It is
    written last, so a folder without one is unfinished. Memory: one block.
    """
    import numpy as np
    import pyarrow as pa

    schema = FEATURES.schema(n_latents)
    rows_per_batch = max(1, batch_bytes // (4 * max(n_latents, 1)))
    rows_per_shard = max(rows_per_batch, shard_bytes // (4 * max(n_latents, 1)))
    written, shard = 0, 0
    content = [blake2b(digest_size=16), blake2b(digest_size=16)]
    with ExitStack() as open_shard:
        for ids, features in blocks:
            for digest, values in zip(content, (ids, features), strict=True):
                digest.update(np.ascontiguousarray(values).data)
            for start in range(0, len(ids), rows_per_batch):
                rows = slice(start, min(start + rows_per_batch, len(ids)))
                if written >= shard * rows_per_shard:
                    open_shard.close()
                    path = folder / f"part-{shard:05d}.arrow"
                    writer = open_shard.enter_context(pa.ipc.new_file(str(path), schema))
                    shard += 1
                columns = [pa.array(ids[rows]), list_column(features[rows])]
                writer.write_batch(pa.record_batch(columns, schema=schema))
                written += rows.stop - rows.start
    (folder / MANIFEST).write_text(
        json.dumps(
            {
                **manifest,
                "n_latents": n_latents,
                "n_reports": written,
                "content": content[0].hexdigest() + content[1].hexdigest(),
            },
            indent=2,
        )
    )
    return written
