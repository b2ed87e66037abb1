"""One world for all tests that only read it."""

from pathlib import Path

import pytest

from compsim_assets.explore.tables import Tables
from compsim_assets_tests.explore.worlds import World


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def data(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose sample is the world; read only."""
    folder = tmp_path_factory.mktemp("answers")
    world.write(folder / "sample")
    return folder


@pytest.fixture
def tables(data: Path) -> Tables:
    from compsim_assets.read import open_results

    return Tables.of(open_results(data=data))
