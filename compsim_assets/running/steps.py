"""The server that steps are forked from, started before anything else so that it loads while the command does."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import forkserver

from compsim_assets.launch.environment import set_defaults

PRELOADED = ["compsim_assets.preloaded"]
MOST_LETTERS = 74  # of 107, of which multiprocessing needs the rest


def start_server(silent: bool) -> None:
    """Start it; Dagster's executor then uses the one that runs.

    Args:
        silent: keep off the terminal what steps print; Dagster keeps it in files.
    """
    set_defaults()
    refuse_long_temporary_folder()
    forkserver.set_forkserver_preload(PRELOADED)
    with _silenced() if silent else nullcontext():
        forkserver.ensure_running()


def refuse_long_temporary_folder() -> None:
    """The server listens at a socket in the temporary folder, and the system takes so many letters of its path.

    Raises:
        OSError: TMPDIR is too long.
    """
    folder = tempfile.gettempdir()
    if (length := len(os.fsencode(folder))) > MOST_LETTERS:
        raise OSError(
            errno.ENAMETOOLONG,
            f"TMPDIR is too long for sockets, {length} letters of {MOST_LETTERS} at most: set a shorter one", folder,
        )  # fmt: skip


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
