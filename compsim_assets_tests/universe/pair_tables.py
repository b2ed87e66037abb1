"""Files of published pairs for tests: written from rows, and read back as rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.universe.pair_files import PublishedPairs, read_pairs
from compsim_assets.universe.table_files import TableFiles, local_files

COLUMNS = ("Company1", "Company2", "year", "cosine_similarity", "correlation")
# Reports of the universe: two years, whose ids interleave.
REPORTS = {1: 2015, 2: 2016, 3: 2015, 4: 2016, 5: 2015, 6: 2016}
Row = tuple[Any, Any, Any, float | None, float | None]
GOOD: list[Row] = [(1, 3, 2015, 0.5, 0.25), (1, 5, 2015, -0.5, None), (2, 4, 2016, 0.125, -1.0)]


def files_of(folder: Path, *tables: list[Row] | pa.Table) -> TableFiles:
    """One file, or several in a folder."""
    for number, rows in enumerate(tables):
        name = "pairs.parquet" if len(tables) == 1 else f"pairs/{number}.parquet"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows if isinstance(rows, pa.Table) else table_of(rows), path)
    found = local_files(folder, "pairs")
    assert found is not None
    return found


def table_of(rows: list[Row], **types: pa.DataType) -> pa.Table:
    values = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    kinds = dict.fromkeys(COLUMNS[:3], pa.int64()) | dict.fromkeys(COLUMNS[3:], pa.float64())
    for name, column in zip(COLUMNS, values, strict=True):
        if any(isinstance(value, str) for value in column):
            kinds[name] = pa.string()
        elif any(isinstance(value, float) for value in column):
            kinds[name] = pa.float64()
    kinds |= types
    return pa.table({name: pa.array(column, kinds[name]) for name, column in zip(COLUMNS, values, strict=True)})


def read(files: TableFiles, reports: dict[int, int] | None = None) -> PublishedPairs:
    known = REPORTS if reports is None else reports
    ids = np.array(sorted(known), dtype=np.int64)
    return read_pairs(files, ids, np.array([known[i] for i in ids.tolist()], dtype=np.int64))


def rows_of(found: PublishedPairs) -> list[Row]:
    columns = (found.report_a, found.report_b, found.year, found.cosine, found.correlation)
    return [
        (a, b, year, cosine, None if np.isnan(correlation) else correlation)
        for a, b, year, cosine, correlation in zip(*(c.tolist() for c in columns), strict=True)
    ]
