"""`compsim check`: what a run would make of a universe's files, before any run."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compsim_assets.commands.asking import WRONG, asking

if TYPE_CHECKING:
    from rich.console import Console

    from compsim_assets.universe.intake.decisions import Decision

# What is most urgent first.
_TITLES = {
    "refused": "Refused: a run would stop here",
    "suspicious": "Suspicious: used as it is, though it looks wrong",
    "missing": "Missing: what cannot be made without it",
    "left_out": "Left out",
    "assumed": "Assumed: universe.toml can say otherwise",
    "fine": "Fine",
}


def check(
    folder: Annotated[Path, typer.Argument(help="The universe's folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="The rows of universe_report as a JSON list.")] = False,
) -> None:
    """Say what a run would make of each file. All files are read; the command ends with 1 where one is refused."""
    import json

    from compsim_assets.universe.check import check_folder

    with asking():
        decisions = check_folder(folder)
    if as_json:
        typer.echo(json.dumps([vars(decision) for decision in decisions], indent=2, ensure_ascii=False))
    else:
        _print(decisions)
    if any(decision.grade == "refused" for decision in decisions):
        raise typer.Exit(WRONG)


def _print(decisions: "Sequence[Decision]") -> None:
    """Tables by grade on a terminal; elsewhere the same as lines, complete and unwrapped."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for grade, title in _TITLES.items():
        rows = [decision for decision in decisions if decision.grade == grade]
        if rows:
            (_print_table if console.is_terminal else _print_lines)(console, f"{title} ({len(rows)})", rows)
    counts = Counter(decision.grade for decision in decisions)
    summary = ", ".join(f"{counts[grade]} {grade.replace('_', ' ')}" for grade in _TITLES if counts[grade])
    console.print(summary or "nothing to say")


def _print_table(console: "Console", title: str, rows: "Sequence[Decision]") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=Text(title), title_justify="left", title_style="bold")
    for header in ("file", "subject", "what", "what to do"):
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in (row.file, row.subject, _what(row), row.remedy)))
    console.print(table, soft_wrap=False)


def _print_lines(console: "Console", title: str, rows: "Sequence[Decision]") -> None:
    console.print(title)
    for row in rows:
        remedy = f"; {row.remedy}" if row.remedy else ""
        console.print(f"  {row.file}: {row.subject}: {_what(row)}{remedy}")
    console.print()


def _what(row: "Decision") -> str:
    count = f" ({row.count:,})" if row.count else ""
    return f"{row.what}{count}{f', for example {row.example}' if row.example else ''}"
