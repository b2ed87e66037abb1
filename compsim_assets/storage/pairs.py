"""A universe's pairs of reports on disk: one Parquet table ordered by year, read a year at a time."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.contracts import TABLES
from compsim_assets.storage.reading import reading
from compsim_assets.storage.sealed import KEY, seal_parquet, verify_parquet

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from compsim_assets.science.linkage.pairs import YearPairs

_ASSET = "published_pairs"
_COLUMNS = ("report_a", "report_b", "cosine", "correlation")


class PairTable:
    """Pairs by year. A year has row groups of its own, so that reading it costs its own size.

    Raises:
        FileNotFoundError: not materialized yet.
        DamagedResult: the file is empty or cut.
        ValueError: a row group that holds several years, or years in no order: not written by `write_pairs`.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self.path = path
        with reading(path, _ASSET):
            verify_parquet(path, _ASSET)
            self._file = pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)
        column = self._file.schema_arrow.get_field_index("year")
        self._groups: dict[int, list[int]] = {}
        for group in range(self._file.num_row_groups):
            described = self._file.metadata.row_group(group)
            if described.num_rows == 0:
                continue
            limits = described.column(column).statistics
            if limits.min != limits.max or limits.min < max(self._groups, default=limits.min):
                raise ValueError(
                    f"{path}: row group {group} is not of one year, or an earlier one than before it; "
                    "expected pairs by year"
                )
            self._groups.setdefault(limits.min, []).append(group)

    @property
    def years(self) -> list[int]:
        """Years with pairs, ascending."""
        return list(self._groups)

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def n_with_correlation(self) -> int:
        """Pairs with a correlation."""
        with reading(self.path, _ASSET):
            column = self._file.read(["correlation"])["correlation"]
        return len(column) - column.null_count

    def of_year(self, year: int) -> "YearPairs":
        """The pairs of one year, ordered by report_a, report_b; none for a year without any."""
        import numpy as np

        from compsim_assets.science.linkage.pairs import YearPairs

        if year not in self._groups:
            ids, values = np.empty(0, dtype=np.int64), np.empty(0)
            return YearPairs(ids, ids, values, values)
        with reading(self.path, _ASSET):
            table = self._file.read_row_groups(self._groups[year], columns=list(_COLUMNS))
        return YearPairs(*(_numbers(table.column(name)) for name in _COLUMNS))


def _numbers(column: "pa.ChunkedArray") -> "np.ndarray":
    """Values as an array; NaN for a null."""
    import numpy as np

    values = column.to_numpy()
    return values if values.dtype == np.int64 else values.astype(np.float64, copy=False)


def content_of_pairs(columns: "dict[str, np.ndarray]") -> str:
    """Hash of the columns year, report_a, report_b, cosine, correlation."""
    from hashlib import blake2b

    import numpy as np

    digest = blake2b(digest_size=16)
    for column in columns.values():
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


def write_pairs(
    path: Path, year: "np.ndarray", columns: dict[str, "np.ndarray"], metadata: Any, group_rows: int = 1 << 20
) -> None:
    """Write pairs, ordered by year, each year in row groups of its own.

    Args:
        path: the file to write.
        year: (m,) int64, ascending.
        columns: report_a, report_b (m,) int64; cosine, correlation (m,) float64, NaN written as null.
        metadata: of the Arrow schema.
        group_rows: a larger year has several row groups.

    Raises:
        ValueError: years that are not ascending.

    Memory: one year's pairs beside the arguments.
    """
    import numpy as np
    import pyarrow.parquet as pq

    if (np.diff(year) < 0).any():
        raise ValueError(f"{path}: years in no order, expected them ascending")
    schema = TABLES["published_pairs"].schema()
    _, starts = np.unique(year, return_index=True)
    stops = [*starts[1:].tolist(), len(year)][: len(starts)]
    # Read several times and once written: zstd is no smaller here, and takes much longer to read.
    written = schema.with_metadata(metadata)
    with pq.ParquetWriter(path, written, compression="lz4", use_dictionary=False, write_page_checksum=True) as writer:
        for start, stop in zip(starts.tolist(), stops, strict=True):
            here = {"year": year[start:stop]} | {k: v[start:stop] for k, v in columns.items()}
            writer.write_table(TABLES["published_pairs"].typed(here), row_group_size=group_rows)
    if KEY in (metadata or {}):
        seal_parquet(path)
