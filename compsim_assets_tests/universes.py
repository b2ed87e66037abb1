"""Small local universes written by hand, to be broken by tests."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.universe.layout import ID, RETURNS

N = 4


def report_columns(n: int = N, **changes: Any) -> dict[str, Any]:
    """Columns of n good reports; a change of None leaves a column out."""
    rng = np.random.default_rng(1)
    columns = {
        ID: [100 + 7 * i for i in range(n)],
        "cik": [str(900 + i) for i in range(n)],
        "company_name": [f"Company {i}" for i in range(n)],
        "year": [2015 + i % 2 for i in range(n)],
        "ticker": [f"T{i}" for i in range(n)],
        "sic_code": ["2834", "0100", None, "7372"][:n] + ["2834"] * (n - 4),
        "section_1": [f"We make product {i}." for i in range(n)],
        RETURNS: rng.normal(0, 0.1, (n, 12)).tolist(),
        **changes,
    }
    return {name: values for name, values in columns.items() if values is not None}


def write_reports(folder: Path, name: str = "reports.parquet", **changes: Any) -> Path:
    """A reports file without pandas metadata."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(report_columns(**changes)), path)
    return path


def write_features(folder: Path, ids: list[int | None], features: Any, name: str = "features.parquet") -> Path:
    """A features file; `features` is a list of lists, or an Arrow array."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(features, pa.Array):
        features = pa.array(features, pa.list_(pa.float32()))
    pq.write_table(pa.table({ID: pa.array(ids, pa.int64()), "features": features}), path)
    return path
