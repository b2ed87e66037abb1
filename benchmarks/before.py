"""An earlier checkout of this repository in the same run: what it computes, and how long it takes.

COMPSIM_BENCH_BEFORE names its folder, as `git worktree add FOLDER COMMIT` makes it. Programs run in a process of their
own with that folder's package and this environment's libraries.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Row

HERE = Path(__file__).parents[1]
# The peak as Linux counts it for this program: `getrusage` would count that of whoever started it, too.
_REPORT = """
import json
from pathlib import Path
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peak = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
print(json.dumps({**measured, "peak": peak}))
"""


@dataclass(frozen=True)
class Ran:
    """Seconds on the clock and of processors that a program measured, and its largest memory, mapped files included."""

    wall: float
    processor: float
    peak: int


def checkout() -> Path | None:
    """The earlier checkout; None where none is named."""
    folder = os.environ.get("COMPSIM_BENCH_BEFORE")
    return Path(folder).resolve() if folder else None


def alone(job: str, size: str, ours: Ran, note: str = "") -> Row:
    """The row of a program that ran with this checkout alone."""
    seconds = f"{ours.processor:.0f} s of processors"
    return Row(job, size, ours.wall, peak=ours.peak, note=seconds + note)


def run(where: Path, program: str, *arguments: str) -> Ran:
    """Run a program with a checkout's package; it leaves seconds `wall` and `processor` in a dict `measured`."""
    command = [sys.executable, "-c", f"{program}\n{_REPORT}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(where)}
    done = subprocess.run(command, cwd=where, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return Ran(**json.loads(done.stdout.splitlines()[-1]))
