"""The whole platform on the embedded sample, from an empty folder to Table 1: how long, and where the time goes.

With COMPSIM_BENCH_BEFORE, the folder of an earlier checkout with its environment in `.venv`, that one's `make
materialize` is measured in the same run, in the column of the published algorithm. Processor time is that of all
processes; nothing else should run meanwhile.
"""

import os
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psutil

from benchmarks.before import checkout
from benchmarks.measure import Row

REPOSITORY = Path(__file__).parents[2]
_EVERY = 0.3  # seconds between two looks at the processes


@dataclass(frozen=True)
class Measured:
    """Seconds on the clock and of processors, and the most bytes that all processes held together."""

    wall: float
    processor: float
    peak: int


def rows(size: str, device: str) -> list[Row]:
    """The whole run, the same again with nothing to do, and what the steps' time was spent on; of one size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = _materialize(REPOSITORY, folder)
        spent = _spent(folder)
        again = _materialize(REPOSITORY, folder)
    earlier = checkout()
    before = None
    if earlier:
        with tempfile.TemporaryDirectory() as name:
            before = _materialize(earlier, Path(name))
    note = f"{whole.processor:.0f} s of processors" + (f", before {before.processor:.0f} s" if before else "")
    made = [
        Row("platform, whole run", "sample", whole.wall, before.wall if before else None, peak=whole.peak, note=note),
        Row("platform, unchanged", "sample", again.wall, peak=again.peak, note="nothing is made"),
    ]
    return made + [Row(f"steps: {what}", "sample", seconds, note="sum over steps") for what, seconds in spent.items()]


def _materialize(checkout: Path, folder: Path) -> Measured:
    """`make materialize` of a checkout, its data, history and caches in a folder of their own."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text((checkout / ".dagster" / "dagster.yaml").read_text())
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COMPSIM_")},
        "COMPSIM_DATA": str(folder / "data"),
        "PYTHONPATH": str(checkout),
    }
    command = ["make", "--no-print-directory", "materialize", f"DAGSTER_HOME={home}"]
    begun, spent, peak = time.perf_counter(), dict[int, float](), 0.0
    process = subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL)

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            held = 0
            for each in _processes(process.pid):
                try:
                    times = each.cpu_times()
                    spent[each.pid] = times.user + times.system
                    held += each.memory_full_info().pss
                except psutil.Error:
                    continue
            peak = max(peak, held)
            time.sleep(_EVERY)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    wall = time.perf_counter() - begun
    watcher.join()
    if code:
        raise RuntimeError(f"make materialize in {checkout} ended with {code}")
    return Measured(wall, sum(spent.values()), int(peak))


def _processes(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _spent(folder: Path) -> dict[str, float]:
    """Seconds that the steps of the last run took to start, to read, to compute and to write, added up."""
    spent = defaultdict[str, float](float)
    with dg.DagsterInstance.from_config(str(folder / "home")) as instance:
        (run,) = instance.get_runs(limit=1)
        last: dict[str, float] = {}
        for entry in instance.all_logs(run.run_id):
            event = entry.dagster_event
            if event is None or event.step_key is None:
                continue
            kind = _KINDS.get(event.event_type_value)
            if kind and event.step_key in last:
                spent[kind] += entry.timestamp - last[event.step_key]
            if kind or event.event_type_value == "STEP_WORKER_STARTING":
                last[event.step_key] = entry.timestamp
    return dict(spent)


# What a step did until this event.
_KINDS = {
    "STEP_START": "start of processes",
    "LOADED_INPUT": "reading inputs",
    "STEP_OUTPUT": "computing",
    "HANDLED_OUTPUT": "writing",
    "ASSET_CHECK_EVALUATION": "checking",
    "STEP_SUCCESS": "computing",
}
