"""What the executor of runs adds to Dagster's."""

import multiprocessing
import signal
import subprocess
import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from compsim_assets.running.executor import _interrupting_late_steps


def event(kind: dg.DagsterEventType, message: str = "", pid: int | None = None) -> dg.DagsterEvent:
    return dg.DagsterEvent(kind.value, "rebuild", message=message, pid=pid, event_specific_data=EngineEventData())


@pytest.mark.parametrize("message", ["received termination signal - forwarding", "a step is on its way"])
def test_a_step_that_starts_after_the_run_was_interrupted_is_interrupted(message: str) -> None:
    # Dagster tells those that have a process by then, itself.
    early = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    early.start()
    # Started in the background, this process ignores SIGINT, and what it starts would, too.
    with subprocess.Popen(["sleep", "60"], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as late:

        def events() -> Iterator[dg.DagsterEvent]:
            yield event(dg.DagsterEventType.ENGINE_EVENT, f"Multiprocess executor: {message}")
            for pid in (early.pid, late.pid):
                yield event(dg.DagsterEventType.STEP_WORKER_STARTED, pid=pid)

        assert len(list(_interrupting_late_steps(events()))) == 3
        try:
            if "termination" in message:
                assert late.wait(10) == -signal.SIGINT
            assert early.is_alive()
            assert late.returncode or late.poll() is None
        finally:
            late.kill()
            early.kill()
            early.join()
