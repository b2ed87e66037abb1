"""A tiny universe as the paper's three data sets have theirs: shards, years as text, nested lists, some bad rows."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.universe.layout import ID, RETURNS

REPORTS = "Mateusz1017/annual_reports_tokenized_llama3_logged_returns_no_null_returns_and_incomplete_descriptions_24k"
FEATURES = "marco-molinari/company_reports_with_features"
PAIRS = "v1ctor10/cos_sim_4000pca_exp"
N_SHARDS = 6


def shard_name(number: int, of: int = N_SHARDS) -> str:
    """A shard's path in a data set."""
    return f"data/train-{number:05d}-of-{of:05d}.parquet"


@dataclass(frozen=True)
class PaperData:
    """Files by path of each data set.

    ids: reports, ascending. unusable: those whose features cannot be used, of a wrong length and not finite.
    """

    ids: list[int]
    reports: dict[str, bytes]
    features: dict[str, bytes]
    pairs: dict[str, bytes]
    unusable: list[int]
    n_null_correlations: int


def paper_data(universe: Path) -> PaperData:
    """The universe's tables in the paper's shape.

    The second report's features are too short, the last one's are not finite, and one more row has no report.
    """
    reports = pd.read_parquet(universe / "reports.parquet")
    features = pd.read_parquet(universe / "features.parquet")
    ids, values = features[ID].tolist(), np.stack(features["features"].to_numpy())
    rows: list[Any] = values.astype(np.float64).tolist()
    unusable = [ids[1], ids[-1]]
    rows[1] = rows[1][:-3]
    rows[-1] = [*rows[-1][:-1], float("nan")]
    pairs, n_null = _pairs(reports, pd.Series(list(values), index=ids))
    return PaperData(
        ids,
        report_files(reports),
        feature_files([*ids, max(ids) + 1], [*rows, rows[0]]),
        {shard_name(i, 2): parquet(pairs[i::2]) for i in range(2)},
        unusable,
        n_null,
    )


def report_files(reports: pd.DataFrame) -> dict[str, bytes]:
    """Two shards of reports; with columns that nobody asks for."""
    shaped = reports.assign(
        year=reports["year"].astype(str),
        filename=reports["cik"] + ".htm",
        **{RETURNS: [[list(row)] for row in reports[RETURNS]]},
    )
    half = len(reports) // 2
    return {
        shard_name(0, 2): parquet(shaped[:half]),
        shard_name(1, 2): parquet(shaped[half:]),
        "README.md": b"---\nlicense: mit\n---\n",
    }


def feature_files(
    ids: list[int], rows: list[Any], column: str = "features", shards: int = N_SHARDS
) -> dict[str, bytes]:
    """Shards of features: a list in a list of float64 each."""
    kind = pa.list_(pa.list_(pa.float64()))
    cuts = np.linspace(0, len(ids), shards + 1).astype(int)
    found = {}
    for number, (start, stop) in enumerate(pairwise(cuts.tolist())):
        features = pa.array([[row] for row in rows[start:stop]], kind)
        table = pa.table({"year": ["2015"] * (stop - start), column: features, ID: ids[start:stop]})
        found[shard_name(number, shards)] = parquet(table)
    return found


def parquet(table: Any) -> bytes:
    """A table's file, without pandas' own metadata."""
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


def _pairs(reports: pd.DataFrame, features: pd.Series) -> tuple[pd.DataFrame, int]:
    """All pairs of each year by the cosine of their features; without a correlation where a report has none."""
    frames = []
    for year, group in reports.groupby("year"):
        unit = unit_rows(np.stack(features.loc[group[ID]].to_numpy()))
        returns, defined = normalise_returns(np.stack(group[RETURNS].to_numpy()))
        a, b = np.triu_indices(len(group), 1)
        correlation = (returns[a] * returns[b]).sum(axis=1).clip(-1, 1)
        ids = group[ID].to_numpy()
        columns: Mapping[str, Any] = {
            "Company1": ids[a],
            "Company2": ids[b],
            "year": str(year),
            "cosine_similarity": (unit[a] * unit[b]).sum(axis=1).clip(-1, 1),
            "correlation": np.where(defined[a] & defined[b], correlation, np.nan),
        }
        frames.append(pd.DataFrame(columns))
    pairs = pd.concat(frames, ignore_index=True)
    pairs.loc[[3, 70], "correlation"] = np.nan
    return pairs, int(pairs["correlation"].isna().sum())
