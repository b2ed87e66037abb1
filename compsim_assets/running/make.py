"""One run in this process, shown as it goes and ended in good order."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import dagster as dg

from compsim_assets.running import identity
from compsim_assets.running.claims import give_back, under_way
from compsim_assets.running.follow import Follower
from compsim_assets.running.interrupts import Interrupts
from compsim_assets.running.progress import Progress

LAUNCH = "compsim/launch"  # tag: one start of a command
# Dagster would send its log to the terminal, too, and that of steps to their files. All of it is in the event log.
_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        success: whether all of it was made.
        signal: the signal that interrupted it; 0 without one.
        progress: what was made and what failed.
    """

    success: bool
    signal: int
    progress: Progress


def make(
    instance: dg.DagsterInstance,
    job: Callable[[], dg.JobDefinition],
    assets: Sequence[dg.AssetKey],
    modes: Sequence[str],
    say: Callable[[str], None],
    tags: Mapping[str, str] | None = None,
    verbose: bool = False,
) -> Outcome:
    """Materialize assets in one run of this process, which holds nothing when it has ended.

    Args:
        job: a function of a module, which steps call too.
        modes: cutoff modes, neighbours in the order of the partitions; none where no asset has them.
        say: takes a line for the terminal.
        tags: of the run.
        verbose: say every event of Dagster's log.
    """
    for line in (*give_back(instance), *under_way(instance)):
        say(line)
    progress = Progress(say, verbose)
    launch = {LAUNCH: uuid4().hex}
    follower = Follower(instance, launch, progress)

    def stop() -> None:
        progress.stopping = True
        say("stopping; Ctrl-C again ends it at once")
        if follower.run:
            instance.report_run_canceling(follower.run)

    def end_at_once() -> None:
        os._exit(128 + signal.SIGINT)  # steps, torchrun and its ranks end with this process

    every_tag = {**(tags or {}), **launch, identity.TAG: identity.this_process(), **_one_range(modes)}
    with Interrupts(stop, end_at_once) as interrupts:
        follower.start()
        try:
            result = dg.execute_job(
                dg.reconstructable(job),
                instance,
                run_config=_SILENT,
                tags={**every_tag, "dagster/max_retries": "0"},
                asset_selection=list(assets),
            )
            success = result.success
        except KeyboardInterrupt:  # before or after the steps
            success = False
        finally:
            follower.finish()
    return Outcome(success and not interrupts.received, interrupts.received, progress)


def _one_range(modes: Sequence[str]) -> dict[str, str]:
    """Tags of a run over several partitions at once."""
    if not modes:
        return {}
    return {"dagster/asset_partition_range_start": modes[0], "dagster/asset_partition_range_end": modes[-1]}
