"""A run as people see it on a terminal: a line for each result, warnings and failures whole, and little else.

It reads Dagster's event log, where all of it is kept, and leaves the rest there.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg

from compsim_assets.running.watch import WAITS

LONG = 5.0  # seconds: a step that takes longer is heard of, now and then
QUIET = 20.0  # seconds: and one that says nothing itself is named again after so long
REMINDED = 60.0  # seconds: and what it waits for is said again
_CRASH = "Multiprocess executor: child process"
_NOT_STARTED = "Dependencies for step"
_PIPES = "[pipes] "  # Dagster on its own messages
_LINES = 12  # of an error's message
_FULL = "No space left on device"
INTERRUPTED = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


@dataclass
class _Step:
    """A step that runs: since when, when something of it was last shown, and the result that is being described."""

    started: float
    shown: float
    since: float
    asset: str = ""
    described: dict[str, str] = field(default_factory=dict)


@dataclass
class Progress:
    """Turns the events of one run into lines.

    Attributes:
        say: takes a line.
        verbose: say every event and nothing else.
        made: results that were made, `asset` or `asset/mode`.
        failed: steps that failed, by name, with the message.
        waiting: what steps wait for, by step, and when that was last shown.
        stopping: the run is being interrupted: what steps say of that is no failure.
    """

    say: Callable[[str], None]
    verbose: bool = False
    made: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, tuple[str, float]] = field(default_factory=dict)
    stopping: bool = False
    _steps: dict[str, _Step] = field(default_factory=dict)
    _assets: dict[str, list[str]] = field(default_factory=dict)
    _crashes: dict[str, str] = field(default_factory=dict)

    def take(self, entry: Any) -> None:
        """The next entry of the run's event log."""
        if self.verbose:
            self.say(_whole(entry))
        if entry.dagster_event is None:
            self._take_log(entry)
        elif entry.dagster_event.step_key:
            self._take_event(entry.dagster_event, entry.dagster_event.step_key, entry.timestamp)
        elif entry.dagster_event.event_type == dg.DagsterEventType.RUN_FAILURE:
            self._fail_beyond_steps(entry.dagster_event.job_failure_data.error)

    def tick(self, now: float) -> None:
        """Name steps that run, or wait, for long and have not been heard of for a while.

        Args:
            now: seconds since the epoch.
        """
        for key, step in self._steps.items():
            if now - step.shown >= QUIET:
                step.shown = now
                self._tell(f"  ... {key}: {now - step.started:.0f} s so far")

        for key, (line, shown) in self.waiting.items():
            if now - shown >= REMINDED:
                self.waiting[key] = line, now
                self._tell(line)

    def _tell(self, line: str) -> None:
        if not self.verbose:
            self.say(line)

    def _take_log(self, entry: Any) -> None:
        """What an asset says itself."""
        step, text = self._steps.get(entry.step_key), entry.user_message
        if entry.level >= 30:
            if not text.startswith(_NOT_STARTED) and not self.stopping:
                self._tell(f"  warning: {entry.step_key}: {text}" if entry.step_key else f"  {text}")
        elif text.startswith(_PIPES):
            return
        elif step and entry.timestamp - step.started >= LONG and entry.timestamp - step.shown >= LONG:
            step.shown = entry.timestamp
            self._tell(f"  ... {entry.step_key}: {_first_lines(text, 1)}")

    def _take_event(self, event: dg.DagsterEvent, key: str, time: float) -> None:
        kind, step = event.event_type, self._steps.get(key)
        if step and step.asset and not (event.is_step_materialization and _name(event) == step.asset):
            self._finish(step, time)
        if kind == dg.DagsterEventType.STEP_START:
            self._steps[key] = _Step(started=time, shown=time, since=time)
            self.waiting.pop(key, None)
        elif event.is_step_materialization and step:
            self._describe(step, event.step_materialization_data.materialization)
        elif kind == dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
            names, name = self._assets.setdefault(key, []), event.asset_materialization_planned_data.asset_key
            names.extend({name.to_user_string()} - set(names))
        elif kind == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._judge(event.asset_check_evaluation_data)
        elif kind == dg.DagsterEventType.ENGINE_EVENT:
            self._take_engine_event(event, key, time)
        elif kind == dg.DagsterEventType.STEP_SUCCESS:
            self._steps.pop(key, None)
        elif kind == dg.DagsterEventType.STEP_FAILURE:
            self._steps.pop(key, None)
            self._fail(key, event.step_failure_data)

    def _describe(self, step: _Step, result: dg.AssetMaterialization) -> None:
        step.asset = result.asset_key.to_user_string()
        step.described[result.partition or ""] = headline(result.metadata)
        self.made.append("/".join(filter(None, (step.asset, result.partition))))

    def _finish(self, step: _Step, time: float) -> None:
        """One line for a result, of however many modes."""
        what = ", ".join(" ".join(filter(None, part)) for part in sorted(step.described.items()))
        self._tell(f"  {step.asset:<30} {what:<44} {time - step.since:7.1f} s".rstrip())
        step.asset, step.described, step.since, step.shown = "", {}, time, time

    def _judge(self, check: dg.AssetCheckEvaluation) -> None:
        if not check.passed:
            kind = "warning" if check.severity == dg.AssetCheckSeverity.WARN else "not right"
            why = check.description or ", ".join(f"{name}: {value.value}" for name, value in check.metadata.items())
            self._tell(f"  {kind}: {check.asset_key.to_user_string()}: {check.check_name}: {_first_lines(why)}")

    def _take_engine_event(self, event: dg.DagsterEvent, key: str, time: float) -> None:
        message = event.message or ""
        if WAITS in event.engine_event_data.metadata:
            self.waiting[key] = f"  {message}", time
            self._tell(f"  {message}")
        elif message.startswith(_CRASH):
            self._crashes[key] = message.removeprefix(_CRASH).partition(f"for step {key} ")[2]

    def _fail(self, key: str, failure: Any) -> None:
        error, user = failure.error, failure.user_failure_data
        while error and error.cause:
            error = error.cause
        if self.stopping or (error and error.cls_name in INTERRUPTED):
            return
        text = user.description if user and user.description else (error.message if error else "")
        name = self._named(key)
        self.failed[name] = _first_lines(self._crashes.get(key) or text)
        self._tell(f"  failed: {name}: {self.failed[name]}")

    def _fail_beyond_steps(self, error: Any) -> None:
        """The run itself failed, which no step has said."""
        if error and not self.failed and not self.stopping and error.cls_name not in INTERRUPTED:
            self.failed["the run"] = _first_lines(error.message)
            self._tell(f"  failed: {self.failed['the run']}")

    def _named(self, key: str) -> str:
        """A step by what it makes: one asset is named as the step."""
        names = self._assets.get(key, [key])
        return key if names == [key] else f"{key} ({', '.join(names) if len(names) < 5 else f'{len(names)} assets'})"


def _whole(entry: Any) -> str:
    """An event with all that belongs to it."""
    event = entry.dagster_event
    words = (f"{datetime.fromtimestamp(entry.timestamp):%H:%M:%S}", logging.getLevelName(entry.level), entry.step_key)
    line = " ".join(filter(None, (*words, event and event.event_type_value, entry.message)))
    error = event.step_failure_data.error if event and event.is_step_failure else entry.error_info
    return f"{line}\n{error.to_string()}" if error else line


def headline(metadata: Mapping[str, dg.MetadataValue]) -> str:
    """What to say of a result in a few words: its rows or its shape; nothing of a picture."""
    rows = metadata.get("dagster/row_count")
    if "shape" in metadata:
        return str(metadata["shape"].value)
    return "" if rows is None else f"{rows.value:,} row{'' if rows.value == 1 else 's'}"


def _name(event: dg.DagsterEvent) -> str:
    return event.step_materialization_data.materialization.asset_key.to_user_string()


def _first_lines(text: str, most: int = _LINES) -> str:
    """The first paragraph: what follows it is where in the code, or a rank's whole traceback."""
    lines = text.strip().partition("\n\n")[0].splitlines()
    if any(_FULL in line for line in lines):
        lines.append("One of the disks of COMPSIM_DATA, TMPDIR and DAGSTER_HOME is full: what is whole is kept.")
    return "\n    ".join([*lines[:most], *(["..."] if len(lines) > most else [])])
