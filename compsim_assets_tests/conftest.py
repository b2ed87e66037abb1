"""Isolation from the machine, and universes and runs that many tests read."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from compsim_assets_tests.runs import Rebuilt, Run

REPOSITORY = Path(__file__).parents[1]
_SETTINGS = (
    "SOURCE", "UNIVERSE", "NPROC", "SIMILARITY", "DROP_WITHOUT_SIC_CODE", "DROP_WITHOUT_RETURNS",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """No test, and no program that a test starts, finds the user's settings, home, data or Dagster history."""
    home = Path(tempfile.mkdtemp(prefix="compsim-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    for name in ("DAGSTER_HOME", *(f"COMPSIM_{name}" for name in _SETTINGS)):
        os.environ.pop(name, None)
    # Each of some hundred processes would compile torch and Dagster again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # Matplotlib's list of fonts takes seconds to make: kept where the Makefile keeps it.
    os.environ.setdefault("MPLCONFIGDIR", str(REPOSITORY / ".cache" / "matplotlib"))
    os.environ.update(HOME=str(home), COMPSIM_DATA=str(home / "data"), DAGSTER_DISABLE_TELEMETRY="yes")


# Files whose tests start processes and wait for them: first, so that no process of pytest-xdist is left alone with them.
_WAITING = (
    "ui/", "test_torchrun_slurm", "real_universe/test_platform", "from_hub/", "test_torchrun_nodes", "test_torchrun",
    "test_determinism", "workers/test_clusters", "test_benchmarks",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the order within a file stays."""

    def rank(item: pytest.Item) -> int:
        found = [number for number, name in enumerate(_WAITING) if name in item.nodeid]
        return found[0] if found else len(_WAITING)

    items.sort(key=rank)


@pytest.fixture(scope="session")
def tiny_universe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny synthetic universe; read only."""
    from compsim_assets.sample import generate
    from compsim_assets_tests.runs import TINY, once

    made = once(tmp_path_factory, "tiny", lambda folder: generate(folder / "universe", size=TINY))
    return made / "universe"


@pytest.fixture(scope="session")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> "Rebuilt":
    """The weekly rebuild on a tiny sample: both modes and the comparison; read only.

    The base mode's workers run under torchrun, one process each.
    """
    from compsim_assets.launch.torchrun import Torchrun
    from compsim_assets_tests.runs import Rebuilt, once

    folder = once(tmp_path_factory, "rebuilt", lambda folder: Rebuilt(folder).rebuild(Torchrun(nproc="1")))
    return Rebuilt(folder)


@pytest.fixture(scope="session")
def from_command_line(tmp_path_factory: pytest.TempPathFactory, tiny_universe: Path) -> "Run":
    """clusters and all they need, by Dagster's own command on an empty data folder; two processes; read only."""
    from compsim_assets_tests.runs import Commanded, materialize_by_command, once

    folder = once(tmp_path_factory, "command-line", lambda folder: materialize_by_command(folder, tiny_universe))
    return Commanded(folder, "local")
