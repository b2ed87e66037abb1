"""Nothing runs by itself until the environment says so; what makes no sense is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from compsim_assets import automation
from compsim_assets.automation.conditions import SENSOR
from compsim_assets.automation.options import Options
from compsim_assets.definitions import defs
from compsim_assets.settings import Settings

LOCAL = Settings(source="local", universe="/data/universe")
LOAD = """
import json
from compsim_assets.definitions import defs
every = {each.name: each.default_status.value for each in [*defs.schedules, *defs.sensors]}
graph = defs.resolve_asset_graph()
specs = [graph.get(key) for key in graph.get_all_asset_keys()]
policies = {spec.freshness_policy for spec in specs}
every["policies"] = [policy and policy.fail_window.to_timedelta().days for policy in policies]
every["conditions"] = [*{spec.automation_condition and spec.automation_condition.get_label() for spec in specs}]
print(json.dumps(every))
"""
OFF, ON = "STOPPED", "RUNNING"


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UNATTENDED", "AUTOMATE", "INBOX", "WEBHOOK", "WEBHOOK_SECRET", "WEBHOOK_SECRET_FILE", "UI"):
        monkeypatch.delenv(f"COMPSIM_{name}", raising=False)


def statuses(options: Options) -> dict[str, str]:
    every: list[Any] = [*automation.schedules(options), *automation.sensors(options)]
    return {each.name: each.default_status.value for each in every}


def test_who_opens_the_ui_starts_nothing() -> None:
    assert Options.from_environment(LOCAL) == Options()
    every: list[Any] = [*(defs.schedules or []), *(defs.sensors or [])]
    assert {each.name for each in every} == {"weekly_rebuild", "failed_runs", "ended_runs"}
    assert {each.default_status.value for each in every} == {OFF}
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        assert graph.get(key).automation_condition is None
        assert graph.get(key).freshness_policy is None


def test_unattended_everything_is_on(tmp_path: Path) -> None:
    given = Options(unattended=True, inbox=tmp_path, universe=tmp_path)
    assert statuses(given) == dict.fromkeys(["weekly_rebuild", "failed_runs", "ended_runs", "inbox"], ON)


def test_an_inbox_and_conditions_are_there_and_off_unless_unattended(tmp_path: Path) -> None:
    given = Options(automate=True, inbox=tmp_path, universe=tmp_path)
    assert statuses(given) == dict.fromkeys(["weekly_rebuild", "failed_runs", "ended_runs", "inbox", SENSOR], OFF)


def test_conditions_take_the_place_of_the_schedule() -> None:
    assert statuses(Options(unattended=True, automate=True)) == {
        "weekly_rebuild": OFF, "failed_runs": ON, "ended_runs": ON, SENSOR: ON,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "policies", "conditions"),
    [({"COMPSIM_UNATTENDED": "true"}, [8], [None]), ({"COMPSIM_AUTOMATE": "true"}, [None], ["out of date"])],
)
def test_one_rule_for_the_whole_graph(given: dict[str, str], policies: list[object], conditions: list[object]) -> None:
    command = [sys.executable, "-c", LOAD]
    run = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=True)
    every = json.loads(run.stdout)
    assert (every["policies"], every["conditions"]) == (policies, conditions)
    assert (SENSOR in every) == ("COMPSIM_AUTOMATE" in given)


WRONG = [
    ({"UNATTENDED": "yes"}, "COMPSIM_UNATTENDED is 'yes', expected true or false"),
    ({"AUTOMATE": "on"}, "COMPSIM_AUTOMATE is 'on', expected true or false"),
    ({"INBOX": "/data/universe/inbox"}, "COMPSIM_INBOX is '/data/universe/inbox', expected a folder apart from"),
    ({"INBOX": "/data"}, "COMPSIM_INBOX is '/data', expected a folder apart from COMPSIM_UNIVERSE"),
    ({"WEBHOOK": "http://example.org/canary"}, "COMPSIM_WEBHOOK is a URL without encryption, expected a URL that"),
    ({"WEBHOOK": "ftp://example.org/canary"}, "COMPSIM_WEBHOOK is no URL, expected a URL that begins with https://"),
    ({"WEBHOOK": "example.org/canary"}, "COMPSIM_WEBHOOK is no URL"),
    ({"WEBHOOK": "https://[canary"}, "COMPSIM_WEBHOOK is no URL"),
    ({"WEBHOOK_SECRET": "canary", "WEBHOOK_SECRET_FILE": "/f"}, "are both set, expected one"),
    ({"UI": "localhost:3000"}, "COMPSIM_UI is no URL, expected a URL such as http://host:3000"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_what_makes_no_sense_is_refused_before_a_run(
    given: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"COMPSIM_{name}", value)
    with pytest.raises(ValueError, match=message.replace("[", r"\[")) as refused:
        Options.from_environment(LOCAL)
    assert "canary" not in str(refused.value)


def test_an_inbox_needs_a_universe_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_INBOX", "/data/inbox")
    with pytest.raises(ValueError, match="COMPSIM_SOURCE is 'sample': expected local, with COMPSIM_UNIVERSE"):
        Options.from_environment(Settings())
    assert Options.from_environment(LOCAL).inbox == Path("/data/inbox")


@pytest.mark.parametrize(
    "url", ["https://example.org/x", "http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]:9/"]
)
def test_webhooks_that_are_safe(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_WEBHOOK", url)
    assert Options.from_environment(LOCAL).webhook == url
