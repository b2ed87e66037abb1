"""Turns on one machine: of all processes of a user one at a time, whichever run and whichever Dagster home it is of.

A turn is a lock that the system holds for a process: it ends with it, however that goes, and needs nobody to free it.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def shared_turn(
    folder: Path, group: str, who: str, say: Callable[[str], object], pause: Callable[[float], object] = time.sleep
) -> Iterator[None]:
    """Wait until no process of another group has a turn in this folder, and have one inside the block.

    Processes of one group have theirs together.

    Args:
        group: of this process.
        who: says to others who it is.
        say: is told once for whom this one waits.
        pause: waits so many seconds.
    """
    import fcntl

    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    path, told = folder / f"{hashlib.sha256(group.encode()).hexdigest()[:16]}.lock", False
    with path.open("a+") as ours:
        while True:
            with FileLock(folder / "starting"):  # two that start together would wait for each other
                others = [other for other in folder.glob("*.lock") if other != path and _is_held(other)]
                if not others:
                    fcntl.flock(ours, fcntl.LOCK_SH)
                    break
            if not told:
                say(others[0].read_text().strip() or "another process")
            told = True
            pause(LOOK_SECONDS)
        with suppress(OSError):
            path.write_text(f"{who}\n")
        yield


def _is_held(path: Path) -> bool:
    import fcntl

    with path.open() as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
