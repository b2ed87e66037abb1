"""`compsim versions`, `publish`, `rollback`, `verify` as they are typed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compsim_assets.cli import app
from compsim_assets.storage.results import Results
from compsim_assets.storage.versions import Versions
from compsim_assets_tests.storage.versions.rebuilds import make, numbers, publish, rebuild


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setenv("COMPSIM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return Results(tmp_path / "data" / "sample")


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*words])
    return result.exit_code, result.stdout, result.stderr


def test_before_the_first(results: Results) -> None:
    assert run("versions") == (0, "no version yet: `compsim materialize` makes the first\n", "")
    assert run("versions", "--json") == (0, "[]\n", "")
    assert run("verify") == (2, "", "compsim: no version yet: `compsim materialize` makes the first\n")
    assert run("rollback", "x") == (2, "", "compsim: there is no version 'x'; there are: none\n")
    code, told, complaint = run("publish")
    assert (code, told) == (1, "")
    assert complaint.startswith("not published, there is no version yet: there are no results yet")


def test_versions_are_listed_pinned_and_gone_back_to(results: Results) -> None:
    first, second = publish(results.folder, 1), publish(results.folder, 2)
    code, told, _ = run("versions", "--pin", first)
    assert code == 0
    assert [line.split()[0] for line in told.splitlines()] == [second, first]
    assert [line.split()[-1] for line in told.splitlines()] == ["current", "pinned"]
    assert run("rollback", first) == (0, f"readers see version {first}, and the results are again those of it\n", "")
    assert numbers(results) == {1}
    rows = json.loads(run("versions", "--json")[1])
    assert [(row["version"], row["current"], row["pinned"]) for row in rows] == [
        (second, False, False),
        (first, True, True),
    ]
    assert rows[0]["results"] == 5
    assert rows[0]["bytes"] == sum(
        path.stat().st_size
        for path in Versions(results).get(second).folder.rglob("*")
        if path.is_file() and path.name != "manifest.json" and ".made_from" not in path.parts
    )
    rebuild(results, 2)
    code, told, _ = run("publish")
    assert (code, told.split()[0]) == (0, "published")
    assert run("versions", "--unpin")[1].count("pinned") == 0


def test_what_does_not_fit_is_not_published_by_hand_either(results: Results) -> None:
    current = publish(results.folder, 1)
    make(results, "returns", 2)
    code, told, complaint = run("publish")
    assert (code, told) == (1, "")
    assert complaint.startswith(
        f"not published, readers see version {current}: clusters/base was made from other returns"
    )


def test_damage_is_named_and_is_not_gone_back_to(results: Results) -> None:
    first = publish(results.folder, 1)
    publish(results.folder, 2)
    assert run("verify", "--all") == (0, "12 files of 2 versions hold what was published\n", "")
    path = Versions(results).get(first).folder / "clusters" / "base.parquet"
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\0\1\2\3")
    assert run("verify")[0] == 0
    code, told, _ = run("verify", first)
    assert code == 1
    assert told.splitlines() == [
        f"{path} (clusters/base): another content than was published",
        "`compsim materialize clusters --force` makes again what is damaged",
    ]
    code, told, complaint = run("rollback", first)
    assert (code, told) == (1, "")
    assert complaint.splitlines()[0] == f"compsim: version {first} is damaged:"
    assert numbers(results) == {2}
