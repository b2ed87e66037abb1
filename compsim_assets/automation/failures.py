"""What is said of a run that failed or was ended, so that a person can act on it without looking for more."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from compsim_assets.running.claims import named

_MOST = 20
# By what is in an error: what it asks for. Errors of this project say it themselves.
_REMEDIES = (
    ("No space left on device", "free space on that disk, then make what is missing"),
    ("Read-only file system", "let this user write there, then make what is missing"),
    ("Permission denied", "let this user read and write there, then make what is missing"),
    ("MemoryError", "give it more memory, or fewer processes with COMPSIM_NPROC"),
    ("DagsterAssetCheckFailedError", "look at that check in the UI: it says what is wrong with the data"),
    ("ChildProcessCrash", "its process was killed, often for lack of memory: give it more, or fewer processes"),
    ("SIGKILL", "it was killed, often for lack of memory: give it more, or fewer processes with COMPSIM_NPROC"),
    ("UniverseError", "put the file right; `compsim check FOLDER` says more of it in seconds"),
    ("is gone: it was killed", "nothing, if it is tried again by itself; else see why the machine ended it"),
)
_FROM_OUTSIDE = "marked as failed from outside the execution context."
_AGAIN = "put right what it says, then `compsim materialize` makes what is missing"


@dataclass(frozen=True)
class FailedStep:
    """error: its first line, of the innermost cause. remedy: what to do about it."""

    step: str
    error: str
    remedy: str


@dataclass(frozen=True)
class Report:
    """What happened to a run, and what is missing now.

    Times are UTC. not_made: assets that the run was to make and did not. again: whether it is tried again by itself.
    """

    run: str
    job: str
    status: str
    what: str
    started: str
    ended: str
    steps: tuple[FailedStep, ...]
    not_made: tuple[str, ...]
    again: bool
    link: str
    logs: str

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield f"{self.what} at {self.ended} (begun {self.started or 'never'})"
        for step in self.steps[:_MOST]:
            yield f"  {step.step}: {step.error}"
            yield f"    to do: {step.remedy}"
        if self.not_made:
            more = f" and {len(self.not_made) - _MOST} more" if len(self.not_made) > _MOST else ""
            yield f"  not made: {', '.join(self.not_made[:_MOST])}{more}"
        if self.again:
            yield "  it is tried again by itself"
        for name, where in (("see", self.link), ("logs", self.logs)):
            if where:
                yield f"  {name}: {where}"

    def to_dict(self) -> dict[str, Any]:
        """For a program: JSON."""
        return {"event": f"run_{self.status.lower()}", **asdict(self), "text": "\n".join(self.lines())}


def report_on(instance: dg.DagsterInstance, run: dg.DagsterRun, ui: str) -> Report:
    """The report on a run that has ended.

    Args:
            ui: where the UI is; without it there is no link.
    """
    record = instance.get_run_record_by_id(run.run_id)
    steps = tuple(_failed_steps(instance, run.run_id))
    if not steps and run.status == dg.DagsterRunStatus.FAILURE:
        error = _why_it_ended(instance, run.run_id) or "it failed without a word"
        steps = (FailedStep("the run itself", error, _remedy(error)),)
    ended = "was ended" if run.status == dg.DagsterRunStatus.CANCELED else "failed"
    return Report(
        run=run.run_id,
        job=run.job_name.removeprefix("__"),
        status=run.status.value,
        what=f"{named(run)} {ended}",
        started=_time(record.start_time if record else None),
        ended=_time(record.end_time if record else None),
        steps=steps,
        not_made=tuple(_not_made(instance, run.run_id)),
        again=run.tags.get("dagster/will_retry") == "true",
        link=f"{ui}/runs/{run.run_id}" if ui else "",
        logs=_logs(instance, run.run_id),
    )


def _why_it_ended(instance: dg.DagsterInstance, run_id: str) -> str:
    """What is said of the end of a run none of whose steps failed: by itself, else by what marked it as failed."""
    before, why = "", ""
    for entry in instance.all_logs(run_id, of_type={dg.DagsterEventType.ENGINE_EVENT, dg.DagsterEventType.RUN_FAILURE}):
        message = " ".join((entry.message or "").split())
        if entry.dagster_event_type == dg.DagsterEventType.RUN_FAILURE:
            why = before if message.endswith(_FROM_OUTSIDE) else message
        before = message
    return why


def _failed_steps(instance: dg.DagsterInstance, run_id: str) -> Iterator[FailedStep]:
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        if event is None:
            continue
        error = event.step_failure_data.error
        while error and error.cause:
            error = error.cause
        text = f"{error.cls_name}: {error.message}" if error else event.message or ""
        # Dagster begins the message with the whole name of the class.
        message = re.sub(rf"^([\w.]+\.)?{error.cls_name}: ", "", error.message.strip()) if error else text
        first = next((line.strip() for line in message.splitlines() if line.strip()), "")
        name = f"{error.cls_name}: " if error and error.cls_name else ""
        yield FailedStep(event.step_key or "", f"{name}{first}", _remedy(text))


def _remedy(text: str) -> str:
    return next((remedy for sign, remedy in _REMEDIES if sign in text), _AGAIN)


def _not_made(instance: dg.DagsterInstance, run_id: str) -> Iterator[str]:
    """Assets that were planned, of which a partition or all is missing."""
    planned, made = dict[str, int](), dict[str, int]()
    kinds = (
        (dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, planned),
        (dg.DagsterEventType.ASSET_MATERIALIZATION, made),
    )
    for kind, counts in kinds:
        for entry in instance.all_logs(run_id, of_type=kind):
            key = entry.dagster_event.asset_key if entry.dagster_event else None
            if key:
                counts[key.to_user_string()] = counts.get(key.to_user_string(), 0) + 1
    yield from (name for name in sorted(planned) if not made.get(name))


def _logs(instance: dg.DagsterInstance, run_id: str) -> str:
    """The folder of what its steps printed, where it is one on this machine."""
    path = getattr(instance.compute_log_manager, "get_captured_local_path", None)
    return str(path([run_id, "compute_logs", "step"], "err").rpartition("/")[0]) if path else ""


def _time(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}" if seconds else ""
