"""`make bench` runs, and what it compares gives the same results."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

pytestmark = pytest.mark.waits(30)


@pytest.mark.parametrize("job", ["cutoffs", "pairs"])
def test_ours_and_the_published_algorithm_agree(job: str) -> None:
    command = [sys.executable, "-m", "benchmarks.run", "small", "--device", "cpu", "--only", job]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout.splitlines()[-1])[-1]
    # The published loops work in float32.
    assert 0 <= row["difference"] < 1e-6
    measured = {"ours", "published", "peak"} | (set() if job == "pairs" else {"floor"})
    assert min(row[name] for name in measured) > 0


def test_cutoffs_and_clusters_come_from_one_linkage() -> None:
    command = [sys.executable, "-m", "benchmarks.run", "small", "--device", "cpu", "--only", "linked_once"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout.splitlines()[-1])
    assert row["difference"] == 0
    assert row["note"].startswith("2,394 merges")
    assert min(row["ours"], row["floor"]) > 0


def test_the_table_has_a_line_a_row() -> None:
    command = [sys.executable, "-m", "benchmarks.run", "small", "--jobs", "strong_features"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    title, _, *lines = done.stdout.strip().splitlines()
    assert title.startswith("Size `small` on ")
    assert "GFLOP/s float32" in title
    headers, _, cells = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    row = dict(zip(headers, cells, strict=True))
    assert row["job"] == "strong features"
    assert row["size"].startswith("60 clusters")
    assert 0 <= float(row["difference"]) < 1e-6
    assert min(float(row[name]) for name in ("ours s", "published s", "floor s", "peak GB")) > 0
