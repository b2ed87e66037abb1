"""MeanCorr of every method and the tables that compare them, against every pair listed."""

import math

import pandas as pd
import pytest

from compsim_assets.evidence.published_figures import published_by_method
from compsim_assets_tests.assets import brute_force
from compsim_assets_tests.assets.brute_force import Year
from compsim_assets_tests.runs import MODES, Rebuilt

MAIN = ["base", "rolling", "walk_forward", "sic_code", "population"]
# What the sample's features are held against: they come ready-made, so nothing of a language model.
CONTROLS = sorted(f"{name}_{mode}" for name in ("shuffled_features", "tfidf", "tfidf_cosine") for mode in MODES)
METHODS = ["base", "rolling", "walk_forward", "sic_code", "sic_division", *CONTROLS, "population"]
# Need five years before.
LATE = ("rolling", "walk_forward", *(name for name in CONTROLS if name.endswith("_rolling")))


@pytest.fixture(scope="module")
def years(rebuilt: Rebuilt) -> list[Year]:
    return brute_force.years_of(rebuilt)


def groups_of(rebuilt: Rebuilt, method: str) -> pd.Series:
    """Group of each report by its id, from the results or from the universe's own reports."""
    if method in MODES:
        return rebuilt.read("clusters", method).set_index("report_id")["cluster_id"]
    if method == "walk_forward":
        return rebuilt.read("walk_forward_clusters").set_index("report_id")["cluster_id"]
    if method in CONTROLS:
        clusters = rebuilt.read("control_clusters").query("method == @method and seed == 1")
        return clusters.set_index("report_id")["cluster_id"]
    reports = pd.read_parquet(rebuilt.universe / "reports.parquet")
    code = reports.set_index("__index_level_0__")["sic_code"]
    if method == "population":
        return pd.Series("all", index=code.index)
    code = code.astype(object).where(code.notna(), None)
    return code if method == "sic_code" else code.map(division, na_action="ignore")


def division(code: str) -> str:
    """The standard's division, by the first two digits."""
    group = int(code[:2])
    for name, last in {"A": 9, "B": 14, "C": 17, "D": 39, "E": 49, "F": 51, "G": 59, "H": 67}.items():
        if group <= last:
            return name
    return "I" if group <= 89 else "J"


@pytest.mark.parametrize("method", METHODS)
def test_mean_correlation_by_year(rebuilt: Rebuilt, years: list[Year], method: str) -> None:
    table = rebuilt.read("mean_correlation")
    rows = table[table["method"] == method].set_index("year")
    groups = groups_of(rebuilt, method)
    covered = years[5:] if method in LATE else years
    assert rows.index.tolist() == [year.year for year in covered]
    for year in covered:
        wanted = year.quality(groups.loc[year.ids].to_numpy())
        for name, value in wanted.items():
            assert rows.loc[year.year, name] == pytest.approx(value, abs=1e-9, nan_ok=True), name


def test_methods_are_ours_the_baselines_and_the_population(rebuilt: Rebuilt) -> None:
    assert rebuilt.read("mean_correlation")["method"].unique().tolist() == METHODS
    table = rebuilt.read("table_1")
    for block in ("as_published", "honest"):
        assert table.loc[table["block"] == block, "method"].tolist() == METHODS


def test_table_1_as_published_is_of_each_methods_own_years(rebuilt: Rebuilt) -> None:
    by_year, backtest = rebuilt.read("mean_correlation"), rebuilt.read("pairs_backtest")
    traded = backtest[backtest["variant"] == "as_published"].set_index("method")["sharpe"]
    table = rebuilt.read("table_1")
    published = published_by_method()
    for row in table[table["block"] == "as_published"].to_dict("records"):
        method = str(row["method"])
        own = by_year[by_year["method"] == method]
        assert row["n_years"] == own["mean_correlation"].notna().sum()
        assert row["mean_correlation"] == pytest.approx(own["mean_correlation"].mean(), nan_ok=True)
        assert row["sharpe"] == pytest.approx(traded.get(method, math.nan), nan_ok=True)
        wanted = published["mean_correlation"].get(method, math.nan)
        assert row["published"] == pytest.approx(wanted, nan_ok=True)
        wanted = published["sharpe"].get(method, math.nan)
        assert row["published_sharpe"] == pytest.approx(wanted, nan_ok=True)
        assert math.isnan(row["low"])


def test_table_1_honest_is_of_common_years_with_intervals(rebuilt: Rebuilt) -> None:
    by_year, robust = rebuilt.read("mean_correlation"), rebuilt.read("robustness")
    main = by_year[by_year["method"].isin(MAIN)]
    value = main.pivot(index="year", columns="method", values="mean_correlation")
    common = value.dropna().index
    assert 0 < len(common) < by_year["year"].nunique()
    population = by_year[(by_year["method"] == "population") & by_year["year"].isin(common)]
    ends = robust[robust["versus"] == ""].set_index(["statistic", "method", "level"])
    table = rebuilt.read("table_1")
    for row in table[table["block"] == "honest"].to_dict("records"):
        own = by_year[by_year["method"] == row["method"]]
        same = own[own["year"].isin(common)]
        pairs = same["pair_weighted"] @ same["n_pairs"] / same["n_pairs"].sum()
        assert row["mean_correlation"] == pytest.approx(same["mean_correlation"].mean(), nan_ok=True)
        assert row["pair_weighted"] == pytest.approx(pairs, nan_ok=True)
        coverage = same["n_reports"].sum() / population["n_reports"].sum()
        assert row["coverage"] == pytest.approx(coverage)
        assert row["n_clusters"] == same["n_clusters"].sum()
        assert row["largest_cluster"] == same["largest_cluster"].max()
        for statistic, low, high in (("mean_correlation", "low", "high"), ("pair_weighted", "pair_low", "pair_high")):
            interval = ends.loc[(statistic, row["method"], "")]
            ends_there = row[low], row[high]
            assert ends_there == pytest.approx((interval["low"], interval["high"]), nan_ok=True)
            # The bootstrap's own value is the table's: the same years, clusters and returns.
            assert interval["value"] == pytest.approx(row[statistic], nan_ok=True)
            # A method with a cluster or two has no interval: most resamples lose them.
            assert row[low] < row[statistic] < row[high] or (math.isnan(row[low]) and row["n_clusters"] < 8)
    assert table.loc[table["block"] == "honest", "low"].notna().sum() >= 4
    said = rebuilt.metadata("table_1")
    assert said["common_years"] == f"{common[0]} to {common[-1]} ({len(common)})"
    assert said["main_methods"] == "base, rolling, walk_forward, sic_code, population"


def test_table_2_is_a_row_a_mode(rebuilt: Rebuilt) -> None:
    table = rebuilt.read("table_2")
    assert table["mode"].tolist() == MODES
    for row in table.to_dict("records"):
        mode = str(row["mode"])
        summary, curve = (rebuilt.read(name, mode) for name in ("cluster_feature_summary", "interpretability_curve"))
        sizes = rebuilt.read("clusters", mode).groupby(["year", "cluster_id"]).size()
        left = curve.dropna(subset="mean_interpretability")
        assert row["n_clusters"] == row["n_clusters_studied"] == (sizes >= 2).sum()
        assert row["n_latents_scored"] == curve["n_latents"].max()
        assert row["mean_interpretability"] == left["mean_interpretability"].iloc[0]
        assert row["top_interpretability"] == left["mean_interpretability"].iloc[-1]
        assert row["top_min_share"] == left["min_share"].iloc[-1]
        proportion = (summary["n_strong"] / summary["n_candidates"]).median()
        assert row["median_proportion_strong"] == pytest.approx(proportion)


def test_baselines_are_the_codes_of_the_reports(rebuilt: Rebuilt) -> None:
    baselines = rebuilt.read("baseline_clusters")
    for method in ("sic_code", "sic_division"):
        rows = baselines[baselines["method"] == method].set_index("report_id")
        given = groups_of(rebuilt, method).dropna()
        assert sorted(rows.index) == sorted(given.index)
        ours = brute_force.partition(rows.index.to_numpy(), rows["cluster_id"])
        assert ours == brute_force.partition(given.index.to_numpy(), given)
        assert len(ours) > 1
