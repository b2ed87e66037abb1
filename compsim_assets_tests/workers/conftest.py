"""Tiny models on disk, made once."""

from collections.abc import Iterator

import pytest
import torch

from compsim_assets_tests.launch.warm import server
from compsim_assets_tests.workers import tiny_models
from compsim_assets_tests.workers.tiny_models import Kit

__all__ = ["server"]


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def kits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kit]:
    return {kind: tiny_models.make_kit(tmp_path_factory.mktemp(kind), kind) for kind in ("llama", "bert")}


@pytest.fixture(params=["llama", "bert"])
def kit(request: pytest.FixtureRequest, kits: dict[str, Kit]) -> Kit:
    return kits[request.param]


@pytest.fixture
def llama(kits: dict[str, Kit]) -> Kit:
    return kits["llama"]
