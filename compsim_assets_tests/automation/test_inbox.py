"""The sensor asks for one run for all files that were taken, never twice, whatever ends it and whenever."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.automation import ALL_MODES, EVERYTHING, PART, REBUILD
from compsim_assets.automation.inbox import BATCH, inbox_sensor, look
from compsim_assets.definitions import defs
from compsim_assets.universe.inbox import batch as batches
from compsim_assets.universe.inbox import look as looking
from compsim_assets.universe.inbox.batch import Batch
from compsim_assets.universe.inbox.checking import check
from compsim_assets_tests.automation.hooks import listening
from compsim_assets_tests.universe.inbox.boxes import MORE_PRICES, PRICES, Box


class Sensor:
    """Ticks one after the other, 30 seconds apart, each with the cursor that the daemon stored last."""

    def __init__(self, box: Box, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.box, self.instance, self.cursor, self.now = box, instance, "", 0.0
        self.webhook = ""
        monkeypatch.setattr(looking, "ask", lambda universe, claimed, state, patience: check(universe, claimed, state))
        monkeypatch.setattr("compsim_assets.automation.inbox.time.time", lambda: self.now)

    def tick(self, *, dies: bool = False) -> tuple[list[dg.RunRequest], str]:
        """What is asked for, and why nothing is. A daemon that dies has not stored the cursor."""
        self.now += 30
        context = dg.build_sensor_context(self.instance, self.cursor or None, repository_def=defs.get_repository_def())
        result = look(context, self.box.inbox, self.webhook)
        if not dies:
            self.cursor = result.cursor or ""
        return list(result.run_requests or []), result.skip_reason.skip_message or "" if result.skip_reason else ""

    def asked(self, ticks: int = 4) -> list[str]:
        return [request.run_key or "" for _ in range(ticks) for request in self.tick()[0]]


@pytest.fixture
def sensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sensor]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Sensor(Box.beside(tmp_path), instance, monkeypatch)


def test_one_run_over_both_modes_for_all_files(sensor: Sensor) -> None:
    sensor.box.drop("prices.csv")
    sensor.box.drop("reports/-.csv")
    assert sensor.tick()[0] == []
    (request,), reason = sensor.tick()
    assert (reason, request.asset_selection) == ("", None)
    assert request.run_key == request.tags[BATCH]
    assert dict(request.tags) | ALL_MODES == dict(request.tags)
    assert sensor.asked() == []
    assert not (sensor.box.inbox.state / "batch.json").exists()


def test_files_that_come_later_are_another_run(sensor: Sensor) -> None:
    keys = list[str]()
    for content in (PRICES, MORE_PRICES, PRICES):
        sensor.box.drop("prices.csv", content)
        keys += sensor.asked()
    assert len(keys) == len(set(keys)) == 3


def test_a_reason_says_what_went_into_the_quarantine(sensor: Sensor) -> None:
    sensor.box.drop("prices.csv", "ticker,date\n")
    sensor.tick()
    requests, reason = sensor.tick()
    assert requests == []
    assert reason.startswith("nothing new to make anything from; quarantine/prices.csv: ")
    assert sensor.tick() == ([], "the inbox is empty")


def test_a_webhook_hears_of_what_was_refused(sensor: Sensor) -> None:
    sensor.box.drop("prices.csv", "ticker,date\n")
    sensor.box.drop("what.csv")
    with listening() as heard:
        sensor.webhook = heard.url
        sensor.asked()
    ((_, body),) = heard.requests
    content = json.loads(body)
    assert content["event"] == "inbox_refused"
    assert [line.partition(":")[0] for line in content["refused"]] == ["quarantine/what.csv", "quarantine/prices.csv"]


def test_a_daemon_that_died_before_it_knew_of_the_run_is_asked_again_with_the_same_key(sensor: Sensor) -> None:
    sensor.box.drop("prices.csv")
    sensor.tick()
    (first,), _ = sensor.tick(dies=True)
    (again,), _ = sensor.tick(dies=True)
    (third,), _ = sensor.tick()
    assert first.run_key == again.run_key == third.run_key  # of one key Dagster starts one run
    assert sensor.asked() == []


@pytest.mark.parametrize("moved", range(3))
def test_what_was_moved_but_not_asked_for_is_asked_for_next_time(
    sensor: Sensor, moved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    calls = 0
    move = batches.move

    def killed_at(source: Path, target: Path) -> None:
        nonlocal calls
        if calls == moved:
            raise Killed
        calls += 1
        move(source, target)

    sensor.box.drop("prices.csv")
    sensor.box.drop("published_clusters/A.csv", "year,cluster_id,__index_level_0__\n2015,1,100\n2015,1,114\n")
    sensor.tick()
    with monkeypatch.context() as patch:
        patch.setattr("compsim_assets.universe.inbox.batch.move", killed_at)
        if moved < 2:
            with pytest.raises(Killed):
                sensor.tick()
        else:  # after the last file, before the daemon knows
            sensor.tick(dies=True)
    batch = Batch.read(sensor.box.inbox.state)
    assert batch is not None
    assert sensor.asked() == [batch.key]
    assert sensor.box.universe_files() == ["prices.csv", "published_clusters/A.csv", "reports.parquet"]


def test_it_waits_for_any_run_that_is_under_way(sensor: Sensor) -> None:
    job = defs.resolve_job_def("rebuild")
    for tags in ({REBUILD: EVERYTHING}, {REBUILD: PART}):
        run = sensor.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
        sensor.box.drop("prices.csv")
        sensor.tick()
        assert sensor.tick()[1].endswith(
            f"they wait, since run {run.run_id[:8]} (rebuild) is not done yet: it is STARTED"
        )
        sensor.instance.report_run_canceled(run)
    assert len(sensor.asked()) == 1


def test_the_cursor_is_small_and_plain_text(sensor: Sensor) -> None:
    for number in range(500):
        sensor.box.drop(f"fuzz_scores/layer_latent{number}.txt", "[]")
    sensor.tick()
    assert list(json.loads(sensor.cursor)["seen"]) == ["fuzz_scores"]
    assert sensor.cursor.isascii()


def test_it_is_a_sensor_of_the_rebuild(tmp_path: Path) -> None:
    sensor = inbox_sensor(tmp_path, tmp_path, "", dg.DefaultSensorStatus.STOPPED)
    assert (sensor.name, sensor.job_name, sensor.minimum_interval_seconds) == ("inbox", "rebuild", 30)
