"""The clustering program: years by hand, cut for one cutoff mode or several at once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets_tests.runs import Rebuilt, Run
from compsim_assets_tests.worker_programs import run_worker
from compsim_assets_tests.workers.linked import CLUSTERS, DENDROGRAMS, at, cluster, three_years, to_cut, to_link

pytestmark = pytest.mark.waits(20)


def test_chains_are_clusters_and_the_largest_is_the_first(tmp_path: Path) -> None:
    # 0, 10 and 20 are a chain, 90 and 95 a pair, 200 is alone.
    scores = at(90, 200, 0, 10, 95, 20)
    found = cluster(tmp_path, scores, [2001] * 6, [60, 50, 40, 30, 20, 10], {2001: 11})
    assert found.to_dict("list") == {
        "year": [2001] * 6,
        "cluster_id": [1, 1, 1, 2, 2, 3],
        "report_id": [10, 30, 40, 20, 60, 50],
    }
    assert set(found.dtypes) == {np.dtype("int64")}


def test_years_are_apart_and_have_their_own_cutoffs(tmp_path: Path) -> None:
    scores, years = at(0, 10, 0, 10, 0, 10), [2001, 2001, 2002, 2002, 2003, 2003]
    found = cluster(tmp_path, scores, years, [1, 2, 3, 4, 5, 6], {2002: 5, 2001: 11})
    assert found.to_dict("list") == {
        "year": [2001, 2001, 2002, 2002],
        "cluster_id": [1, 1, 1, 2],
        "report_id": [1, 2, 3, 4],
    }


def test_the_length_of_scores_does_not_matter(tmp_path: Path) -> None:
    scores = at(0, 1, 180) * np.array([[1e-3], [1e3], [1.0]], np.float32)
    found = cluster(tmp_path, scores, [2001] * 3, [1, 2, 3], {2001: 2})
    assert found["cluster_id"].tolist() == [1, 1, 2]


def test_a_distance_at_the_cutoff_links(tmp_path: Path) -> None:
    found = cluster(tmp_path, at(0, 90, 270), [2001] * 3, [1, 2, 3], {2001: 90})
    assert found["cluster_id"].tolist() == [1, 1, 1]


def test_a_distance_a_little_beyond_the_cutoff_does_not_link(tmp_path: Path) -> None:
    found = cluster(tmp_path, at(0, 60, 120.1), [2001] * 3, [1, 2, 3], {2001: 60.001})
    assert found["cluster_id"].tolist() == [1, 1, 2]


def test_scores_of_zero_are_at_distance_one(tmp_path: Path) -> None:
    scores = np.concatenate([np.zeros((2, 2), np.float32), at(0, 1)])
    found = cluster(tmp_path, scores, [2001] * 4, [1, 2, 3, 4], {2001: 60})
    assert found["report_id"].tolist() == [3, 4, 1, 2]
    assert found["cluster_id"].tolist() == [1, 1, 2, 3]


def test_a_single_report_and_a_year_without_any(tmp_path: Path) -> None:
    found = cluster(tmp_path, at(0), [2001], [7], {2001: 10, 2005: 10})
    assert found.to_dict("list") == {"year": [2001], "cluster_id": [1], "report_id": [7]}


def test_no_cutoffs_no_clusters(tmp_path: Path) -> None:
    found = cluster(tmp_path, at(0, 1), [2001] * 2, [1, 2], {})
    assert found.empty
    assert dict(found.dtypes) == dict.fromkeys(["year", "cluster_id", "report_id"], np.dtype("int64"))


def test_modes_are_cut_at_their_own_cutoffs(tmp_path: Path) -> None:
    scores, years, ids = three_years()
    run_worker(DENDROGRAMS, to_link(tmp_path, scores, years, ids))
    angles = {"base": dict.fromkeys((2001, 2002, 2003), 14.0), "rolling": {2003: 30.0}}
    run_worker(CLUSTERS, to_cut(tmp_path, angles))
    for mode, by_year in angles.items():
        both = (tmp_path / mode / "clusters.parquet").read_bytes()
        run_worker(CLUSTERS, to_cut(tmp_path, {mode: by_year}))
        assert (tmp_path / mode / "clusters.parquet").read_bytes() == both
        found = pd.read_parquet(tmp_path / mode / "clusters.parquet")
        assert sorted(found["year"].unique()) == list(by_year)
        assert (found.groupby(["year", "cluster_id"]).size() > 2).sum() > 3


def test_years_in_tiles_have_the_same_clusters(tmp_path: Path) -> None:
    angles = dict.fromkeys((2001, 2002, 2003), 14.0)
    expected = cluster(tmp_path, *three_years(), angles)
    assert expected["cluster_id"].max() > 10
    for dense_bytes, block in [(0, 7), (4 * 60**2, 64)]:
        assert cluster(tmp_path, *three_years(), angles, dense_bytes=dense_bytes, block=block).equals(expected)


def test_merges_of_other_reports_are_refused(tmp_path: Path) -> None:
    scores, years, ids = three_years()
    run_worker(DENDROGRAMS, to_link(tmp_path, scores, years, ids))
    to_link(tmp_path, scores, years, [report + 1 for report in ids])
    with pytest.raises(ValueError, match="which is not among the clustered ones"):
        run_worker(CLUSTERS, to_cut(tmp_path, {"base": {2001: 10.0}}))


def test_no_reports_at_all(tmp_path: Path) -> None:
    found = cluster(tmp_path, np.empty((0, 2), np.float32), [], [], {2001: 10})
    assert found.empty


def test_two_processes_find_the_clusters_of_one(rebuilt: Rebuilt, from_command_line: Run) -> None:
    one, two = (run.read("clusters", "base") for run in (rebuilt, from_command_line))
    assert two.equals(one)
    assert (one.groupby(["year", "cluster_id"]).size() >= 2).sum() > 5
    for run in (rebuilt, from_command_line):
        cutoffs = run.read("cutoffs", "base")
        assert cutoffs["theta"].equals(rebuilt.read("cutoffs", "base")["theta"])
    assert from_command_line.metadata("clusters", "base")["processes"] == 2


def test_the_order_of_reports_does_not_matter(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scores, ids = rng.normal(size=(30, 4)).astype(np.float32), rng.permutation(100)[:30]
    years = rng.integers(2001, 2003, 30)
    order = rng.permutation(30)
    angles = {2001: 40.0, 2002: 40.0}
    found = [
        cluster(tmp_path, scores[rows], years[rows].tolist(), ids[rows].tolist(), angles)
        for rows in (np.arange(30), order)
    ]
    assert found[0].equals(found[1])
    assert found[0]["cluster_id"].max() > 2
