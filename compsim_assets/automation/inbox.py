"""The sensor of the inbox: it looks at the folder, and asks for one run for all files that were taken."""

import json
import time
from pathlib import Path

import dagster as dg

from compsim_assets.automation.jobs import ALL_MODES, rebuild, rebuild_under_way
from compsim_assets.universe.inbox.look import Inbox, Seen

BATCH = "compsim/inbox"  # tag of a run: the batch of files that it is for
EVERY = 30  # seconds
_MOST_LINES = 20


def inbox_sensor(folder: Path, universe: Path, default_status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """The sensor of a folder whose files go to a universe's folder."""

    @dg.sensor(
        name="inbox",
        job=rebuild,
        minimum_interval_seconds=EVERY,
        default_status=default_status,
        description="Takes settled and good files of COMPSIM_INBOX into the universe, and asks for one run for them.",
    )
    def inbox(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return look(context, Inbox(folder, universe))

    return inbox


def look(context: dg.SensorEvaluationContext, inbox: Inbox) -> dg.SensorResult:
    """One tick. The cursor holds what lies there unsettled, and the batch that was asked for last."""
    cursor = json.loads(context.cursor or "{}")
    requested = cursor.get("requested", "")
    before = {name: (state, since) for name, (state, since) in cursor.get("seen", {}).items()}
    seen = inbox.look(before, requested, time.time(), lambda: rebuild_under_way(context.instance, parts=True))
    for line in seen.said[:_MOST_LINES]:
        context.log.info(line)
    if (more := len(seen.said) - _MOST_LINES) > 0:
        context.log.info(f"and {more} more")
    after = json.dumps({"requested": seen.batch or requested, "seen": seen.memory})
    if seen.batch:
        request = dg.RunRequest(run_key=seen.batch, tags={**ALL_MODES, BATCH: seen.batch})
        return dg.SensorResult(run_requests=[request], cursor=after)
    return dg.SensorResult(skip_reason=_reason(seen), cursor=after)


def _reason(seen: Seen) -> dg.SkipReason:
    """Why no run is asked for, and what became of files."""
    lines = [seen.reason, *seen.said[:_MOST_LINES]]
    return dg.SkipReason("; ".join(lines))
