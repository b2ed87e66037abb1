"""Starts the process that plays a Dagster step, watches its processes, reads its events."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

PROGRAMS = "compsim_assets_tests.launch.programs"
ROOT = Path(__file__).parents[2]


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
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {PROGRAMS} import step; step.main()"
        with (self.folder / "output.txt").open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, json.dumps(plan)],
                env=environment,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def finish(self, timeout: float = 120) -> dict[str, Any]:
        """Wait for the end and return the step's report."""
        self.process.wait(timeout)
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
        return (self.folder / "output.txt").read_text()

    def wait_for_ranks(self, count: int, timeout: float = 120) -> None:
        """Return once `count` ranks are inside their `main`, and a moment into what they do there."""
        self._until(lambda: len(list(self.started.iterdir())) == count, timeout)
        time.sleep(0.5)

    def processes(self) -> list[psutil.Process]:
        """Living processes below the step: the agent and the ranks."""
        found = []
        for process in psutil.process_iter():
            try:
                inside = process.environ().get("TMPDIR", "").startswith(str(self.scratch))
                if inside and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

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
        for process in [*self.processes(), self.process]:
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def _until(self, condition, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.processes()}\n{self.output}")
            time.sleep(0.05)
