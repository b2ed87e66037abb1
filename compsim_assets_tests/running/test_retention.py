"""What is kept of runs that have ended: enough of each asset, and no more with every run."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sql
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.runs.schema import RunTagsTable

from compsim_assets.running.retention import prune

MODES = dg.StaticPartitionsDefinition(["base", "rolling"])
RIGHT = dg.AssetCheckSpec("right", asset="whole")


@dg.asset(check_specs=[RIGHT])
def whole(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    print("printed")
    return dg.MaterializeResult(metadata={"run": context.run_id}, check_results=[dg.AssetCheckResult(passed=True)])


@dg.asset(partitions_def=MODES)
def by_mode(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"run": context.run_id})


@dg.job
def nothing() -> None: ...


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


def make(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, mode: str | None = None) -> str:
    return dg.materialize([asset], instance=instance, partition_key=mode, tags={"of": "a test"}).run_id


def rows(instance: dg.DagsterInstance, *columns: sql.Column) -> list[int]:
    with instance.event_log_storage.index_connection() as connection:
        events = [connection.execute(sql.select(sql.func.count()).select_from(column.table)).scalar()
                  for column in columns]  # fmt: skip
    with instance.run_storage.connect() as connection:
        tags = connection.execute(sql.select(sql.func.count()).select_from(RunTagsTable)).scalar()
    return [*events, tags]


def size(instance: dg.DagsterInstance) -> list[int]:
    """How much there is of everything that grows."""
    home = Path(instance.root_directory)
    files = [len(list(home.glob(pattern))) for pattern in ("history/runs/*.db", "storage/*")]
    return [*files, *rows(instance, SqlEventLogStorageTable.c.id, AssetCheckExecutionsTable.c.id)]


def test_the_last_of_each_asset_partition_and_check_stays(instance: dg.DagsterInstance) -> None:
    base = [make(instance, by_mode, "base") for _ in range(2)]
    rolling = make(instance, by_mode, "rolling")
    made = [make(instance, whole) for _ in range(2)]
    for _ in range(3):
        nothing.execute_in_process(instance=instance)
    newest = instance.get_run_ids(limit=1)
    assert prune(instance, runs=1, days=90) == 4
    assert set(instance.get_run_ids()) == {base[1], rolling, made[1], *newest}
    event = instance.get_latest_materialization_event(whole.key)
    assert event
    assert event.asset_materialization.metadata["run"].value == made[1]
    assert instance.get_materialized_partitions(by_mode.key) == {"base", "rolling"}
    for mode, run_id in (("base", base[1]), ("rolling", rolling)):
        asked = dg.AssetRecordsFilter(asset_key=by_mode.key, asset_partitions=[mode])
        assert [record.run_id for record in instance.fetch_materializations(asked, limit=9).records] == [run_id]
    key = next(iter(whole.check_keys))
    (judged,) = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).values()
    assert (judged.run_id, judged.status.value) == (made[1], "SUCCEEDED")
    assert prune(instance, runs=1, days=90) == 0


def test_nothing_grows_with_the_number_of_runs(instance: dg.DagsterInstance) -> None:
    def two_runs() -> list[int]:
        make(instance, whole)
        make(instance, by_mode, "base")
        prune(instance, runs=2, days=90)
        return size(instance)

    two_runs()
    first = two_runs()
    assert [two_runs() for _ in range(3)] == [first] * 3
    assert len(instance.get_run_ids()) == 2
    assert min(first) > 0


def test_age_counts_and_a_run_under_way_stays(instance: dg.DagsterInstance) -> None:
    for _ in range(3):
        make(instance, whole)
    at_work = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED)
    assert prune(instance, runs=100, days=1) == 0
    assert prune(instance, runs=100, days=-1) == 2
    assert at_work.run_id in instance.get_run_ids()
    assert len(instance.get_run_ids()) == 2


def test_logs_of_ticks_and_of_runs_that_are_no_more_go_by_age(instance: dg.DagsterInstance) -> None:
    storage = Path(instance.storage_directory())
    run_id = make(instance, whole)
    gone, stays = storage / "toy" / "weekly" / "1.err", storage / "toy" / "weekly" / "2.err"
    orphan = storage / "0b69c876-324a-43aa-8f9a-3af9bbd2ca65" / "compute_logs" / "x.err"
    for file in (gone, stays, orphan):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    long_ago = time.time() - 10 * 86400
    for path in (gone, orphan.parents[1], storage / run_id):
        os.utime(path, (long_ago, long_ago))
    prune(instance, runs=9, days=5)
    assert not gone.exists()
    assert not orphan.parents[1].exists()
    assert stays.exists()
    assert (storage / run_id).is_dir()
