"""The worker's own face, in this process, and a program run by hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from compsim_assets.launch import group
from compsim_assets.launch import worker as distributed
from compsim_assets.launch.worker import Worker

ROOT = Path(__file__).parents[2]


def worker(rank: int = 0) -> Worker:
    return Worker(rank, 2 if rank else 1, torch.device("cpu"), {"a": 1})


def by_hand(program: str, extras: dict) -> subprocess.CompletedProcess[str]:
    """Run a worker program without torchrun and without Dagster."""
    return subprocess.run(
        [sys.executable, "-m", f"compsim_assets_tests.launch.programs.{program}", json.dumps(extras)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_progress_is_one_line_in_two_seconds_and_the_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 0.5, 1.9, 2.1, 2.2, 2.3])
    monkeypatch.setattr(distributed.time, "monotonic", lambda: next(clock))
    reporter = worker()
    for done in range(1, 6):
        reporter.progress(done, 1500, "rows")
    reporter.progress(1500, 1500, "rows")
    assert capsys.readouterr().err.splitlines() == ["rows: 1 of 1,500", "rows: 4 of 1,500", "rows: 1,500 of 1,500"]


def test_progress_of_two_things_is_kept_apart(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = worker()
    reporter.progress(1, 9, "rows")
    reporter.progress(1, 9, "columns")
    assert capsys.readouterr().err.splitlines() == ["rows: 1 of 9", "columns: 1 of 9"]


def test_only_rank_0_reports(capsys: pytest.CaptureFixture[str]) -> None:
    other = worker(rank=1)
    other.log("message")
    other.progress(1, 1, "rows")
    other.result({"a": 1})
    assert other.reported is None
    assert capsys.readouterr() == ("", "")


def test_a_result_is_reported_once_and_is_json() -> None:
    reporter = worker()
    with pytest.raises(TypeError):
        reporter.result({"value": torch.ones(1)})
    reporter.result({"value": 1})
    assert reporter.reported == {"value": 1}
    with pytest.raises(RuntimeError, match="once"):
        reporter.result({"value": 2})


def test_alone_the_collectives_need_no_group() -> None:
    assert worker().gather("mine") == ["mine"]
    worker().barrier()


def test_a_program_runs_by_hand(tmp_path: Path) -> None:
    ended = by_hand("endings", {"actions": ["none"], "started": str(tmp_path)})
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "0").exists()


def test_sys_exit_is_a_failure_with_a_traceback(tmp_path: Path) -> None:
    ended = by_hand("endings", {"actions": ["exit"], "started": str(tmp_path)})
    assert ended.returncode == 1
    assert "RuntimeError: sys.exit(3) in a worker program" in ended.stderr


def test_numpy_out_of_memory_says_where_and_what_to_lower() -> None:
    ended = by_hand("greedy", {"kind": "numpy"})
    assert ended.returncode == 1
    assert (
        "OutOfMemory: out of memory (last: years linked: 3 of 7). To need less: a smaller block of "
        "years; or fewer processes on a node (COMPSIM_NPROC), or nodes with more memory. "
        "MemoryError: Unable to allocate 16.0 GiB"
    ) in ended.stderr


def test_a_rank_that_does_not_come_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_JOIN_TIMEOUT", "1")
    monkeypatch.setenv("SLURMD_NODENAME", "gpu7")
    said = "rank 0 on gpu7 could not connect to the other 1 within 1 s. Across nodes, GLOO_SOCKET_IFN"
    with pytest.raises(RuntimeError, match=said):
        group._meet(dist.HashStore(), 0, 2, torch.device("cpu"))
