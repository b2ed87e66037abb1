"""Universes as their owners have them: newest years without returns, several reports of a company, new features."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.layout import ID, RETURNS
from compsim_assets_tests.runs import CHECKED, MODES, OTHER_METHODS, Local, execute, platform

CORE = [
    "descriptions", "returns", "price_history", "published_pairs", "sae_features", "pca", "pca_scores",
    "clustered_reports", "dendrograms", "cutoff_curve", "distance_scale", "peers", "fuzz_scores",
    "feature_distribution", "supervised_latents", "published_strong_features", *OTHER_METHODS,
]  # fmt: skip
MODE = ["cutoffs", "clusters"]
COMPARED = [
    "mean_correlation", "peer_statistics", "fundamentals_explained", "cointegrated_pairs", "pairs_backtest",
    "pairs_daily",
    "control_statistics", "robustness", "control_findings", "table_1", "table_2", "findings",
]  # fmt: skip
YEARS = list(range(2009, 2017))
FILES = "reports", "features"


def reports_and_features(n: int = 12, lines: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Companies of three businesses, whose features are alike and whose stocks move together."""
    rng = np.random.default_rng(0)
    centre = rng.exponential(1.0, (lines, 24))
    keys = [(year, company) for year in YEARS for company in range(n)]
    factor = rng.normal(0, 0.05, (len(YEARS), lines, 12))
    reports = pd.DataFrame(
        {
            ID: range(len(keys)),
            "cik": [str(1000 + company) for _, company in keys],
            "company_name": [f"Company {company}" for _, company in keys],
            "year": [year for year, _ in keys],
            "ticker": [f"T{company}" for _, company in keys],
            "sic_code": [str(2000 + company % 4) for _, company in keys],
            "section_1": [f"Company {company} in {year}" for year, company in keys],
            RETURNS: [
                (factor[year - YEARS[0], company % lines] + rng.normal(0, 0.03, 12)).tolist() for year, company in keys
            ],
        }
    )
    features = [centre[company % lines] + 0.1 * rng.exponential(1.0, 24) for _, company in keys]
    for row, (_, company) in enumerate(keys):
        if company == lines:  # as alike to the first one in every year as two can be
            features[row] = features[row - lines] + 1e-4 * rng.exponential(1.0, 24)
    return reports, pd.DataFrame({ID: reports[ID], "features": [row.tolist() for row in features]})


def write(folder: Path, reports: pd.DataFrame, features: pd.DataFrame) -> Local:
    run = Local(folder)
    (folder / "universe").mkdir(parents=True, exist_ok=True)
    for name, table in zip(FILES, (reports, features), strict=True):
        table.to_parquet(folder / "universe" / f"{name}.parquet", index=False)
    return run


def failed_checks(run: Local, assets: list[str], mode: str = "base") -> set[str]:
    """Materialize assets; names of the checks that do not pass."""
    result = execute(platform(run.settings), assets, mode, run.history)
    assert result.success
    outcomes = [event.asset_check_evaluation_data for event in result.all_events if event.event_type == CHECKED]
    return {outcome.check_name for outcome in outcomes if not outcome.passed}


def without_returns(reports: pd.DataFrame, years: list[int]) -> pd.DataFrame:
    monthly = [
        [np.nan] * 12 if year in years else row for row, year in zip(reports[RETURNS], reports["year"], strict=True)
    ]
    return reports.assign(**{RETURNS: monthly})


def test_newest_years_without_returns_are_clustered_and_choose_nothing(tmp_path: Path) -> None:
    reports, features = reports_and_features()
    run = write(tmp_path, without_returns(reports, [2015, 2016]), features)
    failed = failed_checks(run, CORE)
    for mode in MODES:
        failed |= failed_checks(run, MODE, mode)
        assert run.metadata("cutoffs", mode)["years_without_returns"] == "2015, 2016"
    assert not failed
    base, rolling = (run.read("cutoffs", mode) for mode in MODES)
    assert base["year"].tolist() == YEARS
    assert base["theta"].nunique() == 1
    assert base["theta"].iloc[0] > -4
    assert rolling["year"].tolist() == run.read("walk_forward_cutoffs")["year"].tolist() == [2014, 2015, 2016]
    # The last window is the same for both years without returns, and so is the cutoff that it chooses.
    assert rolling["theta"].iloc[1] == rolling["theta"].iloc[2]
    sizes = run.read("clusters", "base").groupby(["year", "cluster_id"]).size()
    assert {2015, 2016} <= set(sizes[sizes >= 2].index.get_level_values("year"))
    run.run(["objective_by_theta"])


def test_without_any_returns_nothing_is_cut_and_everything_says_so(tmp_path: Path) -> None:
    reports, features = reports_and_features()
    run = write(tmp_path, without_returns(reports, YEARS), features)
    failed = failed_checks(run, CORE)
    rest = [*MODE, "cluster_features", "cluster_feature_summary", "interpretability_curve", "strong_feature_proportion"]
    for mode in MODES:
        failed |= failed_checks(run, rest, mode)
        assert run.read("cutoffs", mode).empty
        assert run.read("clusters", mode).empty
        assert run.metadata("cutoffs", mode)["note"] == f"no year has two companies with returns: no {mode} cutoff"
    figures = ["objective_by_theta", "mean_correlation_by_theta", "theta_by_year", "mean_correlation_by_year"]
    failed |= failed_checks(run, [*COMPARED, "published_vs_ours", *figures, "methods_forest"])
    assert not failed
    assert (run.read("peers")["scope"] == "all").sum() == len(reports) * 11
    findings = run.read("findings")
    assert findings["verdict"].eq("not testable here").all()
    assert findings["why"].str.len().gt(0).all()
    of_clusters = findings[findings["table"] == "table_1"]
    assert of_clusters["why"].str.contains("no year has two companies with returns|no embeddings").all()


def test_reports_of_one_company_are_no_pair_and_the_published_block_counts_them(tmp_path: Path) -> None:
    """A 10-K and its 10-K/A: the same returns, nearly the same text."""
    reports, features = reports_and_features()
    again = reports.sample(frac=0.4, random_state=1)
    amended = features[features[ID].isin(again[ID])]
    run = write(
        tmp_path,
        pd.concat([reports, again.assign(**{ID: again[ID] + 1000})], ignore_index=True),
        pd.concat([features, amended.assign(**{ID: amended[ID] + 1000})], ignore_index=True),
    )
    (run.folder / "universe" / "universe.toml").write_text('[reports]\nseveral = "all"\n')
    assert failed_checks(run, CORE) == {"report_ids_are_unique"}
    for mode in MODES:
        assert not failed_checks(run, MODE, mode)
    assert not failed_checks(run, COMPARED)
    returns = run.read("returns").set_index("report_id")["returns"]
    owner = run.read("descriptions").set_index("report_id")["cik"]
    table = run.read("mean_correlation").set_index(["method", "year"])
    for method, clusters in (
        ("base", run.read("clusters", "base")),
        ("population", run.read("descriptions").assign(cluster_id=1)),
    ):
        for year, of_year in clusters.groupby("year"):
            means, every = [], []
            for _, members in of_year.groupby("cluster_id"):
                ids = members["report_id"].tolist()
                rhos = [
                    np.corrcoef(returns[a], returns[b])[0, 1]
                    for i, a in enumerate(ids)
                    for b in ids[i + 1 :]
                    if owner[a] != owner[b]
                ]
                means += [np.mean(rhos)] if rhos else []
                every += rhos
            row = table.loc[(method, year)]
            assert (row["mean_correlation"], row["pair_weighted"]) == pytest.approx((np.mean(means), np.mean(every)))
            assert row["n_pairs"] == len(every)
    peers = run.read("peers")
    assert (peers["report_id"].map(owner) != peers["peer_report_id"].map(owner)).all()
    blocks = run.read("table_1").set_index(["block", "method"])
    published, honest = (blocks.loc[(block, "base")] for block in ("as_published", "honest"))
    assert "of a company with itself" in published["notes"]
    assert "with itself" not in honest["notes"]
    n_own = int(published["notes"].split("pairs, ")[1].split(" ")[0])
    clusters = run.read("clusters", "base").assign(company=lambda t: t["report_id"].map(owner))
    assert n_own == clusters.duplicated(["year", "cluster_id", "company"]).sum()
