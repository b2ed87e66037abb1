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


# clusters with what they need, and a figure.
SELECTION = "key:clusters or +key:clusters or key:feature_distribution or key:feature_value_histogram"


def environment(folder: Path, universe: Path) -> dict[str, str]:
    """For commands on this universe, with the workers as two processes."""
    return os.environ | {
        "COMPSIM_SOURCE": "local",
        "COMPSIM_UNIVERSE": str(universe),
        "COMPSIM_DATA": str(folder / "data"),
        "COMPSIM_NPROC": "2",
        "DAGSTER_HOME": str(folder / "dagster"),
    }


def command(folder: Path, universe: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A program of the environment, run to its end; its output is kept beside what it makes."""
    run = subprocess.run(
        [sys.executable, "-m", *words], env=environment(folder, universe), capture_output=True, text=True
    )  # fmt: skip
    (folder / "output.txt").write_text(run.stdout + run.stderr)
    return run


def materialize_by_command(folder: Path, universe: Path) -> None:
    """The selection of both modes in one run, in a process of its own."""
    (folder / "dagster").mkdir()
    shutil.copy(REPOSITORY / ".dagster" / "dagster.yaml", folder / "dagster")
    options = ("-m", "compsim_assets.definitions", "--partition-range", "base...rolling", "--select", SELECTION)
    run = command(folder, universe, "dagster", "asset", "materialize", *options)
    assert run.returncode == 0, run.stdout + run.stderr
