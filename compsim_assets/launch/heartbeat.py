"""Across nodes: what `lifeline.py` does within one. The step and the agents share a folder, so

- the step writes a heartbeat into it; an agent whose step is silent, or whose folder is gone, ends,
  whatever started it there (srun, mpiexec, Kubernetes) and however the step went;
- an agent that failed leaves a report; the others then end too, although their ranks may compute for
  an hour before they would miss the lost one.

Standard library only.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BEAT_SECONDS = 2.0
SILENT_SECONDS = 60.0  # a suspended step or a slow file system may miss some beats
GONE_SECONDS = 5.0
# From an agent's report to the end of the others: one lost rank fails ranks on every node, and each
# node must have told its own story before the cause can be picked.
PEER_SECONDS = 2.0


@contextmanager
def heartbeat(file: Path) -> Iterator[None]:
    """Let `file` change every two seconds while the block runs."""
    ended = threading.Event()

    def beat() -> None:
        count = 0
        while not ended.wait(BEAT_SECONDS):
            count += 1
            file.write_text(str(count))

    file.write_text("0")
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def end_with_others(heartbeat_file: Path, log_dir: Path, node_dir: Path) -> None:
    """From now on, end this process at once when the step is gone, by SIGTERM when another node failed.

    Args:
        heartbeat_file: what the step's `heartbeat` writes.
        log_dir: holds a folder for each node; `failure.json` in one of them is that node's report.
        node_dir: this node's folder, which does not count.
    """
    threading.Thread(target=_watch, args=(heartbeat_file, log_dir, node_dir), daemon=True).start()


def _watch(heartbeat_file: Path, log_dir: Path, node_dir: Path) -> None:
    seen, changed = "", time.monotonic()
    while True:
        # Read, not only looked at: opening a file is what makes a network file system ask its server.
        beat, now = _read(heartbeat_file), time.monotonic()
        if beat and beat != seen:
            seen, changed = beat, now
        if now - changed > (GONE_SECONDS if beat is None else SILENT_SECONDS):
            # The ranks' lifelines do the rest. Not a SIGKILL: a container's first process ignores its own.
            os._exit(1)
        if any(report.parent != node_dir for report in log_dir.glob("*/failure.json")):
            time.sleep(PEER_SECONDS)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        time.sleep(1.0)


def _read(file: Path) -> str | None:
    try:
        return file.read_text()
    except OSError:
        return None
