"""IO managers: tables that they write, what they say about them, and what they refuse."""

import itertools
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.contracts import ContractError
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ByMode, Lazy
from compsim_assets.storage.reading import DamagedResult
from compsim_assets.storage.results import Results, StaleResult, read_table
from compsim_assets_tests.storage.managed import (
    CLUSTERS,
    MODES,
    clusters_of,
    materialize,
    metadata,
    returns_of,
    warnings_of,
)

SPLIT = CLUSTERS.assign(cluster_id=[1, 2])
KEY = dg.AssetKey("clusters")


def test_a_table_is_written_and_described(settings: Settings, results: Results) -> None:
    result = materialize(settings, [clusters_of(CLUSTERS)], "rolling")
    path = results.table("clusters", "rolling")
    assert read_table(path).to_pandas().equals(CLUSTERS)
    shown = metadata(result, "clusters", "rolling")
    assert shown["dagster/row_count"] == 2
    schema = clusters_of(CLUSTERS).metadata_by_key[KEY]["dagster/column_schema"]
    assert [c.name for c in schema.columns] == list(CLUSTERS), "what columns there are is said by the definition"
    assert "| 2001   | 1            | 7           |" in shown["preview"]
    assert shown["path"] == str(path)
    assert shown["data"] == "synthetic sample"


def test_a_run_over_both_modes_writes_and_describes_each(settings: Settings, results: Results) -> None:
    tables = {"base": CLUSTERS, "rolling": SPLIT.iloc[:1]}
    result = materialize(settings, [clusters_of(tables)], both=True)
    for mode, table in tables.items():
        assert read_table(results.table("clusters", mode)).to_pandas().equals(table)
        shown = metadata(result, "clusters", mode)
        assert shown["dagster/row_count"] == len(table)
        assert shown["path"] == str(results.table("clusters", mode))
    assert sorted(str(event.partition) for event in result.asset_materializations_for_node("clusters")) == MODES


def version_of(instance: dg.DagsterInstance, mode: str | None = None) -> str | None:
    """The data version in the last materialization."""
    wanted = dg.AssetRecordsFilter(KEY, asset_partitions=[mode] if mode else None)
    (record,) = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization is not None
    return (record.asset_materialization.tags or {}).get("dagster/data_version")


def test_the_data_version_of_a_table_is_its_content(settings: Settings, results: Results) -> None:
    with dg.DagsterInstance.ephemeral() as instance:

        def version(value: float, **options: Any) -> str | None:
            materialize(settings, [returns_of(value, **options)], instance=instance)
            event = instance.get_latest_materialization_event(dg.AssetKey("returns"))
            assert event is not None
            assert event.asset_materialization is not None
            return (event.asset_materialization.tags or {}).get("dagster/data_version")

        first = version(0)
        assert first == results.content("returns") != ""
        assert version(0) == first
        assert version(1) != first


def test_the_data_version_is_the_same_however_modes_share_runs(settings: Settings) -> None:
    """Dagster's own differs between a run over both modes and one over each."""
    with dg.DagsterInstance.ephemeral() as instance:

        def versions(table: Any, *runs: str) -> list[str | None]:
            for run in runs:
                mode = None if run == "both" else run
                materialize(settings, [clusters_of(table)], mode, both=mode is None, instance=instance)
            return [version_of(instance, mode) for mode in MODES]

        tables = {"base": CLUSTERS, "rolling": SPLIT}
        first, same = versions(tables, "both")
        assert first == same is not None
        assert versions(tables, "base") == versions(tables, "rolling") == versions(tables, "both") == [first] * 2
        other, _ = versions({"base": SPLIT, "rolling": SPLIT}, "base")
        swapped = versions({"base": SPLIT, "rolling": CLUSTERS}, "both")[0]
        assert len({first, other, swapped}) == 3
        assert versions(tables, "rolling", "base")[0] == first


def test_content_that_is_made_again_leaves_nothing_unsynced(settings: Settings) -> None:
    """The UI calls unsynced what lies below a changed data version."""
    from dagster._core.definitions.data_version import CachingStaleStatusResolver
    from dagster._core.loader import LoadingContextForTest

    assets = [clusters_of(CLUSTERS), compared]
    graph = dg.Definitions(assets=assets, resources={"none": dg.InMemoryIOManager()}).resolve_asset_graph()
    with dg.DagsterInstance.ephemeral() as instance:

        def status() -> str:
            loading = LoadingContextForTest(instance)
            return CachingStaleStatusResolver(instance, graph, loading).get_status(dg.AssetKey("compared")).value

        materialize(settings, assets, both=True, instance=instance)
        assert status() == "FRESH"
        for mode in MODES:
            materialize(settings, assets, mode, selection=["clusters"], instance=instance)
            assert status() == "FRESH"
        materialize(settings, [clusters_of(SPLIT)], "rolling", instance=instance)
        assert status() == "STALE"


def test_a_revision_of_the_source_is_part_of_the_version(settings: Settings, results: Results) -> None:
    @dg.asset(name="returns")
    def of_a_revision(context: dg.AssetExecutionContext) -> pd.DataFrame:
        context.add_output_metadata({"revision": "r7"})
        return pd.DataFrame({"report_id": [8], "year": [2001], "returns": [np.arange(12.0)]})

    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(settings, [of_a_revision], instance=instance)
        (event,) = result.asset_materializations_for_node("returns")
        assert (event.tags or {})["dagster/data_version"] == f"r7.{results.content('returns')}"


def test_a_table_that_breaks_its_contract_is_not_written(settings: Settings, results: Results) -> None:
    path, bad = results.table("clusters", "base"), CLUSTERS.assign(report_id=[7, 7])
    with pytest.raises(ContractError, match=r"^clusters: "):
        materialize(settings, [clusters_of(bad)], "base")
    assert not path.exists()
    assert results.content("clusters/base") == ""
    materialize(settings, [clusters_of(CLUSTERS)], "base")
    before, note = path.read_bytes(), results.note("clusters/base")
    with pytest.raises(ContractError):
        materialize(settings, [clusters_of(bad)], "base")
    assert path.read_bytes() == before
    assert results.note("clusters/base") == note


def test_inputs_are_frames_some_columns_or_arrow(settings: Settings) -> None:
    got: dict[str, Any] = {}

    @dg.asset(io_manager_key="none")
    def whole(returns):
        got["whole"] = returns

    @dg.asset(ins={"returns": dg.AssetIn(metadata={"columns": ["year"]})}, io_manager_key="none")
    def some(returns):
        got["some"] = returns

    @dg.asset(ins={"returns": dg.AssetIn(metadata={"arrow": True})}, io_manager_key="none")
    def arrow(returns):
        got["arrow"] = returns

    @dg.asset(ins={"returns": dg.AssetIn(metadata={"lazy": True, "columns": ["year"]})}, io_manager_key="none")
    def lazy(returns):
        got["lazy"] = returns

    materialize(settings, [returns_of(), whole, some, arrow, lazy])
    assert list(got["whole"]) == ["report_id", "year", "returns"]
    np.testing.assert_array_equal(got["whole"]["returns"][0], np.arange(12.0))
    assert np.isnan(got["whole"]["returns"][1]).all()
    assert list(got["some"]) == ["year"]
    assert isinstance(got["arrow"], pa.Table)
    assert got["arrow"].schema.field("returns").type == pa.list_(pa.float64(), 12)
    assert isinstance(got["lazy"], Lazy)
    assert list(got["lazy"].read()) == ["year"]


ALL = dg.AllPartitionMapping()


@dg.asset(io_manager_key="none", ins={"clusters": dg.AssetIn(partition_mapping=ALL)})
def compared(clusters):
    """What an asset gets that compares modes."""
    assert isinstance(clusters, ByMode)
    return {mode: len(frame) for mode, frame in clusters.items()}, clusters.left_out


@dg.asset(io_manager_key="none", partitions_def=cutoff_modes)
def followed(clusters):
    """What an asset of the same modes gets."""
    assert isinstance(clusters, ByMode)
    return {mode: len(frame) for mode, frame in clusters.items()}


def read_clusters(settings: Settings, reader: dg.AssetsDefinition, mode: str | None = None, **options: Any) -> Any:
    """What an asset gets that reads `clusters`."""
    options["both"] = mode is None and reader is followed
    result = materialize(settings, [clusters_of(CLUSTERS), reader], mode, selection=[reader], **options)
    return result.output_for_node(reader.node_def.name)


NOT_YET = "not materialized yet"


def test_a_comparison_gets_the_modes_that_there_are(settings: Settings) -> None:
    assert read_clusters(settings, compared) == ({}, dict.fromkeys(MODES, NOT_YET))
    materialize(settings, [clusters_of(CLUSTERS)], "rolling")
    assert read_clusters(settings, compared) == ({"rolling": 2}, {"base": NOT_YET})
    materialize(settings, [clusters_of(CLUSTERS.iloc[:1])], "base")
    both = {"base": 1, "rolling": 2}
    assert read_clusters(settings, compared) == (both, {})
    assert list(read_clusters(settings, compared)[0]) == MODES
    # Whatever modes a run is over, what compares them reads all.
    for mode, rows in both.items():
        result = materialize(settings, [clusters_of(CLUSTERS.iloc[:rows]), compared], mode)
        assert result.output_for_node("compared") == (both, {})


def test_an_asset_of_a_mode_gets_the_modes_of_the_run(settings: Settings) -> None:
    materialize(settings, [clusters_of({"base": CLUSTERS, "rolling": CLUSTERS.iloc[:1]})], both=True)
    assert read_clusters(settings, followed, "base") == {"base": 2}
    assert read_clusters(settings, followed, "rolling") == {"rolling": 1}
    both = read_clusters(settings, followed)
    assert list(both.items()) == [("base", 2), ("rolling", 1)]


def test_a_missing_input_names_the_asset(settings: Settings) -> None:
    with pytest.raises(FileNotFoundError, match="materialize 'clusters' first"):
        read_clusters(settings, followed, "base")


def made_of_returns(table: pd.DataFrame = CLUSTERS) -> dg.AssetsDefinition:
    return clusters_of(table, deps=["returns"])


def test_a_stale_mode_is_left_out_named_and_refused(settings: Settings) -> None:
    materialize(settings, [returns_of(0), made_of_returns()], both=True)
    materialize(settings, [returns_of(1), made_of_returns()], "base")
    why = "made from other returns than the present ones"
    with dg.DagsterInstance.ephemeral() as instance:
        resources = {"instance": instance}
        result = materialize(settings, [returns_of(1), made_of_returns(), compared], selection=[compared], **resources)
        assert result.output_for_node("compared") == ({"base": 2}, {"rolling": why})
        assert warnings_of(instance, result) == [f"clusters/rolling is left out, {why}: materialize it"]
    assert read_clusters(settings, followed, "base") == {"base": 2}
    for mode in ("rolling", None):
        with pytest.raises(StaleResult, match=f"^clusters/rolling was {why}: materialize 'clusters' of rolling again"):
            read_clusters(settings, followed, mode)


def test_a_mode_that_is_missing_or_damaged_is_left_out_and_named(settings: Settings, results: Results) -> None:
    materialize(settings, [clusters_of(CLUSTERS)], "base")
    path = results.table("clusters", "base")
    path.write_bytes(path.read_bytes()[:-10])
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(settings, [clusters_of(CLUSTERS), compared], selection=[compared], instance=instance)
        assert result.output_for_node("compared") == ({}, {"base": "damaged", "rolling": NOT_YET})
        assert warnings_of(instance, result) == [
            "clusters/base is left out, damaged: materialize it",
            "clusters/rolling is left out, not materialized yet: materialize it",
        ]
    with pytest.raises(
        DamagedResult, match=r"base\.parquet is cut or damaged .*`compsim materialize clusters --force`"
    ):
        read_clusters(settings, followed, "base")


def test_a_table_that_is_stale_is_refused(settings: Settings, results: Results) -> None:
    """One of all modes, too: whoever reads it with others would mix what disagrees."""

    @dg.asset(name="distance_scale", deps=["returns"])
    def scale():
        return pd.DataFrame({"mean": [0.0], "deviation": [1.0], "n_pairs": [1]})

    @dg.asset(io_manager_key="none")
    def reader(distance_scale):
        return len(distance_scale)

    assets = [returns_of(0), scale, reader]
    assert materialize(settings, assets).output_for_node("reader") == 1
    materialize(settings, [returns_of(1)])
    with pytest.raises(StaleResult, match="distance_scale was made from other returns than the present ones: "):
        materialize(settings, assets, selection=[reader])


def test_a_changed_setting_makes_stale_what_it_took_part_in(settings: Settings) -> None:
    """And nothing else: `returns` noted none."""
    clusters = clusters_of(CLUSTERS, settings=("drop_without_returns",), deps=["returns"])
    materialize(settings, [returns_of(), clusters], both=True)
    changed = Settings(data=settings.data, drop_without_returns=True)
    why = "made with drop_without_returns = False, and it is True now"
    assert read_clusters(changed, compared) == ({}, dict.fromkeys(MODES, why))
    with pytest.raises(StaleResult, match=f"clusters/base was {why}"):
        read_clusters(changed, followed, "base")
    materialize(changed, [returns_of(), clusters], "base", selection=[clusters])
    assert read_clusters(changed, compared) == ({"base": 2}, {"rolling": why})
    assert read_clusters(settings, compared)[0] == {"rolling": 2}
    other = Settings(data=settings.data, similarity="pairs")
    assert read_clusters(other, compared)[0] == {"rolling": 2}


def test_what_is_lazy_is_looked_for_when_it_is_read(settings: Settings) -> None:
    """A step that is asked for one of its assets misses nothing that only the others need."""
    lazily = {name: dg.AssetIn(metadata={"lazy": True}) for name in ("returns", "clusters")}
    lazily["clusters"] = dg.AssetIn(metadata={"lazy": True}, partition_mapping=ALL)

    @dg.multi_asset(
        outs={name: dg.AssetOut(io_manager_key="none", is_required=False) for name in ("first", "second")},
        ins=lazily,
        can_subset=True,
    )
    def several(context: dg.AssetExecutionContext, returns, clusters):
        for name, value in (("first", clusters), ("second", returns)):
            if name in context.selected_output_names:
                yield dg.Output(len(value.read()), name)

    assets = [returns_of(), clusters_of(CLUSTERS), several]
    materialize(settings, assets, "rolling", selection=["clusters"])
    for asset, expected in (("first", 1),):
        result = materialize(settings, assets, selection=[asset])
        assert result.output_for_node("several", asset) == expected
    with pytest.raises(FileNotFoundError, match="materialize 'returns' first"):
        materialize(settings, assets, selection=["second"])


def test_modes_come_in_their_order_from_runs_in_any(settings: Settings, results: Results) -> None:
    """Dagster names the partitions of a run in the order of their hashes."""
    for mode in reversed(MODES):
        materialize(settings, [clusters_of(CLUSTERS)], mode)
    orders = set()
    for _ in itertools.repeat(None, 3):
        orders.add(tuple(read_clusters(settings, followed)))
        orders.add(tuple(read_clusters(settings, compared)[0]))
    assert orders == {tuple(MODES)}
