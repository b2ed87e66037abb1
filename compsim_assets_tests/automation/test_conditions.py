"""Conditions ask for what is out of date, once, and for nothing where nothing changed."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest

from compsim_assets.automation import REBUILD
from compsim_assets.automation.conditions import SENSOR, automated, condition_sensor
from compsim_assets.automation.planning import plan
from compsim_assets.settings import Settings
from compsim_assets_tests.runs import FEW_DRAWS, Run, everything, materialized, platform


class Ticks:
    """Evaluates the conditions of the whole platform, tick by tick, as of a data folder."""

    def __init__(self, run: Run, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Settings, "from_environment", classmethod(lambda cls: run.settings))
        # Results of tests are made with fewer draws than the defaults.
        monkeypatch.setattr("compsim_assets.automation.planning.plan", partial(plan, config=FEW_DRAWS))
        ours = platform(run.settings)
        self.assets: list[Any] = automated(cast(Any, ours.assets))
        self.resources, self.instance, self.cursor = ours.resources, instance, None

    @property
    def defs(self) -> dg.Definitions:
        return dg.Definitions(
            self.assets, resources=self.resources, sensors=[condition_sensor(dg.DefaultSensorStatus.STOPPED)]
        )

    def change(self, name: str, version: str) -> None:
        """The code of one asset is another."""

        def changed(spec: dg.AssetSpec) -> dg.AssetSpec:
            return spec.replace_attributes(code_version=version) if spec.key.path[-1] == name else spec

        self.assets = [asset.map_asset_specs(changed) for asset in self.assets]

    def tick(self) -> set[tuple[str, str | None]]:
        """What is asked for."""
        defs = self.defs
        result: Any = dg.evaluate_automation_conditions(defs, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        graph = defs.resolve_asset_graph()
        return {
            (key.path[-1], partition)
            for key in graph.get_all_asset_keys()
            for partition in result.get_requested_partitions(key)
        }

    def requests(self) -> list[dg.RunRequest]:
        """What the sensor would hand to the daemon in a first tick."""
        defs = self.defs
        (sensor,) = defs.sensors or []
        context = dg.build_sensor_context(self.instance, repository_def=defs.get_repository_def())
        return list(sensor.evaluate_tick(context).run_requests or [])


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_unchanged_inputs_make_nothing(
    rebuilt: Run, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(rebuilt, instance, monkeypatch)
    assert [ticks.tick() for _ in range(3)] == [set()] * 3


def test_what_was_never_made_is_asked_for_in_both_modes_once(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(Run(tmp_path), instance, monkeypatch)
    assert ticks.tick() == set(materialized())
    assert {mode for _, mode in materialized()} == {None, "base", "rolling"}
    assert [ticks.tick() for _ in range(3)] == [set()] * 3  # also where the run failed


def test_a_change_is_asked_for_with_what_is_made_of_it_and_no_more(
    rebuilt: Run, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(rebuilt, instance, monkeypatch)
    assert ticks.tick() == set()
    ticks.change("equity_curves", "new")
    assert ticks.tick() == {("equity_curves", None)}
    assert ticks.tick() == set()
    ticks.change("equity_curves", "newer")
    assert ticks.tick() == {("equity_curves", None)}
    ticks.change("cluster_features", "new")
    asked = ticks.tick()
    assert {("cluster_features", "base"), ("cluster_features", "rolling"), ("findings", None)} <= asked
    assert {name for name, _ in asked}.isdisjoint({"descriptions", "pca", "dendrograms"})


def test_one_mode_that_is_gone_is_one_partition(
    rebuilt: Run, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = rebuilt.copy(tmp_path)
    copy.results.table("cluster_features", "rolling").unlink()
    asked = Ticks(copy, instance, monkeypatch).tick()
    assert ("cluster_features", "rolling") in asked
    assert ("cluster_features", "base") not in asked


def test_it_waits_while_a_run_is_under_way_and_forgets_nothing(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(Run(tmp_path), instance, monkeypatch)
    job = dg.define_asset_job("other", selection=["descriptions"]).resolve(asset_graph=ticks.defs.resolve_asset_graph())
    run = instance.create_run_for_job(job, tags={REBUILD: "part"}, status=dg.DagsterRunStatus.STARTED)
    assert ticks.tick() == set()
    instance.report_run_canceled(run)
    assert len(ticks.tick()) == len(materialized())


def test_all_is_one_backfill(tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    (request,) = Ticks(Run(tmp_path), instance, monkeypatch).requests()
    assert request.asset_graph_subset is not None  # Dagster makes a backfill of it
    assert {key.path[-1] for key in request.asset_graph_subset.asset_keys} == set(everything())


def test_what_is_of_no_mode_is_one_run(
    rebuilt: Run, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(rebuilt, instance, monkeypatch)
    ticks.change("table_2", "new")
    (request,) = ticks.requests()
    assert request.asset_graph_subset is None
    names = {key.path[-1] for key in request.asset_selection or []}
    assert {"table_2", "findings"} <= names
    assert names.isdisjoint({"table_1", "clusters", "robustness"})


def test_the_sensor_is_the_default_one_and_off() -> None:
    sensor = condition_sensor(dg.DefaultSensorStatus.STOPPED)
    assert (sensor.name, sensor.default_status) == (SENSOR, dg.DefaultSensorStatus.STOPPED)
    assert SENSOR == "default_automation_condition_sensor"
