"""Universes that lack something: what is there is materialized, and what is missing is said."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.assets.trading import NAMES
from compsim_assets.storage.results import StaleResult
from compsim_assets.universe.layout import ID
from compsim_assets_tests.runs import MODES, OTHER_METHODS, Local, Rebuilt, materialized

# What clusters are made of.
UPSTREAM = [
    "descriptions", "returns", "published_pairs", "sae_features", "pca", "pca_scores", "clustered_reports",
    "dendrograms",
]  # fmt: skip


def local(folder: Path, universe: Path, *names: str, **changed: Any) -> Local:
    """A universe of some of another's files, with columns of the reports changed or left out (None)."""
    made = folder / "universe"
    made.mkdir(parents=True)
    for name in names:
        shutil.copy(universe / name, made)
    reports = pq.read_table(universe / "reports.parquet")
    for name, values in changed.items():
        reports = reports.drop_columns([name])
        if values is not None:
            reports = reports.append_column(name, values)
    pq.write_table(reports, made / "reports.parquet")
    return Local(folder)


@pytest.fixture
def bare(tmp_path: Path, tiny_universe: Path) -> Local:
    """Reports without texts and codes, and features: no prices, no scores."""
    return local(tmp_path, tiny_universe, "features.parquet", sic_code=None, section_1=None, company_name=None)


def test_reports_and_features_are_enough(bare: Local) -> None:
    bare.rebuild()
    for asset, mode in materialized():
        assert bare.metadata(asset, mode)["data"] == "local", asset
    reports = len(bare.read("descriptions"))
    said = bare.metadata("descriptions")
    assert said["without_sic_code"] == said["without_description"] == reports
    assert bare.read("price_history").empty
    assert bare.metadata("price_history")["note"] == "the universe has no prices.parquet"
    assert bare.read("fundamentals_explained").empty
    assert bare.metadata("fundamentals_explained")["note"] == "the universe has no fundamentals.parquet"
    assert bare.read("fuzz_scores").empty
    assert bare.metadata("fuzz_scores")["mean_interpretability"] == "no scores"
    assert bare.read("baseline_clusters").empty
    methods = ["base", "rolling", "walk_forward", *(f"shuffled_features_{mode}" for mode in MODES), "population"]
    assert bare.read("table_1")["method"].tolist() == 2 * methods
    # Without texts, codes and prices most claims cannot be tested; that is said, and nothing else.
    findings = bare.read("findings")
    assert findings["verdict"].eq("not testable here").sum() >= 8
    assert bare.read("pairs_backtest").empty
    assert bare.metadata("embeddings")["note"]
    for mode in MODES:
        assert "no latent has a fuzz score" in bare.metadata("cluster_features", mode)["candidates"]
        features = bare.read("cluster_features", mode)
        assert features["strong"].any()
        assert bare.read("interpretability_curve", mode)["mean_interpretability"].isna().all()


def test_the_same_clusters_as_with_everything(bare: Local, rebuilt: Rebuilt) -> None:
    bare.run([*UPSTREAM, "cutoff_curve", "distance_scale", "cutoffs", "clusters"])
    assert bare.read("clusters", "base").equals(rebuilt.read("clusters", "base"))


def test_years_without_features_are_in_no_fold(
    tmp_path: Path, tiny_universe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figure of the objective marks the cutoff that the table has."""
    import compsim_assets.plots.cutoffs as plots

    run = local(tmp_path, tiny_universe, "features.parquet")
    reports = pd.read_parquet(tiny_universe / "reports.parquet", columns=[ID, "year"])
    later = reports.loc[reports["year"] >= 2015, ID]
    features = pq.read_table(tiny_universe / "features.parquet")
    features = features.filter(pa.array(np.isin(features[ID].to_numpy(), later)))
    pq.write_table(features, tmp_path / "universe" / "features.parquet")

    drawn: list[Any] = []
    original = plots.objective_by_theta

    def draw(table: pd.DataFrame, best: float, *others: Any) -> Any:
        drawn.append((table, best))
        return original(table, best, *others)

    monkeypatch.setattr(plots, "objective_by_theta", draw)
    run.run([*UPSTREAM, "cutoff_curve", "distance_scale", "cutoffs", "objective_by_theta"])
    missing = len(reports) - len(later)
    assert run.metadata("sae_features")["dropped"] == f"{missing} report without features"
    cutoffs = run.read("cutoffs", "base")
    assert cutoffs["year"].tolist() == list(range(2015, 2020))
    ((table, best),) = drawn
    assert set(cutoffs["theta"]) == {best}
    assert table.loc[table["objective"].idxmax(), "theta"] == pytest.approx(best)


def test_fewer_than_six_years_have_no_rolling_cutoff(tmp_path: Path, tiny_universe: Path) -> None:
    run = local(tmp_path, tiny_universe, "features.parquet")
    path = tmp_path / "universe" / "reports.parquet"
    reports = pq.read_table(path)
    pq.write_table(reports.filter(pa.array(reports["year"].to_numpy() >= 2015)), path)
    clustered = ["distance_scale", "cutoffs", "clusters", "fuzz_scores", "cluster_features"]
    run.run([*UPSTREAM, "cutoff_curve", *clustered, "cluster_feature_summary"], "rolling")
    for asset in ("cutoffs", "clusters", "cluster_features", "cluster_feature_summary"):
        assert run.read(asset, "rolling").empty
    note = run.metadata("cutoffs", "rolling")["note"]
    assert note == "no year has five years before it (5 years in all): no rolling cutoff"
    dropped = run.metadata("sae_features")["dropped"]
    assert re.fullmatch(r"\d+ features without a report", dropped)
    run.run([*OTHER_METHODS, "mean_correlation"])
    assert not {"rolling", "walk_forward"} & set(run.read("mean_correlation")["method"])
    assert run.read("walk_forward_clusters").empty


def test_a_comparison_says_which_mode_is_missing(rebuilt: Rebuilt, tmp_path: Path) -> None:
    run = rebuilt.copy(tmp_path)
    run.results.table("clusters", "rolling").unlink()
    with pytest.raises(StaleResult, match="mean_correlation was made from other clusters/rolling than the present"):
        run.run(["table_1"])
    run.run(["mean_correlation", "control_statistics", "robustness", *NAMES, "table_1", "table_2"])
    note = "not materialized yet, left out: rolling"
    assert run.metadata("mean_correlation")["missing_cutoff_modes"] == note
    assert run.metadata("robustness")["missing_cutoff_modes"] == note
    assert run.metadata("table_2")["missing_cutoff_modes"] == note
    assert "rolling" not in run.read("table_1")["method"].tolist()
    assert run.read("table_2")["mode"].tolist() == ["base"]
    main = "base, walk_forward, sic_code, population"
    assert run.metadata("table_1")["main_methods"] == main


def test_results_of_another_universe_are_refused(rebuilt: Rebuilt, tmp_path: Path) -> None:
    run = rebuilt.copy(tmp_path)
    reports = run.read("descriptions")
    table = pa.Table.from_pandas(reports.iloc[1:], preserve_index=False)
    run.results.write_table(run.results.table("descriptions"), table)
    with pytest.raises(StaleResult, match=r"^\w+ was made from other descriptions than the present ones"):
        run.run(["mean_correlation"])
    for asset, mode in materialized():
        if asset not in {"descriptions", "universe_report"}:
            assert run.results.why_unusable(f"{asset}/{mode}" if mode else asset), asset


def test_without_features_it_says_how_to_give_them(tmp_path: Path, tiny_universe: Path) -> None:
    run = local(tmp_path, tiny_universe)
    run.run(["descriptions"])
    with pytest.raises(ValueError, match=r"neither features\.parquet nor extraction\.toml"):
        run.run(["sae_features"])
    assert not run.results.array_folder("sae_features").exists()


def test_features_of_no_report_leave_the_previous_ones(tmp_path: Path, tiny_universe: Path) -> None:
    run = local(tmp_path, tiny_universe, "features.parquet")
    run.run(["descriptions", "sae_features"])
    before = run.read("sae_features")
    path = tmp_path / "universe" / "features.parquet"
    features = pq.read_table(path)
    other = pa.array(features[ID].to_numpy() + 10**9)
    pq.write_table(features.set_column(0, ID, other), path)
    with pytest.raises(ValueError, match=r"no usable features, dropped .*without a report"):
        run.run(["sae_features"])
    assert str(run.read("sae_features")) == str(before)
    assert len(list((run.results.folder / ".versions").glob("sae_features-*"))) == 1
