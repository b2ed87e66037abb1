"""Real launches of torchrun from a real step, and each way in which a step can end."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.launch import torchrun
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets_tests.launch.steps import PROGRAMS, Step

NESTED = {"numbers": [1, 2.5, None], "deeper": {"text": "é", "flag": True}}

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc"),
    pytest.mark.waits(60),
]


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Step]:
    """A successful step with two ranks, behind a prefix."""
    settings = {"nproc": "2", "command_prefix": ["env", "COMPSIM_TEST_PREFIX=before"]}
    step = Step(tmp_path_factory.mktemp("report"), "report", settings, NESTED).start()
    yield step
    step.end()


@pytest.fixture(scope="module")
def report(launched: Step) -> dict:
    return launched.finish()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Step]]:
    """Starts a step with a rank for each action, which the rank does, and cleans up after it."""
    steps = []

    def starter(program: str, *actions: str, **extras: str) -> Step:
        settings = {"nproc": str(max(1, len(actions)))}
        steps.append(Step(tmp_path, program, settings, {"actions": actions, **extras}).start())
        return steps[-1]

    yield starter
    for step in steps:
        step.end()


def only_failure(report: dict) -> dict:
    assert not report["success"]
    (failure,) = report["failures"]
    return failure


def test_every_rank_gets_the_extras_and_the_gather_is_in_rank_order(report: dict) -> None:
    ranks = report["result"]["ranks"]
    assert report["success"]
    assert report["result"]["world_size"] == 2
    assert [seen["rank"] for seen in ranks] == [0, 1]
    for seen in ranks:
        assert {key: seen["extras"][key] for key in NESTED} == NESTED
        assert seen["total"] == [3.0, 3.0, 3.0]  # all-reduced: 1 + 2
        assert seen["prefix"] == "before"


def test_ranks_share_the_cores_and_compute_exactly(report: dict) -> None:
    cores = len(os.sched_getaffinity(0))
    for seen in report["result"]["ranks"]:
        assert int(seen["threads"]) == max(1, cores // 2)
        assert not seen["tf32"]


def test_nothing_listens_beyond_the_loopback(report: dict) -> None:
    for seen in report["result"]["ranks"]:
        assert {address for address in seen["listens"] if not address.startswith("127.")} == set()


def test_log_and_progress_lines_are_events_once(report: dict) -> None:
    lines = report["lines"]
    assert lines.count("log of 0") == 1
    assert "log of 1" not in lines
    # A thousand calls within two seconds: the first and the last.
    assert [line for line in lines if line.startswith("steps: ")] == ["steps: 1 of 1,000", "steps: 1,000 of 1,000"]


def test_every_rank_is_heard_in_the_compute_logs(launched: Step, report: dict) -> None:
    for rank in (0, 1):
        assert f"[rank {rank}] stdout of {rank}\n" in launched.output
        assert f"[rank {rank}] stderr of {rank}\n" in launched.output


def test_success_leaves_no_process_and_no_file(launched: Step, report: dict) -> None:
    assert launched.processes() == []
    assert list(launched.tmp.iterdir()) == []
    assert list(launched.scratch.iterdir()) == []


def test_the_failing_rank_is_named_and_not_its_victim(start: Callable[..., Step]) -> None:
    step = start("endings", "wait", "raise")
    failure = only_failure(step.finish())
    assert failure["description"].startswith(f"rank 1 of {PROGRAMS}.endings failed: Broken: rank 1 is broken\n")
    assert 'raise Broken(f"rank {worker.rank} is broken")' in failure["metadata"]["traceback"]
    assert failure["metadata"]["traceback"] in failure["description"]
    assert failure["metadata"]["rank"] == 1
    assert step.seconds_after(rank=1) < 20
    assert step.processes() == []
    assert list(step.tmp.iterdir()) == []
    assert list(step.scratch.iterdir()) == []


def test_a_killed_rank_is_named_with_its_signal_its_last_line_and_what_to_lower(start: Callable[..., Step]) -> None:
    step = start("greedy", "wait", "kill", kind="killed")
    description = only_failure(step.finish())["description"]
    assert description.startswith(f"rank 1 of {PROGRAMS}.greedy was killed by signal 9 (SIGKILL). ")
    assert "Its last line: years linked: 3 of 7. " in description
    assert "memory" in description
    assert "a smaller block of years; or fewer processes on a node (COMPSIM_NPROC)" in description
    assert step.seconds_after(rank=1) < 20
    assert step.processes() == []
    assert list(step.scratch.iterdir()) == []


def test_a_rank_without_a_traceback_is_quoted(start: Callable[..., Step]) -> None:
    failure = only_failure(start("unimportable").finish())
    assert "ended with exit code 1" in failure["description"]
    assert "No module named 'nonexistent_package_of_this_test'" in failure["description"]


def test_no_rank_survives_a_killed_torchrun(start: Callable[..., Step]) -> None:
    step = start("idle", "compute")
    step.wait_for_ranks(1)
    step.agent().kill()
    assert step.wait_until_gone() < 5
    description = only_failure(step.finish())["description"]
    assert "torchrun" in description
    assert "was killed by signal 9 (SIGKILL)" in description
    assert list(step.scratch.iterdir()) == []


def test_nothing_survives_a_killed_step(start: Callable[..., Step]) -> None:
    step = start("idle", "compute")
    step.wait_for_ranks(1)
    assert len(step.processes()) == 2
    step.process.kill()
    assert step.wait_until_gone() < 5


def test_termination_ends_ranks_that_cannot_listen(start: Callable[..., Step]) -> None:
    step = start("endings", "compute", "wait")
    step.wait_for_ranks(2)
    step.process.terminate()
    assert step.wait_until_gone() < 10
    report = step.finish()
    assert "DagsterExecutionInterruptedError" in only_failure(report)["error"]
    assert report["left"] == []
    assert list(step.scratch.iterdir()) == []
    assert list(step.tmp.iterdir()) == []


def test_bad_nproc_is_refused_by_name(tmp_path: Path) -> None:
    for nproc in ("0", "-1", "two", "", "1.5"):
        with pytest.raises(dg.Failure, match="COMPSIM_NPROC must be a positive number or 'auto'"):
            Torchrun(nproc=nproc).run(dg.build_asset_context(), "unused", {}, tmp_path)


def test_a_program_without_a_result_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands = []

    def succeed(command: list[str], environment: dict[str, str]) -> int:
        commands.append(command)
        return 0

    @dg.asset
    def worked(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        extra = ["--nnodes", "2", "--rdzv-endpoint", "head:1234"]
        return dg.MaterializeResult(value=Torchrun(extra_args=extra).run(context, "a.program", {}, tmp_path))

    monkeypatch.setattr(torchrun, "_run_to_end", succeed)
    with pytest.raises(dg.Failure, match=r"a\.program ended without a result"):
        dg.materialize([worked])
    (command,) = commands
    assert command[-6:] == ["--nnodes", "2", "--rdzv-endpoint", "head:1234", "-m", "a.program"]
    assert command.count("--rdzv-endpoint") == 1  # not the one for a single node
