"""Tiny models on disk, made once."""

import pytest

from compsim_assets_tests.workers import tiny_models
from compsim_assets_tests.workers.tiny_models import Kit


@pytest.fixture(scope="session")
def kits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kit]:
    return {
        kind: tiny_models.make_kit(tmp_path_factory.mktemp(kind), kind)
        for kind in ("llama", "bert")
    }


@pytest.fixture(params=["llama", "bert"])
def kit(request: pytest.FixtureRequest, kits: dict[str, Kit]) -> Kit:
    return kits[request.param]


@pytest.fixture
def llama(kits: dict[str, Kit]) -> Kit:
    return kits["llama"]
