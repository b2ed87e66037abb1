"""Fixtures for runs against the stand-in for the hub: one hub and one process for all of a session's runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from compsim_assets_tests.from_hub.paper_data import PaperData, paper_data
from compsim_assets_tests.from_hub.runs import Place, Runner, SlowHub


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """One hub and one process for the runs of all tests."""
    folder = tmp_path_factory.mktemp("hub-runs")
    with SlowHub() as hub:
        runner = Runner(hub, folder)
        yield runner
        runner.close()


@pytest.fixture
def place(runner: Runner, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    words = re.sub(r"\W+", "-", request.node.name)[:60].strip("-")
    yield Place(runner.hub, runner, words, tmp_path)
    runner.hub.behave()
    runner.hub.delay = 0.0


@pytest.fixture(scope="session")
def data(tiny_universe: Path) -> PaperData:
    """The tiny universe in the shape of the paper's data sets."""
    return paper_data(tiny_universe)


@pytest.fixture
def on_hub(place: Place, data: PaperData) -> Place:
    """The three data sets under names of the test's own."""
    for table in ("reports", "features", "pairs"):
        place.commit(table, getattr(data, table))
    return place
