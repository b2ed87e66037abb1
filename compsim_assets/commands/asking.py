"""How a command ends: 0 with an answer, 1 where it found something wrong, 2 for a question that cannot be asked."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from compsim_assets.explore.questions import Unanswerable
from compsim_assets.storage.lineage import StaleResult
from compsim_assets.storage.reading import DamagedResult
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    from compsim_assets.settings import Settings

WRONG, UNASKABLE = 1, 2
_OF_THE_SYSTEM = (FileNotFoundError, FileExistsError, NotADirectoryError, PermissionError)


@contextmanager
def asking() -> Iterator[None]:
    """Turns what cannot be asked into one message on standard error and exit code 2.

    That is an input that cannot be used, a file that is not there, and a result that is not there, damaged or of the
    past, a company that nobody knows. Any other error is a fault in the program and keeps its traceback.
    """
    try:
        yield
    except (UniverseError, Unanswerable, StaleResult, DamagedResult, *_OF_THE_SYSTEM) as problem:
        typer.echo(f"compsim: {problem}", err=True)
        raise typer.Exit(UNASKABLE) from None
    except Exception as problem:
        if not (what := _of_a_disk(problem)):
            raise
        typer.echo(f"compsim: {what}", err=True)
        raise typer.Exit(UNASKABLE) from None


def _of_a_disk(problem: Exception) -> str:
    """What is said of a disk that is full or cannot be written; empty for another problem."""
    if isinstance(problem, OSError) and problem.errno == errno.ENAMETOOLONG:
        return str(problem)
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return f"{problem}: look at the disks of COMPSIM_DATA, DAGSTER_HOME and TMPDIR"
    # SQLite calls a full disk an error of input and output; SQLAlchemy, whose class it is, is loaded by Dagster alone.
    if type(problem).__name__ == "OperationalError" and "sqlite3" in str(problem):
        home, first = os.environ.get("DAGSTER_HOME", ""), str(problem).partition("\n")[0]
        return f"Dagster's history in {home} cannot be written, {first}: is its disk full, or its folder read-only?"
    return ""


def settings() -> "Settings":
    """Where data and results are, by the environment.

    Raises:
        UniverseError: a variable with a value that it cannot have.
    """
    from compsim_assets.settings import Settings

    try:
        return Settings.from_environment()
    except ValueError as problem:
        raise UniverseError(str(problem)) from None
