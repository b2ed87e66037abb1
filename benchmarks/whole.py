"""Everything on one universe, measured step by step: `python -m benchmarks.whole FOLDER --work WORK --save`.

It runs `compsim materialize` with data and history in the folder WORK, looks about once a second at the memory of all
processes, and writes a table of steps. Whatever ends it, the same command goes on with what is not made yet, and the
table is of all its runs. Its exit status is 1 where the run failed, or held more memory than `--at-most`.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from tabulate import tabulate

from benchmarks.measure import device_name
from benchmarks.run import RESULTS
from benchmarks.universe.shape import Shape
from benchmarks.watch import Held, Watch
from compsim_assets.running.home import CONFIGURATION
from compsim_assets.sample.generator import MARKER

REPOSITORY = Path(__file__).parents[1]
_HEADERS = ("step", "results", "s", "processor s", "peak GB", "without files GB", "note")
_FORMATS = ("", "", ".1f", ".1f", ".2f", ".2f", "")
_ENDS = {"STEP_SUCCESS": "", "STEP_FAILURE": "failed"}


@dataclass
class Attempt:
    """A step in one run: seconds since the epoch, how it ended, and what it made."""

    step: str
    pid: int = 0
    start: float = 0.0
    end: float = 0.0
    how: str = "killed"
    made: list[str] = field(default_factory=list)
    held: Held | None = None


def main() -> None:
    """Run, measure, print; keep the table under results/ when asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole", description=__doc__)
    parser.add_argument("universe", type=Path, help="a folder, such as `benchmarks.universe` writes")
    parser.add_argument("--work", type=Path, required=True, help="results, history and temporary files go here")
    parser.add_argument("--at-most", type=float, default=14.0, help="GB that all processes may hold together")
    parser.add_argument("--select", help="make these results alone, such as 'not key:control_scores+'; all by default")
    parser.add_argument("--save", action="store_true", help="write the table to benchmarks/results/")
    parser.add_argument("--only-table", action="store_true", help="of the runs so far; makes nothing")
    asked = parser.parse_args()
    code = 0 if asked.only_table else materialize(asked.universe, asked.work, asked.select)
    attempts, whole = attempts_of(asked.work)
    text = render(asked.universe, attempts, whole)
    print(text)
    if asked.save:
        (RESULTS / f"whole-{name_of(asked.universe)}.md").write_text(text)
    peak = max(each.peak for each in whole) / 1e9
    if peak > asked.at_most:
        sys.exit(f"all processes together held {peak:.2f} GB, more than {asked.at_most:g}")
    sys.exit(code)


def materialize(universe: Path, work: Path, select: str | None = None) -> int:
    """One run of what is out of date, of everything or of a selection, watched; its exit status."""
    home, temporary = work / "home", work / "tmp"
    for folder in (home, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(CONFIGURATION, home / CONFIGURATION.name)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COMPSIM_")},
        "COMPSIM_SOURCE": "local",
        "COMPSIM_UNIVERSE": str(universe.absolute()),
        "COMPSIM_DATA": str((work / "data").absolute()),
        "DAGSTER_HOME": str(home.absolute()),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "TMPDIR": str(temporary.absolute()),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-m", "compsim_assets", "materialize", *([select] if select else [])]
    process = subprocess.Popen(command, cwd=work, env=environment)
    with Watch(process.pid, work / f"held-{time.time_ns()}.json"):
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the run has it, too, and ends in good order
                continue


def attempts_of(work: Path) -> tuple[list[Attempt], list[Held]]:
    """All steps of all runs so far, in their order, and what all processes held together, run by run."""
    seen = [[Held(**each) for each in json.loads(path.read_text())] for path in sorted(work.glob("held-*.json"))]
    attempts: list[Attempt] = []
    with dg.DagsterInstance.from_config(str(work / "home")) as instance:
        for run in reversed(instance.get_runs()):
            attempts += _steps_of(instance, run.run_id)
    every = [each for of_run in seen for each in of_run]
    for attempt in attempts:
        those = [each for each in every if each.pid == attempt.pid and each.created - 1 <= attempt.start <= each.last]
        attempt.held = those[0] if those else None
        if not attempt.end:
            attempt.end = attempt.held.last if attempt.held else attempt.start
    return attempts, [max(of_run, key=lambda each: each.peak) for of_run in seen if of_run]


def _steps_of(instance: dg.DagsterInstance, run_id: str) -> list[Attempt]:
    steps = dict[str, Attempt]()
    for entry in instance.all_logs(run_id):
        event = entry.dagster_event
        if event is None or event.step_key is None:
            continue
        kind = event.event_type_value
        if kind == "STEP_START":
            steps[event.step_key] = Attempt(event.step_key, event.pid or 0, entry.timestamp)
        step = steps.get(event.step_key)
        if step is None:
            continue
        if kind in _ENDS:
            step.end, step.how = entry.timestamp, _ENDS[kind]
        elif kind == "ASSET_MATERIALIZATION":
            step.made.append(event.step_materialization_data.materialization.asset_key.to_user_string())
    return sorted(steps.values(), key=lambda step: step.start)


def name_of(universe: Path) -> str:
    """Of the table's file: the universe's scale, its latents where the scale does not say them, the device."""
    marker = universe / MARKER
    text = marker.read_text() if marker.is_file() else ""
    scale, latents = re.search(r"scale: (\S+)", text), re.search(r"([\d,]+) latents", text)
    size = "own"
    if scale and latents:
        others = int(latents.group(1).replace(",", "")) != Shape(float(scale.group(1))).latents
        size = f"{scale.group(1)}{f' {latents.group()}' if others else ''}"
    return re.sub(r"[^a-z0-9]+", "-", f"{size} {device_name('cpu')}".lower().replace(",", "")).strip("-")


def render(universe: Path, attempts: list[Attempt], whole: list[Held]) -> str:
    """A line a step, in the order of their starts, after one of everything."""
    seconds = sum(each.last - each.first for each in whole)
    total = [
        "everything", len({name for each in attempts for name in each.made}), seconds,
        sum(each.processor for each in whole), max(each.peak for each in whole) / 1e9,
        max(each.private for each in whole) / 1e9, f"{len(whole)} run{'s' if len(whole) > 1 else ''}",
    ]  # fmt: skip
    lines = [
        [
            each.step, len(set(each.made)), each.end - each.start,
            each.held and each.held.processor, each.held and each.held.peak / 1e9,
            each.held and each.held.private / 1e9, each.how,
        ]
        for each in attempts
    ]  # fmt: skip
    marker = universe / MARKER
    shape = re.search(r"shape: (.*)", marker.read_text()) if marker.is_file() else None
    table = tabulate([total, *lines], _HEADERS, "pipe", floatfmt=_FORMATS, missingval="")
    return (
        f"`compsim materialize` of a universe{f' ({shape.group(1)}; generated)' if shape else ''}, on "
        f"{device_name('cpu')}. Memory is of all processes of a step, looked at about once a second.\n\n{table}\n"
    )


if __name__ == "__main__":
    main()
