"""`compsim materialize` before and after its run: what it refuses, what is up to date, how it ends and what it says."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from compsim_assets import cli
from compsim_assets.automation import planning
from compsim_assets.automation.planning import Plan
from compsim_assets.commands import materialize
from compsim_assets.running import home, make, steps
from compsim_assets.running.make import Outcome
from compsim_assets.running.progress import Progress

TABLE = "compsim table prints Table 1\n"


@dataclass
class Asked:
    """What the command asked of the planner and of the run, and what these answer."""

    assets: set[str] | None = None
    modes: list[str] | None = None
    force: bool | None = None
    out_of_date: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None
    tags: dict[str, str] | None = None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    asked = Asked()

    def plan(defs: dg.Definitions, settings: Any, selection: Any, modes: Any, force: bool) -> Plan:
        asked.assets, asked.modes, asked.force = {key.to_user_string() for key in selection}, list(modes), force
        keys = [dg.AssetKey(name) for name in asked.out_of_date]
        return Plan(keys, list(modes), asked.reasons, 12, asked.blocked)

    def made(*arguments: Any) -> Outcome:
        asked.tags = arguments[5]
        assert asked.outcome is not None
        return asked.outcome

    monkeypatch.setattr(planning, "plan", plan)
    monkeypatch.setattr(steps, "start_server", lambda silent: None)
    monkeypatch.setattr(make, "make", made)
    monkeypatch.setattr(materialize, "_table_1", lambda: "Table 1\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return asked


def ended(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.app(["materialize", *words])
    return int(end.value.code or 0)


def outcome(made: list[str], success: bool = True, signal: int = 0, **failed: str) -> Outcome:
    return Outcome(success, signal, Progress(print, made=made, failed=failed))


@pytest.mark.parametrize(
    ("words", "environment", "message"),
    [
        (["tag:compsim/stage=shred"], {}, "'tag:compsim/stage=shred' selects no asset"),
        (["key:clustrs+"], {}, "'key:clustrs+' selects no asset. Did you mean clusters?"),
        (["figures"], {}, "'figures' names an asset that does not exist. Did you mean group:figures?"),
        (["key:clusters and"], {}, "'key:clusters and' cannot be read as a selection of assets"),
        (["--mode", "bse"], {}, "there is no cutoff mode bse: base or rolling"),
        ([], {"COMPSIM_SOURCE": "local"}, "COMPSIM_SOURCE=local needs COMPSIM_UNIVERSE"),
        ([], {"COMPSIM_SOURCE": "local", "COMPSIM_UNIVERSE": "/nowhere"}, "/nowhere"),
        ([], {"COMPSIM_NPROC": "abc"}, "COMPSIM_NPROC is 'abc'"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_line_before_any_run(
    asked: Asked, words: list[str], environment: dict[str, str], message: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ended(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("compsim: ")
    assert told.err.count("\n") == 1
    assert message in told.err
    assert asked.assets is None


def test_what_is_up_to_date_needs_no_run(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended() == 0
    assert capsys.readouterr().out == f"everything is up to date: 12 results. --force makes them again\n{TABLE}"
    assert asked.assets is not None
    assert {"descriptions", "clusters", "table_1"} < asked.assets
    assert (asked.modes, asked.force) == (["base", "rolling"], False)


def test_the_plan_is_of_what_was_asked_for(asked: Asked) -> None:
    assert ended("key:clusters or key:cutoffs", "--mode", "rolling", "--force") == 0
    assert asked.assets == {"clusters", "cutoffs"}
    assert (asked.modes, asked.force) == (["rolling"], True)


def test_what_is_out_of_date_behind_the_selection_is_named(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    for others, more in (("", ""), ("ab", ", a (new), b (new)"), ("abcd", ", a (new), b (new) and 2 more")):
        asked.blocked = {"pca": "its code changed", **dict.fromkeys(others, "new")}
        assert ended("clusters") == 0
        told = capsys.readouterr().err
        assert told == f"  warning: out of date, and not selected: pca (its code changed){more}\n"


def test_a_whole_run_ends_with_table_1(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.out_of_date = ["clusters", "table_1"]
    asked.reasons = {
        "clusters/base": "its code changed",
        "clusters/rolling": "its code changed",
        "table_1": "clusters/base is made again",
    }
    asked.outcome = outcome(["clusters/base", "clusters/rolling", "table_1"])
    assert ended() == 0
    told = capsys.readouterr()
    assert told.out == "Table 1\n"
    assert told.err.splitlines()[0] == "2 assets to make; up to date: 12 results"
    assert told.err.splitlines()[1] == "  its code changed: clusters/base, clusters/rolling"
    assert told.err.splitlines()[2].startswith("3 results made in ")
    assert asked.tags == {"compsim/rebuild": "everything"}
    asked.outcome = outcome(["clusters/base"])
    assert ended("clusters") == 0
    assert capsys.readouterr().out == ""
    assert asked.tags == {"compsim/rebuild": "part"}


def test_a_failure_says_what_was_not_made_and_how_to_go_on(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.out_of_date = ["returns", "clusters", "table_1"]
    asked.outcome = outcome(["returns"], success=False, clusters="no")
    assert ended() == 1
    lines = capsys.readouterr().err.splitlines()[1:]
    assert lines == [
        "failed: clusters. Not made: clusters, table_1.",
        "Run the same command again: what is whole is kept. --verbose shows Dagster's log; the UI keeps it.",
    ]


def test_an_interrupted_run_ends_as_interrupted(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.out_of_date = ["clusters", "table_1"]
    asked.outcome = outcome(["clusters/base"], success=False, signal=2)
    assert ended() == 130
    (line,) = capsys.readouterr().err.splitlines()[1:]
    assert line == "stopped: 1 result made, 1 asset not. Run the same command again: what is whole is kept."


def test_dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, checkout = tmp_path / "data", tmp_path / "checkout"
    for where, expected in ((checkout, checkout / ".dagster"), (None, data / "dagster")):
        monkeypatch.setenv("DAGSTER_HOME", "")
        assert home.dagster_home(data, where) == expected
        assert os.environ["DAGSTER_HOME"] == str(expected)
        assert (expected / "dagster.yaml").read_bytes() == home.CONFIGURATION.read_bytes()
    mine = tmp_path / "mine"
    monkeypatch.setenv("DAGSTER_HOME", str(mine))
    with pytest.raises(FileNotFoundError, match="DAGSTER_HOME"):
        home.dagster_home(data, None)
    mine.mkdir()
    assert home.dagster_home(data, None) == mine
    assert list(mine.iterdir()) == []  # somebody's own instance is theirs
