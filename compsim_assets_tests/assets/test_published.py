"""What the authors published: pairs replayed at their cutoffs, and figures beside ours."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.evidence.published_figures import published_figures, published_thetas
from compsim_assets_tests.published_code import mean_correlation
from compsim_assets_tests.runs import MODES, Local, Rebuilt
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
