"""The end of a run: what it made becomes the version that readers see."""

import os
import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.errors import raise_execution_interrupts
from dagster._core.system_config.objects import ResolvedRunConfig

from compsim_assets.checks import STOPPED
from compsim_assets.launch.turns import shared_turn
from compsim_assets.settings import Settings, versions_to_keep
from compsim_assets.storage.results import Results
from compsim_assets.storage.versions import NotPublished, Versions

_REPORT = "rebuild_report"


def publish(settings: Settings, run_id: str = "", again: bool = False) -> tuple[str, bool]:
    """Publish the results folder as it is now, and remove versions that are not to be kept any longer.

    Returns:
        A line for a person, and whether readers see these results.
    """
    versions = Versions(Results.of(settings))
    try:
        if not again and _is_stopped(versions):
            page = versions.results.folder / f"{_REPORT}.html"
            raise NotPublished(f"too much changed: read {page}; `compsim publish` publishes it all the same")
        version, new = versions.publish(settings.taking_part(), run_id, again)
    except NotPublished as why:
        current = versions.current()
        see = f"readers see version {current.id}" if current else "there is no version yet"
        return f"not published, {see}: {why}", False
    versions.prune(*versions_to_keep())
    return f"published as version {version.id}" if new else f"the same as version {version.id}", True


def _is_stopped(versions: Versions) -> bool:
    """Whether the report on what changed stopped these results, and nobody has published them since."""
    note, current = versions.results.note(_REPORT), versions.current()
    accepted = current and current.results.content(_REPORT) == versions.results.content(_REPORT)
    return bool(note and note.source == STOPPED and not accepted)


def published(events: Iterator[dg.DagsterEvent], context: Any) -> Iterator[dg.DagsterEvent]:
    """Pass a run's events on, once no run of another Dagster home works in the same results folder; when all of its
    steps have ended well, publish.

    Homes know nothing of each other's queues and pools, and a result that is made twice at once would be taken away
    from under whoever reads it. A run that failed or was ended publishes nothing, and readers go on with the last
    version. Jobs that have no settings make no results.
    """
    settings = _settings(context)
    if settings is None:
        yield from events
        return
    folder, home = Results.of(settings).folder, context.instance.root_directory
    who = f"run {context.run_id[:8]} of the Dagster home {home}, process {os.getpid()}"

    def say(whom: str) -> None:
        context.log.warning(f"waits for {whom}, which works in the same results folder, {folder}")

    failed = False
    with shared_turn(folder / ".homes", home, who, say, _pause):
        for event in events:
            failed = failed or event.is_step_failure
            yield event
        if not failed:
            line, whole = publish(settings, context.run_id)
            (context.log.info if whole else context.log.warning)(line)


def _pause(seconds: float) -> None:
    """Wait, or end with the run."""
    with raise_execution_interrupts():
        time.sleep(seconds)


def _settings(context: Any) -> Settings | None:
    """Those of a run, as its steps get them; None for a job without."""
    job = context.job.get_definition()
    bound = getattr(job.resource_defs.get("io_manager"), "nested_resources", {}).get("settings")
    if not isinstance(bound, Settings):
        return None
    # A run of some assets has no settings of its own: it cannot be given others then.
    given = ResolvedRunConfig.build(job, context.dagster_run.run_config).resources.get("settings")
    return Settings(**given.config) if given else bound
