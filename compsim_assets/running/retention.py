"""What is kept of runs that have ended: Dagster itself keeps all of it for good.

Of a run that is not to be kept goes all that Dagster has of it: the run, its events, what its steps printed, and the
judgements of checks that later ones have replaced. A run stays whatever its age while it is the last that made some
asset, partition by partition, or the last that judged it: the UI would else take the asset for one that was never made.
Results and their versions are no part of this.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import dagster as dg
import sqlalchemy as sql
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.runs.schema import RunTagsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

AT_ONCE = 50  # runs: the first time there may be thousands
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_KINDS = [dg.DagsterEventType.ASSET_MATERIALIZATION.value, dg.DagsterEventType.ASSET_OBSERVATION.value]


def prune(instance: dg.DagsterInstance, runs: int, days: int) -> int:
    """Delete ended runs beyond so many of the newest or older than so many days; says how many it deleted."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return 0
    before = datetime.now(UTC) - timedelta(days=days)
    newest = set(instance.get_run_ids(limit=runs))
    aged = set(instance.get_run_ids(dg.RunsFilter(created_before=before)))
    ended = instance.get_run_ids(dg.RunsFilter(statuses=_ENDED))  # the newest first
    last = _last(storage)
    old = [run_id for run_id in ended if (run_id in aged or run_id not in newest) and run_id not in last][-AT_ONCE:]
    for run_id in old:
        _delete(instance, storage, run_id)
    _sweep_logs(instance, before.timestamp())
    return len(old)


def _last(storage: SqlEventLogStorage) -> set[str]:
    """Runs with the last event of its kind of some asset and partition, or the last judgement of some check."""
    events, checks = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    of_assets = sql.select(sql.func.max(events.id)).where(events.dagster_event_type.in_(_KINDS))
    newest = of_assets.group_by(events.dagster_event_type, events.asset_key, events.partition)
    judged = sql.select(sql.func.max(checks.id)).group_by(checks.asset_key, checks.check_name, checks.partition)
    with storage.index_connection() as connection:
        made_by = connection.execute(sql.select(events.run_id).where(events.id.in_(newest)))
        judged_by = connection.execute(sql.select(checks.run_id).where(checks.id.in_(judged)))
        return {run_id for rows in (made_by, judged_by) for (run_id,) in rows}


def _delete(instance: dg.DagsterInstance, storage: SqlEventLogStorage, run_id: str) -> None:
    instance.delete_run(run_id)
    with storage.index_connection() as connection:
        connection.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id))
    if isinstance(instance.run_storage, SqlRunStorage):  # SQLite leaves them
        with instance.run_storage.connect() as connection:
            connection.execute(RunTagsTable.delete().where(RunTagsTable.c.run_id == run_id))
    if isinstance(storage, SqliteEventLogStorage):  # a file per run
        for ending in ("", "-journal", "-wal", "-shm"):
            Path(storage.path_for_shard(run_id) + ending).unlink(missing_ok=True)
    instance.compute_log_manager.delete_logs(prefix=[run_id])


def _sweep_logs(instance: dg.DagsterInstance, before: float) -> None:
    """What ticks logged, and what steps printed in runs that were deleted in the UI."""
    if not isinstance(instance.compute_log_manager, LocalComputeLogManager):
        return
    for folder in _folders(Path(instance.storage_directory())):
        if not _is_of_a_run(folder.name):
            for file in folder.rglob("*"):
                if file.is_file() and file.stat().st_mtime < before:
                    file.unlink(missing_ok=True)
        elif folder.stat().st_mtime < before and not instance.has_run(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def _folders(storage: Path) -> Iterator[Path]:
    yield from (path for path in storage.glob("*") if path.is_dir())


def _is_of_a_run(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
