"""Isolation from the machine, and universes and runs that many tests read."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from compsim_assets_tests.runs import Rebuilt, Run
    from compsim_assets_tests.whole.pair_universes import Remembered

REPOSITORY = Path(__file__).parents[1]
_SETTINGS = (
    "SOURCE", "UNIVERSE", "NPROC", "SIMILARITY", "DROP_WITHOUT_SIC_CODE", "DROP_WITHOUT_RETURNS",
    "INBOX", "UNATTENDED", "AUTOMATE", "UI", "WEBHOOK", "WEBHOOK_SECRET", "WEBHOOK_SECRET_FILE",
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
    # Heavy steps of one machine take turns by a lock beside its temporary files: those of tests wait for no others.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="c", dir=os.environ["PYTEST_DEBUG_TEMPROOT"])
    os.chmod(os.environ["TMPDIR"], 0o755)  # PostgreSQL runs as another user
    # After multiprocessing has removed its own folder inside, which it does at -100.
    util.Finalize(None, shutil.rmtree, (os.environ["TMPDIR"],), {"ignore_errors": True}, exitpriority=-200)
    tempfile.tempdir = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules marked `waits` first, the longest at the head: no process of pytest-xdist is left alone with them."""
    items.sort(key=_seconds_waiting, reverse=True)


def _seconds_waiting(item: pytest.Item) -> int:
    marker = item.get_closest_marker("waits")
    return marker.args[0] if marker else 0


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for TMPDIR: sockets have short names, and pytest's own folders have long ones."""
    folder = Path(tempfile.mkdtemp(prefix="c", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


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

    Workers run under torchrun, one process each.
    """
    from compsim_assets.launch.torchrun import Torchrun
    from compsim_assets_tests.runs import Rebuilt, once

    folder = once(tmp_path_factory, "rebuilt", lambda folder: Rebuilt(folder).rebuild_sample(Torchrun(nproc="1")))
    return Rebuilt(folder)


@pytest.fixture(scope="session")
def from_command_line(tmp_path_factory: pytest.TempPathFactory, tiny_universe: Path) -> "Run":
    """clusters with all they need, and a figure, by Dagster's own command on an empty data folder; two processes; read
    only.
    """
    from compsim_assets_tests.commanded import Commanded, materialize_by_command
    from compsim_assets_tests.runs import once

    folder = once(tmp_path_factory, "command-line", lambda folder: materialize_by_command(folder, tiny_universe))
    return Commanded(folder, "local")


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> "Remembered":
    """All tables of invented pairs, some without a correlation, and of the clusters that the published cutoffs make of
    them; read only.
    """
    from compsim_assets_tests.runs import once
    from compsim_assets_tests.whole.pair_universes import Remembered, replay

    return Remembered(once(tmp_path_factory, "replayed", replay))
