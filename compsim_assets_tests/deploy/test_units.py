"""systemd units: systemd itself reads them, and says how much they may."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
ENVIRONMENT = dict(
    line.split("=", 1) for line in (DEPLOY / "systemd/environment").read_text().splitlines() if line[:1].isupper()
)
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def read(unit: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    return parser


def test_the_units_are_there() -> None:
    assert [unit.stem for unit in UNITS] == ["compsim-code", "compsim-daemon", "compsim-webserver"]
    wants = read(DEPLOY / "systemd/compsim.target")["Unit"]["Wants"].split()
    assert wants == [unit.name for unit in UNITS]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_comes_back_in_order_and_takes_secrets_from_a_file(unit: Path) -> None:
    parts = read(unit)
    service, before = parts["Service"], parts["Unit"]["After"].split()
    assert (service["Restart"], parts["Unit"]["StartLimitIntervalSec"]) == ("always", "0")
    assert service["User"] == "compsim"
    assert "postgresql.service" in before
    assert ("compsim-code.service" in before) == (unit.stem != "compsim-code")
    assert service["LoadCredential"] == "DAGSTER_PG_PASSWORD:/etc/compsim/secrets/DAGSTER_PG_PASSWORD"
    assert service["EnvironmentFile"] == "/etc/compsim/environment"
    command = service["ExecStart"].split()
    assert (DEPLOY / Path(command[0]).name).exists()
    assert not re.search(r"0\.0\.0\.0|::", service["ExecStart"])
    if "--host" in command:
        assert command[command.index("--host") + 1] == "127.0.0.1"


def test_the_environment_has_no_secret_and_stays_in_what_a_unit_may_write() -> None:
    assert not [name for name in ENVIRONMENT if re.search("PASSW|SECRET|TOKEN", name)]
    for name in ("COMPSIM_DATA", "DAGSTER_HOME", "HOME", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
        assert Path(ENVIRONMENT[name]).is_relative_to("/var/lib/compsim"), name
    assert all(read(unit)["Service"]["StateDirectory"] == "compsim" for unit in UNITS)


def test_a_step_that_needs_too_much_memory_does_not_end_the_others() -> None:
    service = read(DEPLOY / "systemd/compsim-code.service")["Service"]
    assert service["OOMPolicy"] == "continue"
    assert "MemoryMax" in service


@needs_systemd
def test_systemd_takes_them(tmp_path: Path) -> None:
    """With stand-ins for the programs, which are not in /opt here."""
    (tmp_path / "program").write_text("#!/bin/sh\n")
    (tmp_path / "program").chmod(0o755)
    for path in (DEPLOY / "systemd").glob("compsim*"):
        text = path.read_text()
        assert text.count("/opt/compsim/deploy/entrypoint") == (path.suffix == ".service")
        (tmp_path / path.name).write_text(text.replace("/opt/compsim/deploy/entrypoint", str(tmp_path / "program")))
    (tmp_path / "postgresql.service").write_text(f"[Service]\nExecStart={tmp_path / 'program'}\n")
    units = [str(tmp_path / path.name) for path in (*UNITS, DEPLOY / "systemd/compsim.target")]
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True, text=True, env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    ours = [line for line in verified.stderr.splitlines() if "compsim" in line]
    assert (verified.returncode, ours) == (0, []), verified.stderr
    broken = tmp_path / UNITS[0].name
    broken.write_text(broken.read_text().replace("Restart=always", "Restart=perhaps\nNoSuchKey=1"))
    again = subprocess.run(["systemd-analyze", "verify", "--man=no", str(broken)], capture_output=True, text=True)
    assert "perhaps" in again.stderr
    assert "NoSuchKey" in again.stderr


@needs_systemd
def test_systemd_finds_little_that_they_may() -> None:
    for unit in UNITS:
        run = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=21", str(unit)],
            capture_output=True, text=True,
        )  # fmt: skip
        if "offline" in run.stderr:
            pytest.skip(f"this systemd judges no files: {run.stderr}")
        assert run.returncode == 0, run.stdout
