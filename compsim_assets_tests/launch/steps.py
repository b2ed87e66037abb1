"""Starts the process that plays a Dagster step, watches its processes, reads its events."""

import json
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from compsim_assets_tests.launch import warm
from compsim_assets_tests.launch.programs import step

PROGRAMS = "compsim_assets_tests.launch.programs"


@dataclass
class Step:
    """A step that runs one of the test programs, with folders of its own below `folder`.

    Its processes are known by their TMPDIR, which the launcher puts into its scratch folder.
    """

    folder: Path
    program: str
    torchrun: dict[str, Any]
    extras: dict[str, Any] = field(default_factory=dict)

    def start(self) -> "Step":
        self.tmp.mkdir()
        self.started.mkdir()
        plan = {
            "module": f"{PROGRAMS}.{self.program}",
            "extras": {"started": str(self.started), **self.extras},
            "scratch": str(self.scratch),
            "torchrun": self.torchrun,
            "report": str(self.folder / "report.json"),
        }
        environment = {**os.environ, "TMPDIR": str(self.tmp)}
        for inherited in ("OMP_NUM_THREADS", "PYTHONPATH"):
            environment.pop(inherited, None)
        # As Dagster finds code by its working directory: on the step's path, not in its environment.
        self.process = warm.start(step.main, plan, folder=self.folder, environment=environment)
        return self

    def finish(self, timeout: float = 120) -> dict[str, Any]:
        """Wait for the end and return the step's report."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, f"{self.processes()}\n{self.output}"
        self.ended = time.time()
        return json.loads((self.folder / "report.json").read_text())

    def seconds_after(self, rank: int) -> float:
        """From the moment in which `rank` went on to its action to the end of the step."""
        return self.ended - (self.started / str(rank)).stat().st_mtime

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    @property
    def scratch(self) -> Path:
        return self.folder / "data" / "scratch"

    @property
    def started(self) -> Path:
        return self.folder / "started"

    @property
    def output(self) -> str:
        return "".join((self.folder / name).read_text() for name in ("output.txt", "errors.txt"))

    def wait_for_ranks(self, count: int, timeout: float = 120) -> None:
        """Return once `count` ranks are inside their `main`, and a moment into what they do there."""
        self._until(lambda: len(list(self.started.iterdir())) == count, timeout)
        time.sleep(0.5)

    def processes(self) -> list[psutil.Process]:
        """Living processes below the step: the agent and the ranks."""
        living = []
        for process in psutil.process_iter():
            try:
                inside = process.environ().get("TMPDIR", "").startswith(str(self.scratch))
                if inside and process.status() != psutil.STATUS_ZOMBIE:
                    living.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return living

    def agent(self) -> psutil.Process:
        (agent,) = (p for p in self.processes() if "compsim_assets.launch.agent" in p.cmdline())
        return agent

    def wait_until_gone(self, timeout: float = 10) -> float:
        """Seconds until none of its processes lives; fails after `timeout`."""
        begun = time.monotonic()
        self._until(lambda: not self.processes(), timeout)
        return time.monotonic() - begun

    def end(self) -> None:
        """Kill whatever a failed test left."""
        for process in self.processes():
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.kill()
        self.process.join()

    def _until(self, condition, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.processes()}\n{self.output}")
            time.sleep(0.05)
