"""Whether a run's process is still there, told from another process."""

import json
import os
import subprocess
import sys
import time

import pytest

from compsim_assets.running.identity import is_gone, named, this_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def changed(**values: object) -> str:
    return json.dumps({**json.loads(this_process()), **values})


def test_this_process_is_there() -> None:
    assert is_gone(this_process()) is False
    assert named(this_process()).startswith(f"process {os.getpid()} on ")


def test_one_that_ended_is_gone_before_and_after_its_parent_looked() -> None:
    program = "from compsim_assets.running.identity import this_process; print(this_process(), flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert child.stdout is not None
    process = child.stdout.readline()
    assert is_gone(process) is False
    child.kill()
    deadline = time.monotonic() + 10
    while not is_gone(process):  # a zombie until it is waited for
        assert time.monotonic() < deadline
    child.wait()
    assert is_gone(process) is True


def test_a_number_that_was_given_again_is_another_process() -> None:
    assert is_gone(changed(started="1")) is True


def test_what_cannot_be_told_from_here() -> None:
    assert is_gone(None) is None
    assert is_gone(changed(host="elsewhere", boot="other")) is None
    assert is_gone(changed(namespace="pid:[1]")) is None  # another container
    # Started again since: nothing of before is there.
    assert is_gone(changed(boot="other", namespace="pid:[1]")) is True
