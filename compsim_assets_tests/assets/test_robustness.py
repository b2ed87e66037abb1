"""The asset `robustness` where the universe has common return factors."""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from compsim_assets.assets.evidence import RobustnessConfig, robustness
from compsim_assets.settings import Settings
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.runs import MODES, Rebuilt

TABLES = (
    "descriptions", "returns", "walk_forward_clusters", "embedding_clusters", "baseline_clusters",
    "mean_correlation", "peer_statistics",
)  # fmt: skip


def market(run: Rebuilt) -> pd.DataFrame:
    """The mean return of all companies by month, as a simple return."""
    returns = run.read("returns")
    rows = [
        {"date": f"{year}-{month + 1:02d}", "market": np.expm1(mean)}
        for year, own in returns.groupby("year")
        for month, mean in enumerate(np.nanmean(np.stack(own["returns"].to_list()), axis=0))
    ]
    return pd.DataFrame(rows)


def robust(run: Rebuilt, universe: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table of this run's results in a universe of that folder, and what was said."""
    context = dg.build_asset_context()
    tables = {name: run.read(name) for name in TABLES}
    clusters = {mode: run.read("clusters", mode) for mode in MODES}
    settings = Settings(source="local", universe=str(universe))
    config = RobustnessConfig(resamples=200, permutations=100)
    table = robustness(context, config, settings, clusters=clusters, **tables)
    return table, dict(context.get_output_metadata("result") or {})


def test_without_the_market_companies_move_together_less(rebuilt: Rebuilt, tmp_path: Path) -> None:
    market(rebuilt).to_parquet(tmp_path / "factors.parquet")
    table, said = robust(rebuilt, tmp_path)
    assert said["factors"] == "returns winsorised at 1.0%, factors: market"
    value = table[table["versus"] == ""].set_index(["statistic", "method"])["value"]
    raw, adjusted = "mean_correlation", "mean_correlation_factor_adjusted"
    # The market is what two random companies have in common; clusters have more.
    assert abs(value[adjusted, "population"]) < value[raw, "population"] / 3
    assert value[adjusted, "walk_forward"] > value[adjusted, "population"] + 0.05
    assert not table.duplicated(["statistic", "method", "versus", "level"]).any()


def test_factors_of_other_months_are_refused(rebuilt: Rebuilt, tmp_path: Path) -> None:
    shifted = market(rebuilt)
    shifted["market"] = shifted["market"].shift(1, fill_value=0.0)
    shifted.to_parquet(tmp_path / "factors.parquet")
    with pytest.raises(UniverseError, match=r"^factors\.parquet: "):
        robust(rebuilt, tmp_path)


def test_without_factors_it_says_so(rebuilt: Rebuilt) -> None:
    assert "no factors.parquet" in rebuilt.metadata("robustness")["factors"]
    statistics = rebuilt.read("robustness")["statistic"]
    assert not statistics.str.contains("factor_adjusted").any()
