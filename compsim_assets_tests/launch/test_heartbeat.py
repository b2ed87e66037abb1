"""An agent ends with a step that is silent or gone, and with another node's agent."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from compsim_assets.launch import heartbeat


class Ended(BaseException):
    """Stands for the end of the agent's process."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are hundredths, and the end of the process is an exception."""
    sleep = time.sleep
    monkeypatch.setattr(heartbeat.time, "sleep", lambda seconds: sleep(seconds / 100))
    monkeypatch.setattr(heartbeat, "GONE_SECONDS", 0.05)
    monkeypatch.setattr(heartbeat, "SILENT_SECONDS", 0.6)
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.02)

    def end(*_: int) -> None:
        raise Ended

    monkeypatch.setattr(heartbeat.os, "_exit", end)


def watched(folder: Path) -> float:
    """Seconds until the agent ends the process."""
    begun = time.monotonic()
    with pytest.raises(Ended):
        heartbeat._watch(folder / "heartbeat", folder / "ranks", folder / "ranks" / "own")
    return time.monotonic() - begun


def test_a_silent_step_is_waited_for_and_then_given_up(quick: None, tmp_path: Path) -> None:
    with heartbeat.heartbeat(tmp_path / "heartbeat"):
        thread = threading.Thread(target=watched, args=(tmp_path,))
        thread.start()
        thread.join(1.5)
        assert thread.is_alive()  # it beats: more than twice the silence has passed
    thread.join(10)
    assert not thread.is_alive()
    assert watched(tmp_path) >= 0.6


def test_a_step_whose_folder_is_gone_is_not_waited_for(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SILENT_SECONDS", 1e6)
    watched(tmp_path)


def test_another_nodes_failure_ends_this_one_and_its_own_does_not(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(heartbeat.os, "kill", lambda *sent: signals.append(sent))
    for node in ("own", "other"):
        (tmp_path / "ranks" / node).mkdir(parents=True)
    (tmp_path / "heartbeat").write_text("1")
    (tmp_path / "ranks" / "own" / "failure.json").write_text("{}")
    watched(tmp_path)
    assert signals == []
    (tmp_path / "ranks" / "other" / "failure.json").write_text("{}")
    heartbeat._watch(tmp_path / "heartbeat", tmp_path / "ranks", tmp_path / "ranks" / "own")
    assert signals == [(os.getpid(), signal.SIGTERM)]
