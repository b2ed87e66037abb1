"""Of a run that failed, a person reads what failed, why, what to do, and what is missing; so does a webhook."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from compsim_assets.automation.failures import Report, report_on
from compsim_assets.automation.watching import failure_sensors
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.automation.hooks import listening

SECRET, IN_URL = "canary-secret-4721", "canary-in-the-url-4722"


@dg.asset
def good() -> int:
    return 1


@dg.asset
def bad(good: int) -> int:
    try:
        raise UniverseError("prices.csv: line 7: adj_close 'x', expected a number: put it right\nand more of it")
    except UniverseError as problem:
        raise RuntimeError("around it") from problem


@dg.asset(deps=[bad])
def below() -> int:
    return 3


@dg.asset(check_specs=[dg.AssetCheckSpec("sound", asset="judged", blocking=True)])
def judged() -> Iterator[Any]:
    yield dg.MaterializeResult(
        check_results=[dg.AssetCheckResult(passed=False, check_name="sound", description="not sound at all")]
    )


@dg.asset
def full() -> None:
    raise OSError(28, "No space left on device", "/data/x")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(str(tmp_path)) as instance:
        yield instance


def run_of(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
    return dg.materialize(list(assets), instance=instance, raise_on_error=False, tags={"dagster/will_retry": "false"})


def report_of(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition) -> Report:
    result = run_of(instance, *assets)
    assert not result.success
    return report_on(instance, result.dagster_run, "http://ui:3000")


def test_a_failed_step_with_the_first_line_of_its_innermost_error(instance: dg.DagsterInstance) -> None:
    report = report_of(instance, good, bad, below)
    (step,) = report.steps
    assert step.step == "bad"
    assert step.error == "UniverseError: prices.csv: line 7: adj_close 'x', expected a number: put it right"
    assert "compsim check FOLDER" in step.remedy
    assert report.not_made == ("bad", "below")
    assert report.link == f"http://ui:3000/runs/{report.run}"
    assert report.started[:4].isdecimal()
    assert not report.again


@pytest.mark.parametrize(
    ("asset", "error", "remedy"),
    [
        (judged, "DagsterAssetCheckFailedError: 1 blocking asset check failed", "look at that check in the UI"),
        (full, "OSError: [Errno 28] No space left on device: '/data/x'", "free space on that disk"),
    ],
)
def test_each_kind_of_failure_says_what_to_do(
    instance: dg.DagsterInstance, asset: dg.AssetsDefinition, error: str, remedy: str
) -> None:
    (step,) = report_of(instance, asset).steps
    assert step.error.startswith(error)
    assert step.remedy.startswith(remedy)


def test_a_run_that_was_marked_as_failed_says_by_what(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        report = marked_as_failed(instance)
    (step,) = report.steps
    assert (step.step, step.error) == ("the run itself", "process 12 on here was terminated by signal 9 (SIGKILL)")
    assert "lack of memory" in step.remedy
    assert report.not_made == ("good",)
    assert report.link == ""
    assert Path(report.logs) == tmp_path / "storage" / report.run / "compute_logs"


def marked_as_failed(instance: dg.DagsterInstance) -> Report:
    run = instance.create_run_for_job(dg.define_asset_job("job").resolve(asset_graph=graph_of(good)))
    instance.report_engine_event("process 12 on here was terminated by signal 9 (SIGKILL)", run)
    instance.report_run_failed(run)
    marked = instance.get_run_by_id(run.run_id)
    assert marked is not None
    return report_on(instance, marked, "")


def graph_of(*assets: dg.AssetsDefinition) -> Any:
    return dg.Definitions(assets=assets).resolve_asset_graph()


def told(
    instance: dg.DagsterInstance, webhook: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> str:
    """What the sensor says of a failed run; everything that anybody printed, logged or stored."""
    result = run_of(instance, good, bad, below)
    failed_runs, _ = failure_sensors(webhook, "", dg.DefaultSensorStatus.STOPPED)
    event = next(e for e in result.all_events if e.event_type == dg.DagsterEventType.RUN_FAILURE)
    context: Any = dg.build_run_status_sensor_context("failed_runs", event, instance, result.dagster_run)
    with caplog.at_level(logging.DEBUG):
        failed_runs(context.for_run_failure())
    events = "\n".join(str(entry) for entry in instance.all_logs(result.run_id))
    printed = capfd.readouterr()
    return "\n".join([caplog.text, events, printed.out, printed.err])


@pytest.mark.parametrize("status", [200, 400])
def test_the_webhook_hears_of_it_and_nothing_shows_the_secret(
    status: int,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("COMPSIM_WEBHOOK_SECRET", SECRET)
    with listening(status, path=f"/{IN_URL}") as heard:
        text = told(instance, heard.url, capfd, caplog)
    ((headers, body),) = heard.requests
    content = json.loads(body)
    assert (content["event"], content["not_made"]) == ("run_failure", ["bad", "below"])
    assert content["steps"][0]["error"].startswith("UniverseError: prices.csv: line 7")
    assert "prices.csv: line 7" in content["text"]
    assert headers["X-Compsim-Signature"].startswith("sha256=")
    assert "to do: put the file right" in text
    assert ("COMPSIM_WEBHOOK was not told: localhost answers 400" in text) == (status == 400)
    assert SECRET not in text + body.decode() + str(headers)
    assert IN_URL not in text + body.decode()


def test_a_run_that_was_ended_is_told_too(instance: dg.DagsterInstance) -> None:
    result = run_of(instance, good)
    instance.report_run_canceled(result.dagster_run)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    event = next(
        entry.dagster_event
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_CANCELED)
        if entry.dagster_event
    )
    with listening() as heard:
        _, ended_runs = failure_sensors(heard.url, "", dg.DefaultSensorStatus.STOPPED)
        context: Any = dg.build_run_status_sensor_context("ended_runs", event, instance, run)
        ended_runs(context)
    ((_, body),) = heard.requests
    content = json.loads(body)
    assert (content["event"], content["what"]) == (
        "run_canceled",
        f"run {run.run_id[:8]} (ephemeral_asset_job__) was ended",
    )
    assert content["steps"] == []
