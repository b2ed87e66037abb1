"""The walk-forward tables of tiny universes: by hand, without look-ahead, and where there is nothing to evaluate."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.assets import descriptions, features, linkage, similarity, training, vintages
from compsim_assets.assets import walk_forward as module
from compsim_assets.storage.io_managers import ResultsFolder, managers
from compsim_assets.storage.matrices import matrix_of
from compsim_assets.storage.results import StaleResult, read_table
from compsim_assets.universe.layout import ID, RETURNS
from compsim_assets_tests.runs import Local, Run
from compsim_assets_tests.science.cutoffs.walk_forward_by_hand import Given, by_hand, cosines_of, groups
from compsim_assets_tests.universes import write_reports
from compsim_assets_tests.whole.pair_universes import ByPairs, WithReturns, invented_pairs, write_pairs
from compsim_assets_tests.worker_programs import InThisProcess

UPSTREAM = [
    "descriptions", "returns", "published_pairs", "sae_features", "vintage_features", "pca", "pca_scores",
    "clustered_reports",
]  # fmt: skip
TABLES = ["walk_forward_scores", "walk_forward_cutoffs", "walk_forward_clusters"]
YEARS = [2017, 2018, 2019]
FEATURES = "features"


def materialize(run: Run, names: Iterable[str], config: dict[str, Any] | None = None) -> dg.ExecuteInProcessResult:
    """These assets of the run's universe, by the modules that make them."""
    settings = run.settings
    assets = [descriptions, training, features, vintages, similarity, linkage, module]
    defs = dg.Definitions(
        assets=dg.load_assets_from_modules(assets),
        jobs=[dg.define_asset_job("some", dg.AssetSelection.assets(*names))],
        resources={
            "settings": settings,
            "torchrun": InThisProcess(),
            "folder": ResultsFolder(settings=settings),
            **managers(settings),
        },
    )
    run_config = {"ops": {"walk_forward": {"config": config}}} if config else None
    return defs.resolve_job_def("some").execute_in_process(run_config=run_config, instance=run.history)


def universe_of(folder: Path, universe: Path) -> Path:
    """A universe of another one's reports and features alone, the features in another order."""
    made = folder / "universe"
    made.mkdir(parents=True)
    shutil.copy(universe / "reports.parquet", made)
    table = pq.read_table(universe / "features.parquet")
    order = np.random.default_rng(1).permutation(len(table))
    pq.write_table(table.take(pa.array(order)), made / "features.parquet")
    return made


def copied(run: Run, folder: Path) -> Local:
    """The same results and universe, to be changed."""
    run.copy(folder)
    universe_of(folder, run.folder / "universe")
    return Local(folder)


def walked_in(folder: Path, universe: Path) -> Local:
    """The universe's run up to the walk-forward tables."""
    universe_of(folder, universe)
    run = Local(folder)
    assert materialize(run, [*UPSTREAM, *TABLES]).success
    return run


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, tiny_universe: Path) -> Local:
    """Read only."""
    return walked_in(tmp_path_factory.mktemp("walked"), tiny_universe)


@lru_cache
def given_of(universe: Path) -> tuple[np.ndarray, Given]:
    """Report ids, and the universe's reports with features, by year and id."""
    reports = pd.read_parquet(universe / "reports.parquet", columns=[ID, "year", RETURNS])
    values = pd.read_parquet(universe / "features.parquet")
    both = reports.merge(values, on=ID).sort_values(["year", ID])
    given = Given(
        both["year"].to_numpy(),
        np.stack(both[FEATURES].to_list()).astype(np.float32),
        np.stack(both[RETURNS].to_list()).astype(float),
        np.ones(len(both), dtype=bool),
    )
    return both[ID].to_numpy(), given


def scores_of(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = read_table(run.results.table("walk_forward_scores"))
    ids, year = (table[name].to_numpy() for name in ("report_id", "year"))
    return ids, year, matrix_of(table["scores"])


def test_tables_are_as_by_hand(walked: Local) -> None:
    ids, given = given_of(walked.folder / "universe")
    cutoffs = walked.read("walk_forward_cutoffs").set_index("year")
    table = walked.read("walk_forward_clusters")
    scored, year_of, scores = scores_of(walked)
    assert cutoffs.index.tolist() == sorted(set(table["year"])) == sorted(set(year_of)) == YEARS
    assert not cutoffs["in_sample"].any()
    found_clusters = 0
    for year in YEARS:
        wanted, own = by_hand(given, year), ids[given.year == year]
        row = cutoffs.loc[year]
        assert row["theta"] == pytest.approx(wanted.theta)
        assert row["distance"] == pytest.approx(wanted.distance, abs=1e-6)
        assert row["mean_correlation"] == pytest.approx(wanted.mean_correlation, abs=1e-9)
        assert row["n_earlier_reports"] == (given.year < year).sum()
        assert scored[year_of == year].tolist() == own.tolist()
        np.testing.assert_allclose(cosines_of(scores[year_of == year]), wanted.cosine, atol=2e-5)
        labels = table[table["year"] == year].set_index("report_id")["cluster_id"]
        assert groups(labels.loc[own].to_numpy()) == groups(wanted.labels)
        found_clusters += int((labels.value_counts() >= 2).sum())
    assert found_clusters > 3
    assert table.equals(table.sort_values(["year", "cluster_id", "report_id"], ignore_index=True))


def test_metadata_say_what_was_found(walked: Local) -> None:
    said = walked.metadata("walk_forward_clusters")
    sizes = walked.read("walk_forward_clusters").groupby(["year", "cluster_id"]).size()
    assert said["years"] == "3: 2017 to 2019"
    assert said["clusters"] == (sizes >= 2).sum()
    assert said["singletons"] == (sizes == 1).sum()
    assert said["largest_cluster"] == sizes.max()
    cutoffs = walked.read("walk_forward_cutoffs")
    for row in cutoffs.itertuples():
        assert f"| {row.year} | {row.theta:.1f} | {row.distance:.3f} |" in said["thetas"]
    assert said["data"] == "local"


def corrupt(universe: Path, after: int) -> None:
    """Other returns and features in all later years."""
    rng = np.random.default_rng(0)
    path = universe / "reports.parquet"
    reports = pq.read_table(path).to_pandas()
    later = (reports["year"] > after).to_numpy()
    reports.loc[later, RETURNS] = pd.Series(list(rng.normal(0, 0.3, (later.sum(), 12))), index=reports.index[later])
    pq.write_table(pa.Table.from_pandas(reports, preserve_index=False), path)
    path = universe / "features.parquet"
    table = pq.read_table(path)
    values = np.stack(table[FEATURES].to_pylist()).astype(np.float32)
    rows = np.isin(table[ID].to_numpy(), reports.loc[later, ID])
    values[rows] = rng.gamma(2, 9, values[rows].shape)
    # One text for several later reports: fewer different rows than before.
    values[np.flatnonzero(rows)[:9]] = 1.0
    column = pa.array(values.tolist(), pa.list_(pa.float32()))
    index = table.column_names.index(FEATURES)
    pq.write_table(table.set_column(index, FEATURES, column), path)


def remove(universe: Path, after: int) -> None:
    """No reports and features of later years."""
    reports = pq.read_table(universe / "reports.parquet", columns=[ID, "year"]).to_pandas()
    kept = reports.loc[reports["year"] <= after, ID]
    for name in ("reports.parquet", "features.parquet"):
        table = pq.read_table(universe / name)
        table = table.filter(pa.array(np.isin(table[ID].to_numpy(), kept)))
        pq.write_table(table, universe / name)


@pytest.mark.parametrize(("change", "year"), [(corrupt, 2018), (remove, 2017)])
def test_years_after_change_no_byte_of_earlier_ones(walked: Local, tmp_path: Path, change: Any, year: int) -> None:
    change(universe_of(tmp_path, walked.folder / "universe"), year)
    run = Local(tmp_path)
    assert materialize(run, [*UPSTREAM, *TABLES]).success
    for name in TABLES:
        before, after = (read_table(r.results.table(name)).replace_schema_metadata() for r in (walked, run))
        until = [t.filter(pa.array(t["year"].to_numpy() <= year)) for t in (before, after)]
        assert until[0].num_rows > 0
        assert until[0].equals(until[1])
        assert not before.equals(after)


def test_rows_are_as_long_as_a_pca_can_be(walked: Local, tmp_path: Path) -> None:
    _, year, scores = scores_of(walked)
    n_latents = given_of(walked.folder / "universe")[1].features.shape[1]
    n_earlier = walked.read("walk_forward_cutoffs")["n_earlier_reports"].iloc[0]
    assert scores.shape[1] == n_latents >= n_earlier
    # n reports have n - 1 axes at most.
    first = scores[year == YEARS[0]]
    assert not first[:, n_earlier - 1 :].any()
    assert first[:, : n_earlier - 1].any(axis=0).sum() > 100
    run = copied(walked, tmp_path)
    assert materialize(run, TABLES, {"n_components": 7}).success
    _, _, few = scores_of(run)
    assert few.shape == (len(year), 7)
    np.testing.assert_allclose(few, scores[:, :7], atol=1e-5)


def test_one_table_can_be_made_alone(walked: Local, tmp_path: Path) -> None:
    run = copied(walked, tmp_path)
    for name in TABLES:
        run.results.table(name).unlink()
    assert materialize(run, ["walk_forward_cutoffs"]).success
    made = [name for name in TABLES if run.results.table(name).exists()]
    assert made == ["walk_forward_cutoffs"]
    pd.testing.assert_frame_equal(run.read("walk_forward_cutoffs"), walked.read("walk_forward_cutoffs"))


def test_fewer_than_six_years_leave_empty_tables_and_a_note(walked: Local, tmp_path: Path) -> None:
    remove(universe_of(tmp_path, walked.folder / "universe"), 2016)
    run = Local(tmp_path)
    assert materialize(run, [*UPSTREAM, *TABLES]).success
    for name in TABLES:
        assert run.read(name).empty
        note = "no year has five years before it (5 years in all): none is evaluated"
        assert run.metadata(name)["note"] == note


def test_universes_of_pairs_leave_empty_tables_and_a_note(tmp_path: Path) -> None:
    pairs = tmp_path / "universe"
    write_pairs(pairs, invented_pairs())
    ids = sorted({row[side] for row in invented_pairs() for side in (0, 1)})
    write_reports(pairs, n=len(ids), **{ID: ids, "year": [i // 1000 for i in ids], "sic_code": None})
    run = ByPairs(tmp_path)
    assert materialize(run, [*UPSTREAM, *TABLES]).success
    for name in TABLES:
        assert run.read(name).empty
        assert run.metadata(name)["note"] == "there are no features: no PCA is made"


def test_equal_features_leave_singletons_and_a_note(walked: Local, tmp_path: Path) -> None:
    """Of the last year's reports they differ: a PCA of all years without any variance would fail."""
    universe = universe_of(tmp_path, walked.folder / "universe")
    run, table = Local(tmp_path), pq.read_table(universe / "features.parquet")
    reports = pq.read_table(universe / "reports.parquet", columns=[ID, "year"]).to_pandas()
    last = set(reports.loc[reports["year"] == YEARS[-1], ID])
    rows, ids = table[FEATURES].to_pylist(), table[ID].to_pylist()
    same = [row if report in last else rows[0] for report, row in zip(ids, rows, strict=True)]
    index = table.column_names.index(FEATURES)
    changed = table.set_column(index, FEATURES, pa.array(same, pa.list_(pa.float32())))
    pq.write_table(changed, universe / "features.parquet")
    assert materialize(run, [*UPSTREAM, *TABLES]).success
    for name in TABLES:
        note = run.metadata(name)["note"]
        assert note == "all earlier reports have the same features, scores are zero: 2017, 2018, 2019"
    assert run.read("walk_forward_cutoffs")["mean_correlation"].isna().all()
    clusters = run.read("walk_forward_clusters")
    assert not clusters.duplicated(["year", "cluster_id"]).any()
    assert not scores_of(run)[2].any()


def test_reports_without_returns_are_left_out_where_the_setting_says_so(walked: Local, tmp_path: Path) -> None:
    universe = universe_of(tmp_path, walked.folder / "universe")
    reports = pq.read_table(universe / "reports.parquet").to_pandas()
    silent = reports.index[::7]
    reports.loc[silent, RETURNS] = pd.Series([np.full(12, 0.01)] * len(silent), index=silent)
    table = pa.Table.from_pandas(reports, preserve_index=False)
    pq.write_table(table, universe / "reports.parquet")
    run = WithReturns(tmp_path)
    assert materialize(run, [*UPSTREAM, *TABLES]).success
    ids, given = given_of(universe)
    given = replace(given, clustered=np.isin(ids, run.read("clustered_reports")["report_id"]))
    assert 0 < (~given.clustered).sum() < len(ids)
    cutoffs = run.read("walk_forward_cutoffs").set_index("year")
    clustered = run.read("walk_forward_clusters")
    for year in YEARS:
        wanted = by_hand(given, year)
        assert cutoffs.loc[year, "theta"] == pytest.approx(wanted.theta)
        assert cutoffs.loc[year, "distance"] == pytest.approx(wanted.distance, abs=1e-6)
        assert cutoffs.loc[year, "n_earlier_reports"] == (given.year < year).sum()
        own = ids[(given.year == year) & given.clustered]
        assert sorted(clustered.loc[clustered["year"] == year, "report_id"]) == own.tolist()
    assert set(scores_of(run)[0]) == set(ids[given.year >= YEARS[0]])


def test_reports_to_compare_of_other_features_are_refused(walked: Local, tmp_path: Path) -> None:
    run = copied(walked, tmp_path)
    path = tmp_path / "universe" / "features.parquet"
    pq.write_table(pq.read_table(path).slice(3), path)
    assert materialize(run, ["sae_features"]).success
    message = "clustered_reports was made from pca_scores, which was made from other sae_features than the present ones"
    with pytest.raises(StaleResult, match=message):
        materialize(run, TABLES)


def test_memory_is_explained(walked: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import compsim_assets.science.cutoffs.walk_forward as science

    run = copied(walked, tmp_path)
    monkeypatch.setattr(science, "fit_pca", lambda *_, **__: np.empty(1 << 55))
    with pytest.raises(dg.Failure) as caught:
        materialize(run, TABLES)
    assert "out of memory in the PCA of earlier years" in str(caught.value.description)
