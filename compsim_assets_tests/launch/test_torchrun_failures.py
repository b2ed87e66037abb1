"""Which rank is blamed, and what the step says, from the reports that agents leave."""

import json
import signal
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.launch.failures import RankFailure, first_cause, torchrun_failure

pytestmark = pytest.mark.waits(20)

RAISED_EARLY = RankFailure(0, 1, 100.1, "ValueError: cause", "Traceback ... ValueError: cause")
RAISED_LATE = RankFailure(1, 1, 100.2, "RuntimeError: peer", "Traceback ... RuntimeError: peer")
KILLED = RankFailure(2, -signal.SIGKILL, 101.0)
LEFT = RankFailure(3, 4, 101.0, stderr="some last words")
ABORTED = RankFailure(4, -signal.SIGABRT, 99.0)
TERMINATED = RankFailure(5, -signal.SIGTERM, 98.0)


@pytest.mark.parametrize(
    ("cause", "consequences"),
    [
        (RAISED_EARLY, [RAISED_LATE, ABORTED, TERMINATED]),
        (KILLED, [RAISED_EARLY, ABORTED, TERMINATED]),
        (LEFT, [RAISED_EARLY, TERMINATED]),
        (ABORTED, [TERMINATED]),
    ],
)
def test_the_cause_comes_before_its_consequences(cause: RankFailure, consequences: list[RankFailure]) -> None:
    assert first_cause([*consequences, cause]) == cause
    assert first_cause([cause, *consequences]) == cause


def report(folder: Path, node: str, content: dict) -> None:
    (folder / node).mkdir()
    (folder / node / "failure.json").write_text(json.dumps(content))


def test_the_cause_is_found_across_nodes(tmp_path: Path) -> None:
    report(tmp_path, "node-1", {"ranks": [vars(RAISED_LATE)]})
    report(tmp_path, "node-2", {"ranks": [vars(RAISED_EARLY), vars(TERMINATED)]})
    failure = torchrun_failure("a.program", 1, tmp_path)
    assert failure.description == ("rank 0 of a.program failed: ValueError: cause\n\nTraceback ... ValueError: cause")
    assert failure.metadata["traceback"] == dg.MetadataValue.text(RAISED_EARLY.traceback)


def test_of_several_nodes_the_one_is_named(tmp_path: Path) -> None:
    report(tmp_path, "node-1", {"signal": 15})
    report(tmp_path, "node-2", {"ranks": [{**vars(KILLED), "node": "gpu7", "stage": "years: 3 of 9"}]})
    description = torchrun_failure("a.program", 1, tmp_path).description
    assert description is not None
    assert description.startswith("rank 2 of a.program on gpu7 was killed by signal 9 (SIGKILL). ")
    assert "Its last line: years: 3 of 9. " in description


def test_a_node_that_was_only_told_to_end_is_not_the_cause(tmp_path: Path) -> None:
    report(tmp_path, "node-1", {"signal": 15})
    assert "was ended by signal 15 (SIGTERM)" in str(torchrun_failure("a.program", 1, tmp_path).description)
    assert "was killed by signal 9 (SIGKILL)" in str(  # another node's agent, as srun passes it on
        torchrun_failure("a.program", 137, tmp_path).description
    )
    report(tmp_path, "node-2", {"launch": "ValueError: 3 processes", "traceback": "Traceback ..."})
    assert "failed: ValueError: 3 processes" in str(torchrun_failure("a.program", 1, tmp_path).description)


def test_last_words_stand_in_for_a_traceback(tmp_path: Path) -> None:
    report(tmp_path, "node", {"ranks": [vars(LEFT)]})
    failure = torchrun_failure("a.program", 1, tmp_path)
    assert failure.description == "rank 3 of a.program ended with exit code 4\n\nsome last words"


def test_a_launch_that_failed_is_quoted(tmp_path: Path) -> None:
    report(tmp_path, "node", {"launch": "ValueError: 3 processes", "traceback": "Traceback ..."})
    failure = torchrun_failure("a.program", 1, tmp_path)
    assert failure.description is not None
    assert "torchrun of a.program failed: ValueError: 3 processes" in failure.description


def test_a_killed_torchrun_is_named_as_such(tmp_path: Path) -> None:
    for exit_code in (-9, 137):
        description = str(torchrun_failure("a.program", exit_code, tmp_path).description)
        assert description.startswith("torchrun of a.program was killed by signal 9 (SIGKILL). The op")


def test_an_end_without_any_report_points_to_the_logs(tmp_path: Path) -> None:
    for exit_code in (2, 255):  # 255: that of ssh; no signal has so high a number
        description = str(torchrun_failure("a.program", exit_code, tmp_path).description)
        assert f"exit code {exit_code}" in description
        assert "stderr" in description
