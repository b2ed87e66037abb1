"""The weekly rebuild, and the instance and the executor that run it."""

import inspect
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from compsim_assets.assets.common import HEAVY
from compsim_assets.automation import ALL_MODES, EVERYTHING, PART, REBUILD, weekly_rebuild
from compsim_assets.definitions import defs
from compsim_assets.launch import limits
from compsim_assets.partitions import cutoff_modes
from compsim_assets.running.executor import steps_at_once
from compsim_assets.running.identity import TAG, this_process

REPOSITORY = Path(__file__).parents[2]
GRAPH = defs.resolve_asset_graph()
MONDAY = datetime(2024, 3, 4, 6, tzinfo=UTC)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def tick(instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str | None]:
    """What the schedule asks for on a Monday, or why it does not."""
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=MONDAY, repository_def=defs.get_repository_def()
    )
    told = weekly_rebuild.evaluate_tick(context)
    return list(told.run_requests or []), told.skip_message


def other_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, **tags: str) -> dg.DagsterRun:
    job, repository = defs.resolve_job_def("rebuild"), defs.get_repository_def()
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="compsim_assets.definitions"))
    return instance.create_run_for_job(
        job,
        tags={REBUILD: EVERYTHING, **tags},
        status=status,
        remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location, repository.name), job.name),
    )


def test_cutoff_modes() -> None:
    assert cutoff_modes.get_partition_keys() == ["base", "rolling"]


def test_mondays_at_six_utc_and_stopped_by_default() -> None:
    assert weekly_rebuild.cron_schedule == "0 6 * * 1"
    assert weekly_rebuild.execution_timezone == "UTC"
    assert weekly_rebuild.default_status == dg.DefaultScheduleStatus.STOPPED
    assert [schedule.name for schedule in defs.schedules or []] == ["weekly_rebuild"]


def test_one_run_over_both_modes(instance: dg.DagsterInstance) -> None:
    (request,), skipped = tick(instance)
    assert skipped is None
    assert request.asset_selection is None
    assert request.partition_key is None
    assert request.run_key is not None
    assert MONDAY.date().isoformat() in request.run_key
    assert dict(request.tags) | ALL_MODES == dict(request.tags)
    assert list(ALL_MODES.values()) == ["base", "rolling"]


@pytest.mark.parametrize("status", dg.DagsterRunStatus)
def test_it_waits_for_no_other_rebuild(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> None:
    other = other_run(instance, status)
    requests, skipped = tick(instance)
    assert (requests == []) == (not other.is_finished)
    if not other.is_finished:
        assert skipped == f"run {other.run_id[:8]} (rebuild) is not done yet: it is {status.value}"


def test_what_is_dead_or_makes_a_part_stops_no_rebuild(instance: dg.DagsterInstance) -> None:
    dead = json.dumps({**json.loads(this_process()), "started": "1"})
    other_run(instance, dg.DagsterRunStatus.STARTED, **{TAG: dead})
    other_run(instance, dg.DagsterRunStatus.STARTED, **{REBUILD: PART})
    assert len(tick(instance)[0]) == 1
    other_run(instance, dg.DagsterRunStatus.STARTED, **{TAG: this_process()})
    assert tick(instance)[0] == []


def test_it_waits_for_what_the_uis_materialize_all_has_started(instance: dg.DagsterInstance) -> None:
    tags = {REBUILD: "", "dagster/backfill": "abcdefgh"}
    other = other_run(instance, dg.DagsterRunStatus.QUEUED, **tags)
    requests, skipped = tick(instance)
    assert (requests, skipped) == ([], f"run {other.run_id[:8]} (rebuild) is not done yet: it is QUEUED")


def test_the_job_makes_everything() -> None:
    rebuild = defs.resolve_job_def("rebuild")
    assert set(rebuild.asset_layer.executable_asset_keys) == set(GRAPH.get_all_asset_keys())
    assert rebuild.partitions_def == cutoff_modes
    assert rebuild.run_tags[REBUILD] == EVERYTHING
    assert [job.name for job in defs.jobs or []] == ["rebuild"]


def test_one_run_can_make_several_modes() -> None:
    for key in GRAPH.get_all_asset_keys():
        assert GRAPH.get(key).backfill_policy == dg.BackfillPolicy.single_run(), key


def test_steps_that_may_use_a_gpu_share_a_pool() -> None:
    pools = {key.to_user_string(): GRAPH.get(key).pools for key in GRAPH.get_all_asset_keys()}
    for name in ("sae_features", "pca", "clusters", "cluster_features"):
        assert pools[name] == {"gpu"}
    assert not pools["descriptions"]


def test_as_many_steps_as_have_cores_and_memory_and_one_that_needs_much(tmp_path: Path) -> None:
    gb = 1 << 30
    assert [steps_at_once(16, memory * gb) for memory in (0, 1, 3, 64)] == [8, 1, 3, 8]
    assert [steps_at_once(cores, 64 * gb) for cores in (1, 2, 64)] == [1, 2, 8]
    assert steps_at_once(4, gb // 2) == 1
    config = defs.executor.config_schema.resolve_config({}).value["config"]  # type: ignore[union-attr]
    assert config["max_concurrent"] == steps_at_once(limits.cores(), limits.memory())
    (key, value), (limit,) = *HEAVY.items(), config["tag_concurrency_limits"]
    assert limit == {"key": key, "value": value, "limit": 1}


def test_every_heavy_step_takes_turns_with_those_of_other_runs() -> None:
    heavy = {step.op for step in defs.assets or [] if HEAVY.items() <= step.op.tags.items()}  # type: ignore[union-attr]
    assert len(heavy) > 4
    for step in defs.assets or []:
        function = step.op.compute_fn.decorated_fn  # type: ignore[union-attr]
        assert (inspect.unwrap(function) is not function) == (step.op in heavy), step.op.name  # type: ignore[union-attr]


def test_the_instance_of_the_repository(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / ".dagster" / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        concurrency = instance.get_concurrency_config()
        assert concurrency.pool_config.default_pool_limit == 1
        queue = concurrency.run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 2
        assert queue.tag_concurrency_limits == [{"key": REBUILD, "limit": 1}]
        # An ended run holds nothing, a run that died is tried again, a step that failed is not.
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"] > 0
        assert instance.run_monitoring_max_runtime_seconds > 24 * 3600
        assert (instance.run_retries_enabled, instance.run_retries_max_retries) == (True, 1)
        assert not instance.run_retries_retry_on_asset_or_op_failure
        # History stays beside the file.
        assert Path(instance.root_directory) == tmp_path
        assert Path(instance.storage_directory()).is_relative_to(tmp_path)


def test_the_workspace_is_the_platform() -> None:
    workspace = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text())
    (entry,) = workspace["load_from"]
    assert entry["python_module"]["module_name"] == "compsim_assets.definitions"
