"""The job that makes everything, in one run, and what is still under way of such runs."""

import dagster as dg

from compsim_assets.launch.environment import set_defaults
from compsim_assets.partitions import cutoff_modes
from compsim_assets.running.claims import named
from compsim_assets.running.identity import is_gone

# Steps inherit the environment of the process that loads this file; torch reads it when it is loaded.
set_defaults()

# Of every run of the job; a run that makes a part says so. Queued ones wait for each other (dagster.yaml).
REBUILD = "compsim/rebuild"
BACKFILL = "dagster/backfill"  # of every run of one
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


def rebuild_under_way(instance: dg.DagsterInstance, parts: bool = False) -> str:
    """Which rebuild, or *Materialize all* of the UI, is queued or running; empty where none is.

    Args:
        parts: whether any run counts, also one that makes a part.
    """
    under_way = dg.RunsFilter(statuses=[*set(dg.DagsterRunStatus) - _ENDED])
    for run in instance.get_runs(under_way):
        rebuilds = run.tags.get(REBUILD) == EVERYTHING or BACKFILL in run.tags
        if (rebuilds or parts) and not is_gone(run):  # a dead one would be waited for for good
            return f"{named(run)} is not done yet: it is {run.status.value}"
    return ""
