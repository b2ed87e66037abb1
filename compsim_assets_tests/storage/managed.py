"""Small runs through the IO managers, for tests."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from compsim_assets.assets.common import SHARED, table_options
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ResultsFolder, managers
from compsim_assets.storage.results import Results
from compsim_assets.storage.shards import write_feature_shards

CLUSTERS = pd.DataFrame({"year": [2001, 2001], "cluster_id": [1, 1], "report_id": [7, 8]})
MODES = ["base", "rolling"]
BOTH_MODES = dict(zip(("dagster/asset_partition_range_start", "dagster/asset_partition_range_end"), MODES, strict=True))


def materialize(
    settings: Settings, assets: Sequence[Any], mode: str | None = None, both: bool = False, **options: Any
) -> dg.ExecuteInProcessResult:
    """Run assets without a mode, for one or, in one run, for both."""
    resources = {**managers(settings), "folder": ResultsFolder(settings=settings), "none": dg.InMemoryIOManager()}
    tags = BOTH_MODES if both else None
    return dg.materialize(assets, resources=resources, partition_key=mode, tags=tags, **options)


def returns_of(value: float = 0.0, **options: Any) -> dg.AssetsDefinition:
    """Two reports' returns, one of them unknown."""

    @dg.asset(name="returns", **table_options("returns", "descriptions"), **options)
    def returns() -> Any:
        values = [np.arange(12.0) + value, np.full(12, np.nan)]
        return pd.DataFrame({"report_id": [8, 7], "year": [2001, 2001], "returns": values})

    return returns


def clusters_of(
    table: pd.DataFrame | Mapping[str, pd.DataFrame], *, settings: tuple[str, ...] = (), **options: Any
) -> dg.AssetsDefinition:
    """Clusters of the run's modes: one table for all, or a table of each."""

    @dg.asset(name="clusters", **table_options("clusters", "clusters", stage="mode", settings=settings), **options)
    def clusters(context: dg.AssetExecutionContext) -> Any:
        return {mode: table if isinstance(table, pd.DataFrame) else table[mode] for mode in context.partition_keys}

    return clusters


def table_of(name: str, make: Callable[[], Any], key: str, **options: Any) -> dg.AssetsDefinition:
    """A table with an IO manager of its own."""

    @dg.asset(name=name, io_manager_key=key, **{**table_options(name, "any", stage=SHARED), **options})
    def asset() -> Any:
        return make()

    return asset


def publish_features(results: Results, features: np.ndarray, ids: list[int]) -> Path:
    """SAE features of these reports, in two parts."""
    with results.new_folder(results.array_folder("sae_features")) as folder:
        blocks = [(np.array(ids[:1]), features[:1]), (np.array(ids[1:]), features[1:])]
        write_feature_shards(folder, blocks, features.shape[1], {})
    return results.array_folder("sae_features")


def metadata(result: dg.ExecuteInProcessResult, node: str, mode: str | None = None) -> dict[str, Any]:
    """Metadata of the materialization of an asset, or of one mode of it, unpacked."""
    (event,) = [event for event in result.asset_materializations_for_node(node) if event.partition == mode]
    return {key: value.value for key, value in event.metadata.items()}


def warnings_of(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> list[str]:
    """What a run warned of."""
    logs = instance.all_logs(result.run_id)
    return [entry.user_message for entry in logs if entry.level == 30]
