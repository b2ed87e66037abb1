"""IO managers note what each result was made from: inputs as they were read, settings, config, code, source."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from pydantic import Field

from compsim_assets.assets.common import ONE_RUN, table_options, table_outs
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import step_reads
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.results import Results
from compsim_assets_tests.storage.managed import CLUSTERS, MODES, clusters_of, materialize, returns_of

ALL = dg.AllPartitionMapping()
SCALE = pd.DataFrame({"mean": [0.0], "deviation": [1.0], "n_pairs": [1]})


def note_of(results: Results, name: str) -> Note:
    note = results.note(name)
    assert note is not None
    return note


def test_a_result_without_inputs_says_so(settings: Settings, results: Results) -> None:
    materialize(settings, [returns_of()])
    assert note_of(results, "returns") == Note()


def test_settings_config_code_and_source_are_noted(settings: Settings, results: Results) -> None:
    class Config(dg.Config):
        seed: int = 0
        costs: list[float] = Field(default=[0.0, 10.0])

    taking_part = ("similarity", "drop_without_returns")

    @dg.asset(name="clusters", code_version="7", **table_options("clusters", "any", stage="mode", settings=taking_part))
    def clusters(context: dg.AssetExecutionContext, config: Config) -> Any:
        step_reads(context.run_id, str(context.op_handle))["@clusters"] = "fingerprint"
        return dict.fromkeys(context.partition_keys, CLUSTERS)

    def noted(now: Settings, **options: Any) -> Note:
        materialize(now, [clusters], both=True, **options)
        assert note_of(results, "clusters/base") == note_of(results, "clusters/rolling")
        return note_of(results, "clusters/base")

    assert noted(settings) == Note(
        inputs={},
        settings={"similarity": "auto", "drop_without_returns": False},
        config={"seed": 0, "costs": [0.0, 10.0]},
        code="7",
        source="fingerprint",
    )
    other = Settings(data=settings.data, similarity="pairs", drop_without_returns=True, drop_without_sic_code=True)
    changed = noted(other, run_config={"ops": {"clusters": {"config": {"seed": 3}}}})
    assert changed.settings == {"similarity": "pairs", "drop_without_returns": True}
    assert changed.config == {"seed": 3, "costs": [0.0, 10.0]}


def test_a_mode_is_made_from_its_own_mode(settings: Settings, results: Results) -> None:
    @dg.asset(name="cutoffs", **table_options("cutoffs", "any", stage="mode"))
    def cutoffs(context: dg.AssetExecutionContext, clusters, returns) -> Any:
        table = pd.DataFrame(
            {"year": [2001], "theta": [0.1], "distance": [0.1], "mean_correlation": [0.1], "in_sample": [True]}
        )
        return {mode: table.assign(theta=len(clusters[mode])) for mode in context.partition_keys}

    tables = {"base": CLUSTERS, "rolling": CLUSTERS.iloc[:1]}
    assets = [returns_of(), clusters_of(tables), cutoffs]
    materialize(settings, assets, both=True)
    together = {mode: note_of(results, f"cutoffs/{mode}") for mode in MODES}
    for mode in MODES:
        materialize(settings, assets, mode)
    for mode in MODES:
        parents = (f"clusters/{mode}", "returns")
        assert together[mode] == note_of(results, f"cutoffs/{mode}")
        assert together[mode].inputs == {name: results.content(name) for name in parents}


@dg.asset(
    ins={"clusters": dg.AssetIn(partition_mapping=ALL), "returns": dg.AssetIn()},
    **table_options("distance_scale", "any", stage="comparison"),
)
def distance_scale(clusters, returns) -> Any:
    return SCALE.assign(n_pairs=len(clusters))


def test_a_comparison_is_made_from_the_modes_that_were_read(settings: Settings, results: Results) -> None:
    assets = [returns_of(), clusters_of(CLUSTERS, deps=["returns"]), distance_scale]
    materialize(settings, assets, "rolling")
    assert set(note_of(results, "distance_scale").inputs) == {"clusters/rolling", "returns"}
    materialize(settings, assets, both=True)
    assert set(note_of(results, "distance_scale").inputs) == {"clusters/base", "clusters/rolling", "returns"}
    # A mode that is left out has no part in it, and cannot make it stale.
    materialize(settings, [returns_of(1), *assets[1:]], "base")
    assert set(note_of(results, "distance_scale").inputs) == {"clusters/base", "returns"}
    assert results.why_unusable("distance_scale") == ""
    assert "other returns" in results.why_unusable("clusters/rolling")


def test_what_was_read_is_noted_and_not_what_came_after(settings: Settings, results: Results) -> None:
    """Another run may publish while a step computes."""
    materialize(settings, [returns_of(0)])
    first = results.content("returns")

    @dg.asset(name="distance_scale")
    def slow(returns) -> Any:
        materialize(settings, [returns_of(1)])
        return SCALE

    materialize(settings, [returns_of(0), slow], selection=[slow])
    assert results.content("returns") != first
    assert note_of(results, "distance_scale").inputs == {"returns": first}
    assert results.why_unusable("distance_scale") == "made from other returns than the present ones"


def test_outputs_of_one_step_note_what_each_is_made_from(settings: Settings, results: Results) -> None:
    """A step's later outputs are made from its earlier ones, as they were published."""
    outs = {name: out for stage, name in (("mode", "clusters"), ("mode", "cutoffs")) for name, out in
            table_outs(stage, **{name: name}).items()}  # fmt: skip

    @dg.multi_asset(
        outs=outs,
        ins={"returns": dg.AssetIn()},
        internal_asset_deps={"clusters": {dg.AssetKey("returns")}, "cutoffs": {dg.AssetKey("clusters")}},
        can_subset=True,
        partitions_def=cutoff_modes,
        backfill_policy=ONE_RUN,
    )
    def both_tables(context: dg.AssetExecutionContext, returns) -> Iterator[dg.Output]:
        names = context.selected_output_names
        row = {"year": [2001], "theta": [0.0], "distance": [0.1], "mean_correlation": [0.1], "in_sample": [True]}
        if "clusters" in names:
            yield dg.Output(dict.fromkeys(context.partition_keys, CLUSTERS), "clusters")
        if "cutoffs" in names:
            yield dg.Output(dict.fromkeys(context.partition_keys, pd.DataFrame(row)), "cutoffs")

    assets = [returns_of(), both_tables]
    materialize(settings, assets, both=True)
    for mode in MODES:
        assert note_of(results, f"clusters/{mode}").inputs == {"returns": results.content("returns")}
        assert note_of(results, f"cutoffs/{mode}").inputs == {f"clusters/{mode}": results.content(f"clusters/{mode}")}
    materialize(settings, assets, "base", selection=["cutoffs"])
    assert note_of(results, "cutoffs/base").inputs == {"clusters/base": results.content("clusters/base")}
    materialize(settings, [returns_of(1)])
    for mode in MODES:
        assert results.why_unusable(f"cutoffs/{mode}").startswith(f"made from clusters/{mode}, which was made from ")


def test_what_a_failed_step_did_not_publish_has_no_note(settings: Settings, results: Results) -> None:
    @dg.asset(name="returns", **table_options("returns", "any"))
    def wrong() -> Any:
        return pd.DataFrame({"report_id": [8, 8], "year": [2001, 2001], "returns": [np.arange(12.0)] * 2})

    with pytest.raises(Exception, match="one row per"):
        materialize(settings, [wrong])
    assert list(results.folder.rglob("*.json")) == []
