"""Levels: which grade a change gets, and what a universe's rebuild.toml may say."""

import math
from pathlib import Path

import pytest

from compsim_assets.contracts import TABLES
from compsim_assets.universe.check import check_folder
from compsim_assets.universe.fingerprint import fingerprint
from compsim_assets.universe.intake.decisions import FINE as FINE_DECISION
from compsim_assets.universe.intake.decisions import REFUSED
from compsim_assets.universe.intake.levels import FILE, FINE, STOP, SUSPICIOUS, default_levels, read_levels
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_reports


def test_the_projects_levels_are_levels_of_tables(tmp_path: Path) -> None:
    levels = default_levels()
    text = "".join(
        f"[{measure}]\nsuspicious = {str(keys['suspicious']).lower()}\n" for measure, keys in levels.given.items()
    )
    (tmp_path / FILE).write_text(text)
    assert read_levels(tmp_path).given == levels.given
    for measure, keys in levels.given.items():
        assert set(keys) - set(TABLES) == {"suspicious", "stop"}, measure
    assert read_levels(tmp_path / "nowhere").given == levels.given


@pytest.mark.parametrize(
    ("table", "size", "grade", "level"),
    [
        ("peers", 0.0, FINE, math.nan),
        ("peers", 0.2499, FINE, math.nan),
        ("peers", 0.25, SUSPICIOUS, 0.25),
        ("peers", -0.25, SUSPICIOUS, 0.25),
        ("peers", -0.99, SUSPICIOUS, 0.25),
        ("peers", -1.0, STOP, 1.0),
        ("peers", 1e9, SUSPICIOUS, 0.25),
        ("clusters/rolling", -1.0, STOP, 1.0),
        ("descriptions", -0.1, SUSPICIOUS, 0.1),
        ("descriptions", -0.3, STOP, 0.3),
        ("descriptions", 0.3, SUSPICIOUS, 0.1),
        ("descriptions", None, FINE, math.nan),
        ("descriptions", math.nan, FINE, math.nan),
    ],
)
def test_rows_are_graded_by_table_and_direction(table: str, size: float | None, grade: str, level: float) -> None:
    given, reached = default_levels().grade(table, "rows", size)
    assert (given, reached) == (grade, pytest.approx(level, nan_ok=True))


def test_a_universe_changes_levels_key_by_key(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        "[rows]\nsuspicious = false\n[rows.descriptions]\nstop = {rise = 2}\n[theta.cutoffs]\nstop = 1\n"
    )
    levels = read_levels(tmp_path)
    assert levels.grade("peers", "rows", -0.5)[0] == FINE
    assert levels.grade("peers", "rows", -1.0)[0] == STOP, "what it does not say stays"
    assert levels.grade("descriptions", "rows", -0.9)[0] == SUSPICIOUS, "its own level of this table stays"
    assert levels.grade("descriptions", "rows", 2.0)[0] == STOP
    assert levels.grade("cutoffs/base", "theta", -1.0) == (STOP, 1.0)
    assert levels.grade("walk_forward_cutoffs", "theta", -1.0)[0] == SUSPICIOUS
    assert default_levels().grade("peers", "rows", -0.5)[0] == SUSPICIOUS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[row]\nstop = 1", "there is no measure `row` (did you mean `rows`?)"),
        ("rows = 3", "`rows` is 3, expected a table"),
        ("[rows]\nstopp = 1", "[rows] has no `stopp` (did you mean `stop`?)"),
        ("[rows]\nstop = -1", "[rows] stop is -1, expected a number above 0"),
        ("[rows]\nstop = true", "[rows] stop is True"),
        ("[rows]\nstop = nan", "[rows] stop is nan"),
        ("[rows]\nstop = {down = 1}", "[rows] stop is {'down': 1}"),
        ("[rows.description]\nstop = 1", "[rows] has no `description` (did you mean `descriptions`?)"),
        ("[rows.descriptions]\nstop = 'x'", "[rows.descriptions] stop is 'x'"),
        ("[rows.descriptions.clusters]\nstop = 1", "[rows.descriptions] has no `clusters`"),
        ("[rows", "is no TOML"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UniverseError) as error:
        read_levels(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / FILE}: ")
    assert problem in str(error.value)


def test_the_intake_reads_it_and_a_change_is_noticed(tmp_path: Path) -> None:
    run = Local(tmp_path)
    write_reports(tmp_path / "universe")
    without = fingerprint(run.settings, "rebuild_report")
    path = tmp_path / "universe" / FILE
    path.write_text("[rows]\nstop = 1")
    assert fingerprint(run.settings, "rebuild_report") != without
    assert {row.grade for row in check_folder(path.parent) if row.file == FILE} == {FINE_DECISION}
    path.write_text("[rows]\nstopp = 1")
    (row,) = [row for row in check_folder(path.parent) if row.file == FILE]
    assert (row.grade, row.what[:20]) == (REFUSED, "[rows] has no `stopp")
