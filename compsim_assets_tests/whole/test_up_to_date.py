"""After a rebuild nothing is out of date; after a change what it touches, and no more."""

from collections.abc import Iterable
from pathlib import Path

import dagster as dg

from compsim_assets.automation.planning import Plan, plan
from compsim_assets_tests.runs import FEW_DRAWS, Run, everything, materialized, platform


def planned(run: Run, changed: Iterable[str] = ()) -> Plan:
    """The plan for everything, as if the code of these assets were another."""
    defs = platform(run.settings).map_asset_specs(
        func=lambda spec: spec.replace_attributes(code_version="new") if spec.key.path[-1] in changed else spec
    )
    return plan(defs, run.settings, [dg.AssetKey(name) for name in everything()], config=FEW_DRAWS)


def test_what_was_rebuilt_is_up_to_date(rebuilt: Run) -> None:
    assert planned(rebuilt) == Plan([], ["base", "rolling"], {}, len(materialized()), {})


def test_after_a_change_of_one_figure_only_that_is_made(rebuilt: Run) -> None:
    assert planned(rebuilt, ["equity_curves"]).reasons == {"equity_curves": "its code changed"}


def test_after_a_change_of_features_all_that_is_made_of_them_is_made(rebuilt: Run) -> None:
    reasons = planned(rebuilt, ["sae_features"]).reasons
    assert {"pca", "dendrograms", "clusters/base", "table_1", "findings", "methods_forest"} < reasons.keys()
    assert reasons.keys().isdisjoint({"descriptions", "returns", "baseline_clusters", "fuzz_scores", "embeddings"})


def test_what_is_removed_is_made_again_with_what_is_made_of_it(rebuilt: Run, tmp_path: Path) -> None:
    copy = rebuilt.copy(tmp_path)
    copy.results.table("table_2").unlink()
    assert planned(copy).reasons == {
        "table_2": "never made, or damaged",
        "findings": "table_2 is made again",
        "rebuild_report": "findings is made again",
    }
