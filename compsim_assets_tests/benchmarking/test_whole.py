"""What a run and its steps held and used: by a real tree of processes, and from a real history of runs."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import dagster as dg
import pytest

from benchmarks.watch import Held, Watch
from benchmarks.whole import attempts_of, name_of, render
from compsim_assets.running.home import CONFIGURATION
from compsim_assets.sample.generator import MARKER

MB = 1 << 20
CHILD = f"held = bytearray({150 * MB}); held[::4096] = b'x' * len(held[::4096]); input()"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=subprocess.PIPE)
sum(range(3_000_000))
input()
child.communicate(b"\\n")
"""

pytestmark = pytest.mark.waits(10)


def _holds(watch: Watch, size: int) -> bool:
    """Whether a process, and all together, were seen to hold more."""
    return bool(watch.held) and min(watch.whole.private, max(each.private for each in watch.held.values())) > size


def test_a_process_holds_what_all_below_it_hold(tmp_path: Path) -> None:
    path = tmp_path / "held.json"
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE)
    with Watch(parent.pid, path, every=0.05) as watch:
        deadline = time.monotonic() + 120
        # A look reads one process after the other: the child may have grown since the sum was made.
        while not _holds(watch, 150 * MB) and time.monotonic() < deadline:
            time.sleep(0.05)
        parent.communicate(b"\n")
    assert parent.returncode == 0
    whole = watch.whole
    (child,) = (each for each in watch.held.values() if each.pid != parent.pid)
    for each in (whole, child):
        assert 150 * MB < each.private <= each.peak < 400 * MB
    assert whole.peak > child.peak
    assert whole.processor > 0
    assert whole.first <= child.first <= child.last <= whole.last
    assert {each["pid"] for each in json.loads(path.read_text())} == {parent.pid, child.pid}


@dg.asset
def early() -> int:
    return 1


@dg.asset
def late(early: int) -> int:
    raise ValueError("as asked")


def test_the_table_has_a_line_a_step_of_all_runs(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    shutil.copyfile(CONFIGURATION, tmp_path / "home" / CONFIGURATION.name)
    begun = time.time()
    with dg.DagsterInstance.from_config(str(tmp_path / "home")) as instance:
        assert dg.materialize([early], instance=instance, raise_on_error=False).success
        assert not dg.materialize([early, late], instance=instance, raise_on_error=False).success
    held = [Held(os.getpid(), begun - 5, begun - 5, time.time() + 5, 3 * 10**9, 2 * 10**9, 7.5)]
    (tmp_path / "held-1.json").write_text(json.dumps([asdict(each) for each in held]))
    attempts, whole = attempts_of(tmp_path)
    assert [(each.step, each.made, each.how) for each in attempts] == [
        ("early", ["early"], ""), ("early", ["early"], ""), ("late", [], "failed"),
    ]  # fmt: skip
    assert all(each.held == held[0] and each.end > each.start for each in attempts)
    assert whole == held
    text = render(tmp_path, attempts, whole)
    headers, _, everything, *lines = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")
    )
    row = dict(zip(headers, everything, strict=True))
    assert (row["step"], row["results"], row["peak GB"], row["without files GB"]) == ("everything", "1", "3.00", "2.00")
    assert row["processor s"] == "7.5"
    assert [line[0] for line in lines] == ["early", "early", "late"]
    assert [line[-1] for line in lines] == ["", "", "failed"]


@pytest.mark.parametrize(
    ("scale", "latents", "name"),
    [("0.25", "32,768", "0-25-"), ("1", "131,072", "1-"), ("1", "4,096", "1-4096-latents-"), (None, None, "own-")],
)
def test_a_table_is_named_by_the_size(tmp_path: Path, scale: str | None, latents: str | None, name: str) -> None:
    if scale:
        (tmp_path / MARKER).write_text(f"scale: {scale}\nshape: 9 reports, {latents} latents\n")
    device = name_of(tmp_path / "nothing").removeprefix("own-")
    assert device
    assert name_of(tmp_path) == name + device
