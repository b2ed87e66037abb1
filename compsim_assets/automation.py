"""The job that makes everything, in one run, and the weekly schedule that asks for it."""

import dagster as dg

from compsim_assets.launch.environment import set_defaults
from compsim_assets.partitions import cutoff_modes
from compsim_assets.running.claims import named
from compsim_assets.running.executor import executor
from compsim_assets.running.identity import is_gone

# Steps inherit the environment of the process that loads this file; torch reads it when it is loaded.
set_defaults()

# Of every run of the job; a run that makes a part says so. Queued ones wait for each other (dagster.yaml).
REBUILD = "compsim/rebuild"
_BACKFILL = "dagster/backfill"  # of every run of one
EVERYTHING, PART = "everything", "part"
# A run over all cutoff modes at once.
ALL_MODES = {
    "dagster/asset_partition_range_start": cutoff_modes.get_first_partition_key() or "",
    "dagster/asset_partition_range_end": cutoff_modes.get_last_partition_key() or "",
}
_ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}

rebuild = dg.define_asset_job(
    "rebuild",
    selection=dg.AssetSelection.all(),
    tags={REBUILD: EVERYTHING},
    description="Everything, in one run over both cutoff modes.",
)


@dg.schedule(
    job=rebuild,
    cron_schedule="0 6 * * 1",
    execution_timezone="UTC",
    description="Mondays 06:00 UTC: everything, in one run, unless one is still under way.",
)
def weekly_rebuild(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run over both modes; none while another one, or the UI's *Materialize all*, is queued or running."""
    under_way = dg.RunsFilter(statuses=[*set(dg.DagsterRunStatus) - _ENDED])
    for run in context.instance.get_runs(under_way):
        rebuilds = run.tags.get(REBUILD) == EVERYTHING or _BACKFILL in run.tags
        if rebuilds and not is_gone(run):  # a dead one would be waited for for good
            return dg.SkipReason(f"{named(run)} is not done yet: it is {run.status.value}")
    return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat(), tags=ALL_MODES)


__all__ = ["executor", "jobs", "schedules"]

jobs = [rebuild]
schedules = [weekly_rebuild]
