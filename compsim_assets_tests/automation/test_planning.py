"""What is out of date is made, what is not is not, and each reason is said: a small graph of tables of every kind.

clustered_reports -> clusters (by mode) -> distance_scale (of all modes) <- price_history (of the universe's files)
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from pydantic import Field

from compsim_assets.assets.common import ALL_MODES, BY_MODE, COMPARISON, SHARED, table_options, universe_of
from compsim_assets.automation.planning import Plan, plan
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ByMode, managers
from compsim_assets.storage.results import Results
from compsim_assets_tests.storage.managed import BOTH_MODES

ALL = ["clustered_reports", "price_history", "clusters/base", "clusters/rolling", "distance_scale"]
REPORTS = pd.DataFrame({"report_id": [7, 8], "year": [2001, 2001]})
AGAIN = "clustered_reports is made again"


class Config(dg.Config):
    """Of clusters."""

    first: int = 1
    costs: list[float] = Field(default=[0.0, 10.0])


def graph(reports: int = 2, **versions: str) -> list[dg.AssetsDefinition]:
    """The assets, with versions of their code, and so many reports."""

    def options(name: str, stage: str, *settings: str) -> dict[str, Any]:
        return {
            "name": name,
            "code_version": versions.get(name, "1"),
            **table_options(name, "any", stage=stage, settings=settings),
        }

    @dg.asset(**options("clustered_reports", SHARED))
    def clustered_reports() -> Any:
        return REPORTS.iloc[:reports]

    @dg.asset(**options("price_history", SHARED))
    def price_history(context: dg.AssetExecutionContext, settings: Settings) -> Any:
        universe_of(context, settings)
        return pd.DataFrame({"ticker": ["A"], "date": pd.to_datetime(["2001-01-02"]).date, "adj_close": [1.0]})

    @dg.asset(**options("clusters", BY_MODE, "similarity"))
    def clusters(context: dg.AssetExecutionContext, config: Config, clustered_reports: Any) -> Any:
        return dict.fromkeys(context.partition_keys, clustered_reports.assign(cluster_id=config.first))

    @dg.asset(ins={"clusters": ALL_MODES}, **options("distance_scale", COMPARISON))
    def distance_scale(clusters: ByMode, price_history: Any) -> Any:
        return pd.DataFrame({"mean": [0.0], "deviation": [1.0], "n_pairs": [len(clusters)]})

    return [clustered_reports, price_history, clusters, distance_scale]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "universe").mkdir()
    (tmp_path / "universe" / "prices.csv").write_text("ticker,date,adj_close\n")
    return with_settings(tmp_path)


def with_settings(folder: Path, **changes: Any) -> Settings:
    return Settings(source="local", universe=str(folder / "universe"), data=str(folder / "data"), **changes)


def resources_of(settings: Settings) -> dict[str, Any]:
    return {**managers(settings), "settings": settings}


def make(
    settings: Settings, assets: Sequence[dg.AssetsDefinition], *names: str, mode: str | None = None, **options: Any
) -> None:
    """Materialize all of the assets or these, for one mode or both."""
    selection = [asset.key for asset in assets if not names or asset.key.path[-1] in names]
    which: dict[str, Any] = {"partition_key": mode} if mode else {"tags": BOTH_MODES}
    assert dg.materialize(assets, resources=resources_of(settings), selection=selection, **which, **options).success


def planned(
    settings: Settings,
    assets: Sequence[dg.AssetsDefinition] | None = None,
    *names: str,
    modes: Sequence[str] = ("base", "rolling"),
    force: bool = False,
    config: Mapping[str, Mapping[str, Any]] | None = None,
) -> Plan:
    assets = assets or graph()
    selection = {asset.key for asset in assets if not names or asset.key.path[-1] in names}
    return plan(dg.Definitions(assets, resources=resources_of(settings)), settings, selection, modes, force, config)


def test_what_was_never_made_is_made(settings: Settings) -> None:
    everything = planned(settings)
    assert everything.reasons == dict.fromkeys(ALL, "never made, or damaged")
    assert [key.path[-1] for key in everything.assets] == [
        "clustered_reports",
        "price_history",
        "clusters",
        "distance_scale",
    ]
    assert (everything.modes, everything.current, everything.blocked) == (["base", "rolling"], 0, {})


def test_what_is_unchanged_is_not_made(settings: Settings) -> None:
    make(settings, graph())
    assert planned(settings) == Plan([], ["base", "rolling"], {}, 5, {})
    assert planned(settings, None, "clusters", modes=["rolling"]) == Plan([], ["rolling"], {}, 1, {})
    make(settings, graph(), "clusters", mode="base")  # the same again
    assert planned(settings).reasons == {}


def test_what_is_asked_for_is_made_again(settings: Settings) -> None:
    make(settings, graph())
    forced = planned(settings, None, "clusters", "distance_scale", modes=["base"], force=True)
    assert forced.reasons == dict.fromkeys(["clusters/base", "distance_scale"], "asked for")
    assert (forced.modes, forced.current) == (["base"], 0)


@pytest.mark.parametrize(
    ("asset", "reasons"),
    [
        ("distance_scale", {"distance_scale": "its code changed"}),
        (
            "clusters",
            {"clusters/base": "its code changed", "clusters/rolling": "its code changed",
             "distance_scale": "clusters/base is made again"},
        ),
        (
            "clustered_reports",
            {"clustered_reports": "its code changed", "clusters/base": AGAIN, "clusters/rolling": AGAIN,
             "distance_scale": "clusters/base is made again"},
        ),
    ],
)  # fmt: skip
def test_changed_code_touches_what_it_makes_and_what_is_made_of_that(
    settings: Settings, asset: str, reasons: dict[str, str]
) -> None:
    make(settings, graph())
    changed = planned(settings, graph(**{asset: "2"}))
    assert changed.reasons == reasons
    assert changed.current == 5 - len(reasons)
    make(settings, graph(**{asset: "2"}), *{name.partition("/")[0] for name in reasons})
    assert planned(settings, graph(**{asset: "2"})).reasons == {}


def test_a_setting_touches_what_it_takes_part_in(settings: Settings, tmp_path: Path) -> None:
    make(settings, graph())
    reasons = planned(with_settings(tmp_path, drop_without_returns=True)).reasons
    assert reasons == {}
    reasons = planned(with_settings(tmp_path, similarity="pairs")).reasons
    assert reasons.keys() == {"clusters/base", "clusters/rolling", "distance_scale"}
    assert reasons["clusters/base"] == "made with other settings: similarity"


def test_another_configuration_is_made_again(settings: Settings) -> None:
    config = {"clusters": {"costs": [5.0]}}
    make(settings, graph(), run_config={"ops": {"clusters": {"config": config["clusters"]}}})
    assert planned(settings).reasons["clusters/base"] == "made with another configuration: costs"
    assert planned(settings, config=config).reasons == {}
    assert planned(settings, config={"clusters": {"costs": [5.0], "first": 1}}).reasons == {}
    assert planned(settings, config={"clusters": {"costs": [5.0], "first": 2}}).reasons != {}


def test_files_of_the_universe_touch_what_reads_them(settings: Settings, tmp_path: Path) -> None:
    make(settings, graph())
    (tmp_path / "universe" / "factors.csv").write_text("not read here")
    assert planned(settings).reasons == {}
    (tmp_path / "universe" / "prices.csv").write_text("another")
    touched = planned(settings)
    assert touched.reasons == {
        "price_history": "the universe's files changed",
        "distance_scale": "price_history is made again",
    }
    assert touched.modes == ["base", "rolling"]  # the run is over all that were asked for, none of which it makes


def test_an_input_that_holds_something_else_is_named(settings: Settings) -> None:
    make(settings, graph())
    make(settings, graph(reports=1), "clustered_reports")
    assert planned(settings).reasons == {
        **dict.fromkeys(["clusters/base", "clusters/rolling"], "clustered_reports changed"),
        "distance_scale": "clusters/base is made again",
    }
    make(settings, graph(reports=1), "clusters", mode="base")
    assert planned(settings, None, "distance_scale").reasons == {"distance_scale": "clusters/base changed"}


def test_a_result_without_its_note_is_made_again(settings: Settings) -> None:
    """Its writer was killed, or it was brought from elsewhere."""
    make(settings, graph())
    shutil.rmtree(Results.of(settings).folder / ".made_from" / "price_history")
    assert planned(settings).reasons["price_history"] == "made by something that left no note of it"


def test_only_the_mode_that_is_missing_is_made(settings: Settings) -> None:
    make(settings, graph())
    Results.of(settings).table("clusters", "rolling").write_bytes(b"cut")
    some = planned(settings)
    assert some.reasons == {
        "clusters/rolling": "never made, or damaged", "distance_scale": "clusters/rolling is made again"
    }  # fmt: skip
    assert some.modes == ["rolling"]


def test_a_mode_is_made_from_its_own_mode_alone(settings: Settings, tmp_path: Path) -> None:
    @dg.asset(name="strong_feature_proportion", **table_options("strong_feature_proportion", "any", stage=BY_MODE))
    def of_clusters(context: dg.AssetExecutionContext, clusters: ByMode) -> Any:
        return {mode: clusters[mode][["year", "cluster_id"]].iloc[:1].assign(n_members=2, proportion=0.5)
                for mode in context.partition_keys}  # fmt: skip

    assets = [*graph(), of_clusters]
    make(settings, assets)
    assert planned(settings, assets).reasons == {}
    unlike = planned(with_settings(tmp_path, similarity="pairs"), assets, "strong_feature_proportion")
    assert unlike.reasons == {}  # it would be refused, and holds what it held
    assert unlike.blocked == dict.fromkeys(
        ["clusters/base", "clusters/rolling"], "made with other settings: similarity"
    )
    Results.of(settings).table("clusters", "rolling").unlink()
    assert planned(settings, assets, "clusters", "strong_feature_proportion").reasons == {
        "clusters/rolling": "never made, or damaged",
        "strong_feature_proportion/rolling": "clusters/rolling is made again",
    }


def test_a_mode_that_was_left_out_is_new_once_it_can_be_compared(settings: Settings) -> None:
    make(settings, graph(), mode="base")
    assert planned(settings, modes=["base"]) == Plan([], ["base"], {}, 4, {})
    make(settings, graph(), "clusters", mode="rolling")
    assert planned(settings, modes=["base"]).reasons == {"distance_scale": "clusters/rolling is new"}


def test_a_mode_that_cannot_be_compared_any_more_is_of_the_past(settings: Settings) -> None:
    make(settings, graph())
    make(settings, graph(reports=1), "clustered_reports")
    make(settings, graph(reports=1), "clusters", mode="base")
    assert planned(settings, modes=["base"]).reasons == {"distance_scale": "clusters/base changed"}
    make(settings, graph(reports=1), "distance_scale")
    assert planned(settings, modes=["base"]).reasons == {}  # it is left out
    shutil.rmtree(Results.of(settings).folder / ".made_from" / "clusters" / "base")
    reasons = planned(settings, None, "distance_scale", modes=["rolling"]).reasons
    assert reasons == {"distance_scale": "clusters/base is of the past"}


def test_what_is_out_of_date_and_not_selected_is_said_and_not_made(settings: Settings) -> None:
    make(settings, graph())
    changed = graph(clustered_reports="2", price_history="2")
    some = planned(settings, changed, "clusters", modes=["base"])
    assert (some.assets, some.current) == ([], 1)
    assert some.blocked == {"clustered_reports": "its code changed"}
    some = planned(settings, changed, "distance_scale")
    assert some.blocked == {
        "clusters/base": "clustered_reports is out of date", "clusters/rolling": "clustered_reports is out of date",
        "price_history": "its code changed",
    }  # fmt: skip
    assert planned(settings, changed).blocked == {}


def test_planning_needs_no_heavy_library() -> None:
    code = (
        "import sys\nfrom compsim_assets.automation.planning import plan\nfrom compsim_assets.definitions import defs\n"
        "from compsim_assets.settings import Settings\n"
        "keys = defs.resolve_asset_graph().get_all_asset_keys()\n"
        "assert len(plan(defs, Settings.from_environment(), keys).assets) == len(keys)\n"
        "assert not {'torch', 'pandas', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
