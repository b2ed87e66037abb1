"""What the launcher answers about runs, and what it does when two daemons ask for one."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import dagster as dg
import pytest
from dagster._core.launcher import LaunchRunContext
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG

from compsim_assets.running import identity, launcher
from compsim_assets.running.launcher import LAUNCHED, RunLauncher
from compsim_assets_tests.running.deployed import origin

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are told apart by /proc")

SERVER = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "port": 1})}
STATUS = dg.DagsterRunStatus


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    limits = {"concurrency": {"runs": {"tag_concurrency_limits": [{"key": "compsim/rebuild", "limit": 1}]}}}
    ours = {"run_launcher": {"module": "compsim_assets.running.launcher", "class": "RunLauncher"}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=limits | ours) as instance:
        yield instance


@pytest.fixture
def asked(instance: dg.DagsterInstance) -> RunLauncher:
    assert isinstance(instance.run_launcher, RunLauncher)
    return instance.run_launcher


def a_run(instance: dg.DagsterInstance, process: str = "", **tags: str) -> dg.DagsterRun:
    @dg.job
    def rebuild() -> None: ...

    tags |= {identity.TAG: process} if process else {}
    run = instance.create_run_for_job(rebuild, tags=tags, remote_job_origin=origin("rebuild"))
    instance.report_dagster_event(dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, "rebuild"), run.run_id)
    there = instance.get_run_by_id(run.run_id)
    assert there
    return there


def changed(**values: object) -> str:
    return json.dumps({**json.loads(identity.this_process()), **values})


@pytest.mark.parametrize(
    ("process", "answer"),
    [
        (identity.this_process(), "RUNNING"),
        (changed(started="1"), "NOT_FOUND"),
        (changed(host="elsewhere", boot="another"), "RUNNING"),  # cannot be told: anything else would end it
        ("", "RUNNING"),
    ],
)
def test_a_run_counts_as_there_unless_it_surely_is_not(
    instance: dg.DagsterInstance, asked: RunLauncher, process: str, answer: str
) -> None:
    assert asked.check_run_worker_health(a_run(instance, process)).status.value == answer


class Client:
    """A code server that knows of no run, or does not answer."""

    def __init__(self, answers: bool) -> None:
        self._answers = answers

    def can_cancel_execution(self, question: object, timeout: int) -> str:
        if not self._answers:
            raise launcher.DagsterUserCodeUnreachableError("down")
        return launcher_answer()


def launcher_answer() -> str:
    from dagster._serdes import serialize_value

    return serialize_value(launcher.CanCancelExecutionResult(can_cancel=False))


@pytest.mark.parametrize(
    ("answers", "tags", "patience", "answer"),
    [
        (True, SERVER, 0.0, "NOT_FOUND"),
        (False, SERVER, 0.0, "RUNNING"),
        (True, SERVER, 60.0, "RUNNING"),  # it was launched a moment ago
        (True, {**SERVER, identity.ALONE: "true"}, 0.0, "RUNNING"),  # its server is gone, and it goes on
    ],
)
def test_a_run_of_another_container_is_gone_when_its_server_is_another_one(
    instance: dg.DagsterInstance,
    asked: RunLauncher,
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
    tags: dict[str, str],
    patience: float,
    answer: str,
) -> None:
    monkeypatch.setattr(asked, "_get_grpc_client_for_termination", lambda run_id: Client(answers))
    monkeypatch.setattr(launcher, "STARTS_WITHIN", patience)
    run = a_run(instance, changed(namespace="pid:[1]"), **tags)
    assert asked.check_run_worker_health(run).status.value == answer


def test_ending_a_run_whose_process_and_server_are_gone(instance: dg.DagsterInstance, asked: RunLauncher) -> None:
    run = a_run(instance, changed(started="1"), **SERVER)
    assert asked.terminate(run.run_id)
    assert instance.get_run_by_id(run.run_id).status == STATUS.CANCELED  # type: ignore[union-attr]
    assert not asked.terminate(run.run_id)


def test_two_daemons_launch_a_run_once_and_one_rebuild_at_a_time(
    instance: dg.DagsterInstance, asked: RunLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = []
    monkeypatch.setattr(DefaultRunLauncher, "launch_run", lambda self, context: launched.append(context.dagster_run))
    one, other = (a_run(instance, **{"compsim/rebuild": "everything"}) for _ in range(2))
    together = Barrier(4)

    def launch(run: dg.DagsterRun) -> None:
        together.wait()
        asked.launch_run(LaunchRunContext(run, None))

    daemons = [Thread(target=launch, args=(run,)) for run in (one, other, one, other)]
    for daemon in daemons:
        daemon.start()
    for daemon in daemons:
        daemon.join()
    (first,) = launched
    waits = other if first.run_id == one.run_id else one
    assert instance.get_run_by_id(waits.run_id).status == STATUS.QUEUED  # type: ignore[union-attr]
    instance.report_run_failed(first)
    asked.launch_run(LaunchRunContext(waits, None))
    assert [run.run_id for run in launched] == [first.run_id, waits.run_id]
    assert instance.get_run_by_id(first.run_id).tags[LAUNCHED] == first.run_id  # type: ignore[union-attr]
