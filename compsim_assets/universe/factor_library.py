"""Files of Kenneth French's library as downloaded: words, a table of months, a table of years, a copyright line."""

import csv
import gzip
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.layout import UniverseError

# A row begins with a month or a day: 192607 or 19260701. That of a year begins with 1927.
_ROW, _YEAR = re.compile(r'\s*"?\d{6}(\d{2})?"?\s*,'), re.compile(r"\s*\d{4}\s*,")


@dataclass(frozen=True)
class LibraryTable:
    """The first table of dates in a file. line: of the file, of its first row."""

    columns: list[str]
    rows: list[list[str]]
    line: int

    def column(self, name: str) -> list[str]:
        """The texts of a column."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]

    def place(self, row: int) -> str:
        """A row, as messages name it."""
        return f"line {self.line + row}"


def read_library(path: Path, notes: Notes) -> LibraryTable | None:
    """The table of months or days, its dates under the name `date`; None where the file is no such file.

    The file may be packed (.zip, .gz). What stands behind the table is left out, and said.

    Raises:
        UniverseError: a row with another number of values than the header.
    """
    lines = _lines(path)
    first = next((n for n, line in enumerate(lines) if _ROW.match(line)), 0)
    above = next((n for n in range(first - 1, -1, -1) if lines[n].strip()), None)
    if above is None or (above == 0 and lines[0].partition(",")[0].strip(' "')):
        return None
    columns = ["date", *(name.strip() for name in _cells(lines[above])[1:])]
    end = next((n for n in range(first, len(lines)) if not _ROW.match(lines[n])), len(lines))
    rows = [_cells(line) for line in lines[first:end]]
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise UniverseError(
                f"{path}: line {first + number + 1}: {len(row)} values, expected {len(columns)}: {', '.join(columns)}"
            )
    what = f"as Kenneth French's library writes it: {', '.join(columns[1:])} from {rows[0][0]} to {rows[-1][0]}"
    notes.fine("layout", what, len(rows), f"line {above + 1}")
    _say_rest(lines[end:], end, notes)
    return LibraryTable(columns, rows, first + 1)


def _say_rest(rest: Sequence[str], start: int, notes: Notes) -> None:
    """Name the tables behind the first one."""
    for what, pattern in (("rows of years", _YEAR), ("rows of a second table of dates", _ROW)):
        numbers = [n for n, line in enumerate(rest) if pattern.match(line)]
        if numbers:
            notes.left_out("layout", f"{what} are not read", len(numbers), f"line {start + numbers[0] + 1}")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]))]


def _lines(path: Path) -> list[str]:
    name = path.name.lower()
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.namelist() if member.lower().endswith((".csv", ".txt"))]
            if len(members) != 1:
                raise UniverseError(f"{path}: holds {len(members)} CSV files, expected one")
            content = archive.read(members[0])
    else:
        content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    return content.decode("utf-8-sig", errors="replace").splitlines()
