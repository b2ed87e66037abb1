"""What dead runs hold is given back, and what live ones hold is said: with real processes, killed for good."""

import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.running.claims import claims, give_back, holders
from compsim_assets_tests.running.commands import Command, wait_until_gone

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are told apart by /proc"),
    pytest.mark.waits(60),
]


def begun(command: Command) -> bool:
    return bool(command.note("second"))


def claimed(command: Command) -> bool:
    """The slot is taken, and the step's process is not there yet or not at work."""
    with command.instance() as instance:
        return bool(claims(instance, "press"))


@pytest.mark.parametrize("moment", [claimed, begun])
def test_after_a_kill_the_next_run_ends_well(moment: Callable[[Command], bool], tmp_path: Path) -> None:
    command = Command(tmp_path, "first", "second", second="sleep 100")
    command.wait_for(lambda: moment(command))
    processes = command.tree()
    command.process.kill()
    command.finish()
    wait_until_gone(processes)
    again = Command(tmp_path, "first", "second")
    assert again.finish() == 0
    assert again.lines == [
        "run ID (rebuild) is dead: process N is gone. It is marked as failed",
        "pool press is free again: step second of run ID (rebuild), which has ended, held it",
        "  first                          1,234 rows",
        "  second                         2 x 3",
        "made: first second",
    ]
    with again.instance() as instance:
        last, killed = instance.get_runs()
        assert (last.status, killed.status) == (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
        assert not claims(instance)


def test_a_run_that_is_ended_while_a_step_starts_holds_nothing(tmp_path: Path) -> None:
    command = Command(tmp_path, "second", second="sleep 100")
    command.wait_for(lambda: claimed(command))
    command.interrupt()
    assert command.finish(60) == 130
    with command.instance() as instance:
        assert not claims(instance)


def test_a_run_that_waits_says_for_whom_and_goes_on_when_it_dies(tmp_path: Path) -> None:
    (tmp_path / "holder").mkdir()
    (tmp_path / "waiter").mkdir()
    holder = Command(tmp_path / "holder", "second", second="sleep 100")
    holder.wait_for(lambda: begun(holder))
    waiter = Command(tmp_path / "waiter", "second", home=holder.home)
    waiter.wait_for(lambda: "waits" in waiter.output)
    other, line = waiter.lines
    assert other == "run ID (rebuild) is under way, too"
    assert line.startswith("  waits for pool press, held by step second of run ID (rebuild) since ")
    holder.process.kill()
    holder.finish()
    assert waiter.finish() == 0
    assert waiter.lines[2:] == [
        "  run ID (rebuild) is dead: process N is gone. It is marked as failed",
        "  pool press is free again: step second of run ID (rebuild), which has ended, held it",
        "  second                         2 x 3",
        "made: second",
    ]


def claim(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.event_log_storage.set_concurrency_slots("press", 1)
    assert instance.event_log_storage.claim_concurrency_slot("press", run.run_id, "second").is_claimed


@pytest.fixture
def instance(tmp_path: Path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def a_run(instance: dg.DagsterInstance, **tags: str) -> dg.DagsterRun:
    @dg.job
    def rebuild() -> None: ...

    return instance.create_run_for_job(rebuild, tags=tags, status=dg.DagsterRunStatus.STARTED)


def test_an_ended_run_of_whatever_launcher_holds_nothing(instance: dg.DagsterInstance) -> None:
    run = a_run(instance)
    claim(instance, run)
    assert list(give_back(instance)) == []
    assert len(holders(instance, "press", "another")) == 1
    assert "if that run is dead" in holders(instance, "press", "another")[0]
    assert holders(instance, "press", run.run_id) == []
    instance.report_run_canceled(run)
    assert list(give_back(instance)) == [
        f"pool press is free again: step second of run {run.run_id[:8]} (rebuild), which has ended, held it"
    ]
    assert claims(instance) == []
    claim(instance, a_run(instance))


def test_a_run_that_was_deleted_holds_nothing(instance: dg.DagsterInstance) -> None:
    run = a_run(instance)
    claim(instance, run)
    instance.run_storage.delete_run(run.run_id)
    assert len(list(give_back(instance))) == 1
    assert claims(instance) == []


def test_a_run_that_waits_in_a_queue_and_is_dead_is_not_next(instance: dg.DagsterInstance) -> None:
    first, second, third = (a_run(instance) for _ in range(3))
    claim(instance, first)
    for run in (second, third):
        assert not instance.event_log_storage.claim_concurrency_slot("press", run.run_id, "second").is_claimed
    instance.report_run_failed(second)
    list(give_back(instance))
    instance.event_log_storage.free_concurrency_slots_for_run(first.run_id)
    assert instance.event_log_storage.claim_concurrency_slot("press", third.run_id, "second").is_claimed
