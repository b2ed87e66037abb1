"""How many ranks a node gets, and what the agent reports without starting any."""

import json
import os
from pathlib import Path

import pytest
import torch
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from compsim_assets.launch import agent
from compsim_assets.launch.agent import processes, threads


def test_processes_are_the_gpus_or_as_many_as_asked_for() -> None:
    assert [processes("auto", gpus) for gpus in (0, 1, 4)] == [1, 1, 4]
    assert (processes("3", 0), processes("2", 4)) == (3, 2)
    for wanted in ("0", "-1", "two", "", "1.5"):
        with pytest.raises(ValueError, match="COMPSIM_NPROC must be a positive number or 'auto'"):
            processes(wanted, 0)
    with pytest.raises(ValueError, match="Set COMPSIM_NPROC to at most 2, or to auto"):
        processes("3", 2)


def test_threads_share_the_cores() -> None:
    assert [threads(cores, nproc) for cores, nproc in ((16, 4), (16, 3), (2, 4))] == [4, 5, 1]


def test_a_launch_that_is_refused_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    arguments = ["--nproc-per-node", "2", "--log-dir", str(tmp_path), "-m", "unused"]
    with pytest.raises(ValueError, match="COMPSIM_NPROC"):
        agent.main(arguments)
    (path,) = tmp_path.glob("*/failure.json")
    assert "2 processes for 1 visible CUDA GPU" in json.loads(path.read_text())["launch"]


def test_a_rank_is_described_with_its_traceback_and_the_exact_time(tmp_path: Path) -> None:
    rank_folder = tmp_path / "job" / "attempt_0" / "1"
    rank_folder.mkdir(parents=True)
    error = {"message": "ValueError: x", "extraInfo": {"py_callstack": "Tr ...", "timestamp": "100"}}
    error_file = rank_folder / "error.json"
    error_file.write_text(json.dumps({"message": error}))
    os.utime(error_file, (100.25, 100.25))
    (rank_folder / "stderr.log").write_text("".join(f"line {n}\n" for n in range(100)))
    failure = ProcessFailure(local_rank=1, pid=1, exitcode=1, error_file=str(error_file))
    described = agent._describe(5, failure, tmp_path)
    assert described["stderr"].splitlines() == [f"line {n}" for n in range(60, 100)]
    del described["stderr"]
    assert described == {"rank": 5, "exit_code": 1, "time": 100.25, "error": "ValueError: x", "traceback": "Tr ..."}
