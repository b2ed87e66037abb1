"""Universes of published pairs instead of features: the same clusters, correlations and peers."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.storage.results import StaleResult
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.runs import MODES, OTHER_METHODS, Local, materialized
from compsim_assets_tests.whole.pair_universes import (
    ByPairs,
    Remembered,
    WithReturns,
    all_pairs,
    publish_clusters,
    write_pairs,
)

SCORED = ["descriptions", "returns", "published_pairs", "sae_features", "pca", "pca_scores"]
CUT = ["clustered_reports", "dendrograms", "cutoff_curve", "distance_scale", "cutoffs", "clusters"]
COMPARED = [*OTHER_METHODS, "mean_correlation"]
EMPTY = {
    "pca": ("note", "there are no features: no PCA is made"),
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
    run.run([*SCORED, "peers", *CUT, "fuzz_scores", *COMPARED], None)
    return run


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, features: Local) -> Remembered:
    """The same reports with all their pairs instead of features; everything is materialized; read only."""
    run = Remembered(tmp_path_factory.mktemp("by-pairs"))
    made = run.folder / "universe"
    made.mkdir()
    shutil.copy(features.folder / "universe" / "reports.parquet", made)
    write_pairs(made, all_pairs(features))
    for mode, name in zip(MODES, ("GCD", "GCDR"), strict=True):
        publish_clusters(made, name, features.read("clusters", mode))
    run.rebuild()
    run.remember()
    return run


def test_every_asset_materializes_from_pairs(pairs: Remembered) -> None:
    for asset, mode in materialized():
        assert pairs.metadata(asset, mode)["data"] == "local", asset


def test_an_empty_table_says_why(pairs: Remembered) -> None:
    for asset, (name, value) in EMPTY.items():
        assert asset == "sae_features" or pairs.read(asset).empty, asset
        assert pairs.metadata(asset)[name] == value, asset
    for mode in MODES:
        for asset, (name, value) in EMPTY_BY_MODE.items():
            assert pairs.read(asset, mode).empty, (asset, mode)
            assert pairs.metadata(asset, mode)[name] == value, (asset, mode)


def test_empty_features_say_why(pairs: Remembered) -> None:
    said = pairs.metadata("sae_features")
    assert (said["dagster/row_count"], said["latents"], said["origin"]) == (0, 0, "none")
    assert pairs.metadata("clustered_reports")["similarity"] == "pairs"
    assert pairs.metadata("mean_correlation")["correlations"] == "published pairs"
    assert pairs.read("feature_distribution")["count"].sum() == 0
    assert pairs.metadata("pca")["shape"] == "0 components x 0 latents"


def test_no_check_fails(pairs: Remembered) -> None:
    assert [check for check, outcomes in pairs.checks.items() if not all(outcomes)] == []


@pytest.mark.parametrize("mode", MODES)
def test_clusters_are_those_of_the_features(features: Local, pairs: Remembered, mode: str) -> None:
    expected = features.read("clusters", mode)
    assert (expected.groupby(["year", "cluster_id"]).size() >= 2).sum() > 5
    pd.testing.assert_frame_equal(pairs.read("clusters", mode), expected)


TABLES = [
    ("clustered_reports", None),
    ("cutoffs", "base"),
    ("cutoffs", "rolling"),
    ("cutoff_curve", None),
    ("distance_scale", None),
    ("dendrograms", None),
]


def test_tables_are_those_of_the_features(features: Local, pairs: Remembered) -> None:
    for asset, mode in TABLES:
        expected = features.read(asset, mode)
        assert len(expected), asset
        pd.testing.assert_frame_equal(pairs.read(asset, mode), expected, rtol=0, atol=1e-9)


def test_peers_are_those_of_the_features_and_have_no_reasons(features: Local, pairs: Remembered) -> None:
    expected, peers = features.read("peers"), pairs.read("peers")
    assert peers["confidence"].isna().all()
    assert expected["confidence"].notna().all()
    same = [name for name in peers if name != "confidence"]
    pd.testing.assert_frame_equal(peers[same], expected[same], rtol=0, atol=1e-9)
    assert pairs.read("peer_explanations").empty
    assert "published pairs" in pairs.metadata("peer_explanations")["note"]


def test_mean_correlations_are_those_of_the_returns(features: Local, pairs: Remembered) -> None:
    found, expected = pairs.read("mean_correlation"), features.read("mean_correlation")
    ours = found[~found["method"].isin(["GCD", "GCDR"])].reset_index(drop=True)
    # The walk-forward chain and shuffled features need features; words there are in both.
    needs = ["walk_forward", *(f"shuffled_features_{mode}" for mode in MODES)]
    expected = expected[~expected["method"].isin(needs)].reset_index(drop=True)
    words = {f"{name}_{mode}" for name in ("tfidf", "tfidf_cosine") for mode in MODES}
    assert set(ours["method"]) == {"base", "rolling", "sic_code", "sic_division", "population"} | words
    pd.testing.assert_frame_equal(ours, expected, rtol=0, atol=1e-9)


def test_published_clusters_that_are_ours_measure_the_same(pairs: Remembered) -> None:
    table = pairs.read("published_vs_ours").set_index("figure")
    for figure in ("MeanCorr, GCD (base)", "MeanCorr, GCDR (rolling)", "Largest cluster, GCD (base)"):
        row = table.loc[figure]
        assert row["replayed"] == row["ours"]
        assert row["difference"] == pytest.approx(row["ours"] - row["published"])
        assert row["note"] == ""
    existing = pairs.read("published_pairs")
    for figure in ("Pairs", "Pairs with a correlation"):
        assert table.loc[figure, "ours"] == len(existing)
    assert table.loc["Reports", "ours"] == len(pairs.read("descriptions"))


def test_a_figure_is_null_exactly_where_a_note_says_why(pairs: Remembered) -> None:
    table = pairs.read("published_vs_ours")
    said = table["note"].str.startswith("not computable here: ")
    assert (said == table["ours"].isna()).all()
    assert (table.loc[~said, "note"] == "").all()
    without = table.set_index("figure")["note"]
    assert without["Feature values that are 0"] == "not computable here: there are no features"
    why = "not computable here: no scored latent is strong in 30 % of the base clusters"
    assert without["Interpretability at 30 % of clusters, base"] == why


def test_features_win_over_pairs_unless_pairs_are_asked_for(features: Local, pairs: Remembered, tmp_path: Path) -> None:
    """Both are there; the pairs have other cosines, and after that the features are broken."""
    made = tmp_path / "universe"
    shutil.copytree(features.folder / "universe", made)
    rows = [(a, b, year, -cosine, rho) for a, b, year, cosine, rho in all_pairs(features)]
    write_pairs(made, rows)
    run = Local(tmp_path)
    run.run([*SCORED, *CUT[:-2]])
    assert run.metadata("clustered_reports")["similarity"] == "features"
    assert len(run.read("published_pairs")) == len(rows)
    expected = features.read("distance_scale")
    pd.testing.assert_frame_equal(run.read("distance_scale"), expected)

    (made / "features.parquet").write_bytes(b"no Parquet at all")
    write_pairs(made, all_pairs(features))
    by_pairs = ByPairs(tmp_path)
    by_pairs.run([*SCORED, *CUT])
    assert by_pairs.metadata("clustered_reports")["similarity"] == "pairs"
    assert by_pairs.read("clusters", "base").equals(pairs.read("clusters", "base"))
    with pytest.raises(UniverseError, match="not a complete Parquet file"):
        run.run(["sae_features"])


def test_pairs_that_are_asked_for_and_not_there_are_named(features: Local, tmp_path: Path) -> None:
    run = ByPairs(features.copy(tmp_path).folder)
    shutil.copytree(features.folder / "universe", tmp_path / "universe")
    said = r"COMPSIM_SIMILARITY=pairs: .*universe has no pairs\.parquet and no pairs/"
    with pytest.raises(UniverseError, match=said):
        run.run(["sae_features"])
    # What was made from features is not taken for what the pairs would give.
    said = "made from sae_features, which was made with similarity = auto, and it is pairs now"
    for asset in ("clustered_reports", "peers"):
        with pytest.raises(StaleResult, match=said):
            run.run([asset])
        with pytest.raises(StaleResult, match=said):
            run.read(asset)
    before = features.read("clustered_reports")
    assert Local(tmp_path).read("clustered_reports").equals(before)


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
