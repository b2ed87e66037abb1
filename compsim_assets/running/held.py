"""What runs hold and wait for, as one picture, and freeing it by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.dagster_run import ACTIVE_RUN_STATUSES, RunRecord

from compsim_assets.running import identity
from compsim_assets.running.claims import Claim, claims, named, release, waiting_steps
from compsim_assets.running.waiting import queued

STATES = {True: "dead", False: "alive", None: "unknown"}
_CANCELING = dg.DagsterRunStatus.CANCELING
_UNBEGUN = (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED)


class NotFreed(ValueError):
    """What was asked for would take something from a run that uses it, or there is no such run."""


def picture(instance: dg.DagsterInstance) -> dict[str, list[dict[str, Any]]]:
    """Runs under way, slots of pools, steps that wait for one, and the queue: for a person or another program."""
    active = instance.get_run_records(dg.RunsFilter(statuses=ACTIVE_RUN_STATUSES), ascending=True)
    return {
        "runs": [_run(record) for record in active],
        "held": [_claim(instance, claim) for claim in claims(instance)],
        "waiting": [_claim(instance, claim) for claim in waiting_steps(instance)],
        "queue": [
            {"run_id": place.run.run_id, "run": named(place.run), "since": _said(place.since), "for": place.waits_for}
            for place in queued(instance)
        ],
    }


def free(instance: dg.DagsterInstance, run_id: str, force: bool = False) -> Iterator[str]:
    """Mark a run as ended, and free all that it holds; says each in a line.

    Args:
        run_id: or its beginning.
        force: also of a run whose process is alive. That one then ends itself.

    Raises:
        NotFreed: there is no such run, or its process is alive.
    """
    run = _the_run(instance, run_id)
    if identity.is_gone(run) is False and not force:
        raise NotFreed(
            f"{named(run)} is alive, {identity.named(run)}: end it where it was started, or in the UI. "
            "--force marks it as failed all the same, and its process ends itself"
        )
    held = [claim for claim in claims(instance) if claim.run_id == run.run_id]
    if not run.is_finished:
        yield _end(instance, run)
    release(instance, run.run_id)
    yield from (f"pool {claim.pool} is free again: step {claim.step} of {named(run)} held it" for claim in held)
    if run.is_finished and not held:
        yield f"{named(run)} has ended, {run.status.value}, and holds nothing"


def _end(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    why = "ended by hand: compsim unlock"
    instance.add_run_tags(run.run_id, {"dagster/max_retries": "0"})  # whoever frees it decides what is run next
    if run.status == _CANCELING or run.status in _UNBEGUN:
        instance.report_run_canceled(run, why)
        return f"{named(run)} is marked as canceled: it was {run.status.value}"
    instance.report_run_failed(run, why)
    return f"{named(run)} is marked as failed: it was {run.status.value}, {_process(run)}"


def _the_run(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    exact = instance.get_run_by_id(run_id)
    if exact:
        return exact
    there = [run for run in instance.get_runs() if run_id and run.run_id.startswith(run_id)]
    if len(there) != 1:
        raise NotFreed(f"{len(there) or 'no'} runs begin with {run_id!r}: compsim unlock lists those under way")
    return there[0]


def _run(record: RunRecord) -> dict[str, Any]:
    run = record.dagster_run
    since = datetime.fromtimestamp(record.start_time, UTC) if record.start_time else record.create_timestamp
    state = {"status": run.status.value, "process": identity.named(run), "state": STATES[identity.is_gone(run)]}
    return {"run_id": run.run_id, "run": named(run), **state, "since": _said(since)}


def _claim(instance: dg.DagsterInstance, claim: Claim) -> dict[str, Any]:
    run = instance.get_run_by_id(claim.run_id)
    whose = {"run": named(run), "state": STATES[identity.is_gone(run)]} if run else {"run": "deleted", "state": "dead"}
    return {"pool": claim.pool, "step": claim.step, "run_id": claim.run_id, **whose, "since": _said(claim.since)}


def _process(run: dg.DagsterRun) -> str:
    return f"{identity.named(run)} ({STATES[identity.is_gone(run)]})"


def _said(time: datetime | None) -> str | None:
    """Local time, to the second."""
    if time is None:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone().isoformat(" ", "seconds")
