"""The pool of the GPU: one step where there is a GPU, two where there is none; a limit that somebody set stays."""

from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.running.pools import GPU, fit_gpu_pool


@pytest.fixture
def instance(tmp_path: Path):
    with dg.instance_for_test(
        temp_dir=str(tmp_path), overrides={"concurrency": {"pools": {"granularity": "op", "default_limit": 1}}}
    ) as instance:
        yield instance


def limit(instance: dg.DagsterInstance) -> int | None:
    return next((pool.limit for pool in instance.event_log_storage.get_pool_limits() if pool.name == GPU), None)


def test_two_steps_meet_where_there_is_no_gpu_and_one_has_it_where_there_is(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    device = tmp_path / "device"
    fit_gpu_pool(instance, (device,))
    assert limit(instance) == 2
    fit_gpu_pool(instance, (device,))
    assert limit(instance) == 2
    device.touch()
    fit_gpu_pool(instance, (device,))
    assert limit(instance) is None, "the default of the instance"


@pytest.mark.parametrize("has_gpu", [True, False])
def test_a_limit_that_somebody_set_stays(instance: dg.DagsterInstance, tmp_path: Path, has_gpu: bool) -> None:
    instance.event_log_storage.set_concurrency_slots(GPU, 3)
    device = tmp_path / "device"
    if has_gpu:
        device.touch()
    fit_gpu_pool(instance, (device,))
    assert limit(instance) == 3
