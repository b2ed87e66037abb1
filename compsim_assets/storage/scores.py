"""Coordinates of reports on principal axes: a Parquet table of wide rows, opened without being read."""

from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.storage.matrices import matrix_of
from compsim_assets.storage.reading import reading
from compsim_assets.storage.results import read_table
from compsim_assets.storage.sealed import verify_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd


class ScoreTable:
    """Scores of n reports: report_id, year and (n, P) float32, in the order of the file.

    Each method reads what it needs and nothing else.

    Raises:
        FileNotFoundError: says what to materialize; when something is read.
        DamagedResult: the file is empty or cut; then, too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        import pyarrow.parquet as pq

        with reading(self.path, self.path.stem):
            return int(pq.read_metadata(self.path).num_rows)

    def reports(self) -> "pd.DataFrame":
        """report_id and year."""
        return read_table(self.path, ["report_id", "year"]).to_pandas()

    def read(self) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
        """(n,) report ids, (n,) years, (n, P) scores: all of it in memory, once."""
        table = read_table(self.path, ["report_id", "year", "scores"])
        ids, year = (table[name].to_numpy() for name in ("report_id", "year"))
        return ids, year, matrix_of(table["scores"])

    def batches(self, rows: int = 4096) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
        """(b,) report ids and (b, P) scores of consecutive reports."""
        import pyarrow.parquet as pq

        with reading(self.path, self.path.stem):
            verify_parquet(self.path, self.path.stem)
        with reading(self.path, self.path.stem), pq.ParquetFile(self.path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(rows, columns=["report_id", "scores"]):
                yield batch.column("report_id").to_numpy(), matrix_of(batch.column("scores"))

    def of_year(self, year: int) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
        """(b,) report ids and (b, P) scores of all reports of a year, a row group at a time.

        Cost: the row groups whose statistics allow the year.
        """
        import pyarrow.parquet as pq

        with reading(self.path, self.path.stem):
            verify_parquet(self.path, self.path.stem)
        options = {"memory_map": True, "page_checksum_verification": True}
        with reading(self.path, self.path.stem), pq.ParquetFile(self.path, **options) as file:
            column = file.schema_arrow.get_field_index("year")
            for group in range(file.num_row_groups):
                limits = file.metadata.row_group(group).column(column).statistics
                if limits is not None and limits.has_min_max and not limits.min <= year <= limits.max:
                    continue
                table = file.read_row_group(group, ["report_id", "year", "scores"])
                of_year = table["year"].to_numpy() == year
                yield table["report_id"].to_numpy()[of_year], matrix_of(table["scores"])[of_year]
