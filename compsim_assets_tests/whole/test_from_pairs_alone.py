"""A universe with nothing but pairs, some without a correlation: clusters as the published code makes them."""

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
import pyarrow.parquet as pq
import pytest

from compsim_assets.universe.layout import ID
from compsim_assets_tests.published_code import PairRow, clusters_at, mean_correlation, partition, standardised
from compsim_assets_tests.runs import MODES, Local
from compsim_assets_tests.whole.pair_universes import YEARS, Remembered, invented_pairs, write_pairs
from compsim_assets_tests.worker_programs import run_worker

pytestmark = pytest.mark.waits(20)


@lru_cache
def of_year(year: int) -> list[tuple[int, int, float]]:
    rows = standardised(invented_pairs())
    return [(a, b, delta) for a, b, own, delta, _ in rows if own == year]


def test_reports_are_those_that_pairs_name(replayed: Remembered) -> None:
    found = replayed.read("descriptions")
    named = {(end, row[2]) for row in invented_pairs() for end in row[:2]}
    assert set(zip(found["report_id"], found["year"], strict=True)) == named
    assert found[["cik", "company_name", "ticker", "sic_code", "description"]].isna().all(axis=None)
    assert np.isnan(np.stack(replayed.read("returns")["returns"].to_list())).all()


def test_reports_without_any_correlation_are_not_clustered(replayed: Remembered) -> None:
    existing = [row for row in invented_pairs() if not np.isnan(row[4])]
    expected = {end for row in existing for end in row[:2]}
    found = replayed.read("clustered_reports")
    assert set(found["report_id"]) == expected
    left_out = len(replayed.read("descriptions")) - len(expected)
    assert left_out == 2 * len(YEARS)
    assert replayed.metadata("clustered_reports")["left_out"] == left_out


@pytest.mark.parametrize("mode", MODES)
def test_clusters_are_those_of_the_published_code(replayed: Remembered, mode: str) -> None:
    clusters = replayed.read("clusters", mode)
    thetas = replayed.read("cutoffs", mode).set_index("year")["theta"]
    assert thetas.index.tolist() == list(YEARS if mode == "base" else YEARS[5:])
    sizes = []
    for year, theta in thetas.items():
        own = clusters[clusters["year"] == year]
        expected = clusters_at(of_year(int(str(year))), theta)
        assert partition(own["report_id"], own["cluster_id"]) == expected
        sizes += [len(members) for members in expected]
    assert min(sizes) == 1 < max(sizes)


def test_the_curve_is_that_of_the_published_code_at_any_theta(replayed: Remembered) -> None:
    curve = replayed.read("cutoff_curve")
    for year in YEARS:
        own = curve[curve["year"] == year]
        steps = own["theta"].tolist()
        for theta in [-5.0, -3.13, -2.5, -1.5, 0.0, *(np.mean(two) for two in pairwise(steps))]:
            clusters = clusters_at(of_year(year), float(theta))
            expected = mean_correlation(clusters, invented_pairs(), year)
            reached = own[own["theta"] <= theta]
            found = reached["mean_correlation"].iloc[-1] if len(reached) else np.nan
            assert found == pytest.approx(expected, abs=1e-12, nan_ok=True), (year, theta)


def test_the_mean_correlations_are_those_of_the_published_code(replayed: Remembered) -> None:
    table = replayed.read("mean_correlation")
    assert set(table["method"]) == {"base", "rolling", "population", "GCD", "GCDR"}
    table = table[~table["method"].isin(["GCD", "GCDR"])].set_index(["method", "year"])
    for (method, year), row in table.iterrows():  # type: ignore[misc]
        if method == "population":
            pairs = [pair for pair in invented_pairs() if pair[2] == year]
            everybody = {frozenset(end for pair in pairs for end in pair[:2])}
        else:
            own = replayed.read("clusters", method)
            own = own[own["year"] == year]
            everybody = partition(own["report_id"], own["cluster_id"])
        expected = mean_correlation(everybody, invented_pairs(), year)
        assert row["mean_correlation"] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    base = table.loc["base", "mean_correlation"]
    thetas = replayed.read("cutoffs", "base").set_index("year")["mean_correlation"]
    np.testing.assert_allclose(base, thetas, atol=1e-12)


def test_two_processes_write_the_bytes_of_one(replayed: Remembered, tmp_path: Path) -> None:
    extras = {
        "pairs": str(replayed.results.table("published_pairs")),
        "reports": str(replayed.results.table("clustered_reports")),
    }
    one, two = (tmp_path / name for name in ("one", "two"))
    for folder in (one, two):
        folder.mkdir()
    module = "compsim_assets.workers.dendrograms"
    run_worker(module, {**extras, "output": str(one)})
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    given = json.dumps({**extras, "output": str(two)})
    done = subprocess.run([*command, "2", "-m", module, given], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"processes": 2, "device": "cpu"}
    for name in ("dendrograms", "distance_scale"):
        assert (two / f"{name}.parquet").read_bytes() == (one / f"{name}.parquet").read_bytes()
        pd.testing.assert_frame_equal(pd.read_parquet(two / f"{name}.parquet"), replayed.read(name))


def test_reports_of_other_pairs_are_refused(replayed: Remembered, tmp_path: Path) -> None:
    run = replayed.copy(tmp_path)
    shutil.copytree(replayed.folder / "universe", tmp_path / "universe")
    reports = pq.read_table(run.results.table("clustered_reports"))
    run.results.write_table(run.results.table("clustered_reports"), reports.slice(1))
    with pytest.raises(ValueError, match="dendrograms was made from other clustered_reports than the present ones"):
        Local(tmp_path).run(["clusters"])


def test_pairs_of_reports_that_are_not_there_are_counted(replayed: Remembered, tmp_path: Path) -> None:
    made = tmp_path / "universe"
    write_pairs(made, invented_pairs())
    reports = replayed.read("descriptions")[["report_id", "year"]].iloc[1:]
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
