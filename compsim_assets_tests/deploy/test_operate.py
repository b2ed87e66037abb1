"""The operator's page: what it tells to type works, in the order in which it is told."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from compsim_assets.cli import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operate.md").read_text()
RUN, SHOWN = (re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for kind in ("bash", "console"))
pytestmark = pytest.mark.waits(70)


def script(blocks: list[str]) -> str:
    """All blocks as one program that ends at the first line which does not do what the page says of it."""
    lines = ["set -euo pipefail", "mkdir backup"]
    for line in "".join(blocks).splitlines():
        lines.append(f"echo '+++' {line!r}" if "'" not in line else "echo '+++ another'")
        if expected := re.search(r"^(.+?)\s+# exit (\d)$", line):
            command, code = expected.groups()
            lines.append(f"code=0; {command} || code=$?; [ $code = {code} ]")
        else:
            lines.append(line)
    return "\n".join([*lines, "echo whole"])


@pytest.mark.timeout(900)
def test_every_command_works_in_this_order(tmp_path: Path, short_folder: Path, tiny_universe: Path) -> None:
    shutil.copytree(tiny_universe, tmp_path / "universe")
    (tmp_path / "home").mkdir()
    shutil.copy(ROOT / "compsim_assets/running/dagster.yaml", tmp_path / "home")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COMPSIM_SOURCE": "local",
        "COMPSIM_UNIVERSE": str(tmp_path / "universe"),
        "COMPSIM_DATA": str(tmp_path / "data"),
        "DAGSTER_HOME": str(tmp_path / "home"),
        "TMPDIR": str(short_folder),
    }
    run = subprocess.run(
        ["bash", "-c", script(RUN)], env=environment, cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert run.stdout.splitlines()[-1] == "whole"
    # The drills did what they say.
    assert "returns.parquet (returns): another content than was published" in run.stdout
    assert "prices.parquet" in run.stdout
    assert len(re.findall(r"files of 1 version hold what was published", run.stdout)) == 4


def test_there_is_something_to_run() -> None:
    assert len(RUN) >= 7
    assert len(SHOWN) >= 5
    for title in ("Install", "Upgrade", "Back up and restore", "Watch", "What an error asks for", "Drills"):
        assert f"\n## {title}\n" in PAGE
    drills = re.findall(r"^\*\*(.+?)\.\*\*", PAGE.split("## Drills")[1], re.MULTILINE)
    assert len(drills) == 5


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.split()[0])
def test_what_cannot_run_here_is_at_least_well_formed(block: str) -> None:
    assert subprocess.run(["bash", "-n", "-c", block]).returncode == 0
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert set(re.findall(r"(?:^|entrypoint |=\S+ )compsim (\w+)", block, re.MULTILINE)) <= commands
    for path in re.findall(r"(?:^|[ /])(deploy/[\w./*-]+)", block):
        assert list(ROOT.glob(path.rstrip("/"))), path
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    for named in re.findall(r"docker compose (?:exec(?: -T)?|restart) (\w+)", block):
        assert named in services
    units = {path.name for path in (ROOT / "deploy/systemd").iterdir()}
    for named in re.findall(r"systemctl [\w -]*?(compsim[\w-]*)(?:\.target)?\s", block):
        assert {f"{named}.service", f"{named}.target"} & units, named


def test_errors_on_the_page_are_errors_that_exist() -> None:
    """Each is said somewhere in the code, or by Dagster and the system in the words that are quoted."""
    others = ("No space left on device", "too many retries for DB connection")
    code = "\n".join(path.read_text() for path in (ROOT / "compsim_assets").rglob("*.py"))
    code += (ROOT / "deploy/entrypoint").read_text()
    squeezed = re.sub(r'"\s*\n\s*f?"', "", code)
    rows = re.findall(r"^\| (`.+?) \|", PAGE.split("## What an error asks for")[1].split("\n## ")[0], re.MULTILINE)
    assert len(rows) > 8
    for message in (text for row in rows for text in re.findall(r"`([^`]+)`", row)):
        if message not in others:
            for part in message.split("..."):
                assert part.strip(" ,:") in squeezed, message
