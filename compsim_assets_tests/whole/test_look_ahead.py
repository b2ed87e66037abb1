"""Nothing honest looks ahead: whatever happens after a year, results up to it stay as they are, byte for byte."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.contracts.methods import knows_later_years
from compsim_assets.universe.layout import ID, RETURNS
from compsim_assets_tests.runs import Local, Rebuilt, Run, once

# The sample's years are 2012 to 2019: one is left to be corrupted, and one in which supervised latents are judged.
LAST = 2018
WALKED = ["walk_forward_scores", "walk_forward_cutoffs", "walk_forward_clusters"]
HONEST = [
    "descriptions", "returns", "published_pairs", "price_history", "sae_features", "pca", "pca_scores",
    "clustered_reports", "vintage_features", *WALKED, "embeddings", "embedding_clusters", "control_features",
    "control_scores", "control_clusters", "baseline_clusters", "supervised_latents", "peer_statistics",
    "mean_correlation", "cointegrated_pairs", "pairs_backtest", "pairs_daily",
]  # fmt: skip


def corrupt(universe: Path, target: Path) -> None:
    """A copy of the universe in which everything after LAST is other: texts, codes, features, returns, prices."""
    rng = np.random.default_rng(0)
    target.mkdir()
    reports = pd.read_parquet(universe / "reports.parquet")
    later = reports["year"].astype(int) > LAST
    n = int(later.sum())
    assert n > 20
    reports.loc[later, "section_1"] = [f"another text {i}" for i in range(n)]
    reports.loc[later, "sic_code"] = rng.permutation(reports.loc[later, "sic_code"])
    reports.loc[later, RETURNS] = pd.Series(list(rng.normal(0, 0.5, (n, 12))), index=reports.index[later])
    gone = reports.index[later][:5]
    reports.drop(index=gone).to_parquet(target / "reports.parquet")
    features = pd.read_parquet(universe / "features.parquet")
    other = features[ID].isin(reports.loc[later, ID])
    width = len(features["features"].iloc[0])
    features.loc[other, "features"] = pd.Series(
        list(rng.exponential(3.0, (int(other.sum()), width)).astype(np.float32)), index=features.index[other]
    )
    features[~features[ID].isin(reports.loc[gone, ID])].to_parquet(target / "features.parquet")
    prices = pd.read_parquet(universe / "prices.parquet")
    days = pd.to_datetime(prices["date"]).dt.year > LAST
    prices.loc[days, "adj_close"] *= np.exp(rng.normal(0, 0.4, int(days.sum())))
    ends = prices["ticker"].isin(prices["ticker"].unique()[:6])  # and six companies are gone
    prices[~(days & ends)].to_parquet(target / "prices.parquet")


@pytest.fixture(scope="module")
def corrupted(tmp_path_factory: pytest.TempPathFactory, tiny_universe: Path) -> Local:
    def make(folder: Path) -> None:
        corrupt(tiny_universe, folder / "universe")
        Local(folder).run(HONEST)

    return Local(once(tmp_path_factory, "corrupted", make))


def by_year(asset: str) -> Callable[[Run], pd.DataFrame]:
    def read(run: Run) -> pd.DataFrame:
        table = run.read(asset)
        return table[table["year"] <= LAST]

    return read


def of_honest_methods(asset: str) -> Callable[[Run], pd.DataFrame]:
    def read(run: Run) -> pd.DataFrame:
        table = by_year(asset)(run)
        return table[~table["method"].map(knows_later_years)]

    return read


def peers(run: Run) -> pd.DataFrame:
    table = by_year("peer_statistics")(run)
    return table[~table["in_sample"]]


def traded(asset: str) -> Callable[[Run], pd.DataFrame]:
    def read(run: Run) -> pd.DataFrame:
        table = run.read(asset)
        known = table["method"].map(knows_later_years)
        chosen = table[(table["variant"] == "honest") & ~known]
        return chosen[chosen["date"] <= date(LAST, 12, 31)] if "date" in chosen else chosen

    return read


TABLES = {
    **{name: by_year(name) for name in WALKED},
    "mean_correlation": of_honest_methods("mean_correlation"),
    "peer_statistics": peers,
    "supervised_latents": lambda run: run.read("supervised_latents"),
    "cointegrated_pairs": traded("cointegrated_pairs"),
    "pairs_daily": traded("pairs_daily"),
}


@pytest.mark.parametrize("asset", TABLES)
def test_honest_results_up_to_a_year_do_not_know_what_follows(rebuilt: Rebuilt, corrupted: Local, asset: str) -> None:
    before, after = (TABLES[asset](run).reset_index(drop=True) for run in (rebuilt, corrupted))
    assert len(before) > 0
    pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_the_methods_that_are_judged_honest_are_there(rebuilt: Rebuilt) -> None:
    methods = set(TABLES["mean_correlation"](rebuilt)["method"])
    assert methods == {"walk_forward", "sic_code", "sic_division", "population"}
    assert {"walk_forward", "supervised", "supervised_length_controlled", "sic2"} == set(peers(rebuilt)["method"])
    daily = TABLES["pairs_daily"](rebuilt)
    assert daily["date"].max().year == LAST
    assert daily["daily_return"].ne(0).any()


def test_the_corruption_would_be_seen(rebuilt: Rebuilt, corrupted: Local) -> None:
    """What knows all years does change, and so does what is honest after the year."""

    def changed(read: Callable[[Run], pd.DataFrame]) -> bool:
        before, after = (read(run).reset_index(drop=True) for run in (rebuilt, corrupted))
        return not before.equals(after)

    assert changed(by_year("pca_scores"))
    assert changed(lambda run: run.read("walk_forward_clusters"))
    assert changed(lambda run: run.read("pairs_daily"))
    known = by_year("peer_statistics")
    assert changed(lambda run: known(run)[known(run)["method"] == "pca"])
