"""Ties a process to its parent: when the parent is gone, however it went, this process goes too.

torchrun puts every rank in a session of its own, so a killed torchrun leaves its ranks behind, and a
killed Dagster step leaves torchrun behind. Nobody can clean up after a SIGKILL, so each process asks
the kernel beforehand to be ended with its parent.

As a program it does so and then becomes another one, for programs that cannot ask for themselves::

    python lifeline.py PARENT_PID COMMAND [ARGUMENT ...]

Standard library only: it takes effect before anything slow is imported.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent(parent_pid: int) -> None:
    """Have this process killed (SIGKILL) when its parent, the process `parent_pid`, ends.

    On Linux the kernel does it, which also ends a process inside a long C call or blocked in a
    collective, and the request survives `exec`. Elsewhere a thread watches for a change of parent; it
    needs the interpreter, so a C call that keeps the interpreter's lock delays it.

    The kernel watches the *thread* that started this process, not the whole parent process: start a
    process that calls this from a thread that lives as long as the process is wanted.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    else:
        threading.Thread(target=_watch, args=(parent_pid,), daemon=True).start()
    # A parent that went before the request above sends no signal any more.
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent_pid: int, every_seconds: float = 0.5) -> None:
    while os.getppid() == parent_pid:
        time.sleep(every_seconds)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the program that this one was told to become
