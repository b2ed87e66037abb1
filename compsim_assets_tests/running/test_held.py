"""What is held and waited for is shown, and freed by hand: `compsim unlock`."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import typer

from compsim_assets.commands.unlock import unlock
from compsim_assets.running import identity
from compsim_assets.running.claims import claims
from compsim_assets.running.held import NotFreed, free, picture
from compsim_assets.running.waiting import NO_DAEMON, WAITS_FOR, queued, tell_the_queue
from compsim_assets_tests.running.deployed import origin

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are told apart by /proc")

STARTED, FAILED = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE
QUEUED, CANCELED = dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.CANCELED
QUEUE = {"concurrency": {"runs": {"tag_concurrency_limits": [{"key": "compsim/rebuild", "limit": 1}]}}}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=QUEUE) as instance:
        yield instance


def a_run(
    instance: dg.DagsterInstance, process: str = "", status: dg.DagsterRunStatus = STARTED, **tags: str
) -> dg.DagsterRun:
    @dg.job
    def rebuild() -> None: ...

    tags |= {identity.TAG: process} if process else {}
    if status != QUEUED:
        return instance.create_run_for_job(rebuild, tags=tags, status=status)
    return instance.create_run_for_job(rebuild, tags=tags, status=status, remote_job_origin=origin("rebuild"))


def claim(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    instance.event_log_storage.set_concurrency_slots("press", 1)
    return instance.event_log_storage.claim_concurrency_slot("press", run.run_id, "second").is_claimed


@pytest.fixture
def living() -> Iterator[str]:
    """A process that is there, as a run's tag names it."""
    program = "from compsim_assets.running.identity import this_process; print(this_process(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:  # fmt: skip
        assert child.stdout
        yield child.stdout.readline().strip()
        child.kill()


def elsewhere() -> str:
    return json.dumps({**json.loads(identity.this_process()), "host": "elsewhere", "boot": "another"})


def dead() -> str:
    return json.dumps({**json.loads(identity.this_process()), "started": "1"})


def test_who_holds_and_who_waits(instance: dg.DagsterInstance, living: str) -> None:
    holder, waiter = a_run(instance, living), a_run(instance, elsewhere())
    assert claim(instance, holder)
    assert not claim(instance, waiter)
    there = picture(instance)
    assert [(run["run_id"], run["status"], run["state"]) for run in there["runs"]] == [
        (holder.run_id, "STARTED", "alive"), (waiter.run_id, "STARTED", "unknown"),
    ]  # fmt: skip
    assert [(each["pool"], each["step"], each["state"]) for each in there["held"]] == [("press", "second", "alive")]
    assert [(each["run_id"], each["state"]) for each in there["waiting"]] == [(waiter.run_id, "unknown")]
    assert all(each["since"] for each in (*there["runs"], *there["waiting"]))


def test_a_living_run_keeps_what_it_holds(instance: dg.DagsterInstance, living: str) -> None:
    run = a_run(instance, living)
    claim(instance, run)
    with pytest.raises(NotFreed, match=r"is alive, process \d+ on"):
        list(free(instance, run.run_id))
    assert claims(instance)
    lines = list(free(instance, run.run_id[:6], force=True))
    assert lines[0].endswith("(alive)")
    assert "pool press is free again" in lines[1]
    assert not claims(instance)
    assert instance.get_run_by_id(run.run_id).status == FAILED


@pytest.mark.parametrize("process", ["", "elsewhere"])
def test_a_run_of_unknown_state_is_freed_by_hand(instance: dg.DagsterInstance, process: str) -> None:
    run = a_run(instance, elsewhere() if process else "")
    claim(instance, run)
    assert len(list(free(instance, run.run_id))) == 2
    assert not claims(instance)
    ended = instance.get_run_by_id(run.run_id)
    assert (ended.status, ended.tags["dagster/max_retries"]) == (FAILED, "0")
    assert list(free(instance, run.run_id)) == [f"run {run.run_id[:8]} (rebuild) has ended, FAILURE, and holds nothing"]


def test_a_queued_run_loses_its_place(instance: dg.DagsterInstance) -> None:
    run = a_run(instance, status=QUEUED)
    list(free(instance, run.run_id))
    assert instance.get_run_by_id(run.run_id).status == CANCELED


@pytest.mark.parametrize("name", ["0000nothing", ""])
def test_a_run_that_is_none(instance: dg.DagsterInstance, name: str) -> None:
    with pytest.raises(NotFreed, match="no runs begin with"):
        list(free(instance, name))


def heard_of_a_daemon(instance: dg.DagsterInstance, seconds_ago: float = 0) -> None:
    from dagster._daemon.types import DaemonHeartbeat

    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, "QUEUED_RUN_COORDINATOR", "one"))


def test_a_queued_run_is_told_once_what_it_waits_for(instance: dg.DagsterInstance) -> None:
    tag = {"compsim/rebuild": "everything"}
    first, second = a_run(instance, **tag), a_run(instance)
    run = a_run(instance, status=QUEUED, **tag)
    heard_of_a_daemon(instance)

    def told() -> list[str]:
        for each in (first, second):
            tell_the_queue(instance, each.run_id)
        return [entry.message for entry in instance.all_logs(run.run_id) if "waits since" in entry.message]

    assert len(told()) == 1
    (line,) = told()
    assert f"a place among runs of compsim/rebuild, taken by run {first.run_id[:8]} (rebuild)" in line
    assert second.run_id[:8] not in line
    assert instance.get_run_by_id(run.run_id).tags[WAITS_FOR] in line
    instance.report_run_failed(first)
    assert len(told()) == 2
    assert told()[-1].endswith("for the daemon, which starts it next")


@pytest.mark.parametrize("seconds_ago", [None, 1000])
def test_without_a_daemon_a_queued_run_waits_for_one(instance: dg.DagsterInstance, seconds_ago: float | None) -> None:
    a_run(instance, status=QUEUED)
    if seconds_ago:
        heard_of_a_daemon(instance, seconds_ago)
    assert [place.waits_for for place in queued(instance)] == [NO_DAEMON]


def test_the_command(instance: dg.DagsterInstance, living: str, monkeypatch, capsys) -> None:
    monkeypatch.setenv("DAGSTER_HOME", instance.root_directory)
    lost, run = a_run(instance, dead()), a_run(instance, living)
    claim(instance, lost)
    unlock(None, False, False)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith(f"run {lost.run_id[:8]} (rebuild) is dead: process")
    assert second.startswith("pool press is free again")
    assert third.startswith(f"run {run.run_id[:8]} (rebuild): STARTED since 2")
    assert third.endswith(", alive")
    with pytest.raises(typer.Exit) as ended:
        unlock(run.run_id, False, False)
    assert ended.value.exit_code == 2
    assert "is alive" in capsys.readouterr().err
    unlock(run.run_id[:7], True, True)
    answer = json.loads(capsys.readouterr().out)
    assert (len(answer["freed"]), answer["runs"], answer["queue"]) == (1, [], [])
    unlock(None, False, False)
    assert capsys.readouterr().out == "nothing is held, and nobody waits\n"
