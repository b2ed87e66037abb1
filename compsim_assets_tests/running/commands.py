"""The toy as a command of its own: started, watched, killed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
import psutil

from compsim_assets.running.home import CONFIGURATION


class Command:
    """One start of the toy, in a folder with its instance and notes of its steps."""

    def __init__(self, folder: Path, *assets: str, home: Path | None = None, **behaviour: str) -> None:
        self.folder, self.home = folder, home or folder / "home"
        self.home.mkdir(exist_ok=True)
        shutil.copy(CONFIGURATION, self.home)
        with self.instance() as instance:
            instance.get_runs(limit=1)  # two that make the tables at once break them
        for note in folder.glob("*.json"):
            note.unlink()
        asked = {f"TOY_{name.upper()}": what for name, what in behaviour.items()}
        environment = {**os.environ, **asked, "TOY": str(folder), "DAGSTER_HOME": str(self.home)}
        with (folder / "output.txt").open("w") as output:
            # As a terminal does: what one starts is a group of processes, and Ctrl-C goes to all of it.
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", "compsim_assets_tests.running.toy", *assets],
                env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def output(self) -> str:
        return (self.folder / "output.txt").read_text()

    @property
    def lines(self) -> list[str]:
        """What it printed, without the seconds and names that differ from run to run."""
        text = re.sub(r" +\d+\.\d s\n", "\n", self.output)
        text = re.sub(r"run [0-9a-f]{8} ", "run ID ", text)
        return re.sub(r"process \d+ on \S+ is", "process N is", text).splitlines()

    def note(self, asset: str) -> dict[str, Any]:
        """What the asset's step wrote of itself; empty before it has."""
        with suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads((self.folder / f"{asset}.json").read_text())
        return {}

    def wait_for(self, condition: Callable[[], object], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.output
            assert self.process.poll() is None, self.output
            time.sleep(0.02)

    def tree(self) -> list[psutil.Process]:
        """The command and all that it has started."""
        command = psutil.Process(self.process.pid)
        return [command, *command.children(recursive=True)]

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def finish(self, seconds: float = 120) -> int:
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.home))


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended."""
    there = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                there.append(process)
    return there


def wait_until_gone(processes: list[psutil.Process], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while left := living(processes):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
