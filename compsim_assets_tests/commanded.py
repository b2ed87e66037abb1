"""Runs by Dagster's command, in processes of their own, for tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg

from compsim_assets_tests.runs import REPOSITORY, Run


class Commanded(Run):
    """Results of a local universe by Dagster's command, with the repository's own instance settings."""

    def open_history(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.folder / "dagster"))


def materialize_by_command(folder: Path, universe: Path) -> None:
    """clusters with what they need, and a figure, in a process of its own, with the workers as two processes."""
    (folder / "dagster").mkdir()
    shutil.copy(REPOSITORY / ".dagster" / "dagster.yaml", folder / "dagster")
    settings = {
        "COMPSIM_SOURCE": "local",
        "COMPSIM_UNIVERSE": str(universe),
        "COMPSIM_DATA": str(folder / "data"),
        "COMPSIM_NPROC": "2",
        "DAGSTER_HOME": str(folder / "dagster"),
    }
    command = [sys.executable, "-m", "dagster", "asset", "materialize"]
    command += ["-m", "compsim_assets.definitions", "--partition", "base"]
    command += ["--select", "key:clusters or +key:clusters or key:feature_distribution or key:feature_value_histogram"]
    run = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True)
    (folder / "output.txt").write_text(run.stdout + run.stderr)
    assert run.returncode == 0, run.stdout + run.stderr
