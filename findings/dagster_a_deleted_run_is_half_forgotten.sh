#!/usr/bin/env bash
# dagster 1.13.27 (Apache-2.0), CPython 3.11, SQLite storage (the default).
#
# One would guess: instance.delete_run(run_id) removes a run and what it said, so that history can be pruned with it, and
# all questions about an asset agree afterwards. Two runs make the partitions a and b of an asset and judge a check. With
# both deleted, get_latest_materialization_event still answers, with the event of a run that does not exist any more,
# while get_materialized_partitions says that no partition was ever made. Both judgements of the check stay. The file of
# each run's events stays on the disk, so nothing gets smaller.
#
# Way out: keep the run that made each partition last and judged each check last; delete the rows of
# asset_check_executions and the file history/runs/<run>.db oneself.
#
# Seen:
#   before: 2 runs, latest event of an existing run, partitions ['a', 'b'], 2 judgements, 2 files of events
#   after:  0 runs, latest event of a deleted run, partitions [], 2 judgements, 2 files of events
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dagster==1.13.27
export DAGSTER_DISABLE_TELEMETRY=yes DAGSTER_HOME="$folder/home"
mkdir "$DAGSTER_HOME"
printf 'telemetry:\n  enabled: false\n' > "$DAGSTER_HOME/dagster.yaml"
cat > "$folder/try.py" <<'END'
import logging
import os
from pathlib import Path

import dagster as dg

logging.disable(logging.CRITICAL)
KEY = dg.AssetKey("made")
CHECK = dg.AssetCheckKey(KEY, "right")


@dg.asset(
    key=KEY,
    partitions_def=dg.StaticPartitionsDefinition(["a", "b"]),
    check_specs=[dg.AssetCheckSpec("right", asset=KEY)],
)
def made():
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


def seen(instance):
    event = instance.get_latest_materialization_event(KEY)
    run = "a deleted" if event and instance.get_run_by_id(event.run_id) is None else "an existing"
    judged = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=10)
    files = [p for p in Path(os.environ["DAGSTER_HOME"], "history", "runs").glob("*.db") if p.stem != "index"]
    return (
        f"{instance.get_runs_count()} runs, latest event of {run if event else 'no'} run, "
        f"partitions {sorted(instance.get_materialized_partitions(KEY))}, {len(judged)} judgements, "
        f"{len(files)} files of events"
    )


with dg.DagsterInstance.get() as instance:
    runs = [dg.materialize([made], partition_key=key, instance=instance).run_id for key in ("a", "b")]
    print("before:", seen(instance))
    for run in runs:
        instance.delete_run(run)
    print("after: ", seen(instance))
END
"$folder/venv/bin/python" "$folder/try.py" 2>/dev/null | tee "$folder/output"
diff "$folder/output" - <<'END'
before: 2 runs, latest event of an existing run, partitions ['a', 'b'], 2 judgements, 2 files of events
after:  0 runs, latest event of a deleted run, partitions [], 2 judgements, 2 files of events
END
