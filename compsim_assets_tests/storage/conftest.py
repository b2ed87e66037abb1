"""A results folder of a test's own."""

from pathlib import Path

import pytest

from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=str(tmp_path))


@pytest.fixture
def results(settings: Settings) -> Results:
    return Results.of(settings)
