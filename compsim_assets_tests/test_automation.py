"""The weekly rebuild and the instance that runs it."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from compsim_assets.assets.common import STAGE
from compsim_assets.automation import weekly_rebuild
from compsim_assets.definitions import defs
from compsim_assets.partitions import cutoff_modes
from compsim_assets_tests.runs import MONDAY, weekly_requests

REPOSITORY = Path(__file__).parents[1]
GRAPH = defs.resolve_asset_graph()
MODES = cutoff_modes.get_partition_keys()


@pytest.fixture(scope="module")
def requests() -> list[dg.RunRequest]:
    return weekly_requests()


def selected(request: dg.RunRequest) -> set[dg.AssetKey]:
    assert request.asset_selection is not None
    return set(request.asset_selection)


def test_cutoff_modes() -> None:
    assert MODES == ["base", "rolling"]


def test_mondays_at_six_utc_and_stopped_by_default() -> None:
    assert weekly_rebuild.cron_schedule == "0 6 * * 1"
    assert weekly_rebuild.execution_timezone == "UTC"
    assert weekly_rebuild.default_status == dg.DefaultScheduleStatus.STOPPED
    assert [schedule.name for schedule in defs.schedules or []] == ["weekly_rebuild"]


def test_one_run_a_mode_and_then_the_comparison(requests: list[dg.RunRequest]) -> None:
    assert [request.partition_key for request in requests] == ["base", "rolling", "base"]
    stages = [{GRAPH.get(key).tags[STAGE] for key in selected(request)} for request in requests]
    assert stages == [{"shared", "mode"}, {"mode"}, {"comparison"}]


def test_everything_is_rebuilt_exactly_once(requests: list[dg.RunRequest]) -> None:
    rebuilt = [
        (key, request.partition_key if GRAPH.get(key).partitions_def else None)
        for request in requests
        for key in selected(request)
    ]
    wanted = [
        (key, mode)
        for key in GRAPH.get_all_asset_keys()
        for mode in (MODES if GRAPH.get(key).partitions_def else [None])
    ]
    assert sorted(rebuilt, key=str) == sorted(wanted, key=str)


def test_no_run_needs_a_later_one(requests: list[dg.RunRequest]) -> None:
    done: set[tuple[dg.AssetKey, str | None]] = set()
    for request in requests:
        mine, mode = selected(request), request.partition_key
        done |= {(key, mode if GRAPH.get(key).partitions_def else None) for key in mine}
        for key in mine:
            modes = [mode] if GRAPH.get(key).partitions_def else MODES
            for parent in GRAPH.get(key).parent_keys:
                needed = modes if GRAPH.get(parent).partitions_def else [None]
                assert {(parent, one) for one in needed} <= done


def test_runs_wait_for_each_other_in_order(requests: list[dg.RunRequest]) -> None:
    priorities = [int(request.tags["dagster/priority"]) for request in requests]
    assert priorities == sorted(priorities, reverse=True)
    assert len(set(priorities)) == len(priorities)
    assert {request.tags["compsim/rebuild"] for request in requests} == {"true"}


def test_each_tick_has_run_keys_of_its_own(requests: list[dg.RunRequest]) -> None:
    keys = [request.run_key for request in requests]
    assert len(set(keys)) == len(keys)
    assert all(key is not None and MONDAY.date().isoformat() in key for key in keys)


def test_the_jobs_select_everything_and_the_comparison() -> None:
    rebuild = defs.resolve_job_def("rebuild")
    compare = defs.resolve_job_def("compare")
    assert set(rebuild.asset_layer.executable_asset_keys) == set(GRAPH.get_all_asset_keys())
    assert rebuild.partitions_def == cutoff_modes
    assert set(compare.asset_layer.executable_asset_keys) == {
        key for key in GRAPH.get_all_asset_keys() if GRAPH.get(key).tags[STAGE] == "comparison"
    }
    assert compare.partitions_def is None


def pools(node: Any) -> set[str | None]:
    return {GRAPH.get(key).assets_def.node_def.pool for key in node}


def test_steps_that_may_use_a_gpu_share_a_pool() -> None:
    by_name = {key.to_user_string(): key for key in GRAPH.get_all_asset_keys()}
    using = ["sae_features", "pca", "clusters", "cluster_features"]
    assert pools(by_name[name] for name in using) == {"gpu"}
    assert pools([by_name["descriptions"]]) == {None}


def test_the_instance_of_the_repository(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / ".dagster" / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        concurrency = instance.get_concurrency_config()
        assert concurrency.pool_config.default_pool_limit == 1
        queue = concurrency.run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 2
        assert queue.tag_concurrency_limits == [{"key": "compsim/rebuild", "limit": 1}]
        # History stays beside the file.
        assert Path(instance.root_directory) == tmp_path
        assert Path(instance.storage_directory()).is_relative_to(tmp_path)


def test_the_workspace_is_the_platform() -> None:
    workspace = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text())
    (entry,) = workspace["load_from"]
    assert entry["python_module"]["module_name"] == "compsim_assets.definitions"
