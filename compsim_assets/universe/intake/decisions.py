"""The intake's record: one row per decision on a file of a universe."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

FINE, ASSUMED, LEFT_OUT, MISSING, SUSPICIOUS, REFUSED = GRADES = (
    "fine", "assumed", "left_out", "missing", "suspicious", "refused",
)  # fmt: skip


@dataclass(frozen=True)
class Decision:
    """A row of `universe_report`.

    file: relative to the universe's folder. subject: the column, table or rule it is about. grade: one of `GRADES`.
    what: what was decided and why. count: rows, values or files that it is about. example: the first of them.
    remedy: what to do where it is not right; empty where nothing need be done.
    """

    file: str
    subject: str
    grade: str
    what: str
    count: int = 0
    example: str = ""
    remedy: str = ""


class Decisions:
    """All decisions on one universe, in the order in which they are made.

    A decision that is made again, since a file is read for several tables, is recorded once.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._rows: dict[Decision, None] = {}

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._rows)

    def add(self, decision: Decision) -> None:
        """Record a decision, unless it is recorded; files are named within the folder."""
        what, example = self._inside(decision.what), self._inside(decision.example)
        self._rows.setdefault(replace(decision, what=what, example=example))

    def _inside(self, text: str) -> str:
        """A text without the folder's own path."""
        return text.replace(f"{self._folder}/", "") if self._folder else text

    def of(self, file: str | Path) -> "Notes":
        """Where to say what is decided on this file."""
        path = Path(file)
        inside = self._folder is not None and path.is_absolute() and path.is_relative_to(self._folder)
        return Notes(self, path.relative_to(self._folder).as_posix() if inside and self._folder else str(file))


@dataclass(frozen=True)
class Notes:
    """Says decisions on one file; see `Decision` for the words."""

    decisions: Decisions
    file: str

    def fine(self, subject: str, what: str, count: int = 0, example: str = "", remedy: str = "") -> None:
        """Read as it is."""
        self._add(subject, FINE, what, count, example, remedy)

    def assumed(self, subject: str, what: str, count: int = 0, example: str = "", remedy: str = "") -> None:
        """Read in a way that the file does not say itself; universe.toml can say otherwise."""
        self._add(subject, ASSUMED, what, count, example, remedy)

    def left_out(self, subject: str, what: str, count: int = 0, example: str = "", remedy: str = "") -> None:
        """Not used."""
        self._add(subject, LEFT_OUT, what, count, example, remedy)

    def missing(self, subject: str, what: str, count: int = 0, example: str = "", remedy: str = "") -> None:
        """Not there, and what cannot be made without it."""
        self._add(subject, MISSING, what, count, example, remedy)

    def suspicious(self, subject: str, what: str, count: int = 0, example: str = "", remedy: str = "") -> None:
        """Used as it is, though it looks wrong."""
        self._add(subject, SUSPICIOUS, what, count, example, remedy)

    def _add(self, subject: str, grade: str, what: str, count: int, example: str, remedy: str) -> None:
        self.decisions.add(Decision(self.file, subject, grade, what, int(count), example, remedy))
