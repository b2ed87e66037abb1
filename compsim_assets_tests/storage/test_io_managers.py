"""IO managers: what they write, what they say about it, and what they refuse."""

from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.assets.common import table_options
from compsim_assets.contracts import ContractError
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import FigureIOManager, PcaIOManager, TableIOManager
from compsim_assets.storage.results import Results, content_hash, read_table

CLUSTERS = pd.DataFrame({"year": [2001, 2001], "cluster_id": [1, 1], "report_id": [7, 8]})


def materialize(settings: Settings, assets: list, mode: str | None = None, **options: Any) -> dg.ExecuteInProcessResult:
    managers = {
        "io_manager": TableIOManager(settings=settings),
        "figure_io_manager": FigureIOManager(settings=settings),
        "pca_io_manager": PcaIOManager(settings=settings),
    }
    return dg.materialize(assets, resources=managers, partition_key=mode, **options)


def clusters_asset(table: Any) -> dg.AssetsDefinition:
    @dg.asset(name="clusters", **table_options("clusters", "clusters", stage="mode"))
    def clusters():
        return table

    return clusters


def metadata(result: dg.ExecuteInProcessResult, node: str) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node(node)
    return {key: value.value for key, value in event.metadata.items()}


def test_a_table_is_written_and_described(settings: Settings, results: Results) -> None:
    result = materialize(settings, [clusters_asset(CLUSTERS)], "rolling")
    path = results.table("clusters", "rolling")
    assert read_table(path).to_pandas().equals(CLUSTERS)
    said = metadata(result, "clusters")
    assert said["dagster/row_count"] == 2
    assert [c.name for c in said["dagster/column_schema"].columns] == list(CLUSTERS)
    assert "| 2001   | 1            | 7           |" in said["preview"]
    assert said["path"] == str(path)
    assert said["data"] == "synthetic sample"


def test_the_data_version_is_the_content(settings: Settings, results: Results) -> None:
    with dg.DagsterInstance.ephemeral() as instance:

        def version(table: pd.DataFrame) -> str | None:
            materialize(settings, [clusters_asset(table)], "base", instance=instance)
            event = instance.get_latest_materialization_event(dg.AssetKey("clusters"))
            assert event is not None
            assert event.asset_materialization is not None
            return (event.asset_materialization.tags or {}).get("dagster/data_version")

        first = version(CLUSTERS)
        stored = read_table(results.table("clusters", "base")).replace_schema_metadata(None)
        assert first == content_hash(stored)
        assert version(CLUSTERS) == first
        assert version(CLUSTERS.assign(cluster_id=[1, 2])) != first


def test_a_table_that_breaks_its_contract_is_not_written(settings: Settings, results: Results) -> None:
    path, bad = results.table("clusters", "base"), CLUSTERS.assign(report_id=[7, 7])
    with pytest.raises(ContractError, match=r"^clusters: "):
        materialize(settings, [clusters_asset(bad)], "base")
    assert not path.exists()
    materialize(settings, [clusters_asset(CLUSTERS)], "base")
    before = path.read_bytes()
    with pytest.raises(ContractError):
        materialize(settings, [clusters_asset(bad)], "base")
    assert path.read_bytes() == before


@dg.asset(name="returns", **table_options("returns", "descriptions"))
def returns_asset() -> pd.DataFrame:
    values = [np.arange(12.0), np.full(12, np.nan)]
    return pd.DataFrame({"report_id": [8, 7], "year": [2001, 2001], "returns": values})


def test_inputs_are_frames_some_columns_or_arrow(settings: Settings) -> None:
    got: dict[str, Any] = {}

    @dg.asset(ins={"returns": dg.AssetIn()}, io_manager_key="none")
    def whole(returns):
        got["whole"] = returns

    @dg.asset(ins={"returns": dg.AssetIn(metadata={"columns": ["year"]})}, io_manager_key="none")
    def some(returns):
        got["some"] = returns

    @dg.asset(ins={"returns": dg.AssetIn(metadata={"arrow": True})}, io_manager_key="none")
    def arrow(returns):
        got["arrow"] = returns

    dg.materialize(
        [returns_asset, whole, some, arrow],
        resources={"io_manager": TableIOManager(settings=settings), "none": dg.InMemoryIOManager()},
    )
    assert list(got["whole"]) == ["report_id", "year", "returns"]
    np.testing.assert_array_equal(got["whole"]["returns"][0], np.arange(12.0))
    assert np.isnan(got["whole"]["returns"][1]).all()
    assert list(got["some"]) == ["year"]
    assert isinstance(got["arrow"], pa.Table)
    assert got["arrow"].schema.field("returns").type == pa.list_(pa.float64(), 12)


@dg.asset(io_manager_key="none", ins={"clusters": dg.AssetIn(partition_mapping=dg.AllPartitionMapping())})
def compared(clusters):
    return {mode: len(frame) for mode, frame in clusters.items()}


@dg.asset(io_manager_key="none", partitions_def=cutoff_modes)
def followed(clusters):
    return len(clusters)


def read_clusters(settings: Settings, reader: dg.AssetsDefinition, mode: str | None = None) -> Any:
    """What an asset gets that reads `clusters`."""
    result = dg.materialize(
        [clusters_asset(None), reader],
        selection=[reader],
        partition_key=mode,
        resources={"io_manager": TableIOManager(settings=settings), "none": dg.InMemoryIOManager()},
    )
    return result.output_for_node(reader.node_def.name)


def test_a_comparison_gets_the_modes_of_its_universe(settings: Settings, results: Results) -> None:
    def describe(name: str) -> None:
        results.write_table(results.table("descriptions"), pa.table({"company_name": [name]}))

    describe("A")
    assert read_clusters(settings, compared) == {}
    materialize(settings, [clusters_asset(CLUSTERS)], "rolling")
    assert read_clusters(settings, compared) == {"rolling": 2}
    materialize(settings, [clusters_asset(CLUSTERS.iloc[:1])], "base")
    assert read_clusters(settings, compared) == {"base": 1, "rolling": 2}
    describe("B")
    assert read_clusters(settings, compared) == {}
    materialize(settings, [clusters_asset(CLUSTERS)], "base")
    assert read_clusters(settings, compared) == {"base": 2}


def test_an_asset_of_a_mode_gets_its_own_mode(settings: Settings) -> None:
    materialize(settings, [clusters_asset(CLUSTERS)], "base")
    materialize(settings, [clusters_asset(CLUSTERS.iloc[:1])], "rolling")
    assert read_clusters(settings, followed, "base") == 2
    assert read_clusters(settings, followed, "rolling") == 1


def test_a_missing_input_names_the_asset(settings: Settings) -> None:
    with pytest.raises(FileNotFoundError, match="materialize 'clusters' first"):
        read_clusters(settings, followed, "base")
