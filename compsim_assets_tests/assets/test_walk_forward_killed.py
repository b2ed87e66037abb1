"""A walk-forward step that was killed: finished years are not made again, and the tables are the same bytes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import compsim_assets.science.cutoffs.walk_forward as science
from compsim_assets.storage.results import read_table
from compsim_assets_tests.assets.test_walk_forward import TABLES, YEARS, copied, materialize, walked_in
from compsim_assets_tests.runs import Local

# Kills itself as hard as it gets once the first year is on the disk.
KILLED = """
import os, signal, sys
from pathlib import Path
from compsim_assets.storage.finished import FinishedParts
from compsim_assets_tests.assets.test_walk_forward import TABLES, materialize
from compsim_assets_tests.runs import Local

keep = FinishedParts.keep

def keep_and_die(parts, key, arrays):
    keep(parts, key, arrays)
    os.kill(os.getpid(), signal.SIGKILL)

FinishedParts.keep = keep_and_die
materialize(Local(Path(sys.argv[1])), TABLES)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_universe: Path) -> Local:
    """Made without a kill. Read only."""
    run = walked_in(tmp_path_factory.mktemp("whole"), tiny_universe)
    assert not _finished(run)
    return run


def _finished(run: Local) -> list[Path]:
    return list((run.results.folder / ".finished" / "walk_forward").glob("*"))


def _without_results(run: Local, folder: Path) -> Local:
    other = copied(run, folder)
    for name in TABLES:
        other.results.table(name).unlink()
    return other


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The years that each step has asked for."""
    years: list[list[int]] = []
    original = science.walk_forward

    def noted(*inputs: Any, **options: Any) -> Iterator[science.EvaluatedYear]:
        years.append(sorted(options["only"]))
        return original(*inputs, **options)

    monkeypatch.setattr(science, "walk_forward", noted)
    return years


def _assert_same(run: Local, whole: Local) -> None:
    for name in TABLES:
        again, once = (read_table(r.results.table(name)).replace_schema_metadata() for r in (run, whole))
        assert again.num_rows > 0
        assert again.equals(once)
        assert run.results.content(name) == whole.results.content(name)


def test_the_years_that_a_killed_process_has_finished_are_not_made_again(
    whole: Local, tmp_path: Path, asked: list[list[int]]
) -> None:
    run = _without_results(whole, tmp_path)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(_finished(run)) == 1
    assert not any(run.results.table(name).exists() for name in TABLES)
    assert materialize(run, TABLES).success
    assert asked == [YEARS[1:]]
    _assert_same(run, whole)
    assert not _finished(run)


def test_years_of_other_settings_are_made_anew(
    whole: Local, tmp_path: Path, asked: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All years are finished, but nothing is published: asked for again with another number of axes, all are made."""
    run = _without_results(whole, tmp_path)
    with monkeypatch.context() as dying:
        from compsim_assets.assets import walk_forward as module

        dying.setattr(module, "_outputs", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            materialize(run, TABLES)
    assert len(_finished(run)) == len(YEARS)
    assert materialize(run, TABLES, {"n_components": 7}).success
    assert asked == [YEARS, YEARS]
    assert not _finished(run)
