"""What queued runs wait for, and telling them so: the daemon that holds them back gives them no reason."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
from dagster._core.events import EngineEventData
from dagster._core.storage.dagster_run import ACTIVE_RUN_STATUSES, RunRecord
from dagster._utils.tags import TagConcurrencyLimitsCounter

from compsim_assets.running.claims import claims, named

WAITS_FOR = "compsim/waits_for"  # tag of a queued run
_DAEMON = "QUEUED_RUN_COORDINATOR"
_ALIVE = 120.0  # seconds since a daemon was heard of; it says something every thirty
NO_DAEMON = "a daemon: none is running, and nobody else starts queued runs"


@dataclass(frozen=True)
class Queued:
    """A run in the queue.

    Attributes:
        since: when it got there, in UTC.
        waits_for: for a person, without what changes from look to look.
    """

    run: dg.DagsterRun
    since: datetime
    waits_for: str


def queued(instance: dg.DagsterInstance) -> list[Queued]:
    """All queued runs in the order in which they came, and what each waits for."""
    records = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]), ascending=True)
    if not records:
        return []
    active = instance.get_run_records(dg.RunsFilter(statuses=ACTIVE_RUN_STATUSES), ascending=True)
    daemon = has_daemon(instance)
    return [
        Queued(record.dagster_run, record.create_timestamp, _reason(instance, record, active) if daemon else NO_DAEMON)
        for record in records
    ]


def has_daemon(instance: dg.DagsterInstance) -> bool:
    """Whether somebody starts queued runs."""
    heard = instance.get_daemon_heartbeats().get(_DAEMON)
    return heard is not None and time.time() - heard.timestamp < _ALIVE


def tell_the_queue(instance: dg.DagsterInstance, run_id: str) -> None:
    """Say in each queued run's log what it waits for, where that has changed. Of several runs the oldest does."""
    first = next(iter(instance.get_runs(dg.RunsFilter(statuses=ACTIVE_RUN_STATUSES), limit=1, ascending=True)), None)
    if first is None or first.run_id != run_id:
        return
    for place in queued(instance):
        if place.run.tags.get(WAITS_FOR) != place.waits_for:
            instance.add_run_tags(place.run.run_id, {WAITS_FOR: place.waits_for})
            since = f"{place.since.astimezone():%H:%M:%S}"
            instance.report_engine_event(
                f"waits since {since} for {place.waits_for}", place.run, EngineEventData({"queue": place.waits_for})
            )


def _reason(instance: dg.DagsterInstance, record: RunRecord, active: Sequence[RunRecord]) -> str:
    config = instance.get_concurrency_config().run_queue_config
    run, runs = record.dagster_run, [each.dagster_run for each in active]
    for limit in config.tag_concurrency_limits if config else ():
        if TagConcurrencyLimitsCounter([dict(limit)], runs).is_blocked(run):
            holding = [each for each in active if limit["key"] in each.dagster_run.tags]
            return f"a place among runs of {limit['key']}, taken by {_named(holding)}"
    if config and 0 <= config.max_concurrent_runs <= len(active):
        return f"one of the {config.max_concurrent_runs} places of running runs, taken by {_named(active)}"
    pools = run.run_op_concurrency.root_key_counts if run.run_op_concurrency else {}
    for pool in sorted(pools):
        if held := claims(instance, pool):
            steps = ", ".join(f"step {claim.step} of run {claim.run_id[:8]}" for claim in held)
            return f"pool {pool}, held by {steps}"
    return "the daemon, which starts it next"


def _named(records: Sequence[RunRecord]) -> str:
    return " and ".join(
        f"{named(each.dagster_run)} since {datetime.fromtimestamp(each.start_time or 0):%Y-%m-%d %H:%M:%S}"
        if each.start_time
        else f"{named(each.dagster_run)}, which is starting"
        for each in records
    )
