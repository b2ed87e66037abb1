"""The worker's own face, in this process, and a program run by hand."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from compsim_assets.launch import group
from compsim_assets.launch import worker as launch_worker
from compsim_assets.launch.worker import Worker
from compsim_assets_tests.launch.steps import PROGRAMS
from compsim_assets_tests.launch.warm import by_hand


def worker(rank: int = 0) -> Worker:
    return Worker(rank, 2 if rank else 1, torch.device("cpu"), {"a": 1})


def test_progress_is_one_line_in_two_seconds_and_the_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 0.5, 1.9, 2.1, 2.2, 2.3])
    monkeypatch.setattr(launch_worker.time, "monotonic", lambda: next(clock))
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
    ended = by_hand(f"{PROGRAMS}.endings", {"actions": ["none"], "started": str(tmp_path)}, tmp_path)
    assert ended.code == 0, ended.errors
    assert (tmp_path / "0").exists()


def test_sys_exit_is_a_failure_with_a_traceback(tmp_path: Path) -> None:
    ended = by_hand(f"{PROGRAMS}.endings", {"actions": ["exit"], "started": str(tmp_path)}, tmp_path)
    assert ended.code == 1
    assert "RuntimeError: sys.exit(3) in a worker program" in ended.errors


def test_out_of_memory_says_where_and_what_to_lower(tmp_path: Path) -> None:
    causes = {"numpy": "MemoryError: Unable to allocate 16.0 GiB", "torch": "RuntimeError: "}
    for kind, cause in causes.items():
        ended = by_hand(f"{PROGRAMS}.greedy", {"kind": kind}, tmp_path / kind)
        assert ended.code == 1
        assert (
            "OutOfMemory: out of memory (last: years linked: 3 of 7). To need less: a smaller block of years; or fewer "
            f"processes on a node (COMPSIM_NPROC), or nodes with more memory. {cause}"
        ) in ended.errors


def test_ranks_on_different_devices_are_refused(tmp_path: Path) -> None:
    ended = by_hand(f"{PROGRAMS}.devices", {}, tmp_path, ranks=2)
    assert ended.code == 1
    assert "RuntimeError: ranks compute on different devices (rank 0 on " in ended.errors
    assert ": cpu, rank 1 on " in ended.errors
    assert ": cuda): their results would differ" in ended.errors


def test_a_rank_that_does_not_come_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_JOIN_TIMEOUT", "1")
    monkeypatch.setenv("SLURMD_NODENAME", "gpu7")
    expected = "rank 0 on gpu7 could not connect to the other 1 within 1 s. Across nodes, GLOO_SOCKET_IFN"
    with pytest.raises(RuntimeError, match=expected):
        group._meet(dist.HashStore(), 0, 2, torch.device("cpu"))
