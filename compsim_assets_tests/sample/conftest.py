"""The sample at its full size, made once and read by many tests, and the reading of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.sample import generate
from compsim_assets_tests.runs import once

ID = "__index_level_0__"
RETURNS = "logged_monthly_returns_matrix"


@dataclass(frozen=True)
class Sample:
    """Tables of a sample; features and returns are in the order of the reports.

    Attributes:
        reports: reports.parquet.
        features: (n, D) float32.
        returns: (n, 12) float64.
        weights: (n, lines) float64, the planted shares.
        latents: truth_latents.parquet.
    """

    folder: Path
    reports: pd.DataFrame
    features: np.ndarray
    returns: np.ndarray
    weights: np.ndarray
    latents: pd.DataFrame

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / f"{name}.parquet")

    def prices(self) -> pd.DataFrame:
        """(days, tickers) adjusted closes, NaN where there is no row."""
        table = pq.read_table(self.folder / "prices.parquet")
        table = table.set_column(0, "ticker", table["ticker"].dictionary_encode())
        table = table.set_column(1, "date", table["date"].cast(pa.timestamp("s")))
        return table.to_pandas().pivot(index="date", columns="ticker", values="adj_close")


def read_sample(folder: Path) -> Sample:
    """Read a sample and match its tables by id."""
    reports = pd.read_parquet(folder / "reports.parquet")
    table = pq.read_table(folder / "features.parquet")
    ids = pd.Index(table[ID].to_numpy())
    values = table["features"].combine_chunks().values.to_numpy().reshape(len(ids), -1)
    truth = pd.read_parquet(folder / "truth.parquet").set_index("report_id")
    return Sample(
        folder=folder,
        reports=reports,
        features=values[ids.get_indexer(reports[ID])],
        returns=np.stack(reports[RETURNS].to_list()),
        weights=np.stack(truth.loc[reports[ID], "weights"].to_list()),
        latents=pd.read_parquet(folder / "truth_latents.parquet"),
    )


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The sample that users get; read only."""
    made = once(tmp_path_factory, "full-sample", lambda folder: generate(folder / "universe"))
    return read_sample(made / "universe")
