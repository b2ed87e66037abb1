"""How a command ends: 0 with an answer, 1 where it found something wrong, 2 for a question that cannot be asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

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
    past. Any other error is a fault in the program and keeps its traceback.
    """
    try:
        yield
    except (UniverseError, StaleResult, DamagedResult, *_OF_THE_SYSTEM) as problem:
        typer.echo(f"compsim: {problem}", err=True)
        raise typer.Exit(UNASKABLE) from None


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
