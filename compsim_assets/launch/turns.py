"""Turns on one machine: of all processes of a user one at a time, whichever run and whichever Dagster home it is of.

A turn is a lock that the system holds for a process: it ends with it, however that goes, and needs nobody to free it.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_SECONDS = 0.2


@contextmanager
def turn(name: str, who: str, why: str, say: Callable[[str], object]) -> Iterator[None]:
    """Wait until no other process has this turn, and have it inside the block.

    Args:
        name: of the turn.
        who: says to the others who has it.
        why: there are turns at all, for a person.
        say: is told once for whom this one waits.
    """
    from filelock import FileLock, Timeout

    path = Path(tempfile.gettempdir()) / f"compsim-{name}-{os.getuid()}.lock"
    # Of this process it is one lock, which counts: it never waits for itself.
    lock, told = FileLock(path, is_singleton=True, thread_local=False), False
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            if not told:
                say(f"waits for {path.read_text().strip() or 'another process'}: {why}")
            told = True
            time.sleep(LOOK_SECONDS)
    try:
        path.write_text(f"{who}, process {os.getpid()}\n")
        yield
    finally:
        lock.release()
