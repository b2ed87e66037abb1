"""One rule says when results are overdue, and Dagster evaluates it as it is meant."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness_evaluator import FRESHNESS_EVALUATORS_BY_POLICY_TYPE
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time

from compsim_assets.automation.freshness import FAIL, WARN, fresh
from compsim_assets.definitions import defs
from compsim_assets.partitions import cutoff_modes

ONE_RUN = timedelta(hours=3)  # a rebuild that takes longer than the last one


@dg.asset
def table() -> None: ...


@dg.asset(partitions_def=cutoff_modes)
def by_mode() -> None: ...


def state_after(age: timedelta, definition: dg.AssetsDefinition) -> str:
    """The state of an asset that was made so long ago."""
    (asset,) = fresh([definition])
    graph = dg.Definitions([asset]).resolve_asset_graph()
    with dg.DagsterInstance.ephemeral() as instance:
        partition = "base" if definition is by_mode else None
        assert dg.materialize([asset], instance=instance, partition_key=partition).success
        node: Any = graph.get(asset.key)
        evaluator = FRESHNESS_EVALUATORS_BY_POLICY_TYPE[type(node.freshness_policy)]()
        with freeze_time(datetime.now(UTC) + age):
            return asyncio.run(evaluator.evaluate_freshness(LoadingContextForTest(instance), node)).value


@pytest.mark.parametrize("definition", [table, by_mode], ids=["table", "by_mode"])
@pytest.mark.parametrize(
    ("age", "state"),
    [(timedelta(0), "PASS"), (timedelta(days=7) + ONE_RUN, "PASS"), (WARN + ONE_RUN, "WARN"), (FAIL + ONE_RUN, "FAIL")],
)
def test_a_missed_week_is_warned_of_and_then_a_failure(
    definition: dg.AssetsDefinition, age: timedelta, state: str
) -> None:
    assert state_after(age, definition) == state


def test_every_asset_has_it() -> None:
    assets: Any = defs.assets
    graph = dg.Definitions(fresh(assets), resources=defs.resources).resolve_asset_graph()
    keys = graph.get_all_asset_keys()
    assert {graph.get(key).freshness_policy for key in keys} == {
        dg.FreshnessPolicy.time_window(fail_window=FAIL, warn_window=WARN)
    }
