"""Steps that need much memory never meet, of whatever run and home; a killed one stops nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from compsim_assets.launch.turns import shared_turn, turn
from compsim_assets_tests.running.commands import Command

pytestmark = pytest.mark.waits(15)


def test_a_process_does_not_wait_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lines: list[str] = []
    with turn("test", "one", "they take turns", lines.append):
        with turn("test", "two", "they take turns", lines.append):
            pass
        assert (tmp_path / f"compsim-test-{os.getuid()}.lock").read_text() == f"two, process {os.getpid()}\n"
    assert lines == []


@pytest.mark.skipif(sys.platform != "linux", reason="steps end with a killed run by what Linux offers")
def test_heavy_steps_of_two_homes_take_turns_and_a_killed_run_frees_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("holder", "waiter"):
        (tmp_path / name).mkdir()
    holder = Command(tmp_path / "holder", "heavy_a", heavy_a="sleep 100")
    holder.wait_for(lambda: holder.note("heavy_a"))
    waiter = Command(tmp_path / "waiter", "heavy_b")
    waits = f"waits for step heavy_a of run {run_of(holder)}"
    waiter.wait_for(lambda: waits in log_of(waiter))
    assert not waiter.note("heavy_b")
    holder.process.kill()
    holder.finish()
    assert waiter.finish() == 0, waiter.output
    assert waiter.note("heavy_b")


def run_of(command: Command) -> str:
    with command.instance() as instance:
        return instance.get_runs()[0].run_id[:8]


def log_of(command: Command) -> str:
    with command.instance() as instance:
        runs = instance.get_runs(limit=1)
        return "\n".join(log.user_message for log in instance.all_logs(runs[0].run_id)) if runs else ""


HOLDER = """
import sys
from pathlib import Path
from compsim_assets.launch.turns import shared_turn
with shared_turn(Path(sys.argv[1]), sys.argv[2], f"a run of {sys.argv[2]}", print):
    print("in", flush=True)
    input()
"""


def test_homes_take_turns_in_a_folder_and_runs_of_one_home_share_theirs(tmp_path: Path) -> None:
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), "one"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "in\n"
        with shared_turn(tmp_path, "one", "a run of one", lines.append):
            assert lines == []
        looks = 0

        def pause(seconds: float) -> None:
            nonlocal looks
            looks += 1
            if looks == 3:
                holder.kill()
                holder.wait()

        with shared_turn(tmp_path, "two", "a run of two", lines.append, pause):
            assert looks >= 3
        assert lines == ["a run of one"]
    with shared_turn(tmp_path, "one", "a run of one", lines.append):
        assert lines == ["a run of one"]
