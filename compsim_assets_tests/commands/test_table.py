"""`compsim table` says where results are and which figures are of the past, and refuses what it cannot trust."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from compsim_assets.cli import app
from compsim_assets.contracts import TABLES, validate
from compsim_assets.settings import Settings
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.results import Results

FIGURES = ("theta_by_year", "methods_forest")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    """Tables without rows, and two figures of them."""
    monkeypatch.setenv("COMPSIM_DATA", str(tmp_path))
    results = Results.of(Settings(data=str(tmp_path)))
    for name in ("robustness", "table_1", "findings"):
        write(results, name, {"robustness": results.content("robustness")} if name == "table_1" else {})
    for name in FIGURES:
        with results.new_file(results.figure(name)) as aside:
            aside.write_bytes(name.encode())
        results.write_note(name, results.content(name), Note(inputs={"robustness": results.content("robustness")}))
    return results


def write(results: Results, name: str, inputs: dict[str, str]) -> None:
    results.write_table(results.table(name), validate(TABLES[name], TABLES[name].empty()), Note(inputs=inputs))


def run() -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["table"])
    return result.exit_code, result.stdout, result.stderr


def test_it_says_where_results_are_and_how_to_see_them(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told, complaint = run()
    assert (code, complaint) == (0, "")
    assert f"All results are in {results.folder}." in told
    for path in (results.folder / "findings.html", *map(results.figure, FIGURES)):
        assert f"\n  {path}\n" in told
    assert "\nmake ui shows" in told
    monkeypatch.setattr("compsim_assets.settings.checkout", lambda: None)
    assert "\ndagster dev -m compsim_assets.definitions shows" in run()[1]


def test_a_figure_of_the_past_is_named(results: Results) -> None:
    name = FIGURES[0]
    results.write_note(name, results.content(name), Note(inputs={"robustness": "other"}))
    told = run()[1]
    assert f"{results.figure(name)} (of the past: made from other robustness than the present ones)\n" in told
    assert f"{results.figure(FIGURES[1])}\n" in told


def test_a_table_of_the_past_is_refused(results: Results) -> None:
    write(results, "table_1", {"robustness": "other"})
    code, told, complaint = run()
    assert (code, told) == (2, "")
    assert complaint == (
        "compsim: table_1 was made from other robustness than the present ones: materialize 'table_1' again, and "
        "what is behind it: compsim materialize '+key:table_1' makes what is out of date\n"
    )


def test_a_damaged_table_is_refused(results: Results) -> None:
    path = results.table("findings")
    path.write_bytes(b"")
    code, told, complaint = run()
    assert (code, told) == (2, "")
    assert complaint == f"compsim: {path} is empty: make it again with `compsim materialize findings --force`\n"
