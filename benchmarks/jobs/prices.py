"""Intake of daily prices: read, understood and put in order, against pyarrow reading the same file and no more."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from benchmarks.measure import Row, timed
from compsim_assets.universe.folder import Universe

# Tickers, trading days, and those of the CSV file: the paper's universe over sixteen years has 20 million prices.
SHAPES = {"small": (200, 1000, 500), "paper": (5000, 4000, 1000)}
_READERS: dict[str, Callable[[Path], pa.Table]] = {".parquet": pq.read_table, ".csv": pc.read_csv}


def rows(size: str, device: str) -> list[Row]:
    """Three rows: Parquet in our order, Parquet in the order of days, CSV. Always on the CPU."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, *SHAPES[size])
        Universe(folder / "first").prices()  # what is imported on first use
        pa.default_memory_pool().release_unused()
        return [_row(path) for path in sorted(folder.glob("by */prices.*"))]


def _row(path: Path) -> Row:
    floor = timed(lambda: _READERS[path.suffix](path).num_rows)
    measured = timed(lambda: Universe(path.parent).prices())
    if measured.result is None or len(measured.result.day) != floor.result:
        raise ValueError("prices are lost")
    return Row(
        job="intake of prices",
        size=f"{floor.result:,} rows {path.parent.name}",
        ours=measured.seconds,
        floor=floor.seconds,
        peak=measured.peak,
        note="read, understood, put in order; floor: pyarrow reads the file",
    )


def _write(folder: Path, tickers: int, days: int, days_of_csv: int) -> None:
    for name in ("first", "by ticker, Parquet", "by day, Parquet", "by day, CSV"):
        (folder / name).mkdir()
    table = _prices(tickers, days)
    by_day = table.take(np.arange(tickers * days).reshape(tickers, days).T.ravel())
    pq.write_table(table.slice(0, 100), folder / "first" / "prices.parquet")
    pq.write_table(table, folder / "by ticker, Parquet" / "prices.parquet")
    pq.write_table(by_day, folder / "by day, Parquet" / "prices.parquet")
    pc.write_csv(by_day.slice(0, tickers * days_of_csv), folder / "by day, CSV" / "prices.csv")


def write_prices(path: Path, tickers: int, days: int) -> None:
    """Prices by ticker, then day."""
    pq.write_table(_prices(tickers, days), path)


def _prices(tickers: int, days: int) -> pa.Table:
    rng = np.random.default_rng(0)
    every = np.arange("2004-01-01", "2030-01-01", dtype="datetime64[D]")
    names = pa.DictionaryArray.from_arrays(
        np.repeat(np.arange(tickers, dtype=np.int32), days), pa.array([f"T{n:04d}" for n in range(tickers)])
    )
    closes = np.exp(3 + rng.normal(0, 0.02, (tickers, days)).cumsum(axis=1)).round(4).ravel()
    date = pa.array(np.tile(every[np.is_busday(every)][:days], tickers))
    return pa.table({"ticker": names.cast(pa.string()), "date": date, "adj_close": closes})
