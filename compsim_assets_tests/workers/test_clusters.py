"""The clustering program: years by hand, and one process against two."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.storage.matrices import list_column
from compsim_assets_tests.runs import Rebuilt, Run
from compsim_assets_tests.worker_programs import run_worker

pytestmark = pytest.mark.waits(20)

MODULE = "compsim_assets.workers.clusters"


def at(*degrees: float) -> np.ndarray:
    """Directions in a plane: the cosine distance of two is 1 - cos of the angle between them."""
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def inputs(
    folder: Path, scores: np.ndarray, years: list[int], ids: list[int], angles: dict[int, float]
) -> dict[str, Any]:
    """Files of the program, and the extras that name them."""
    table = {"report_id": ids, "year": years, "scores": list_column(scores)}
    pq.write_table(pa.table(table), folder / "scores.parquet")
    distance = [1 - np.cos(np.radians(angle)) for angle in angles.values()]
    cutoffs = pd.DataFrame({"year": list(angles), "distance": distance}).astype({"year": "int64"})
    cutoffs.to_parquet(folder / "cutoffs.parquet")
    names = ("scores", "cutoffs", "output")
    extras = {name: str(folder / f"{name}.parquet") for name in names}
    return {**extras, "reports": extras["scores"]}


def cluster(
    folder: Path, scores: np.ndarray, years: list[int], ids: list[int], angles: dict[int, float], **options: int
) -> pd.DataFrame:
    """Clusters when reports are linked that are at most `angles[year]` degrees apart."""
    extras = {**inputs(folder, scores, years, ids, angles), **options}
    assert run_worker(MODULE, extras) == {"processes": 1, "device": "cpu"}
    return pd.read_parquet(folder / "output.parquet")


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


def three_years() -> tuple[np.ndarray, list[int], list[int], dict[int, float]]:
    """Years of 40, 130 and 60 reports in no order, with clusters, copies and rows of zeros; their cutoffs."""
    rng = np.random.default_rng(0)
    years = rng.permutation(np.repeat([2001, 2002, 2003], [40, 130, 60]))
    centres = rng.normal(size=(60, 5))
    scores = centres[rng.integers(60, size=230)] + 0.1 * rng.normal(size=(230, 5))
    scores[10:30] = scores[30:50]
    scores[[5, 6, 99]] = 0
    ids = rng.permutation(1000)[:230]
    return (scores.astype(np.float32), years.tolist(), ids.tolist(), dict.fromkeys((2001, 2002, 2003), 14.0))


def test_years_in_tiles_have_the_same_clusters(tmp_path: Path) -> None:
    """All three years in tiles, two of them, one; tiles smaller and larger than a year."""
    given = three_years()
    expected = cluster(tmp_path, *given)
    assert expected["cluster_id"].max() > 10
    assert (expected.groupby(["year", "cluster_id"]).size() > 2).sum() > 10
    for dense_bytes, block in [(0, 7), (0, 1000), (5 * 40**2, 64), (5 * 60**2, 64)]:
        assert cluster(tmp_path, *given, dense_bytes=dense_bytes, block=block).equals(expected)


def test_processes_share_the_tiles_of_a_large_year(tmp_path: Path) -> None:
    """Two years in tiles, by both processes; the third is listed by one of them."""
    given = three_years()
    expected = cluster(tmp_path, *given)
    extras = {**inputs(tmp_path, *given), "dense_bytes": 5 * 40**2, "block": 16}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*command, "-m", MODULE, json.dumps(extras)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"processes": 2, "device": "cpu"}
    assert pd.read_parquet(extras["output"]).equals(expected)


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
