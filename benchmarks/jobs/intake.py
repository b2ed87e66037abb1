"""Intake of a whole universe: reports with texts, prices and pairs, against pyarrow reading the same files."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.jobs.prices import SHAPES, write_prices
from benchmarks.measure import Row, timed
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import ID, RETURNS

# Companies and years; the paper's universe has 28,000 reports, and about 15 million pairs within years.
REPORTS = {"small": (100, 5), "paper": (1120, 25)}
_CHARACTERS = 20_000


def rows(size: str, device: str) -> list[Row]:
    """A row per kind of file, and one of all together. Always on the CPU."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        companies, years = REPORTS[size]
        ids = _write_reports(folder, companies, years)
        _write_pairs(folder, ids)
        write_prices(folder / "prices.parquet", *SHAPES[size][:2])
        Universe(folder).prices()  # what is imported on first use
        made = [_row(folder, name) for name in ("reports", "prices", "pairs")]
    total = [sum(getattr(row, name) for row in made) for name in ("ours", "floor")]
    peak = max(row.peak or 0 for row in made)
    return [*made, Row("intake of a universe", f"{companies * years:,} reports", total[0], floor=total[1], peak=peak)]


def _row(folder: Path, name: str) -> Row:
    floor = timed(lambda: pq.read_table(folder / f"{name}.parquet").num_rows)
    pa.default_memory_pool().release_unused()
    universe = Universe(folder)

    def ours() -> Any:
        if name == "prices":
            return universe.prices()
        reports = universe.reports()
        if name == "reports":
            return universe.monthly_returns(reports)
        return universe.pairs(reports[ID].to_numpy(), reports["year"].to_numpy())

    measured = timed(ours)
    again = timed(universe.reports).seconds if name == "pairs" else 0.0
    return Row(
        job=f"intake of {name}",
        size=f"{floor.result:,} rows",
        ours=measured.seconds - again,
        floor=floor.seconds,
        peak=measured.peak,
        note="read, understood, put in order; floor: pyarrow reads the file",
    )


def _write_reports(folder: Path, companies: int, years: int) -> np.ndarray:
    """Reports of random words; returns their ids, (years, companies)."""
    rng = np.random.default_rng(0)
    words = np.array(["".join(chr(97 + c) for c in rng.integers(0, 26, 7)) for _ in range(5000)])
    n = companies * years
    texts = (" ".join(rng.choice(words, _CHARACTERS // 8)) for _ in range(n))
    company = np.tile(np.arange(companies), years)
    table = pa.table(
        {
            ID: np.arange(n),
            "cik": pa.array([f"{1000 + c:010d}" for c in company]),
            "company_name": pa.array([f"Company {c}" for c in company]),
            "year": pa.array([str(2000 + y) for y in np.repeat(np.arange(years), companies)]),
            "ticker": pa.array([f"T{c:04d}" for c in company]),
            "sic_code": pa.array([str(2000 + c % 700) for c in company]),
            "section_1": pa.array(texts),
            RETURNS: pa.array(list(rng.normal(0, 0.08, (n, 12)))),
        }
    )
    pq.write_table(table, folder / "reports.parquet", row_group_size=2000)
    return np.arange(n).reshape(years, companies)


def _write_pairs(folder: Path, ids: np.ndarray) -> None:
    """All pairs within years, year by year, as the published code makes them."""
    rng = np.random.default_rng(1)
    first, second = np.triu_indices(ids.shape[1], k=1)
    a, b = (np.concatenate([of_year[side] for of_year in ids]) for side in (first, second))
    values = rng.uniform(-1, 1, (2, len(a)))
    year = np.repeat(2000 + np.arange(len(ids)), len(first))
    names = ("Company1", "Company2", "year", "cosine_similarity", "correlation")
    pq.write_table(pa.table(dict(zip(names, (a, b, year, *values), strict=True))), folder / "pairs.parquet")
