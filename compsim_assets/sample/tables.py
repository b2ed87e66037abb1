"""The sample's parquet files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.sample.companies import Companies
from compsim_assets.sample.features import Latents
from compsim_assets.sample.lines import LINES, Group
from compsim_assets.sample.prices import REVERSION, SPREAD, Prices
from compsim_assets.sample.size import SampleSize

REPORT_ID = "__index_level_0__"


@dataclass(frozen=True)
class Universe:
    """All that was made: n reports of C companies over Y years.

    Attributes:
        ids: (n,) int64, report ids.
        company, year: (n,) int, index of the report's company and year.
        texts: n descriptions.
        features: (n, D) float32.
        fundamentals: (Y, C) values by metric.
    """

    size: SampleSize
    groups: list[Group]
    companies: Companies
    latents: Latents
    prices: Prices
    ids: np.ndarray
    company: np.ndarray
    year: np.ndarray
    texts: list[str]
    features: np.ndarray
    fundamentals: dict[str, np.ndarray]


def write_tables(folder: Path, universe: Universe) -> None:
    """Write reports, features, prices, fundamentals and the planted truth."""
    _write(folder / "reports.parquet", _reports(universe))
    # In the order of the ids, which is not that of the reports.
    order = np.argsort(universe.ids, kind="stable")
    _write(
        folder / "features.parquet",
        {REPORT_ID: universe.ids[order], "features": _lists(universe.features[order])},
        row_group_size=500,
    )
    _write(folder / "prices.parquet", _prices(universe))
    _write(folder / "fundamentals.parquet", _fundamentals(universe))
    _write(folder / "truth.parquet", _truth(universe))
    _write(folder / "truth_lines.parquet", _truth_lines(universe))
    _write(folder / "truth_latents.parquet", _truth_latents(universe))
    _write(folder / "truth_pairs.parquet", _truth_pairs(universe))


def _write(path: Path, columns: dict[str, Any], **options: Any) -> None:
    """Write without pandas metadata, which would turn the id column into an index."""
    table = pa.table(columns)
    texts = [f.name for f in table.schema if pa.types.is_string(f.type)]
    pq.write_table(table, path, compression="zstd", use_dictionary=texts, **options)


def _lists(values: np.ndarray) -> pa.Array:
    """(n, k) array as a column of lists."""
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(offsets, values.ravel())


def _reports(universe: Universe) -> dict[str, Any]:
    companies, company, year = universe.companies, universe.company, universe.year
    return {
        REPORT_ID: universe.ids,
        "cik": pa.array([companies.ciks[c] for c in company], pa.string()),
        "company_name": pa.array([companies.names[c] for c in company], pa.string()),
        "year": (universe.size.first_year + year).astype(np.int64),
        "ticker": pa.array([companies.tickers[c] for c in company], pa.string()),
        "sic_code": pa.array([companies.sic_codes[c] for c in company], pa.string()),
        "section_1": pa.array(universe.texts, pa.string()),
        "logged_monthly_returns_matrix": _lists(universe.prices.monthly[year, company]),
    }


def _prices(universe: Universe) -> dict[str, Any]:
    """Rows by ticker, then date; days without a price have no row."""
    tickers = np.array(universe.companies.tickers)
    order = np.argsort(tickers)
    adj_close = universe.prices.adj_close[:, order]
    company, day = np.nonzero(~np.isnan(adj_close).T)
    names = pa.DictionaryArray.from_arrays(company.astype(np.int32), pa.array(tickers[order]))
    return {
        "ticker": names.cast(pa.string()),
        "date": pa.array(universe.prices.dates[day]).cast(pa.date32()),
        "adj_close": adj_close[day, company],
    }


def _fundamentals(universe: Universe) -> dict[str, Any]:
    """Rows by metric, then as the reports."""
    companies, company, year = universe.companies, universe.company, universe.year
    metrics = list(universe.fundamentals)
    return {
        "cik": pa.array([companies.ciks[c] for c in company] * len(metrics), pa.string()),
        "year": np.tile((universe.size.first_year + year).astype(np.int64), len(metrics)),
        "metric": pa.array(np.repeat(metrics, len(company)).tolist(), pa.string()),
        "value": np.concatenate([universe.fundamentals[metric][year, company] for metric in metrics]),
    }


def _truth(universe: Universe) -> dict[str, Any]:
    weights = universe.companies.weights[universe.year, universe.company]
    return {"report_id": universe.ids, "line": weights.argmax(axis=1), "weights": _lists(weights)}


def _truth_lines(universe: Universe) -> dict[str, Any]:
    lines = LINES[: universe.size.lines]
    return {
        "line": np.arange(len(lines)),
        "name": [line.name for line in lines],
        "sector": [line.sector for line in lines],
        "sic_code": [line.sic_code for line in lines],
    }


def _truth_latents(universe: Universe) -> dict[str, Any]:
    """Kind, name and line of every latent; only line and copied latents have a line."""
    planted = [universe.groups[g] if g >= 0 else None for g in universe.latents.group]
    return {
        "latent": np.arange(len(planted)),
        "kind": universe.latents.kind,
        "name": pa.array([g.name or None if g else None for g in planted], pa.string()),
        "line": pa.array([g.members[0] if g and len(g.members) == 1 else None for g in planted], pa.int64()),
    }


def _truth_pairs(universe: Universe) -> dict[str, Any]:
    """log price of b = constant + hedge_ratio x log price of a + spread."""
    tickers, pairs = universe.companies.tickers, universe.prices.pairs
    dominant = universe.companies.dominant[0]
    return {
        "ticker_a": pa.array([tickers[p.a] for p in pairs], pa.string()),
        "ticker_b": pa.array([tickers[p.b] for p in pairs], pa.string()),
        "hedge_ratio": pa.array([p.hedge_ratio for p in pairs], pa.float64()),
        "line": pa.array([int(dominant[p.a]) for p in pairs], pa.int64()),
        "spread_deviation": pa.array([SPREAD] * len(pairs), pa.float64()),
        "half_life_days": pa.array([np.log(0.5) / np.log(REVERSION)] * len(pairs), pa.float64()),
    }
