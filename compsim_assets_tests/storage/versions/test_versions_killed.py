"""Publishers that are killed, and readers in between: what is read is always one whole version."""

import multiprocessing
import random
import signal
import time
from pathlib import Path

import pytest

from compsim_assets.storage.results import Results
from compsim_assets.storage.versions import Versions
from compsim_assets_tests.storage.versions import rebuilds
from compsim_assets_tests.storage.versions.rebuilds import numbers, publish, publish_on_and_on


@pytest.fixture(scope="module")
def context() -> multiprocessing.context.BaseContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([rebuilds.__name__, "pyarrow.parquet", "filelock", "xxhash"])
    return context


def test_killed_at_any_moment_readers_have_a_whole_version(
    context: multiprocessing.context.BaseContext, tmp_path: Path
) -> None:
    chance, seen, moments = random.Random(3), set[str](), 12
    results, versions = Results(tmp_path), Versions(Results(tmp_path))
    publish(tmp_path, 201)
    for _ in range(moments):
        process = context.Process(target=publish_on_and_on, args=(tmp_path,), daemon=True)
        before, deadline = versions.current(), time.monotonic() + 60
        process.start()
        while versions.current() == before:  # on a busy machine its start takes seconds
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(chance.random())
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        version = versions.current()
        assert version
        assert list(version.damaged()) == []
        assert len(numbers(version.results)) == 1
        seen.add(version.id)
    assert len(seen) > moments // 2
    number = numbers(version.results).pop()
    again = publish(tmp_path, 1 + number % 200)
    assert numbers(Versions(results).get(again).results) == {1 + number % 200}
    assert [path.name for path in versions.root.glob(".*") if path.name != ".lock"] == []
    assert list((tmp_path / ".scratch").iterdir()) == []


def test_a_reader_stays_in_one_version_while_others_are_published(
    context: multiprocessing.context.BaseContext, tmp_path: Path
) -> None:
    publish(tmp_path, 1)
    process = context.Process(target=publish_on_and_on, args=(tmp_path,), daemon=True)
    process.start()
    try:
        seen, until = set[str](), time.monotonic() + 5
        while time.monotonic() < until:
            version = Versions(Results(tmp_path)).current()
            assert version
            try:
                assert len(numbers(version.results)) == 1
            except FileNotFoundError:  # three are kept here, and a slow reader can be overtaken
                assert not version.folder.exists()
            seen.add(version.id)
    finally:
        process.kill()
        process.join()
    assert len(seen) > 3
