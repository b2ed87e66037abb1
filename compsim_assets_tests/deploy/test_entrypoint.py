"""The entrypoint: secrets from files, dagster.yaml of what is ours and of the storage, then the command itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENTRYPOINT = ROOT / "deploy/entrypoint"
PASSWORD = "p@ss/w:rd with %20"


def enter(folder: Path, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    environment = {**os.environ, "CREDENTIALS_DIRECTORY": str(secrets), "DAGSTER_HOME": str(folder / "home")}
    environment.pop("DAGSTER_PG_PASSWORD", None)
    return subprocess.run(
        [str(ENTRYPOINT), *command], env={**environment, **more}, capture_output=True, text=True, timeout=60
    )


def test_the_command_gets_secrets_and_a_home(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/DAGSTER_PG_PASSWORD").write_text(PASSWORD + "\n")
    (tmp_path / "secrets/HOOK_TOKEN").write_text("canary")
    (tmp_path / "secrets/not-a-variable").write_text("x")
    script = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"
    run = enter(tmp_path, sys.executable, "-c", script, "a b", TMPDIR=str(tmp_path / "tmp"))
    assert run.returncode == 0, run.stderr
    seen, words = json.loads(run.stdout)
    assert (seen["DAGSTER_PG_PASSWORD"], seen["HOOK_TOKEN"], words) == (PASSWORD, "canary", ["a b"])
    assert (tmp_path / "tmp").is_dir()
    home = tmp_path / "home/dagster.yaml"
    assert PASSWORD not in home.read_text()
    assert home.stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["dagster.yaml"]
    config = yaml.safe_load(home.read_text())
    usual = yaml.safe_load((ROOT / "compsim_assets/running/dagster.yaml").read_text())
    assert config == {**usual, "storage": yaml.safe_load((ROOT / "deploy/postgresql.yaml").read_text())["storage"]}
    assert "storage" not in usual


def test_without_a_secret_it_says_which(tmp_path: Path) -> None:
    run = enter(tmp_path, "true")
    assert (run.returncode, run.stdout) == (2, "")
    assert "no secret DAGSTER_PG_PASSWORD" in run.stderr
    assert str(tmp_path / "secrets") in run.stderr


def test_a_home_that_is_given_stays(tmp_path: Path) -> None:
    """Dagster's chart mounts a dagster.yaml that cannot be written."""
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (tmp_path / "home/dagster.yaml").chmod(0o400)
    assert enter(tmp_path, "true", DAGSTER_PG_PASSWORD="x").returncode == 0
    assert (tmp_path / "home/dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_dagster_takes_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the connection: `test_postgresql.py` goes on from there."""
    pytest.importorskip("dagster_postgres", reason="compsim-assets[postgres] is not installed")
    assert enter(tmp_path, "true", DAGSTER_PG_PASSWORD="x").returncode == 0
    for name, value in {"HOST": "127.0.0.1", "PORT": "1", "DB": "d", "USERNAME": "u", "PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(f"DAGSTER_PG_{name}", value)
    from dagster._core.instance.ref import InstanceRef
    from dagster_postgres.utils import pg_url_from_config
    from sqlalchemy.engine import make_url

    reference = InstanceRef.from_dir(str(tmp_path / "home"))
    assert reference.storage_data is not None
    config = yaml.safe_load(reference.storage_data.config_yaml)
    places = config["postgres_db"].items()
    resolved = {key: os.environ[value["env"]] if isinstance(value, dict) else value for key, value in places}
    url = make_url(pg_url_from_config({"postgres_db": resolved}))
    assert (url.password, url.host, url.drivername) == (PASSWORD, "127.0.0.1", "postgresql+psycopg2")
