"""`compsim check`: every row of the intake is printed whole, the worst first, and refusals end it with 1."""

import json
import re
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from compsim_assets.cli import app
from compsim_assets.universe import check as intake
from compsim_assets.universe.intake.decisions import GRADES, Decision

LONG = "a path as long as those of users are " * 6 + "[bold]end[/bold]"
ROWS = [
    Decision(f"{grade}.csv", "year", grade, f"what of {grade}", 1_234 * (grade != "fine"), LONG, f"remedy of {grade}")
    for grade in GRADES
]


@pytest.fixture(params=[True, False], ids=["refused", "nothing refused"])
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[Decision]:
    rows = [row for row in ROWS if request.param or row.grade != "refused"]
    monkeypatch.setattr(intake, "check_folder", lambda folder: rows)
    return rows


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


def ends_with(rows: list[Decision]) -> int:
    return int(any(row.grade == "refused" for row in rows))


def test_elsewhere_than_on_a_terminal_each_row_is_a_whole_line(rows: list[Decision]) -> None:
    result = run("folder")
    assert result.exit_code == ends_with(rows)
    lines = result.stdout.splitlines()
    for row in rows:
        count = " (1,234)" if row.count else ""
        said = f"  {row.file}: year: {row.what}{count}, for example {LONG}; {row.remedy}"
        assert lines.count(said) == 1
    order = [line.split()[0].lower().strip(":") for line in lines if re.search(r"\(1\)$", line)]
    assert order == [
        grade for grade in ("refused", "suspicious", "missing", "left", "assumed", "fine")
        if grade in {row.grade.split("_")[0] for row in rows}
    ]  # fmt: skip
    assert lines[-1].endswith("1 suspicious, 1 missing, 1 left out, 1 assumed, 1 fine")


def test_on_a_terminal_nothing_is_cut_off(rows: list[Decision], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "is_terminal", property(lambda self: True))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    result = run("folder")
    assert result.exit_code == ends_with(rows)
    assert "…" not in result.stdout
    plain = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    assert max(map(len, plain.splitlines())) <= 80
    assert plain.count(" path ") == 6 * len(rows)
    for row in rows:
        for word in (row.file, *row.what.split(), *row.remedy.split()):
            assert word in plain


def test_the_rows_as_json(rows: list[Decision]) -> None:
    result = run("folder", "--json")
    assert result.exit_code == ends_with(rows)
    assert [Decision(**row) for row in json.loads(result.stdout)] == rows
    assert list(json.loads(result.stdout)[0]) == ["file", "subject", "grade", "what", "count", "example", "remedy"]


def test_a_folder_that_does_not_exist_cannot_be_asked_about(tmp_path: Path) -> None:
    for arguments in ((str(tmp_path / "none"),), (str(tmp_path / "none"), "--json")):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"compsim: {tmp_path}/none is not a folder")


def test_a_universe_is_checked(tmp_path: Path) -> None:
    (tmp_path / "reports.csv").write_text("company_name,year,ticker,sic\nAcme,2015,ACME,2834\nBeta,20x5,BETA,2834\n")
    result = run(str(tmp_path), "--json")
    assert result.exit_code == 1
    (refused,) = [row for row in json.loads(result.stdout) if row["grade"] == "refused"]
    assert "20x5" in refused["what"]
    (tmp_path / "reports.csv").write_text("company_name,year,ticker,sic\nAcme,2015,ACME,2834\nBeta,2015,BETA,2834\n")
    assert run(str(tmp_path)).exit_code == 0
