"""One version's results, read a batch of rows at a time and in the types of the present contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.contracts import TABLES
from compsim_assets.storage.pca import Pca
from compsim_assets.storage.reading import reading
from compsim_assets.storage.results import MANIFESTS, Results
from compsim_assets.storage.shards import FeatureShards

_BATCH_BYTES = 32 << 20
_ROWS = 1 << 16


@dataclass(frozen=True)
class Folder:
    """A results folder as the comparison reads it; names are those of results, `pca` or `clusters/base`."""

    results: Results

    def path(self, name: str) -> Path:
        """Where a result lies."""
        asset, _, mode = name.partition("/")
        return self.results.array_folder(asset) if asset in MANIFESTS else self.results.table(asset, mode or None)

    def has(self, name: str) -> bool:
        """Whether there is such a result, readable or not."""
        return self.path(name).exists()

    def n_rows(self, name: str) -> int:
        """Rows of a table, from the end of its file alone."""
        with reading(self.path(name), name.partition("/")[0]):
            return int(pq.read_metadata(self.path(name)).num_rows)

    def batches(self, name: str, columns: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """A table's rows; all columns without a choice.

        Raises:
            ValueError: the table's key is not in it, as of an older contract; DamagedResult, FileNotFoundError.
        """
        asset, path = name.partition("/")[0], self.path(name)
        table = TABLES[asset]
        with reading(path, asset):
            schema = pq.read_schema(path)
        if missing := [column for column in (*table.key, *columns) if column not in schema.names]:
            raise ValueError(f"{name} has no column {', '.join(missing)}: it keeps an older contract")
        wanted = [column for column in table.columns if column.name in (columns or schema.names)]
        wanted = [column for column in wanted if column.name in schema.names]
        rows = _rows_of_a_batch(schema)
        with reading(path, asset), pq.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(rows, columns=[column.name for column in wanted]):
                arrays = [batch.column(column.name) for column in wanted]
                types = [column.arrow_type() or array.type for column, array in zip(wanted, arrays, strict=True)]
                cast = [a if a.type == kind else a.cast(kind) for a, kind in zip(arrays, types, strict=True)]
                yield pa.record_batch(cast, names=[column.name for column in wanted])

    def frame(self, name: str, *columns: str) -> pd.DataFrame:
        """Some columns of a table."""
        batches = list(self.batches(name, columns))
        if not batches:
            return TABLES[name.partition("/")[0]].empty().select(list(columns)).to_pandas()
        return pa.Table.from_batches(batches).select(list(columns)).to_pandas()

    def features(self) -> FeatureShards:
        """The features, mapped."""
        return FeatureShards(self.path("sae_features"))

    def pca(self) -> Pca:
        """The PCA, not read yet."""
        return Pca(self.path("pca"))


def _rows_of_a_batch(schema: pa.Schema) -> int:
    """So many that wide rows stay within `_BATCH_BYTES`."""
    width = max((kind.list_size for kind in schema.types if pa.types.is_fixed_size_list(kind)), default=1)
    return max(16, min(_ROWS, _BATCH_BYTES // (8 * width)))
