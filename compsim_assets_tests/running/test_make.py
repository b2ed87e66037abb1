"""A run in a process of its own: what the terminal shows, where the time goes, and how it ends."""

import re
import signal
import sys
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets_tests.running.commands import Command, wait_until_gone
from compsim_assets_tests.running.toy import COSTLY

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are tied to each other by the kernel"),
    pytest.mark.waits(60),
]


def test_a_line_for_each_result_and_nothing_else(tmp_path: Path) -> None:
    command = Command(tmp_path, first="warn", second="wrong")
    assert command.finish() == 0
    assert command.lines == [
        "  warning: first: first is made of little",
        "  first                          1,234 rows",
        "  second                         2 x 3",
        "  warning: second: all_right: two are missing",
        "  left                           base 4 rows, rolling 7 rows",
        "  right                          base 4 rows, rolling 7 rows",
        "  last",
        "made: first last left/base left/rolling right/base right/rolling second",
    ]
    with command.instance() as instance:
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert printed(instance, run, "first") == (b"printed by first\n", b"printed by first\n")


def printed(instance: dg.DagsterInstance, run: dg.DagsterRun, step: str) -> tuple[bytes | None, bytes | None]:
    """What a step printed, as the UI asks for it."""
    captured = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.LOGS_CAPTURED)
    every = [event.get_dagster_event().logs_captured_data for event in captured]
    (data,) = (data for data in every if data.step_keys == [step])
    logs = instance.compute_log_manager
    key = logs.build_log_key_for_run(run.run_id, data.file_key)
    assert logs.is_capture_complete(key)
    return logs.get_log_data(key).stdout, logs.get_log_data(key).stderr


def test_steps_inherit_what_they_use(tmp_path: Path) -> None:
    command = Command(tmp_path, "first", first="sleep 1")
    command.wait_for(lambda: command.note("first"))
    note = command.note("first")
    assert note["loaded"] == list(COSTLY)
    assert note["waits"] == "PASSIVE"
    # Importing Dagster and torch alone take longer.
    assert note["cpu"] < 1.0
    servers = [p for p in command.tree() if any("multiprocessing.forkserver" in word for word in p.cmdline())]
    # The one that was started first, and the step.
    assert {p.pid for p in servers} == {servers[0].pid, note["pid"]}
    assert command.finish() == 0


def test_a_failure_is_told_in_a_few_lines(tmp_path: Path) -> None:
    command = Command(tmp_path, second="fail")
    assert command.finish() == 1
    assert command.lines == [
        "  first                          1,234 rows",
        "  failed: second: ValueError: second has no numbers",
        "    in column a",
        "made: first",
    ]


def test_a_step_that_is_killed_is_told_why(tmp_path: Path) -> None:
    command = Command(tmp_path, third="kill")
    assert command.finish() == 1
    (line,) = [line for line in command.lines if "failed" in line]
    assert line.startswith("  failed: third (left, right): was terminated by signal 9 (SIGKILL)")


def test_a_long_step_is_heard_of_now_and_then(tmp_path: Path) -> None:
    command = Command(tmp_path, "first", first="talk 11")
    assert command.finish() == 0
    heard = [line for line in command.lines if line.startswith("  ... first: linked reports: ")]
    assert len(heard) in (1, 2)


def test_verbose_is_dagsters_log_with_errors_whole(tmp_path: Path) -> None:
    command = Command(tmp_path, "first", first="fail", verbose="yes")
    assert command.finish() == 1
    assert re.search(r"^[\d:]{8} DEBUG first STEP_START Started execution", command.output, re.MULTILINE)
    assert "and a page of details" in command.output
    assert "toy.py" in command.output  # where in the code
    assert "  failed: first" not in command.output


def test_two_heavy_steps_never_meet(tmp_path: Path) -> None:
    command = Command(tmp_path, "heavy_a", "heavy_b", heavy_a="sleep 1", heavy_b="sleep 1")
    assert command.finish() == 0
    one, other = sorted((command.note(name) for name in ("heavy_a", "heavy_b")), key=lambda note: note["begun"])
    assert one["ended"] <= other["begun"]


def test_ctrl_c_ends_everything_in_one_way(tmp_path: Path) -> None:
    command = Command(tmp_path, "ranks", "second", second="sleep 100")
    command.wait_for(lambda: len(list(tmp_path.glob("ranks/*"))) == 2 and command.note("second"))
    processes = command.tree()
    command.interrupt()
    assert command.finish(20) == 128 + signal.SIGINT
    assert command.lines == ["stopping; Ctrl-C again ends it at once", "made:"]
    wait_until_gone(processes)
    with command.instance() as instance:
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.CANCELED
        assert not instance.event_log_storage.get_concurrency_info("press").claimed_slots


def test_ctrl_c_twice_waits_for_nothing(tmp_path: Path) -> None:
    command = Command(tmp_path, "ranks")
    command.wait_for(lambda: len(list(tmp_path.glob("ranks/*"))) == 2)
    processes = command.tree()
    command.interrupt()
    command.wait_for(lambda: "stopping" in command.output)
    command.interrupt()
    assert command.finish(5) == 128 + signal.SIGINT
    wait_until_gone(processes)


def test_whatever_it_started_dies_with_it(tmp_path: Path) -> None:
    command = Command(tmp_path, "ranks", "second", second="sleep 100")
    command.wait_for(lambda: len(list(tmp_path.glob("ranks/*"))) == 2 and command.note("second"))
    processes = command.tree()
    assert len(processes) > 6
    command.process.kill()
    wait_until_gone(processes)
