"""Fixtures for tests against the stand-in for the hub: one hub and one process of each kind for all of them.

One process is online, with a token, one is offline, and one reaches no hub. All use one hub cache, as the processes
of one user do.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from compsim_assets.universe.hub import HubDataset, HubRevision
from compsim_assets_tests.universe.hub.client import FILES, TOKEN, Client
from compsim_assets_tests.universe.hub.server import HubServer


@pytest.fixture(scope="session")
def server() -> Iterator[HubServer]:
    with HubServer() as running:
        yield running


@pytest.fixture(scope="session")
def environment(server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**server.environment(tmp_path_factory.mktemp("hf")), "HF_TOKEN": TOKEN}


def _client(environment: dict[str, str], factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(environment, factory.mktemp("client") / "stderr.txt")
    yield client
    client.close()


@pytest.fixture(scope="session")
def online(environment: dict, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    yield from _client(environment, tmp_path_factory)


@pytest.fixture(scope="session")
def offline(environment: dict, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    yield from _client({**environment, "HF_HUB_OFFLINE": "1"}, tmp_path_factory)


@pytest.fixture(scope="session")
def unconnected(environment: dict, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with HubServer() as gone:
        pass
    yield from _client({**environment, "HF_ENDPOINT": gone.endpoint}, tmp_path_factory)


@pytest.fixture
def name(request: pytest.FixtureRequest, server: HubServer) -> Iterator[str]:
    """A data set of the test's own; the hub's faults end with the test."""
    words = re.sub(r"\W+", "-", f"{request.path.stem}-{request.node.name}")
    yield f"owner/{words[:80].strip('-')}"
    server.behave()


@pytest.fixture
def revision(server: HubServer, online: Client, name: str, tmp_path: Path) -> HubRevision:
    """A data set of two files, looked up."""
    server.commit(name, FILES)
    return online.get("resolve", HubDataset(name), tmp_path)
