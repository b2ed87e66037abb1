"""How answers are asked for and printed: tables of 80 columns, JSON, CSV. No text of a universe is printed but `plain`.

In JSON everything beyond ASCII is escaped. In CSV a text that a spreadsheet would take for a formula has an apostrophe
before it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compsim_assets.commands.asking import asking, settings
from compsim_assets.explore.plain import plain
from compsim_assets.explore.questions import Unanswerable

if TYPE_CHECKING:
    import pandas as pd

    from compsim_assets.explore.tables import Tables

Who = Annotated[str, typer.Argument(metavar="COMPANY", help="Ticker, CIK, or name, or a part of it.")]
Year = Annotated[int | None, typer.Option(metavar="YEAR", help="By default the newest.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
OfVersion = Annotated[
    str | None,
    typer.Option("--version", metavar="VERSION", help="Of `compsim versions`; working: results as runs leave them."),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="The table as CSV.")]

WIDTH = 80
_LONGEST = 10 * WIDTH  # of a text, what is looked at to fill a column
_ALIKE = 0.05
_FORMULA = ("=", "+", "-", "@")


@contextmanager
def answering(version: str | None) -> Iterator["Tables"]:
    """The tables that readers see, or those of a version; what cannot be asked of them ends with 2."""
    with asking():
        settings()  # says what is wrong with the environment
        from compsim_assets.explore.tables import Tables
        from compsim_assets.read import open_results
        from compsim_assets.storage.versions import UnknownVersion

        try:
            opened = open_results(version)
        except UnknownVersion as problem:
            raise Unanswerable(str(problem)) from None
        yield Tables.of(opened)


def show(
    answer: Callable[[], None], as_json: Callable[[], Any], table: "pd.DataFrame", *, json_: bool, csv: bool
) -> None:
    """Print an answer in one of its three forms.

    Args:
        answer: prints it for a person.
        as_json: gives it for programs. table: its main table.
        json_, csv: which form is asked for.
    """
    if json_:
        typer.echo(json.dumps(without_nan(as_json()), indent=2, allow_nan=False, default=str))
    elif csv:
        _write_csv(table)
    else:
        answer()


def without_nan(value: Any) -> Any:
    """The same with None for NaN and infinities, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each) for each in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def _write_csv(table: "pd.DataFrame") -> None:
    import csv
    import sys

    from compsim_assets.explore.records import records

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(table.columns)
    for row in records(table):
        writer.writerow([_cell(value) for value in row.values()])


def _cell(value: Any) -> Any:
    if not isinstance(value, str | list):
        return value
    text = plain(value if isinstance(value, str) else json.dumps(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def say(*lines: str) -> None:
    """Lines for a person, broken at 80 columns."""
    for line in filter(None, lines):
        typer.echo(fill(plain(line), WIDTH, break_long_words=True, break_on_hyphens=False))


def item(text: str, indent: int = 4) -> None:
    """A line of a list, what is beyond 80 columns under it."""
    typer.echo(fill(plain(text), WIDTH, initial_indent="  ", subsequent_indent=" " * indent, break_on_hyphens=False))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Any]], wide: str = "") -> None:
    """Rows under headers in at most 80 columns: texts to the left, figures, which are texts already, to the right.

    Args:
        wide: header of the column that is shortened first where there is no room, to a third of it; then the widest.
    """
    from rich.cells import cell_len, set_cell_size

    cells = [[plain(value[:_LONGEST] if isinstance(value, str) else value) for value in row] for row in rows]
    widths = [min(max(map(cell_len, column)), WIDTH) for column in zip(headers, *cells, strict=True)]
    room = WIDTH - 2 * len(widths)
    if wide:
        at = headers.index(wide)
        widths[at] = min(widths[at], max(room - sum(widths) + widths[at], room // 3))
    while sum(widths) > room:
        widths[widths.index(max(widths))] -= 1
    right = [all(_is_figure(row[column]) for row in cells) for column in range(len(headers))]
    for row in ([*headers], *cells):
        parts = []
        for cell, width, figure in zip(row, widths, right, strict=True):
            short = cell if cell_len(cell) <= width else set_cell_size(cell, width - 1) + "…"
            parts.append(" " * (width - cell_len(short)) + short if figure else set_cell_size(short, width))
        typer.echo("  " + "  ".join(parts).rstrip())


def _is_figure(text: str) -> bool:
    return not text or text in ("yes", "no") or text.strip("-+%.,0123456789 ") == ""


def figure(value: Any, form: str = ".3f") -> str:
    """A number as text; empty where there is none."""
    if value is None or value != value:
        return ""
    text = format(value, form)
    return text if text.strip("-+0.,") else text.replace("-", "")


def per_cent(value: Any) -> str:
    """A share as per cent."""
    return "" if value is None or value != value else f"{round(100 * value)} %"


def shares_say_something(cosine: float) -> bool:
    """Whether two are alike enough for parts of their cosine to be shares of it."""
    return cosine >= _ALIKE


def yes_or_no(value: Any) -> str:
    """A truth as text; empty where it is not known."""
    return "" if value is None or value != value else "yes" if value else "no"


def synthetic(tables: "Tables") -> str:
    """What generated results have to say of themselves."""
    return "Synthetic sample: generated, nothing about real companies." if tables.synthetic else ""
