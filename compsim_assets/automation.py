"""Jobs and the weekly schedule: one run per cutoff mode, then the comparison of both."""

from collections.abc import Iterator

import dagster as dg

from compsim_assets.assets.common import BY_MODE, COMPARISON, SHARED, STAGE
from compsim_assets.launch.environment import set_defaults
from compsim_assets.partitions import cutoff_modes

# Steps inherit the environment of the process that loads this file; torch reads it when it is loaded.
set_defaults()

# Runs with this tag wait for each other, in order of priority (dagster.yaml: tag_concurrency_limits).
_REBUILD = {"compsim/rebuild": "true"}

rebuild = dg.define_asset_job(
    "rebuild",
    selection=dg.AssetSelection.all(),
    partitions_def=cutoff_modes,
    tags=_REBUILD,
    description="Everything, for one cutoff mode.",
)
compare = dg.define_asset_job(
    "compare",
    selection=dg.AssetSelection.tag(STAGE, COMPARISON),
    description="The tables and figures that compare cutoff modes and baselines.",
)


@dg.schedule(
    job=rebuild,
    cron_schedule="0 6 * * 1",
    execution_timezone="UTC",
    description="Mondays 06:00 UTC: rebuild what both modes share with base, then rolling, then the comparison.",
)
def weekly_rebuild(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    """One run per cutoff mode and then the comparison.

    The first mode's run also rebuilds what all modes share; the queue of dagster.yaml takes the runs one at a time.
    """
    graph = context.repository_def.asset_graph
    shared, by_mode, comparison = (
        sorted(dg.AssetSelection.tag(STAGE, stage).resolve(graph)) for stage in (SHARED, BY_MODE, COMPARISON)
    )
    first, *others = cutoff_modes.get_partition_keys()
    waves = [(first, [*shared, *by_mode]), *((mode, by_mode) for mode in others), (first, comparison)]
    tick = context.scheduled_execution_time.isoformat()
    for number, (mode, keys) in enumerate(waves):
        yield dg.RunRequest(
            run_key=f"{tick}/{number}",
            partition_key=mode,
            asset_selection=keys,
            tags={**_REBUILD, "dagster/priority": str(len(waves) - number)},
        )


jobs = [rebuild, compare]
schedules = [weekly_rebuild]

# Steps run in processes of their own, forked from a server that has the heavy libraries loaded once.
_PRELOADED = ["compsim_assets.definitions", "pandas", "pyarrow.parquet", "scipy.cluster.hierarchy", "matplotlib.figure"]
executor = dg.multiprocess_executor.configured(
    {"start_method": {"forkserver": {"preload_modules": [*_PRELOADED, "torch"]}}}
)
