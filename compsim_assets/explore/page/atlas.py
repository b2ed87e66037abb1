"""`explorer.parquet`: the maps of all years in the columns that embedding-atlas reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compsim_assets.explore.page.companies import Companies
from compsim_assets.explore.page.encoding import clean, short

if TYPE_CHECKING:
    from compsim_assets.explore.page.build import Tables

FILE = "explorer.parquet"
_NEIGHBOURS, _EXCERPT = 15, 2000


def write_atlas(path: Path, companies: Companies, tables: Tables) -> None:
    """A row per report that is on a map: `x`, `y`, `text`, `neighbors` (rows of this file, from 0, with their cosine
    distances), and who it is.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = tables.places.drop_duplicates("report_id").set_index("report_id")
    reports = companies.reports[companies.reports["report_id"].isin(place.index)].reset_index(drop=True)
    ids = reports["report_id"]
    names = [clean(text) for text in reports["company_name"]]
    tickers = [clean(text) for text in reports["ticker"]]
    texts = [short(text, _EXCERPT) for text in reports["description"]]
    columns = {
        "report_id": pa.array(ids.to_numpy(), pa.int64()),
        "x": pa.array(place["x"].reindex(ids).to_numpy(), pa.float64()),
        "y": pa.array(place["y"].reindex(ids).to_numpy(), pa.float64()),
        "text": pa.array([f"{t} {n}: {d}".strip(": ") for t, n, d in zip(tickers, names, texts, strict=True)]),
        "neighbors": _neighbours(ids.to_numpy(), tables),
        "company": pa.array(names),
        "ticker": pa.array(tickers),
        "year": pa.array(reports["year"].to_numpy(), pa.int64()),
        "sic_code": pa.array([clean(code) for code in reports["sic_code"]]),
        "industry": pa.array([clean(name) for name in reports["industry"]]),
    }
    for mode, table in tables.clusters.items():
        number = table.drop_duplicates("report_id").set_index("report_id")["cluster_id"].reindex(ids)
        columns[f"cluster_{mode}"] = pa.array(number.astype("Int64"), pa.int64(), from_pandas=True)
    pq.write_table(pa.table(columns), path, compression="zstd")


def _neighbours(ids: np.ndarray, tables: Tables) -> object:
    """A struct of `ids` and `distances` for each report, nearest first."""
    import pandas as pd
    import pyarrow as pa

    peers = tables.peers
    peers = peers[(peers["scope"] == "all") & (peers["rank"] <= _NEIGHBOURS)]
    row = pd.Series(np.arange(len(ids)), index=ids)
    mine, theirs = (row.reindex(peers[c]).to_numpy(dtype=float) for c in ("report_id", "peer_report_id"))
    order = np.lexsort((peers["rank"].to_numpy(), mine))
    order = order[~(np.isnan(mine[order]) | np.isnan(theirs[order]))]
    counts = np.bincount(mine[order].astype(np.int64), minlength=len(ids))
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    lists = [
        pa.ListArray.from_arrays(offsets, pa.array(theirs[order].astype(np.int64))),
        pa.ListArray.from_arrays(offsets, pa.array(1 - peers["cosine"].to_numpy(dtype=float)[order])),
    ]
    return pa.StructArray.from_arrays(lists, ["ids", "distances"])
