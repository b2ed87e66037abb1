"""Whether a run's process is still there, told from another process."""

import json
import os
import subprocess
import sys
import time

import dagster as dg
import pytest

from compsim_assets.running.identity import TAG, is_gone, is_here, named, this_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def run_of(process: str | None, run_id: str = "mine") -> dg.DagsterRun:
    return dg.DagsterRun("rebuild", run_id=run_id, tags={TAG: process} if process else {})


def changed(**values: object) -> dg.DagsterRun:
    return run_of(json.dumps({**json.loads(this_process()), **values}))


def test_this_process_is_there() -> None:
    for run in (run_of(this_process()), run_of(this_process("mine"))):
        assert is_gone(run) is False
        assert is_here(run)
        assert named(run).startswith(f"process {os.getpid()} on ")


def test_one_that_ended_is_gone_before_and_after_its_parent_looked() -> None:
    program = "from compsim_assets.running.identity import this_process; print(this_process(), flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert child.stdout is not None
    run = run_of(child.stdout.readline())
    assert is_gone(run) is False
    assert not is_here(run)
    child.kill()
    deadline = time.monotonic() + 10
    while not is_gone(run):  # a zombie until it is waited for
        assert time.monotonic() < deadline
    child.wait()
    assert is_gone(run) is True


def test_a_number_that_was_given_again_is_another_process() -> None:
    assert is_gone(changed(started="1")) is True


def test_what_cannot_be_told_from_here() -> None:
    assert is_gone(run_of(None)) is None
    assert is_gone(changed(host="elsewhere", boot="other")) is None
    assert is_gone(changed(namespace="pid:[1]")) is None  # another container
    # Started again since: nothing of before is there.
    assert is_gone(changed(boot="other", namespace="pid:[1]")) is True


def test_a_run_that_is_tried_again_is_not_of_the_process_that_died() -> None:
    dead = json.dumps({**json.loads(this_process("first")), "started": "1"})
    assert is_gone(run_of(dead, "first")) is True
    assert is_gone(run_of(dead, "second")) is None
