"""Parquet files: opening one, and the column that pandas writes into its metadata alone."""

from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.universe.layout import ID, UniverseError

if TYPE_CHECKING:
    import pyarrow.parquet as pq


def open_parquet(path: Path, name: str) -> "pq.ParquetFile":
    """A file, mapped into memory.

    Raises:
        UniverseError: it is cut, none, or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, memory_map=True)
    except (pa.ArrowInvalid, OSError) as problem:
        raise UniverseError(f"{name}: not a complete Parquet file ({problem}): get it again") from None


def index_range(file: "pq.ParquetFile") -> dict[str, range]:
    """A column that pandas wrote as start and step, since its numbers are evenly spaced; not plain row numbers."""
    metadata = file.schema_arrow.pandas_metadata or {}
    ranges = [index for index in metadata.get("index_columns", []) if isinstance(index, dict)]
    return {
        index["name"] or ID: range(index["start"], index["stop"], index["step"])
        for index in ranges
        if (index["name"] is not None or (index["start"], index["step"]) != (0, 1))
        and (index["name"] or ID) not in file.schema_arrow.names
    }
