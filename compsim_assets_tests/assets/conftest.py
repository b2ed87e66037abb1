"""Runs that several files of asset tests read."""

from pathlib import Path

import pytest

from compsim_assets_tests.assets.pair_universes import (
    SETS,
    Remembered,
    as_table,
    cut_as_published,
    invented_pairs,
    publish_clusters,
    write_pairs,
)
from compsim_assets_tests.runs import once


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Remembered:
    """All tables of invented pairs, some without a correlation, and of the clusters that the published cutoffs make of
    them; read only.
    """

    def make(folder: Path) -> None:
        write_pairs(folder / "universe", invented_pairs())
        for mode, name in SETS.items():
            publish_clusters(folder / "universe", name, as_table(cut_as_published(mode)))
        run = Remembered(folder)
        run.rebuild("none")
        run.remember()

    return Remembered(once(tmp_path_factory, "replayed", make))
