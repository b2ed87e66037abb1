"""The home that `deploy/entrypoint` makes, on a real PostgreSQL: a daemon, a code server, runs, and what goes wrong."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets_tests.deploy.postgresql import PASSWORD, PostgreSQL, programs
from compsim_assets_tests.deploy.ticking import MOST
from compsim_assets_tests.running import deployed
from compsim_assets_tests.running.deployed import Deployed

ROOT = Path(__file__).parents[2]
REQUIRED = bool(os.environ.get("COMPSIM_REQUIRE_POSTGRES"))
pytestmark = [
    pytest.mark.skipif(programs() is None and not REQUIRED, reason="PostgreSQL is not installed (initdb)"),
    pytest.mark.waits(60),
]
WAIT = 180  # seconds, on a machine that has much else to do
BEFORE_POOL_DEFAULTS = "6b7fb194ff9c"  # the schema before Dagster's migration 048


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    assert programs(), "COMPSIM_REQUIRE_POSTGRES is set, and there is no initdb"
    with PostgreSQL() as server:
        yield server


@pytest.fixture(autouse=True)
def surroundings(server: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(deployed, "TOY", "compsim_assets_tests.deploy.ticking")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """DAGSTER_HOME as a container or a unit has it, with quicker looks at runs."""
    home = tmp_path / "home"
    environment = {**os.environ, "DAGSTER_HOME": str(home), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    subprocess.run([ROOT / "deploy/entrypoint", "true"], env=environment, check=True)
    text = (home / "dagster.yaml").read_text()
    for usual, quick in deployed.QUICK.items():
        text = text.replace(usual, quick)
    (home / "dagster.yaml").write_text(text)
    return home


def runs_of(platform: Deployed, tag: str) -> list[dg.DagsterRun]:
    return [run for run in platform.instance.get_runs() if tag in run.tags]


def asked_for(platform: Deployed) -> set[str]:
    """What the sensor asked for: a run that the restarts cost is retried, and its retry carries the same key."""
    return {run.tags["dagster/run_key"] for run in runs_of(platform, "dagster/sensor_name")}


@pytest.mark.timeout(900)
def test_a_daemon_ticks_and_what_ends_in_the_middle_holds_nothing_up(
    server: PostgreSQL, home: Path, tmp_path: Path
) -> None:
    with Deployed(tmp_path, home=home, second="sleep 6") as platform:
        assert type(platform.instance.event_log_storage).__name__ == "PostgresEventLogStorage"
        # A run, and a restart of the database while its step is at work.
        restarted = platform.launch("second")
        platform.wait_for(lambda: platform.note("second"), WAIT)
        server.stop("fast")
        server.start()
        assert platform.wait_until_ended(restarted, WAIT) in deployed.FINISHED
        # The same by a kill, and with the code server: the next run ends well, and its record is whole.
        platform.ask_for(second="sleep 6")
        killed = platform.launch("second")
        platform.wait_for(lambda: platform.note("second"), WAIT)
        server.kill()
        server.start()
        platform.kill(platform.server)
        platform.ask_for()
        platform.serve()
        assert platform.wait_until_ended(killed, WAIT) in deployed.FINISHED
        after = platform.launch("first", "second")
        assert platform.wait_until_ended(after, WAIT) == dg.DagsterRunStatus.SUCCESS
        # Meanwhile the sensor and the schedule have asked for runs, and their cursors are where they should be.
        platform.wait_for(lambda: len(asked_for(platform)) == MOST, WAIT)
        platform.wait_for(lambda: runs_of(platform, "dagster/schedule_name"), WAIT)
        for run in platform.instance.get_runs():
            platform.wait_until_ended(run.run_id, WAIT)
        assert platform.instance.event_log_storage.get_concurrency_info("press").claimed_slots == []
    (rows,) = server.query(f"SELECT count(*) FROM event_logs WHERE run_id = '{after}'")
    assert int(str(rows[0])) > 10
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size < 10_000_000]
    assert [path for path in written if PASSWORD.encode() in path.read_bytes()] == []


def test_the_schema_of_an_earlier_dagster_is_brought_up_to_date(server: PostgreSQL, home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.event_log_storage.set_concurrency_slots("press", 1)
    server.query("ALTER TABLE concurrency_limits DROP COLUMN using_default_limit")
    server.query(f"UPDATE alembic_version SET version_num = '{BEFORE_POOL_DEFAULTS}'")
    environment = {**os.environ, "DAGSTER_HOME": str(home)}
    run = subprocess.run(
        [sys.executable, "-m", "dagster", "instance", "migrate"], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert server.query("SELECT version_num FROM alembic_version") != [(BEFORE_POOL_DEFAULTS,)]
    assert (False,) in server.query("SELECT using_default_limit FROM concurrency_limits")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert "press" in [pool.name for pool in instance.event_log_storage.get_pool_limits()]
