"""What runs hold of pools, and giving back what dead ones hold.

A pool's slot is a row in Dagster's storage, taken before a step's process is started. A run that is killed or ended
before that step reports never gives it back, and the daemon looks at runs only that are marked as ended.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from compsim_assets.running import identity

ACTIVE = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@dataclass(frozen=True)
class Claim:
    """A slot of a pool that a run's step holds, or is next to get.

    Attributes:
        since: when it was given, in UTC; None where the storage does not know.
    """

    pool: str
    run_id: str
    step: str
    since: datetime | None = None


def claims(instance: dg.DagsterInstance, pool: str | None = None) -> list[Claim]:
    """What is held of this pool, or of all."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return []
    held = dict[tuple[str, str, str], datetime | None]()
    for name in sorted(storage.get_concurrency_keys()) if pool is None else [pool]:
        info = storage.get_concurrency_info(name)
        held.update({(name, slot.run_id, slot.step_key): None for slot in info.claimed_slots})
        given = [step for step in info.pending_steps if step.assigned_timestamp]
        held.update({(name, step.run_id, step.step_key): step.assigned_timestamp for step in given})
    return [Claim(*holder, since) for holder, since in held.items()]


def waiting_steps(instance: dg.DagsterInstance) -> list[Claim]:
    """Steps that wait for a slot, and since when."""
    storage = instance.event_log_storage
    keys = sorted(storage.get_concurrency_keys()) if storage.supports_global_concurrency_limits else []
    return [
        Claim(pool, step.run_id, step.step_key, step.enqueued_timestamp)
        for pool in keys
        for step in storage.get_concurrency_info(pool).pending_steps
        if not step.assigned_timestamp
    ]


def give_back(instance: dg.DagsterInstance) -> Iterator[str]:
    """Mark runs as failed whose process is gone, and free what ended runs hold; says each in a line."""
    for run in instance.get_runs(dg.RunsFilter(statuses=ACTIVE)):
        if identity.is_gone(run):
            process = identity.named(run)
            instance.add_run_tags(run.run_id, {"dagster/max_retries": "0"})  # another run is about to start
            instance.report_run_failed(run, f"{process} is gone: it was killed, or the machine stopped")
            yield f"{named(run)} is dead: {process} is gone. It is marked as failed"
    for run_id in sorted({claim.run_id for claim in claims(instance)} | _waiting(instance)):
        held = [claim for claim in claims(instance) if claim.run_id == run_id]
        holder = instance.get_run_by_id(run_id)
        if holder is None or (holder.is_finished and _left_by_its_process(holder)):
            release(instance, run_id)
            name = named(holder) if holder else f"run {run_id[:8]}"
            yield from (f"pool {c.pool} is free again: step {c.step} of {name}, which has ended, held it" for c in held)


def release(instance: dg.DagsterInstance, run_id: str) -> None:
    """Free all that a run holds or waits for."""
    storage = instance.event_log_storage
    if storage.supports_global_concurrency_limits:
        storage.free_concurrency_slots_for_run(run_id)


def holders(instance: dg.DagsterInstance, pool: str, run_id: str) -> list[str]:
    """Which steps of other runs than this one hold a pool, for a person."""
    return [_described(instance, claim) for claim in claims(instance, pool) if claim.run_id != run_id]


def _described(instance: dg.DagsterInstance, claim: Claim) -> str:
    run = instance.get_run_by_id(claim.run_id)
    if run is None:
        return f"step {claim.step} of run {claim.run_id[:8]}"
    since = f" since {claim.since.astimezone():%H:%M:%S}" if claim.since else ""
    unsure = identity.is_gone(run) is None
    free = f" (if that run is dead: compsim unlock {claim.run_id[:8]})" if unsure else ""
    return f"step {claim.step} of {named(run)}{since}{free}"


def under_way(instance: dg.DagsterInstance) -> Iterator[str]:
    """A line for each run that is at work: it may make the same results."""
    for run in instance.get_runs(dg.RunsFilter(statuses=ACTIVE)):
        yield f"{named(run)} is under way, too"


def named(run: dg.DagsterRun) -> str:
    """A run as people find it in the UI."""
    return f"run {run.run_id[:8]} ({run.job_name.removeprefix('__')})"


def _left_by_its_process(run: dg.DagsterRun) -> bool:
    """False for a run that was marked as ended while its process lives: what it holds it still uses."""
    return identity.is_here(run) or identity.is_gone(run) is not False


def _waiting(instance: dg.DagsterInstance) -> set[str]:
    """Runs with steps in a pool's queue: a dead one would be given the next slot."""
    storage = instance.event_log_storage
    return storage.get_concurrency_run_ids() if storage.supports_global_concurrency_limits else set()
