"""Universes of published pairs: the same clusters as from features, and as the published code makes them."""

import json
import shutil
import subprocess
import sys
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets_tests.assets.pair_universes import (
    YEARS,
    ByPairs,
    Kept,
    WithReturns,
    all_pairs,
    invented_pairs,
    publish_clusters,
    write_pairs,
)
from compsim_assets_tests.published_code import PairRow, clusters_at, mean_correlation, partition, standardised
from compsim_assets_tests.runs import MODES, OTHER_METHODS, Local, platform, run_worker

SCORED = ["descriptions", "returns", "published_pairs", "sae_features", "pca", "pca_scores"]
CUT = ["clustered_reports", "cutoff_curve", "distance_scale", "cutoffs", "clusters"]
COMPARED = [*OTHER_METHODS, "mean_correlation"]
EMPTY = {
    "pca_scores": ("note", "there are no features: no PCA is made"),
    "sae_features": ("note", "companies are compared by the universe's pairs: features are not read"),
    "published_strong_features": ("note", "the universe has no published_strong_features/"),
    "published_cointegrated_pairs": ("note", "the universe has no cointegrated_pairs/"),
    "price_history": ("note", "the universe has no prices.parquet"),
    "fuzz_scores": ("mean_interpretability", "no scores"),
}  # fmt: skip
EMPTY_BY_MODE = {
    "cluster_features": ("candidates", "there are no features: none is searched for"),
    "cluster_feature_summary": ("candidates", "there are no features: none is searched for"),
}


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory, tiny_universe: Path) -> Local:
    """Results from features, of reports whose pairs all have a correlation; read only.

    Reports whose returns are constant or missing cluster by features, and are in no pair with a correlation.
    """
    run = Local(tmp_path_factory.mktemp("by-features"))
    made = run.folder / "universe"
    made.mkdir()
    shutil.copy(tiny_universe / "features.parquet", made)
    reports = pq.read_table(tiny_universe / "reports.parquet")
    months = [np.ravel(months) for months in reports["logged_monthly_returns_matrix"].to_pylist()]
    defined = normalise_returns(np.stack(months).astype(float))[1]
    pq.write_table(reports.filter(pa.array(defined)), made / "reports.parquet")
    run.run([*SCORED, "nearest_peers", *CUT, "fuzz_scores"])
    run.run(["cutoffs", "clusters"], "rolling")
    run.run(COMPARED)
    return run


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, features: Local) -> Kept:
    """The same reports with all their pairs instead of features; everything is materialized; read only."""
    run = Kept(tmp_path_factory.mktemp("by-pairs"))
    made = run.folder / "universe"
    made.mkdir()
    shutil.copy(features.folder / "universe" / "reports.parquet", made)
    write_pairs(made, all_pairs(features))
    for mode, name in zip(MODES, ("GCD", "GCDR"), strict=True):
        publish_clusters(made, name, features.read("clusters", mode))
    run.rebuild_all()
    return run


def test_every_asset_materializes_from_pairs(pairs: Kept) -> None:
    graph = platform(pairs.settings).resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        name = key.to_user_string()
        # There is no PCA of no features.
        for mode in (MODES if graph.get(key).partitions_def else [None]) if name != "pca" else []:
            assert pairs.metadata(name, mode)["data"] == "local"
    assert not pairs.results.array_folder("pca").exists()


@pytest.mark.parametrize("asset", [name for name in EMPTY if name != "sae_features"])
def test_an_empty_table_says_why(pairs: Kept, asset: str) -> None:
    assert pairs.read(asset).empty
    name, value = EMPTY[asset]
    assert pairs.metadata(asset)[name] == value


def test_empty_features_say_why(pairs: Kept) -> None:
    said = pairs.metadata("sae_features")
    assert (said["dagster/row_count"], said["latents"], said["origin"]) == (0, 0, "none")
    assert said["note"] == EMPTY["sae_features"][1]
    assert pairs.metadata("clustered_reports")["similarity"] == "pairs"
    assert pairs.metadata("mean_correlation")["correlations"] == "published pairs"
    assert pairs.read("feature_distribution")["count"].sum() == 0


@pytest.mark.parametrize("asset", EMPTY_BY_MODE)
@pytest.mark.parametrize("mode", MODES)
def test_an_empty_table_of_a_mode_says_why(pairs: Kept, asset: str, mode: str) -> None:
    assert pairs.read(asset, mode).empty
    name, value = EMPTY_BY_MODE[asset]
    assert pairs.metadata(asset, mode)[name] == value


def test_no_check_fails(pairs: Kept) -> None:
    assert [check for check, outcomes in pairs.checks.items() if not all(outcomes)] == []


@pytest.mark.parametrize("mode", MODES)
def test_clusters_are_those_of_the_features(features: Local, pairs: Kept, mode: str) -> None:
    expected = features.read("clusters", mode)
    assert (expected.groupby(["year", "cluster_id"]).size() >= 2).sum() > 5
    pd.testing.assert_frame_equal(pairs.read("clusters", mode), expected)


@pytest.mark.parametrize(
    ("asset", "mode"),
    [
        ("clustered_reports", None),
        ("cutoffs", "base"),
        ("cutoffs", "rolling"),
        ("cutoff_curve", None),
        ("distance_scale", None),
        ("nearest_peers", None),
    ],
)
def test_tables_are_those_of_the_features(features: Local, pairs: Kept, asset: str, mode: str | None) -> None:
    expected = features.read(asset, mode)
    assert len(expected)
    pd.testing.assert_frame_equal(pairs.read(asset, mode), expected, rtol=0, atol=1e-9)


def test_mean_correlations_are_those_of_the_returns(features: Local, pairs: Kept) -> None:
    found, expected = pairs.read("mean_correlation"), features.read("mean_correlation")
    ours = found[~found["method"].isin(["GCD", "GCDR"])].reset_index(drop=True)
    # The walk-forward chain needs features.
    expected = expected[expected["method"] != "walk_forward"].reset_index(drop=True)
    assert set(ours["method"]) == {"base", "rolling", "sic_code", "sic_division", "population"}
    pd.testing.assert_frame_equal(ours, expected, rtol=0, atol=1e-9)


def test_published_clusters_that_are_ours_measure_the_same(pairs: Kept) -> None:
    table = pairs.read("published_vs_ours").set_index("figure")
    for figure in ("MeanCorr, GCD (base)", "MeanCorr, GCDR (rolling)", "Largest cluster, GCD (base)"):  # fmt: skip
        row = table.loc[figure]
        assert row["replayed"] == row["ours"]
        assert row["difference"] == pytest.approx(row["ours"] - row["published"])
        assert row["note"] == ""
    existing = pairs.read("published_pairs")
    for figure in ("Pairs", "Pairs with a correlation"):
        assert table.loc[figure, "ours"] == len(existing)
    assert table.loc["Reports", "ours"] == len(pairs.read("descriptions"))


def test_a_figure_is_null_exactly_where_a_note_says_why(pairs: Kept) -> None:
    table = pairs.read("published_vs_ours")
    said = table["note"].str.startswith("not computable here: ")
    assert (said == table["ours"].isna()).all()
    assert (table.loc[~said, "note"] == "").all()
    without = table.set_index("figure")["note"]
    assert without["Feature values that are 0"] == "not computable here: there are no features"
    why = "not computable here: no scored latent is strong in 30 % of the base clusters"
    assert without["Interpretability at 30 % of clusters, base"] == why


def test_features_win_over_pairs_unless_pairs_are_asked_for(features: Local, pairs: Kept, tmp_path: Path) -> None:
    """Both are there; the pairs have other cosines, and after that the features are broken."""
    made = tmp_path / "universe"
    shutil.copytree(features.folder / "universe", made)
    rows = [(a, b, year, -cosine, rho) for a, b, year, cosine, rho in all_pairs(features)]
    write_pairs(made, rows)
    run = Local(tmp_path)
    run.run([*SCORED, "clustered_reports", "cutoff_curve", "distance_scale"])
    assert run.metadata("clustered_reports")["similarity"] == "features"
    assert len(run.read("published_pairs")) == len(rows)
    expected = features.read("distance_scale")
    pd.testing.assert_frame_equal(run.read("distance_scale"), expected)

    (made / "features.parquet").write_bytes(b"no Parquet at all")
    write_pairs(made, all_pairs(features))
    by_pairs = ByPairs(tmp_path)
    by_pairs.run([*SCORED, *CUT, *COMPARED])
    assert by_pairs.metadata("clustered_reports")["similarity"] == "pairs"
    assert by_pairs.read("clusters", "base").equals(pairs.read("clusters", "base"))
    with pytest.raises(UniverseError, match="not a complete Parquet file"):
        run.run(["sae_features"])


def test_pairs_that_are_asked_for_and_not_there_are_named(features: Local, tmp_path: Path) -> None:
    run = ByPairs(features.copy(tmp_path).folder)
    shutil.copytree(features.folder / "universe", tmp_path / "universe")
    before = run.read("clustered_reports")
    for asset in ("sae_features", "clustered_reports", "nearest_peers"):
        said = r"COMPSIM_SIMILARITY=pairs: .*universe has no pairs\.parquet and no pairs/"
        with pytest.raises(UniverseError, match=said):
            run.run([asset])
    assert run.read("clustered_reports").equals(before)


def test_reports_without_returns_left_out_of_features_are_those_that_pairs_leave_out(
    tiny_universe: Path, tmp_path: Path
) -> None:
    """As the published code has it: a pair without a correlation does not exist, nor a report without a pair."""
    run = WithReturns(tmp_path / "features")
    made = run.folder / "universe"
    made.mkdir(parents=True)
    for name in ("reports.parquet", "features.parquet"):
        shutil.copy(tiny_universe / name, made)
    run.run([*SCORED, *CUT])
    by_pairs = Local(tmp_path / "pairs")
    write_pairs(by_pairs.folder / "universe", all_pairs(run))
    shutil.copy(made / "reports.parquet", by_pairs.folder / "universe")
    by_pairs.run([*SCORED, *CUT])
    for each in (run, by_pairs):
        assert each.metadata("clustered_reports")["left_out"] == 2
    scores = run.read("pca_scores")
    assert len(scores) == len(run.read("clustered_reports")) + 2
    for name, mode in (("clustered_reports", None), ("clusters", "base")):
        assert by_pairs.read(name, mode).equals(run.read(name, mode))
    for name in ("distance_scale", "cutoff_curve", "cutoffs"):
        tables = [each.read(name, "base" if name == "cutoffs" else None) for each in (run, by_pairs)]
        pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-9)


# -- Missing correlations ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """A universe with nothing but pairs, some of them without a correlation; read only."""
    run = Local(tmp_path_factory.mktemp("pairs-alone"))
    write_pairs(run.folder / "universe", invented_pairs())
    run.run([*SCORED, *CUT])
    run.run(["cutoffs", "clusters"], "rolling")
    run.run([*COMPARED, "published_replay"])
    return run


def test_pairs_without_published_clusters_have_nothing_to_replay(alone: Local) -> None:
    assert alone.read("published_replay").empty
    note = alone.metadata("published_replay")["note"]
    assert note.startswith("the universe has no published_clusters of GCD or GCDR")


@lru_cache
def of_year(year: int) -> list[tuple[int, int, float]]:
    rows = standardised(invented_pairs())
    return [(a, b, delta) for a, b, own, delta, _ in rows if own == year]


def test_reports_are_those_that_pairs_name(alone: Local) -> None:
    found = alone.read("descriptions")
    named = {(end, row[2]) for row in invented_pairs() for end in row[:2]}
    assert set(zip(found["report_id"], found["year"], strict=True)) == named
    assert found[["cik", "company_name", "ticker", "sic_code", "description"]].isna().all(axis=None)
    assert np.isnan(np.stack(alone.read("returns")["returns"].to_list())).all()


def test_reports_without_any_correlation_are_not_clustered(alone: Local) -> None:
    existing = [row for row in invented_pairs() if not np.isnan(row[4])]
    expected = {end for row in existing for end in row[:2]}
    found = alone.read("clustered_reports")
    assert set(found["report_id"]) == expected
    left_out = len(alone.read("descriptions")) - len(expected)
    assert left_out == 2 * len(YEARS)
    assert alone.metadata("clustered_reports")["left_out"] == left_out


@pytest.mark.parametrize("mode", MODES)
def test_clusters_are_those_of_the_published_code(alone: Local, mode: str) -> None:
    clusters = alone.read("clusters", mode)
    thetas = alone.read("cutoffs", mode).set_index("year")["theta"]
    assert thetas.index.tolist() == list(YEARS if mode == "base" else YEARS[5:])
    sizes = []
    for year, theta in thetas.items():
        own = clusters[clusters["year"] == year]
        expected = clusters_at(of_year(int(str(year))), theta)
        assert partition(own["report_id"], own["cluster_id"]) == expected
        sizes += [len(members) for members in expected]
    assert min(sizes) == 1 < max(sizes)


def test_the_curve_is_that_of_the_published_code_at_any_theta(alone: Local) -> None:
    curve = alone.read("cutoff_curve")
    for year in YEARS:
        own = curve[curve["year"] == year]
        steps = own["theta"].tolist()
        for theta in [-5.0, -3.13, -2.5, -1.5, 0.0, *(np.mean(two) for two in pairwise(steps))]:
            clusters = clusters_at(of_year(year), float(theta))
            expected = mean_correlation(clusters, invented_pairs(), year)
            reached = own[own["theta"] <= theta]
            found = reached["mean_correlation"].iloc[-1] if len(reached) else np.nan
            assert found == pytest.approx(expected, abs=1e-12, nan_ok=True), (year, theta)


def test_the_mean_correlations_are_those_of_the_published_code(alone: Local) -> None:
    table = alone.read("mean_correlation").set_index(["method", "year"])
    assert set(table.index.get_level_values("method")) == {"base", "rolling", "population"}
    for (method, year), row in table.iterrows():  # type: ignore[misc]
        if method == "population":
            everybody = {frozenset(end for pair in invented_pairs() if pair[2] == year for end in pair[:2])}  # fmt: skip
        else:
            own = alone.read("clusters", method)
            own = own[own["year"] == year]
            everybody = partition(own["report_id"], own["cluster_id"])
        expected = mean_correlation(everybody, invented_pairs(), year)
        assert row["mean_correlation"] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    base = table.loc["base", "mean_correlation"]
    thetas = alone.read("cutoffs", "base").set_index("year")["mean_correlation"]
    np.testing.assert_allclose(base, thetas, atol=1e-12)


def test_nothing_but_pairs_gives_the_same_clusters(features: Local, pairs: Kept, tmp_path: Path) -> None:
    write_pairs(tmp_path / "universe", all_pairs(features))
    run = Local(tmp_path)
    run.run([*SCORED, *CUT])
    run.run(["cutoffs", "clusters"], "rolling")
    run.run(COMPARED)
    table, expected = run.read("mean_correlation"), pairs.read("mean_correlation")
    for mode in MODES:
        assert run.read("clusters", mode).equals(pairs.read("clusters", mode))
    expected = expected[expected["method"].isin([*MODES, "population"])]
    assert table.equals(expected.reset_index(drop=True))


def test_two_processes_write_the_bytes_of_one(alone: Local, tmp_path: Path) -> None:
    extras = {
        "pairs": str(alone.results.table("published_pairs")),
        "reports": str(alone.results.table("clustered_reports")),
        "cutoffs": str(alone.results.table("cutoffs", "base")),
    }
    one, two = (tmp_path / name / "clusters.parquet" for name in ("one", "two"))
    for path in (one, two):
        path.parent.mkdir()
    module = "compsim_assets.workers.clusters"
    run_worker(module, {**extras, "output": str(one)})
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    given = json.dumps({**extras, "output": str(two)})
    done = subprocess.run([*command, "2", "-m", module, given], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"processes": 2, "device": "cpu"}
    assert two.read_bytes() == one.read_bytes()
    assert pd.read_parquet(two).equals(alone.read("clusters", "base"))


def test_reports_of_other_pairs_are_refused(alone: Local, tmp_path: Path) -> None:
    run = alone.copy(tmp_path)
    shutil.copytree(alone.folder / "universe", tmp_path / "universe")
    reports = pq.read_table(run.results.table("clustered_reports"))
    run.results.write_table(run.results.table("clustered_reports"), reports.slice(1))
    with pytest.raises(ValueError, match=r"of other reports than .*clustered_reports again"):
        Local(tmp_path).run(["clusters"])


def test_pairs_of_reports_that_are_not_there_are_counted(alone: Local, tmp_path: Path) -> None:
    made = tmp_path / "universe"
    write_pairs(made, invented_pairs())
    reports = alone.read("descriptions")[["report_id", "year"]].iloc[1:]
    reports.rename(columns={"report_id": ID}).to_parquet(made / "reports.parquet")
    run = Local(tmp_path)
    run.run(["descriptions", "published_pairs"])
    said = run.metadata("published_pairs")
    assert said["dropped"] == "23 pair without a report"
    assert said["pairs"] == said["dagster/row_count"] == len(invented_pairs()) - 23
    found = run.read("published_pairs")
    assert said["with_correlation"] == found["correlation"].notna().sum() < len(found)


def test_the_version_of_pairs_is_that_of_their_content(tmp_path: Path) -> None:
    def version(rows: list[PairRow]) -> str:
        write_pairs(tmp_path / "universe", rows)
        run.run(["published_pairs"])
        event = run.history.get_latest_materialization_event(dg.AssetKey("published_pairs"))
        assert event is not None
        assert event.asset_materialization is not None
        return (event.asset_materialization.tags or {})["dagster/data_version"]

    run = Local(tmp_path)
    rows = invented_pairs(n=4)
    write_pairs(tmp_path / "universe", rows)
    run.run(["descriptions"])
    first = version(rows)
    assert version(rows[::-1]) == first
    assert version([(*rows[0][:4], 0.123), *rows[1:]]) != first
