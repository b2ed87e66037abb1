"""The server that steps are forked from, started before anything else so that it loads while the command does."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import forkserver

from compsim_assets.launch.environment import set_defaults

PRELOADED = ["compsim_assets.preloaded"]


def start_server(silent: bool) -> None:
    """Start it; Dagster's executor then uses the one that runs.

    Args:
        silent: keep off the terminal what steps print; Dagster keeps it in files.
    """
    set_defaults()
    forkserver.set_forkserver_preload(PRELOADED)
    with _silenced() if silent else nullcontext():
        forkserver.ensure_running()


@contextmanager
def _silenced() -> Iterator[None]:
    """Whatever is started inside writes nowhere."""
    copies = [os.dup(1), os.dup(2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        yield
    finally:
        for stream, copy in zip((1, 2), copies, strict=True):
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)
