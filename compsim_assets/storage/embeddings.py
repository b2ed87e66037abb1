"""Embeddings of descriptions on disk: one Parquet table per encoder, and a manifest of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from compsim_assets.contracts.variants import EMBEDDINGS
from compsim_assets.storage.reading import reading
from compsim_assets.storage.results import Results, read_manifest
from compsim_assets.storage.sealed import BLANK, KEY, seal_parquet, verify_parquet

if TYPE_CHECKING:
    import numpy as np

MANIFEST = "embeddings.json"
FOLDER = "embeddings"
_BLOCK_BYTES = 32 << 20


class Embeddings(NamedTuple):
    """What one encoder made of the reports that have a text, report ids ascending."""

    report_id: np.ndarray
    """(n,) int64."""

    year: np.ndarray
    """(n,) int64."""

    matrix: np.ndarray
    """(n, width) float32."""


def write_embeddings(
    path: Path, report_id: np.ndarray, year: np.ndarray, unique: np.ndarray, row: np.ndarray, digest: Any
) -> None:
    """Write report_id, year and embedding, a block of reports at a time.

    Args:
        path: of the Parquet file.
        report_id, year, row: (n,) int64 each; `row` in `unique` is the report's embedding. unique: (m, width) float32.
        digest: a hash that takes in what is written, in the same way whatever the blocks.

    Cost: memory for one block.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from compsim_assets.storage.matrices import list_column

    width = unique.shape[1]
    schema = EMBEDDINGS.schema(width).with_metadata({KEY: BLANK})
    size = max(1, _BLOCK_BYTES // (4 * width))
    digest.update(report_id.tobytes())
    digest.update(year.tobytes())
    # A dictionary of numbers that hardly repeat would only cost time.
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False, write_page_checksum=True) as file:
        for start in range(0, len(row), size):
            block = slice(start, start + size)
            matrix = unique[row[block]]
            digest.update(matrix.tobytes())
            columns = [pa.array(report_id[block]), pa.array(year[block]), list_column(matrix)]
            file.write_table(pa.table(columns, schema=schema))
    seal_parquet(path)


class EmbeddingFolder:
    """What every encoder made, a table each, read one after the other.

    Raises:
        FileNotFoundError: not materialized yet.
        DamagedResult: a file is empty or cut.
    """

    asset, manifest_name = FOLDER, MANIFEST

    def __init__(self, folder: Path) -> None:
        # A new version may be published meanwhile: the link is followed once, for all of one version.
        self.folder = folder.resolve()
        self.manifest = read_manifest(self.folder, self.manifest_name)

    @classmethod
    def of(cls, results: Results) -> Self:
        """The published one."""
        return cls(results.array_folder(cls.asset))

    @property
    def encoders(self) -> list[str]:
        """Names of the encoders, in the order of `embedding.toml`."""
        return [encoder["name"] for encoder in self.manifest["encoders"]]

    @property
    def by_vintages(self) -> dict[str, dict[str, list[int]]]:
        """Years that each vintage read, by its day, of the encoders that have vintages: years are not comparable."""
        listed = self.manifest["encoders"]
        return {encoder["name"]: encoder["vintages"] for encoder in listed if encoder.get("vintages")}

    def __iter__(self) -> Iterator[tuple[str, Embeddings]]:
        """Each encoder's name and embeddings. Memory for one of them."""
        from pyarrow.parquet import read_table

        from compsim_assets.storage.matrices import matrix_of

        for name in self.encoders:
            path = self.folder / f"{name}.parquet"
            with reading(path, self.asset):
                verify_parquet(path, self.asset)
                table = read_table(path, page_checksum_verification=True)
            ids, year = (table[column].to_numpy() for column in ("report_id", "year"))
            yield name, Embeddings(ids, year, matrix_of(table["embedding"]))
