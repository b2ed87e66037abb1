"""A run under a code server and a daemon that is killed, or ended in the UI, at any stage: the next one ends well.

COMPSIM_KILLS says at how many moments, 2 by default; 37 are each once.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import httpx2
import pytest

from compsim_assets.running import identity
from compsim_assets.running.claims import claims
from compsim_assets_tests.running.commands import living, wait_until_gone
from compsim_assets_tests.running.deployed import FINISHED, LAUNCH, Deployed, free_port

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are tied to each other by the kernel"),
    pytest.mark.waits(120),
    pytest.mark.timeout(3600),
]

KILLS = int(os.environ.get("COMPSIM_KILLS", "2"))
EVERYTHING = {
    "compsim/rebuild": "everything",
    "dagster/asset_partition_range_start": "base",
    "dagster/asset_partition_range_end": "rolling",
}
ASSETS = ("first", "second", "left", "right")
STATUS = dg.DagsterRunStatus


def logged(deployed: Deployed, run_id: str, kind: dg.DagsterEventType) -> bool:
    """Whether the step `second` has come so far."""
    events = deployed.instance.all_logs(run_id, of_type=kind)
    return any(entry.step_key == "second" for entry in events)


# When each stage has begun, and what the steps do so that it lasts.
STAGES: dict[str, tuple[Callable[[Deployed, str], object], dict[str, str]]] = {
    "queued": (lambda toy, run: toy.status(run) == STATUS.QUEUED, {}),
    "launching": (lambda toy, run: toy.status(run) == STATUS.STARTING, {}),
    "claimed": (lambda toy, run: claims(toy.instance, "press"), {}),
    "starting": (lambda toy, run: logged(toy, run, dg.DagsterEventType.STEP_WORKER_STARTING), {}),
    "running": (lambda toy, run: toy.note("second"), {"second": "sleep 3"}),
    "writing": (lambda toy, run: toy.note("writing"), {"writing": "3"}),
}


def kill_the_run(toy: Deployed, run_id: str) -> None:
    toy.kill(toy.run_process(run_id))


def kill_a_step(toy: Deployed, run_id: str) -> None:
    servers = toy.run_process(run_id).children()
    toy.kill(*(step for server in servers for step in server.children()))


def kill_the_server(toy: Deployed, run_id: str) -> None:
    toy.kill(toy.server)
    toy.serve()


def kill_everything(toy: Deployed, run_id: str) -> None:
    """As when the machine, or the unit, is stopped and started."""
    processes = toy.processes()
    toy.kill(toy.server, *toy.daemons, *processes)
    wait_until_gone(processes)
    toy.serve()
    toy.daemons = [toy.start_daemon()]


def kill_the_daemon(toy: Deployed, run_id: str) -> None:
    toy.kill(*toy.daemons)
    toy.daemons = [toy.start_daemon()]


def terminate(toy: Deployed, run_id: str) -> None:
    answer = toy.terminate(run_id)
    assert answer["__typename"] == "TerminateRunSuccess", (answer, toy.said())


def terminate_by_force(toy: Deployed, run_id: str) -> None:
    """*Force termination immediately*: it is marked as cancelled, and its process goes on for a while."""
    answer = toy.terminate(run_id, "MARK_AS_CANCELED_IMMEDIATELY")
    assert answer["__typename"] == "TerminateRunSuccess"


WAYS = (kill_the_run, kill_a_step, kill_the_server, kill_everything, kill_the_daemon, terminate, terminate_by_force)
# Before there is a process of the run, or a step, it cannot be killed. The UI ends no run that is being launched.
NONSENSE = {
    *(("queued", way) for way in (kill_the_run, kill_a_step)),
    *(("launching", way) for way in (kill_the_run, kill_a_step, terminate)),
}


def moments() -> list[tuple[str, Callable[[Deployed, str], None]]]:
    """Every stage and way once, in an order in which the first few differ; then again."""
    pairs = [(stage, way) for stage in STAGES for way in WAYS if (stage, way) not in NONSENSE]
    apart = sorted(range(len(pairs)), key=lambda place: place * 17 % len(pairs))
    return [pairs[apart[place % len(pairs)]] for place in range(KILLS)]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with Deployed(tmp_path_factory.mktemp("deployed")) as toy:
        yield toy


def in_the_way(toy: Deployed) -> dg.DagsterRun:
    """A run that has the only place, so that others wait."""

    @dg.job
    def other() -> None: ...

    tags = {"compsim/rebuild": "part", identity.TAG: identity.this_process()}
    return toy.instance.create_run_for_job(other, tags=tags, status=STATUS.STARTED)


@pytest.mark.parametrize(("stage", "way"), [pytest.param(s, w, id=f"{s}-{w.__name__}") for s, w in moments()])
def test_the_next_run_ends_well(toy: Deployed, stage: str, way: Callable[[Deployed, str], None]) -> None:
    before = {run.run_id for run in toy.instance.get_runs()}
    begun, behaviour = STAGES[stage]
    toy.ask_for(**behaviour)
    blocker = in_the_way(toy) if stage == "queued" else None
    run_id = toy.launch(*ASSETS, tags=EVERYTHING)
    toy.wait_for(lambda: begun(toy, run_id))
    way(toy, run_id)
    if blocker:
        toy.instance.report_run_canceled(blocker)
    toy.ask_for()
    following = toy.launch(*ASSETS, tags=EVERYTHING)
    first, second = toy.wait_until_ended(run_id, 150), toy.wait_until_ended(following, 150)
    assert second == STATUS.SUCCESS, toy.said()
    allowed = {STATUS.CANCELED} if way in (terminate, terminate_by_force) else {STATUS.SUCCESS, STATUS.FAILURE}
    assert first in allowed, toy.said()
    runs = [run for run in toy.instance.get_runs() if run.run_id not in before]
    toy.wait_for(lambda: all(toy.status(run.run_id) in FINISHED for run in runs), 90)
    assert not claims(toy.instance)
    toy.wait_for(lambda: not left_over(toy), 30, lambda: str(left_over(toy)))


def test_a_run_outlives_the_webserver_that_it_was_started_in(toy: Deployed) -> None:
    toy.ask_for(second="sleep 3")
    port = free_port()
    webserver = toy.start_webserver(port)
    where = {"repositoryLocationName": "toy", "repositoryName": "__repository__", "jobName": "rebuild"}
    selector = {**where, "assetSelection": [{"path": [asset]} for asset in ASSETS], "assetCheckSelection": None}
    tags = [{"key": key, "value": value} for key, value in EVERYTHING.items()]
    of = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}}
    answer = httpx2.post(
        f"http://127.0.0.1:{port}/graphql", json={"query": LAUNCH, "variables": {"of": of}}, timeout=60
    )
    run_id = answer.json()["data"]["launchRun"]["run"]["runId"]
    toy.wait_for(lambda: toy.note("second"))
    toy.kill(webserver)
    assert toy.wait_until_ended(run_id, 150) == STATUS.SUCCESS
    assert not claims(toy.instance)
    toy.wait_for(lambda: not left_over(toy), 30, lambda: str(left_over(toy)))


def left_over(toy: Deployed) -> list[str]:
    """What works on for runs that have ended; a helper of Python's is of the server."""
    usual = {process.pid for process in (toy.server, *toy.daemons)}
    there = [process.as_dict(["pid", "cmdline"]) for process in living(toy.processes()) if process.pid not in usual]
    lines = [f"{each['pid']} {' '.join(each['cmdline'] or [])}" for each in there]
    return [line for line in lines if "resource_tracker" not in line]


def test_a_run_outlives_its_code_server_and_can_be_ended_in_the_ui(tmp_path: Path) -> None:
    with Deployed(tmp_path, second="sleep 100") as toy:
        run_id = toy.launch("second")
        toy.wait_for(lambda: toy.note("second"))
        toy.kill(toy.server)
        toy.wait_for(lambda: any("The run goes on without it" in line for line in toy.messages(run_id)), 10)
        toy.serve()
        assert toy.instance.run_launcher.check_run_worker_health(toy.run(run_id)).status.value == "RUNNING"
        process = toy.run_process(run_id)
        tree = [process, *process.children(recursive=True)]
        assert toy.terminate(run_id)["__typename"] == "TerminateRunSuccess"
        assert toy.wait_until_ended(run_id) == STATUS.CANCELED
        wait_until_gone(tree)
