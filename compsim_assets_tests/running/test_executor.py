"""What the executor of runs adds to Dagster's."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from compsim_assets.running.executor import _interrupting_late_steps
from compsim_assets.running.steps import MOST_LETTERS, refuse_long_temporary_folder


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


def test_a_temporary_folder_that_is_too_long_for_sockets_is_refused(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it may be, multiprocessing can listen there; one letter more, and we say so before it does."""
    longest = short_folder / ("x" * (MOST_LETTERS - len(str(short_folder)) - 1))
    longest.mkdir()
    program = "from multiprocessing.connection import Listener; Listener(family='AF_UNIX').close()"
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(longest)}, check=True)
    monkeypatch.setattr(tempfile, "tempdir", str(longest))
    refuse_long_temporary_folder()
    monkeypatch.setattr(tempfile, "tempdir", f"{longest}x")
    with pytest.raises(OSError, match="TMPDIR is too long for sockets, 75 letters of 74 at most: set a shorter one"):
        refuse_long_temporary_folder()
