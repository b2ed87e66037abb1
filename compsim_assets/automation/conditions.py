"""Declarative automation: an asset is asked for when `compsim materialize` would make it.

Dagster's own `eager()` asks by events: whatever was made again, the same to the byte or not, has all below it made
again, in one run per layer, and a changed file of the universe is no event. This condition asks the notes beside the
results instead. All that is out of date is asked for in one tick, in order: one run where it is of no cutoff mode, else
one backfill, as *Materialize all* makes it.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
from dagster._core.definitions.events import AssetKeyPartitionKey

from compsim_assets.automation.jobs import rebuild_under_way
from compsim_assets.settings import Settings
from compsim_assets.universe.fingerprint import fingerprints

SENSOR = "default_automation_condition_sensor"


class OutOfDate(dg.AutomationCondition[dg.AssetKey]):
    """True of results that are out of date, once: after a failure not again before an input or the code changes."""

    @property
    def name(self) -> str:
        """As the UI shows it."""
        return "out_of_date"

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        """Which partitions are out of date, and were not asked for as the inputs are now."""
        tick = _tick(context.asset_graph_view)
        modes = tick.out_of_date.get(context.key.path[-1], ())
        cursor = str(context.cursor or "")
        if tick.under_way or not modes:
            subset, cursor = context.get_empty_subset(), cursor if tick.under_way else ""
        elif cursor == tick.state:
            subset = context.get_empty_subset()
        else:
            subset, cursor = _of_modes(context, modes), tick.state
        return dg.AutomationResult(context=context, true_subset=subset, cursor=cursor)


@dataclass(frozen=True)
class _Tick:
    """What all assets of a tick go by.

    out_of_date: by asset the cutoff modes of its results that are, None for one of all modes. state: of the inputs and
    the code, as a hash. under_way: whether a run or a backfill is: what is out of date changes with it.
    """

    view: Any
    out_of_date: Mapping[str, Sequence[str | None]]
    state: str
    under_way: bool


_last: list[_Tick] = []


def _tick(view: Any) -> _Tick:
    if not _last or _last[0].view is not view:
        _last[:] = [_look(view)]
    return _last[0]


def _look(view: Any) -> _Tick:
    from compsim_assets.automation import planning

    instance = view.instance
    if rebuild_under_way(instance, parts=True) or _backfills_under_way(instance):
        return _Tick(view, {}, "", True)
    settings, graph = Settings.from_environment(), view.asset_graph
    keys = sorted(graph.materializable_asset_keys)
    plan = planning.plan(cast(Any, SimpleNamespace(resolve_asset_graph=lambda: graph)), settings, keys)
    by_asset = dict[str, list[str | None]]()
    for result in plan.reasons:
        asset, _, mode = result.partition("/")
        by_asset.setdefault(asset, []).append(mode or None)
    inputs = sorted(fingerprints(settings, [key.path[-1] for key in keys]).items())
    code = [graph.get(key).code_version for key in keys]
    state = blake2b(repr((inputs, code, settings.taking_part())).encode(), digest_size=8).hexdigest()
    return _Tick(view, by_asset, state, False)


def _backfills_under_way(instance: dg.DagsterInstance) -> bool:
    from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus  # half a second

    under_way = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]
    return bool(instance.get_backfills(filters=BulkActionsFilter(statuses=under_way), limit=1))


def _of_modes(context: dg.AutomationContext[dg.AssetKey], modes: Sequence[str | None]) -> Any:
    """The candidates of these cutoff modes."""
    partitions = {mode for mode in modes if mode}
    if not partitions:
        return context.candidate_subset
    wanted = context.asset_graph_view.get_asset_subset_from_asset_partitions(
        context.key, {AssetKeyPartitionKey(context.key, mode) for mode in partitions}
    )
    return context.candidate_subset.compute_intersection(wanted)


def automated(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The same assets with the condition."""
    condition = (OutOfDate() & ~dg.AutomationCondition.in_progress()).with_label("out of date")
    return [
        each.map_asset_specs(lambda spec: spec.replace_attributes(automation_condition=condition)) for each in assets
    ]


def condition_sensor(default_status: dg.DefaultSensorStatus) -> dg.AutomationConditionSensorDefinition:
    """The sensor that asks; it must look at files, so it runs where the code is and not in the daemon."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.AutomationConditionSensorDefinition(
            SENSOR,
            target=dg.AssetSelection.all(),
            default_status=default_status,
            use_user_code_server=True,
            description="Makes what is out of date, as `compsim materialize` does.",
        )
