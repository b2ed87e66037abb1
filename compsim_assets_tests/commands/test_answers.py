"""Answers as they are typed: what is printed, what programs get, how questions end that cannot be answered."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from compsim_assets.cli import app
from compsim_assets.commands.answering import print_table
from compsim_assets.contracts import TABLES
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.results import Results
from compsim_assets_tests.explore.worlds import NAMES, World

HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e<script>alert(1)</script>[red]\u2066\x00\n\u2028=1+1"
ASKED = [
    "peers KO --year 2015", "peers KO --year 2015 --why --within all --top 11", "peers PEP",
    "peers PEP --within sector", "peers KO --about bottling --why", "explain KO PEP --year 2015",
    "cluster KO --year 2015", "cluster MNST", "latent 3", "latent 39", "search cloud", "diff KO 2014 2015", "status",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asked")
    World().write(folder / "sample")
    return folder


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All names but tickers, and all labels, are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    labels = dict.fromkeys(("beverages", "software", "banks", "", "token"), HOSTILE)
    World({ticker: f"{name} {HOSTILE}" for ticker, name in NAMES.items()}, labels).write(folder / "sample")
    return folder


def run(data: Path, words: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    monkeypatch.setenv("COMPSIM_DATA", str(data))
    result = CliRunner().invoke(app, words.split())
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("words", ASKED)
@pytest.mark.parametrize("which", ["data", "hostile"])
def test_answers_fit_a_terminal_and_hold_nothing_but_text(
    words: str, which: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = request.getfixturevalue(which)
    code, told, complaint = run(folder, words, monkeypatch)
    assert (code, complaint) == (0, "")
    lines = told.splitlines()
    if words != "status":  # the folder of the results is one word, however long
        assert max(map(cell_len, lines)) <= 80
    assert len(lines) > 1
    for text in (told, run(folder, f"{words} --csv", monkeypatch)[1]):
        assert {unicodedata.category(each) for each in text.replace("\n", "")} & {"Cc", "Cf", "Zl", "Zp"} == set()
    if words != "status":
        assert "Synthetic sample" in told
    else:
        assert "synthetic" in told


@pytest.mark.parametrize("words", ASKED)
@pytest.mark.parametrize("which", ["data", "hostile"])
def test_json_and_csv_are_read_back(
    words: str, which: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = request.getfixturevalue(which)
    code, told, complaint = run(folder, f"{words} --json", monkeypatch)
    assert (code, complaint) == (0, "")
    assert told.isascii()
    assert json.loads(told, parse_constant=lambda name: pytest.fail(name))
    code, told, complaint = run(folder, f"{words} --csv", monkeypatch)
    assert (code, complaint) == (0, "")
    headers, *rows = csv.reader(io.StringIO(told))
    assert all(len(row) == len(headers) for row in rows)
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row)


def test_a_name_in_json_is_as_the_universe_has_it(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = json.loads(run(hostile, "peers KO --year 2015 --json", monkeypatch)[1])
    assert answer["company"]["name"] == f"Coca-Cola Co {HOSTILE}"


def test_peers_for_programs(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = json.loads(run(data, "peers KO --year 2015 --within all --why --json", monkeypatch)[1])
    assert {"ticker", "name", "cik", "report_id", "year"} <= set(answer["company"])
    assert answer["company"]["report_id"] == 2015000
    assert answer["within"] == "all"
    assert [peer["rank"] for peer in answer["peers"]] == list(range(1, 11))
    for peer in answer["peers"]:
        assert {"ticker", "name", "report_id", "cosine", "percentile", "confidence", "reasons", "covered"} <= set(peer)
        assert {"theme", "label", "contribution"} <= set(peer["reasons"][0])
        total = sum(reason["contribution"] for reason in peer["reasons"])
        assert peer["covered"] == pytest.approx(total / peer["cosine"])
    plain = json.loads(run(data, "peers KO --year 2015 --json", monkeypatch)[1])
    assert "reasons" not in plain["peers"][0]
    assert plain["within"] == "industry"


def test_explanations_for_programs(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = json.loads(run(data, "explain KO PEP --year 2015 --top 3 --json", monkeypatch)[1])
    assert {"theme", "label", "contribution"} <= set(answer["themes"][0])
    assert {"latent", "label", "contribution"} <= set(answer["latents"][0])
    for kind, rest in (("latents", "rest"), ("themes", "rest_of_themes")):
        total = sum(part["contribution"] for part in answer[kind]) + answer[rest]
        assert total == pytest.approx(answer["cosine"], abs=1e-6)


def test_other_answers_for_programs(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(words: str) -> dict:
        return json.loads(run(data, f"{words} --json", monkeypatch)[1])

    assert {each["ticker"] for each in asked("cluster KO --year 2015")["members"]} == {"KO", "PEP", "KDP"}
    described = asked("latent 3")
    assert set(TABLES["latents"].names) <= set(described)
    assert described["windows"][0]["tokens"][1:3] == [" bott", "ling"]
    assert {hit["kind"] for hit in asked("search cloud")["hits"]} == {"theme", "latent"}
    changed = asked("diff KO 2014 2015")
    assert {"themes", "latents", "came", "went", "same_features", "within"} <= set(changed)
    status = asked("status")
    assert (status["source"], status["synthetic"], len(status["results"])) == ("sample", True, 14)
    assert "table_1" in status["missing"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("peers KOO", "there is no company 'KOO': did you mean KO (Coca-Cola Co)"),
        ("peers corp", "'corp' may be MNST Monster Beverage Corp"),
        ("peers KO --year 1990", "no report of 1990; there are: 2014-2016"),
        ("peers PEP --within industry", "has no SIC code"),
        ("peers KO --within nowhere", "within industry, sector, all"),
        ("peers KO --about steel", "no latent has 'steel'"),
        ("explain KO KO", "are one company"),
        ("latent 40", "there is no latent 40"),
        ("latent x", "Invalid value"),
        ("search steel", "has any of 'steel'"),
        ("diff KO 2014 2014", "two years"),
        ("cluster KO --mode rolling", "compsim materialize clusters --mode rolling"),
        ("cluster KO --mode monthly", "base, rolling"),
    ],
)
def test_what_cannot_be_asked_ends_with_2(
    words: str, complaint: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, told, complaints = run(data, words, monkeypatch)
    assert (code, told) == (2, "")
    assert complaint in complaints


@pytest.mark.parametrize("words", [each for each in ASKED if each != "status"])
def test_before_anything_is_materialized(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told, complaint = run(tmp_path, words, monkeypatch)
    assert (code, told) == (2, "")
    name = "latents" if words.startswith("latent") else "descriptions"
    assert complaint == f"compsim: there is no '{name}' yet: `compsim materialize {name}` makes it\n"


def test_status_before_anything_is_materialized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told, _ = run(tmp_path, "status", monkeypatch)
    assert code == 0
    assert "0 results, 0 out of date" in told


def test_a_stale_or_damaged_table_keeps_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    results = world.write(tmp_path / "sample")
    old = Note(inputs={"pca_scores": "another"})
    results.write_table(results.table("peers"), TABLES["peers"].typed(world.tables["peers"]), old)
    code, told, complaint = run(tmp_path, "peers KO", monkeypatch)
    assert (code, told) == (2, "")
    assert "peers was made from other pca_scores than the present ones" in complaint
    Results(tmp_path / "sample").table("descriptions").write_bytes(b"")
    code, told, complaint = run(tmp_path, "peers KO", monkeypatch)
    assert (code, told) == (2, "")
    assert "compsim materialize descriptions --force" in complaint


def test_a_table_without_room_is_shortened_and_figures_stand_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "n"], [["x" * 200, "1"], ["日本" * 60, "22"]])
    lines = capsys.readouterr().out.splitlines()
    assert [cell_len(line) for line in lines] == [80, 80, 80]
    assert "…" in lines[1]
    assert (lines[1][-2:], lines[2][-2:]) == (" 1", "22")


def test_of_a_large_cluster_the_most_central_members_are_printed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run(data, "cluster KO --year 2015 --top 2", monkeypatch)[1]
    assert told.splitlines()[-1] == "These are the most central, 1 more with --top 3."
    assert [line.split()[0] for line in told.splitlines()[-3:-1]] == ["KDP", "KO"]


def keys_of(value: Any) -> Iterator[str]:
    """Keys of all dicts inside."""
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_of(each)


@pytest.mark.parametrize(
    "words",
    [
        "peers KO --year 2015 --about bottling --why", "explain KO PEP --year 2015", "cluster KO --year 2015",
        "latent 3", "search cloud", "diff KO 2014 2015", "status",
    ],
)  # fmt: skip
def test_keys_are_those_that_the_page_lists(words: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "explore.md").read_text()
    command = words.split()[0]
    (row,) = re.findall(rf"^\| `{command}` \| (.*) \|$", page, re.MULTILINE)
    company = re.findall(r"A `company` has ([^.]*)\.", page)
    listed = {name for text in (row, *company) for name in re.findall(r"`(\w+)`", text)}
    listed |= {column for name in listed & set(TABLES) for column in TABLES[name].names}
    answer = json.loads(run(data, f"{words} --json", monkeypatch)[1])
    answer.pop("settings", None)
    assert set(answer) <= listed
    assert set(keys_of(answer)) <= listed
