"""The report in real runs: a first rebuild, an unchanged one, what stops, what is damaged, and what is planned."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from compsim_assets.assets.rebuild import _BY_MODE, _FOLLOWS, _ONCE
from compsim_assets.automation.planning import plan
from compsim_assets.checks import STOPPED
from compsim_assets.contracts import TABLES
from compsim_assets.definitions import defs
from compsim_assets.running.publishing import publish
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.results import read_table
from compsim_assets.storage.versions import Versions
from compsim_assets.universe.intake.levels import FILE, default_levels
from compsim_assets_tests.runs import FEW_DRAWS, MODES, Rebuilt, Run, execute, platform, tiny_sample

GRAPH = defs.resolve_asset_graph()
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@pytest.fixture
def run(rebuilt: Rebuilt, tmp_path: Path) -> Iterator[Run]:
    """A whole rebuild, to be changed."""
    with tiny_sample():
        yield rebuilt.copy(tmp_path)


def report(run: Run) -> tuple[dg.ExecuteInProcessResult, pd.DataFrame]:
    """Make the report alone, and read it."""
    result = execute(platform(run.settings), ["rebuild_report"], None, raise_on_error=False)
    return result, now(run, "rebuild_report")


def now(run: Run, asset: str, mode: str | None = None) -> pd.DataFrame:
    """A table as the next run sees it; readers see the published one."""
    return read_table(run.results.table(asset, mode)).to_pandas()


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, dg.AssetCheckSeverity]]:
    return {each.check_name: (each.passed, each.severity) for each in result.get_asset_check_evaluations()}


def reasons(run: Run) -> dict[str, str]:
    """Why the report would be made, if all else were made as it is."""
    return plan(platform(run.settings), run.settings, [dg.AssetKey("rebuild_report")], config=FEW_DRAWS).reasons


def change_table_1(run: Run, by: float) -> None:
    """Another MeanCorr in Table 1, as if it had been made so."""
    results = run.results
    note, table = results.note("table_1"), now(run, "table_1")
    assert note is not None
    table["mean_correlation"] += by
    results.write_table(results.table("table_1"), TABLES["table_1"].typed(table), note)


def make_findings(run: Run) -> None:
    execute(platform(run.settings), ["findings"], None)


def test_every_table_and_array_is_compared_and_modes_as_modes() -> None:
    parents = {
        key.path[-1]: GRAPH.get(key).partitions_def for key in GRAPH.get(dg.AssetKey("rebuild_report")).parent_keys
    }
    figures = {key.path[-1] for key in GRAPH.get_all_asset_keys() if GRAPH.get(key).group_name == "figures"}
    assert {"peer_explanations", "latent_windows", "explorer"} <= _FOLLOWS, (
        "rows of pairs and windows follow from others"
    )
    every = {key.path[-1] for key in GRAPH.get_all_asset_keys()}
    assert parents.keys() == every - figures - _FOLLOWS - {"rebuild_report"}
    assert {name for name, partitions in parents.items() if partitions} == set(_BY_MODE)
    assert set(_ONCE) | set(_BY_MODE) == parents.keys()


def test_a_first_rebuild_has_nothing_to_compare_with(rebuilt: Rebuilt) -> None:
    table = rebuilt.read("rebuild_report")
    assert table[["against", "measure", "grade"]].to_numpy().tolist() == [["last", "version", "fine"]]
    said, folder = rebuilt.metadata("rebuild_report"), rebuilt.results.folder
    for page in (said["page"], *((folder / f"rebuild_report.{kind}").read_text() for kind in ("md", "html"))):
        assert "there is nothing to compare with" in page
        assert "synthetic sample" in page


def test_what_is_the_same_is_fine_and_up_to_date(run: Run) -> None:
    assert publish(run.settings)[1]
    assert reasons(run) == {}, "the note does not depend on what is published"
    result, table = report(run)
    assert result.success
    assert checks_of(result) == {
        "nothing_stops_publication": (True, ERROR), "nothing_is_suspicious": (True, WARN),
        "everything_was_compared": (True, WARN),
    }  # fmt: skip
    assert set(table["grade"]) == {"fine"}
    rows = table[table["measure"] == "rows"].set_index("table")
    assert set(rows.index) == {*_ONCE, *(f"{asset}/{mode}" for asset in _BY_MODE for mode in MODES)}
    assert set(rows["what"]) == {"unchanged"}
    assert (table["change"].dropna() == 0).all()
    assert {"companies", "verdict", "mean_correlation", "theta", "explained_variance"} <= set(table["measure"])
    assert set(table["measure"]) <= {*default_levels().given}
    assert reasons(run) == {}
    note = run.results.note("rebuild_report")
    assert note is not None
    assert set(note.inputs) == set(rows.index), "a result that changes asks for a new report, in any mode"
    assert publish(run.settings) == (f"the same as version {Versions(run.results).current().id}", True)  # type: ignore[union-attr]


def test_too_large_a_change_stops_the_run_until_somebody_publishes_it(run: Run) -> None:
    publish(run.settings)
    first = Versions(run.results).current()
    change_table_1(run, 0.6)
    make_findings(run)
    assert "changed" in reasons(run)["rebuild_report"]
    result, table = report(run)
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    message = failure.step_failure_data.user_failure_data.description
    assert message.startswith("nothing is published, since this changed too much:\ntable_1: mean_correlation ")
    assert "stop from 0.5 on" in message
    assert "`compsim publish`" in message
    assert checks_of(result)["nothing_stops_publication"] == (False, ERROR)
    stops = table[table["grade"] == "stop"]
    assert set(stops["table"]) == {"table_1"}
    assert stops["change"].round(9).unique().tolist() == [0.6]
    assert reasons(run) == {"rebuild_report": "it stopped the publication"}
    line, whole = publish(run.settings)
    assert not whole
    assert line.startswith(f"not published, readers see version {first.id}: too much changed")  # type: ignore[union-attr]
    assert publish(run.settings, again=True)[1]
    assert Versions(run.results).current() != first
    assert publish(run.settings)[1], "somebody has looked"
    result, table = report(run)
    assert result.success
    assert set(table["grade"]) == {"fine"}
    assert reasons(run) == {}


def test_levels_of_the_universe_count_and_wrong_ones_stop_nothing(run: Run) -> None:
    publish(run.settings)
    change_table_1(run, 0.6)
    make_findings(run)
    path = run.universe / FILE
    path.write_text("[mean_correlation.table_1]\nstop = false\n")
    result, table = report(run)
    assert result.success
    assert checks_of(result)["nothing_is_suspicious"] == (False, WARN)
    assert reasons(run) == {}
    path.write_text("[mean_correlation.table_1]\nstopp = false\n")
    result, table = report(run)
    assert not result.success, "the project's levels count"
    (row,) = table[table["grade"] == "failed"].to_dict("records")
    assert (row["subject"], "did you mean `stop`" in row["what"]) == (FILE, True)


def test_a_damaged_version_is_named_and_stops_nothing(run: Run) -> None:
    publish(run.settings)
    version = Versions(run.results).current()
    assert version is not None
    old = version.results.table("table_1")
    change_table_1(run, 0.001)
    make_findings(run)
    content = old.read_bytes()
    old.unlink()
    old.write_bytes(content[: len(content) // 2])
    shutil.rmtree(version.results.folder / "pca")
    (version.results.folder / "pca").mkdir()
    (version.results.folder / "pca" / "pca.json").write_text("{")
    result, table = report(run)
    assert result.success
    assert checks_of(result)["everything_was_compared"] == (False, WARN)
    failures = table[table["grade"] == "failed"].set_index("table")["what"]
    assert set(failures.index) == {"table_1", "pca"}
    assert "table_1.parquet is cut or damaged" in failures["table_1"]
    (version.folder / "manifest.json").write_text("[]")
    result, table = report(run)
    assert result.success
    (row,) = table[table["grade"] == "failed"].to_dict("records")
    assert (row["table"], row["measure"]) == ("", "failed")


def test_the_pinned_version_is_compared_too_and_stops_nothing(run: Run) -> None:
    versions = Versions(run.results)
    publish(run.settings)
    versions.pin(versions.current())
    _, table = report(run)
    assert set(table["against"]) == {"last"}, "once, while it is the last one"
    change_table_1(run, 0.6)
    make_findings(run)
    assert not report(run)[0].success
    assert publish(run.settings, again=True)[1]
    result, table = report(run)
    assert result.success
    pinned = table[table["against"] == "pinned"]
    assert set(pinned[pinned["table"] == "table_1"]["grade"]) == {"fine", "suspicious"}
    assert set(table[table["against"] == "last"]["grade"]) == {"fine"}
    page = (run.results.folder / "rebuild_report.md").read_text()
    assert page.index("Against the last version") < page.index("Against the pinned version")


def test_a_mode_that_does_not_fit_is_left_out_and_named(run: Run) -> None:
    publish(run.settings)
    results = run.results
    note = results.note("clusters/rolling")
    assert note is not None
    stale = Note(**{**vars(note), "inputs": {**note.inputs, "cutoffs/rolling": "another"}})
    table = TABLES["clusters"].typed(now(run, "clusters", "rolling").iloc[:-1])
    results.write_table(results.table("clusters", "rolling"), table, stale)
    result, rows = report(run)
    assert result.success
    failures: dict[str, Any] = rows[rows["grade"] == "failed"].set_index("table")["what"].to_dict()
    assert "made from other cutoffs/rolling" in failures["clusters/rolling"]
    assert not any(name.endswith("/base") for name in failures)
    written = results.note("rebuild_report")
    assert written is not None
    assert "clusters/rolling" not in written.inputs
    assert "clusters/base" in written.inputs
    assert written.source != STOPPED
