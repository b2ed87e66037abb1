"""Processes that start warm: forked from a server that has imported Dagster and torch once for all tests."""

import faulthandler
import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import psutil
import pytest

# A program of tiny models takes seconds.
_PATIENCE = 180

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["compsim_assets.launch.torchrun", "compsim_assets.launch.worker"])


@pytest.fixture(scope="session", autouse=True)
def server() -> Iterator[None]:
    """Ends the server with the tests, so that its time is counted as theirs."""
    yield
    stop_server()


def stop_server() -> None:
    """End the fork server of this process, if there is one; by itself it waits for all that it has started."""
    if pid := forkserver._forkserver._forkserver_pid:  # type: ignore[attr-defined]
        os.kill(pid, signal.SIGKILL)
    forkserver._forkserver._stop()  # type: ignore[attr-defined]


def start(
    work: Callable[..., None], *arguments: Any, folder: Path, environment: Mapping[str, str] | None = None
) -> ForkServerProcess:
    """Start `work` in `folder`, with this environment or the test's; its output goes to files there."""
    process = _CONTEXT.Process(target=_become, args=(work, arguments, dict(environment or os.environ), folder))
    process.start()
    return process


def _become(work: Callable[..., None], arguments: Sequence[Any], environment: dict[str, str], folder: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    tempfile.tempdir = None  # the server's
    for stream, name in ((1, "output.txt"), (2, "errors.txt")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND), stream)
    faulthandler.register(signal.SIGUSR1, file=2)
    work(*arguments)


@dataclass(frozen=True)
class Ended:
    """How a program's ranks ended: the first bad exit code, or 0, and what they wrote."""

    code: int
    output: str
    errors: str

    @property
    def result(self) -> dict[str, Any]:
        """What rank 0 reported."""
        assert self.code == 0, self.errors
        return dict(json.loads(self.output.splitlines()[-1]))


def by_hand(
    program: str,
    extras: Mapping[str, Any],
    folder: Path,
    ranks: int = 0,
    imports: Sequence[str] = (),
    play: Callable[..., None] | None = None,
) -> Ended:
    """Run a worker program to its end, without Dagster: alone, or as so many ranks as torchrun would start them.

    Ranks compute on one thread. They are forked once the program and `imports`, what it imports late, are there; by
    `play` where a test prepares something first, `play_torchrun` otherwise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    process = start(play or play_torchrun, program, json.dumps(extras), folder, ranks, imports, folder=folder)
    try:
        process.join(_PATIENCE)
        if process.is_alive():
            _show_stacks(process.pid)
    finally:
        # What hangs would hold the server's pipe, and with it every test after this one.
        _kill_tree(process.pid)
        process.join()
    output, errors = ((folder / f"{name}.txt").read_text() for name in ("output", "errors"))
    assert process.exitcode != -signal.SIGKILL, f"{program} did not end within {_PATIENCE} s:\n{errors}"
    assert process.exitcode is not None
    return Ended(process.exitcode, output, errors)


def _show_stacks(pid: int | None) -> None:
    """Where each process of a program is, in its `errors.txt`."""
    for process in _tree(pid):
        with suppress(psutil.Error):
            process.send_signal(signal.SIGUSR1)
            time.sleep(1)


def _kill_tree(pid: int | None) -> None:
    for process in _tree(pid):
        with suppress(psutil.Error):
            process.kill()


def _tree(pid: int | None) -> list[psutil.Process]:
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def play_torchrun(program: str, extras: str, folder: Path, ranks: int, imports: Sequence[str]) -> None:
    """Be torchrun: start so many ranks of a program, and end as it does when one fails."""
    warnings.simplefilter("ignore")  # that the program is imported already
    sys.argv = [program, extras]
    if not ranks:
        runpy.run_module(program, run_name="__main__")
        return
    for name in (program, *imports):
        importlib.import_module(name)
    running = {_fork(program, folder / "ranks" / str(rank), rank, ranks) for rank in range(ranks)}
    first_bad = 0
    while running:
        pid, status = os.wait()
        running.remove(pid)
        code = os.waitstatus_to_exitcode(status)
        if code and not first_bad:
            first_bad = code
            for other in running:
                os.kill(other, signal.SIGTERM)
    sys.exit(first_bad)


def _fork(program: str, folder: Path, rank: int, ranks: int) -> int:
    import torch

    if pid := os.fork():
        return pid
    folder.mkdir(parents=True)
    torch.set_num_threads(1)
    variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": ranks, "GROUP_WORLD_SIZE": 1}
    os.environ.update({name: str(value) for name, value in variables.items()})
    os.environ["TORCHELASTIC_RUN_ID"] = "played"
    os.environ["TORCHELASTIC_ERROR_FILE"] = str(folder / "error.json")
    runpy.run_module(program, run_name="__main__")
    sys.stdout.flush()
    os._exit(0)
