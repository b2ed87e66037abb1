"""Writers that are killed, or that write at the same time: what readers see is always one complete version."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from compsim_assets.storage import publish as module
from compsim_assets.storage.results import Results
from compsim_assets_tests.storage import publishing
from compsim_assets_tests.storage.publishing import PUBLISH, VERSION

KINDS = ["table", "folder"]
Start = Callable[..., BaseProcess]


@pytest.fixture(scope="module")
def start() -> Start:
    """Starts a function in a process of its own, quickly: forked from a server that has all imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([publishing.__name__, "pandas", "pyarrow.parquet"])

    def begin(function: Callable[..., None], *arguments: Any) -> BaseProcess:
        process = context.Process(target=function, args=arguments, daemon=True)
        process.start()
        return process

    return begin


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def end(process: BaseProcess) -> int:
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def leftovers(results: Results) -> dict[str, int]:
    """How much is in the folders for scratch and for versions."""
    folders = (".scratch", ".versions")
    return {name: len(list((results.folder / name).glob("*"))) for name in folders}


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_writer_leaves_a_complete_version(kind: str, start: Start, tmp_path: Path) -> None:
    results, chance, interrupted = Results(tmp_path), random.Random(5), 0
    path = results.table("returns") if kind == "table" else results.array_folder("pca")
    PUBLISH[kind](results, 0)
    for _ in range(20):
        before = os.lstat(path).st_ino
        writer = start(publishing.publish_on_and_on, kind, tmp_path)
        until(lambda before=before: os.lstat(path).st_ino != before)
        time.sleep(chance.uniform(0, 0.02))
        writer.kill()
        assert end(writer) == -signal.SIGKILL
        interrupted += leftovers(results) != {".scratch": 0, ".versions": int(kind == "folder")}
        assert 1 <= VERSION[kind](results) <= 200
        PUBLISH[kind](results, 0)
        assert VERSION[kind](results) == 0
        assert leftovers(results) == {".scratch": 0, ".versions": int(kind == "folder")}
    assert interrupted > 0, "no kill hit a publication: the test showed nothing"


@pytest.mark.parametrize("kind", KINDS)
def test_death_before_any_step_of_a_publication(kind: str, start: Start, tmp_path: Path) -> None:
    results, seen = Results(tmp_path), []
    PUBLISH[kind](results, 1)
    for at in range(1, 100):
        writer = start(publishing.publish_and_die, kind, tmp_path, 2, at)
        died = end(writer) == -signal.SIGKILL
        seen.append(VERSION[kind](results))
        PUBLISH[kind](results, 1)
        assert VERSION[kind](results) == 1
        assert leftovers(results) == {".scratch": 0, ".versions": int(kind == "folder")}
        if not died:
            break
    assert not died
    assert seen[-1] == 2
    # The change of version is one step: all deaths before it leave the old one, all after it the new.
    assert seen == sorted(seen)
    assert seen.count(1) >= 4
    assert seen.count(2) >= 2


def test_the_first_version_appears_complete_or_not_at_all(start: Start, tmp_path: Path) -> None:
    for at in range(1, 100):
        folder = tmp_path / str(at)
        died = end(start(publishing.publish_and_die, "folder", folder, 2, at)) == -signal.SIGKILL
        path = Results(folder).array_folder("pca")
        assert not path.exists() or VERSION["folder"](Results(folder)) == 2
        if not died:
            break
    assert at > 4
    assert path.exists()


def test_the_scratch_of_a_living_writer_stays(start: Start, tmp_path: Path) -> None:
    results, context = Results(tmp_path), multiprocessing.get_context("forkserver")
    begun, go_on = context.Event(), context.Event()
    writer = start(publishing.write_slowly, tmp_path, begun, go_on)
    assert begun.wait(60)
    PUBLISH["table"](results, 3)
    PUBLISH["folder"](results, 4)
    assert VERSION["folder"](results) == 4
    assert leftovers(results) == {".scratch": 1, ".versions": 1}
    go_on.set()
    assert end(writer) == 0
    assert VERSION["folder"](results) == 7
    assert leftovers(results) == {".scratch": 0, ".versions": 1}


def test_a_version_that_another_writer_is_about_to_link_stays(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, replace = Results(tmp_path), module.os.replace
    PUBLISH["folder"](results, 1)

    def other_first(source: Any, target: Any) -> None:
        monkeypatch.setattr(module.os, "replace", replace)
        assert end(start(publishing.publish, "folder", tmp_path, 2)) == 0
        assert VERSION["folder"](results) == 2
        replace(source, target)

    monkeypatch.setattr(module.os, "replace", other_first)
    PUBLISH["folder"](results, 3)
    assert VERSION["folder"](results) == 3
    PUBLISH["folder"](results, 4)
    assert leftovers(results) == {".scratch": 0, ".versions": 1}


def test_a_writer_that_leaves_does_not_disturb_one_that_enters(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, uuid4 = Results(tmp_path), module.uuid.uuid4

    def other_first() -> Any:
        monkeypatch.setattr(module.uuid, "uuid4", uuid4)
        assert end(start(publishing.enter_and_leave_scratch, tmp_path)) == 0
        return uuid4()

    monkeypatch.setattr(module.uuid, "uuid4", other_first)
    with results.scratch("ours") as folder:
        assert folder.is_dir()
