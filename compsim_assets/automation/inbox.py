"""The sensor of the inbox: it looks at the folder, and asks for one run for all files that were taken."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from compsim_assets.automation.jobs import ALL_MODES, rebuild, rebuild_under_way
from compsim_assets.automation.webhook import tell

if TYPE_CHECKING:
    from compsim_assets.universe.inbox.look import Inbox

BATCH = "compsim/inbox"  # tag of a run: the batch of files that it is for
EVERY = 30  # seconds
_MOST_LINES = 20


def inbox_sensor(
    folder: Path, universe: Path, webhook: str, default_status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """The sensor of a folder whose files go to a universe's folder.

    Args:
        webhook: a URL that hears of files that were refused; may be empty.
    """

    @dg.sensor(
        name="inbox",
        job=rebuild,
        minimum_interval_seconds=EVERY,
        default_status=default_status,
        description="Takes settled and good files of COMPSIM_INBOX into the universe, and asks for one run for them.",
    )
    def inbox(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        from compsim_assets.universe.inbox.look import Inbox

        return look(context, Inbox(folder, universe), webhook)

    return inbox


def look(context: dg.SensorEvaluationContext, inbox: "Inbox", webhook: str = "") -> dg.SensorResult:
    """One tick. The cursor holds what lies there unsettled, and the batch that was asked for last."""
    cursor = json.loads(context.cursor or "{}")
    requested = cursor.get("requested", "")
    before = {name: (state, since) for name, (state, since) in cursor.get("seen", {}).items()}
    seen = inbox.look(before, requested, time.time(), lambda: rebuild_under_way(context.instance, parts=True))
    for line in _first(seen.refused):
        context.log.warning(line)
    for line in _first(seen.notes):
        context.log.info(line)
    if webhook and seen.refused:
        content = {"event": "inbox_refused", "inbox": str(inbox.folder), "refused": list(seen.refused)}
        tell(webhook, {**content, "text": "\n".join(_first(seen.refused))}, context.log.error)
    after = json.dumps({"requested": seen.batch or requested, "seen": seen.memory})
    if seen.batch:
        request = dg.RunRequest(run_key=seen.batch, tags={**ALL_MODES, BATCH: seen.batch})
        return dg.SensorResult(run_requests=[request], cursor=after)
    reason = "; ".join([seen.reason, *_first(seen.refused), *_first(seen.notes)])
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=after)


def _first(lines: Sequence[str]) -> list[str]:
    """The first of them, and how many more there are."""
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"and {more} more"] if more > 0 else [])]
