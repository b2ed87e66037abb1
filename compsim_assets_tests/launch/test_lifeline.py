"""A process goes with its parent, also one that never asks Python for anything."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from compsim_assets.launch import lifeline

SHIM = [sys.executable, "-I", "-S", lifeline.__file__]

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")


@linux
def test_a_program_behind_the_lifeline_goes_with_its_parent() -> None:
    # The parent starts a sleep behind the lifeline, says its pid and is killed.
    parent_code = (
        "import os, subprocess, sys, time;"
        "child = subprocess.Popen([*sys.argv[1:], str(os.getpid()), 'sleep', '1000']);"
        "print(child.pid, flush=True);"
        "time.sleep(1000)"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_code, *SHIM], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    wait_for(lambda: child.name() == "sleep")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_parent_that_is_already_gone_is_noticed() -> None:
    # Our own parent's id stands for a parent that went before the child could ask for the signal.
    shim = subprocess.Popen([*SHIM, str(os.getppid()), "sleep", "1000"])
    assert shim.wait(timeout=20) == -signal.SIGKILL


def test_the_watch_ends_the_process_when_the_parent_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    parents = iter([7, 7, 1])
    monkeypatch.setattr(lifeline.os, "getppid", lambda: next(parents))
    monkeypatch.setattr(lifeline.os, "kill", lambda pid, number: ended.set())
    lifeline._watch(7, every_seconds=0.01)
    assert ended.is_set()


def wait_for(condition, timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
