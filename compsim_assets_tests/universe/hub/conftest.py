"""Fixtures for tests against the stand-in for the hub: one hub and one process for all of them.

It is online, with a token; its forks are offline, or reach no hub. All use one hub cache, as the processes of one user
do.
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


@pytest.fixture(scope="session")
def online(environment: dict, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(environment, tmp_path_factory.mktemp("client") / "stderr.txt")
    yield client
    client.close()


@pytest.fixture(scope="session")
def offline(online: Client) -> Client:
    return online.under(HF_HUB_OFFLINE="1")


@pytest.fixture(scope="session")
def unconnected(online: Client) -> Client:
    with HubServer() as gone:
        pass
    return online.under(HF_ENDPOINT=gone.endpoint)


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
