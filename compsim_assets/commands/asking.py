"""How a command ends: 0 with an answer, 1 where it found something wrong, 2 for a question that cannot be asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    from compsim_assets.settings import Settings

WRONG, UNASKABLE = 1, 2


@contextmanager
def asking() -> Iterator[None]:
    """Turns what cannot be asked into one message on standard error and exit code 2.

    That is an input that cannot be used, and a file or a result that is not there. Any other error is a fault in the
    program and keeps its traceback.
    """
    try:
        yield
    except (UniverseError, FileNotFoundError, FileExistsError, NotADirectoryError, PermissionError) as problem:
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
