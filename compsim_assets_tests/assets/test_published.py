"""What the authors published: pairs replayed at their cutoffs, strong features, cointegrated pairs, figures."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.evidence.published_figures import published_figures, published_thetas
from compsim_assets_tests.published_code import mean_correlation
from compsim_assets_tests.runs import MODES, Local, Rebuilt, tiny_sample
from compsim_assets_tests.universe.published.pickles.write import strong_features
from compsim_assets_tests.universes import write_reports
from compsim_assets_tests.whole.pair_universes import (
    SETS,
    YEARS,
    Remembered,
    as_table,
    cut_as_published,
    invented_pairs,
    publish_clusters,
    write_pairs,
)


def changed(replayed: Remembered, folder: Path, sets: dict[str, pd.DataFrame]) -> Local:
    """The same pairs with other published clusters; replayed again."""
    run = Local(replayed.copy(folder).folder)
    write_pairs(folder / "universe", invented_pairs())
    for name, table in sets.items():
        publish_clusters(folder / "universe", name, table)
    run.run(["baseline_clusters", "published_replay"])
    return run


@pytest.mark.parametrize("mode", MODES)
def test_the_published_cutoffs_give_the_published_clusters(replayed: Remembered, mode: str) -> None:
    found = replayed.read("published_replay").set_index("set").loc[SETS[mode]]
    thetas = published_thetas(list(YEARS))[mode]
    assert dict(zip(found["year"], found["theta"], strict=True)) == thetas
    assert found["identical"].all()
    counts = ["n_ours", "n_theirs", "n_same"]
    for row, clusters in zip(found.to_dict("records"), cut_as_published(mode).values(), strict=True):
        expected = sum(len(members) >= 2 for members in clusters)
        assert [row[name] for name in counts] == [expected] * 3
        assert row["n_reports"] == sum(map(len, clusters))
        assert (row["only_ours"], row["only_theirs"]) == (0, 0)
    assert found["n_ours"].sum() > len(YEARS)
    said = replayed.metadata("published_replay")
    assert said[f"{SETS[mode]}: years identical"] == f"{len(YEARS)} of {len(YEARS)}"


def test_a_report_that_moved_is_found_in_its_year(replayed: Remembered, tmp_path: Path) -> None:
    table = as_table(cut_as_published("base"))
    of_2004 = table[table["year"] == 2004]
    sizes = of_2004.groupby("cluster_id").size()
    pair, alone = sizes[sizes >= 2].index[0], sizes[sizes == 1].index[0]
    moved = of_2004.index[of_2004["cluster_id"] == pair][0]
    table.loc[moved, "cluster_id"] = alone
    run = changed(replayed, tmp_path, {"GCD": table})
    found = run.read("published_replay").set_index("year")
    assert found.index[~found["identical"]].tolist() == [2004]
    n_ours = int((sizes >= 2).sum())
    row = found.loc[2004]
    assert (row["n_ours"], row["n_same"], row["n_reports"]) == (n_ours, n_ours - 1, len(of_2004))
    # The one that it joined is a cluster now; the one that it left is still one if there were three.
    assert row["n_theirs"] == n_ours + 1 - (sizes[pair] == 2)
    said = run.metadata("published_replay")
    assert said["GCD: years identical"] == f"{len(YEARS) - 1} of {len(YEARS)}"
    assert not any(name.startswith("GCDR") for name in said)


def test_reports_that_one_side_lacks_are_counted(replayed: Remembered, tmp_path: Path) -> None:
    table = as_table(cut_as_published("base"))
    silent = replayed.read("descriptions").query("year == 2003")
    clustered = set(table["report_id"])
    extra = [report for report in silent["report_id"] if report not in clustered]
    assert len(extra) == 2
    added = pd.DataFrame({"year": 2003, "cluster_id": ["x", "y"], "report_id": extra})
    gone = table.index[table["year"] == 2005][:3]
    run = changed(replayed, tmp_path, {"GCD": pd.concat([table.drop(gone), added])})
    found = run.read("published_replay").set_index("year")
    assert found["only_theirs"].to_dict() == {year: 2 * (year == 2003) for year in YEARS}
    assert found["only_ours"].to_dict() == {year: 3 * (year == 2005) for year in YEARS}
    assert found.index[~found["identical"]].tolist() == [2003, 2005]


def test_a_published_year_without_pairs_is_not_identical(tmp_path: Path) -> None:
    made = tmp_path / "universe"
    write_reports(made, year=[2015, 2016, 2015, 2016])
    write_pairs(made, [(100, 114, 2015, 0.5, 0.5)])
    table = pd.DataFrame(
        {"year": [2015, 2015, 2016, 2016], "cluster_id": list("abcc"), "report_id": [100, 114, 107, 121]}
    )
    publish_clusters(made, "GCD", table)
    run = Local(tmp_path)
    run.run(["descriptions", "published_pairs", "baseline_clusters", "published_replay"])
    found = run.read("published_replay").set_index("year")
    # One pair has no deviation: its distance is 0 standardised, above the cutoff.
    assert found["identical"].to_dict() == {2015: True, 2016: False}
    row = found.loc[2016]
    assert (row["n_reports"], row["only_theirs"], row["n_theirs"]) == (0, 2, 0)
    assert run.metadata("published_replay")["GCD: years identical"] == "1 of 2"


def test_nothing_to_replay_says_why(replayed: Remembered, rebuilt: Rebuilt, tmp_path: Path) -> None:
    assert rebuilt.read("published_replay").empty
    assert rebuilt.metadata("published_replay")["note"] == "the universe has no pairs"
    assert rebuilt.read("published_pairs").empty
    assert rebuilt.metadata("published_pairs")["note"] == "the universe has no pairs"
    run = changed(replayed, tmp_path, {})
    assert run.read("published_replay").empty
    said = "the universe has no published_clusters of GCD or GCDR in a year with a published cutoff"
    assert run.metadata("published_replay")["note"] == said


@pytest.mark.parametrize("mode", MODES)
def test_published_clusters_are_measured_on_published_pairs(replayed: Remembered, mode: str) -> None:
    table = replayed.read("mean_correlation").set_index("method").loc[SETS[mode]]
    clusters = cut_as_published(mode)
    expected = [mean_correlation(clusters[year], invented_pairs(), year) for year in YEARS]
    found = table.set_index("year")["mean_correlation"]
    np.testing.assert_allclose(found.loc[list(YEARS)], expected, atol=1e-12)
    figures = replayed.read("published_vs_ours").set_index("figure")
    for name in ("MeanCorr", "MeanCorr 2001-2020"):
        row = figures.loc[f"{name}, {SETS[mode]} ({mode})"]
        assert row["replayed"] == pytest.approx(np.nanmean(expected), abs=1e-12)
        difference = np.nanmean(expected) - row["published"]
        assert row["replay_difference"] == pytest.approx(difference, abs=1e-12)


def test_figures_of_pairs_are_those_of_the_tables(replayed: Remembered) -> None:
    figures = replayed.read("published_vs_ours").set_index("figure")
    clusters = [m for sets in cut_as_published("base").values() for m in sets if len(m) >= 2]
    counted = figures.loc["Clusters of two or more, GCD (base)"]
    assert counted["replayed"] == len(clusters)
    assert figures.loc["Largest cluster, GCD (base)", "replayed"] == max(map(len, clusters))
    pairs = invented_pairs()
    assert figures.loc["Pairs", "ours"] == len(pairs)
    known = sum(not np.isnan(row[4]) for row in pairs)
    assert figures.loc["Pairs with a correlation", "ours"] == known < len(pairs)
    rolling = replayed.read("cutoffs", "rolling").set_index("year")["theta"]
    for year in YEARS:
        row = figures.loc[f"Cutoff theta, rolling {year}"]
        if year in rolling.index:
            assert row["ours"] == rolling[year]
        else:
            assert row["note"] == f"not computable here: no rolling cutoff in {year}"


def assert_rows_are_whole(run: Local | Rebuilt) -> pd.DataFrame:
    table, figures = run.read("published_vs_ours"), published_figures()
    assert table["figure"].tolist() == figures["figure"].tolist()
    assert table["published"].tolist() == figures["published"].tolist()
    missing = table["ours"].isna()
    assert (table["note"].str.startswith("not computable here: ") == missing).all()
    assert (table.loc[~missing, "note"] == "").all()
    for name, value in (("difference", "ours"), ("replay_difference", "replayed")):
        expected = table[value] - table["published"]
        np.testing.assert_allclose(table[name], expected, atol=1e-12)
        assert table[name].isna().equals(table[value].isna())
    assert table["universe"].nunique() == 1
    return table.set_index("figure")


def test_every_figure_is_a_row_on_pairs(replayed: Remembered) -> None:
    table = assert_rows_are_whole(replayed)
    reports = len(replayed.read("descriptions"))
    assert set(table["universe"]) == {f"local: {reports} reports, 2001-2008"}
    # No SIC codes, no features, no scores.
    for figure in ("MeanCorr, SIC", "GCD minus SIC, MeanCorr", "Feature values that are 0",
                   "Mean interpretability of scored latents",
                   "Median proportion of strong features, base"):  # fmt: skip
        assert np.isnan(table.loc[figure, "ours"])


def test_every_figure_is_a_row_on_the_sample(rebuilt: Rebuilt) -> None:
    table = assert_rows_are_whole(rebuilt)
    reports, means = rebuilt.read("descriptions"), rebuilt.read("mean_correlation")
    assert set(table["universe"]) == {f"synthetic sample: {len(reports)} reports, 2012-2019"}
    assert table["replayed"].isna().all()
    ours, by_method = table["ours"], means.groupby("method")["mean_correlation"].mean()
    assert ours["MeanCorr, GCD (base)"] == pytest.approx(by_method["base"])
    assert ours["MeanCorr, GCDR (rolling)"] == pytest.approx(by_method["rolling"])
    assert ours["MeanCorr, industry"] == pytest.approx(by_method["sic_division"])
    assert ours["Reports"] == len(reports)
    for mode, share in (("base", 30), ("rolling", 24)):
        curve = rebuilt.read("interpretability_curve", mode).set_index("min_share")
        expected = curve.loc[share, "mean_interpretability"]
        found = ours[f"Interpretability at {share} % of clusters, {mode}"]
        assert found == pytest.approx(expected, nan_ok=True)
        proportion = rebuilt.read("strong_feature_proportion", mode)["proportion"].median()
        assert ours[f"Median proportion of strong features, {mode}"] == pytest.approx(proportion)
    scores = rebuilt.read("fuzz_scores")["interpretability"]
    assert ours["Mean interpretability of scored latents"] == pytest.approx(scores.mean())
    values = rebuilt.read("feature_distribution")
    assert ours["Feature values that are 0"] == values["share"].iloc[0] > 0
    assert ours["Feature values above 7.5"] == values["share"].iloc[-1]
    notes = table["note"]
    sizes = reports.groupby("year").size()
    assert ours["Pairs"] == (sizes * (sizes - 1) // 2).sum()
    population = means[means["method"] == "population"]
    assert ours["Pairs with a correlation"] == population["n_pairs"].sum() > 0
    shown = rebuilt.metadata("published_vs_ours")["report"]
    assert all(f"| {figure}" in shown for figure in table.index)
    assert notes["Cutoff theta, rolling 2001"].endswith("no rolling cutoff in 2001")
    assert "its encoder is not public" in notes["MeanCorr, PaLM-gecko"]


# -- Files as published ------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Local:
    """Four reports (100, 107, 114, 121), tickers T0 to T3."""
    made = Local(tmp_path)
    write_reports(tmp_path / "universe")
    made.run(["descriptions"])
    return made


def test_published_strong_features_are_a_table(run: Local) -> None:
    folder = run.folder / "universe" / "published_strong_features"
    folder.mkdir()
    for name in MODES:
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(strong_features()))
    run.run(["published_strong_features"])
    found = run.read("published_strong_features")
    assert found.columns.tolist() == ["set", "members", "n_members", "latent", "mae", "strong"]
    assert found["set"].tolist() == ["base"] * 6 + ["rolling"] * 6
    assert found[found["strong"]][["set", "members", "latent"]].to_numpy().tolist() == [
        ["base", "9,10", 4],
        ["base", "11,12,100", 4],
        ["base", "11,12,100", 131071],
        ["rolling", "9,10", 4],
        ["rolling", "11,12,100", 4],
        ["rolling", "11,12,100", 131071],
    ]
    said = run.metadata("published_strong_features")
    assert (said["base: clusters"], said["rolling: clusters"]) == (2, 2)


HEADER = "Company1,Company2,ClusterID,Correlation,ADFStat,p-value"


def cointegrated(run: Local, **files: list[str]) -> pd.DataFrame:
    folder = run.folder / "universe" / "cointegrated_pairs"
    folder.mkdir()
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    run.run(["published_cointegrated_pairs"])
    return run.read("published_cointegrated_pairs")


def test_cointegrated_pairs_have_the_tickers_of_the_reports(run: Local) -> None:
    lines = ["100,114,67_2015,0.99,-4.5,0.001", "121,999,Oil_Gas_2016,0.96,-inf,0.0"]
    found = cointegrated(run, cointegrated_pairs_GCD=lines, SBERT=lines[:1])
    assert found.astype(object).where(found.notna(), None).to_numpy().tolist() == [
        ["SBERT", "67", 2015, 100, 114, "T0", "T2", 0.99, -4.5, 0.001],
        ["GCD", "67", 2015, 100, 114, "T0", "T2", 0.99, -4.5, 0.001],
        ["GCD", "Oil_Gas", 2016, 121, 999, "T3", None, 0.96, -np.inf, 0.0],
    ]
    said = run.metadata("published_cointegrated_pairs")
    assert (said["GCD: pairs"], said["SBERT: pairs"]) == (2, 1)


def test_the_published_map_of_tickers_comes_first(run: Local) -> None:
    entries = {
        "100": {"cik": "7", "ticker": ["OMI", "OMI-W"]},
        "999": {"cik": None, "ticker": ["IBM"]},
        "114": {"cik": "8", "ticker": []},
    }
    path = run.folder / "universe" / "index_cik_ticker_map.json"
    path.write_text(json.dumps(entries))
    found = cointegrated(run, GCD=["100,999,1_2015,0.99,-4.5,0.001", "114,121,1_2015,0.99,-4.5,0.001"])
    ends = found[["ticker_a", "ticker_b"]]
    assert ends.astype(object).where(ends.notna(), None).to_numpy().tolist() == [["OMI", "IBM"], [None, None]]


def test_pairs_of_no_method_are_an_empty_table_with_its_types(run: Local) -> None:
    run.run(["published_cointegrated_pairs", "published_strong_features"])
    assert run.read("published_cointegrated_pairs")["report_a"].dtype == np.int64
    assert run.read("published_strong_features")["strong"].dtype == bool


def test_strong_features_as_published_are_replayed_beside_ours(rebuilt: Rebuilt, tmp_path: Path) -> None:
    made = rebuilt.copy(tmp_path)
    folder = made.universe.resolve() / "published_strong_features"
    folder.mkdir()
    scored = rebuilt.read("fuzz_scores").dropna(subset="interpretability")
    first, second = scored["latent"].iloc[0], scored["latent"].iloc[1]

    def cluster(strong: list[int]) -> dict:
        frame = pd.DataFrame({"mae": [0.5, 0.25]}, index=[first, second])
        weak = [latent for latent in (first, second) if latent not in strong]
        return {"strong_features": strong, "weak_features": weak, "mae_by_feature": frame}

    sets = {"1,2": cluster([first]), "3,4": cluster([first, second]), "5,6": cluster([first])}
    (folder / "base.pkl").write_bytes(pickle.dumps(sets))
    with tiny_sample():
        made.run(["published_strong_features", "published_vs_ours"])
    table = made.read("published_vs_ours").set_index("figure")
    interpretability = scored.set_index("latent")["interpretability"]
    found = table.loc["Interpretability at 30 % of clusters, base", "replayed"]
    assert found == pytest.approx(interpretability[[first, second]].mean())
    # One, two and one strong of the published thousand.
    assert table.loc["Median proportion of strong features, base", "replayed"] == 0.001
    assert np.isnan(table.loc["Median proportion of strong features, rolling", "replayed"])
