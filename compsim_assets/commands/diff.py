"""`compsim diff`: what a company's description turned to between two years."""

from typing import TYPE_CHECKING, Annotated

import typer

from compsim_assets.commands.answering import (
    AsCsv,
    AsJson,
    OfVersion,
    Who,
    answering,
    figure,
    item,
    print_table,
    say,
    show,
    synthetic,
)

if TYPE_CHECKING:
    import pandas as pd

    from compsim_assets.explore.diff import Difference
    from compsim_assets.explore.tables import Tables


def diff(
    company: Who,
    before: Annotated[int, typer.Argument(metavar="YEAR", help="The earlier report.")],
    after: Annotated[int, typer.Argument(metavar="YEAR", help="The later report.")],
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many that rose, and that fell.")] = 5,
    version: OfVersion = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """What a company's description turned to."""
    with answering(version) as tables:
        from compsim_assets.explore.diff import diff as ask

        answer = ask(tables, company, before, after, top)
        show(lambda: _print(answer, tables), answer.as_json, answer.themes, json_=as_json, csv=as_csv)


def _print(answer: "Difference", tables: "Tables") -> None:
    from compsim_assets.explore.records import records

    say(f"{answer.after.title}, from {answer.before.year} to {answer.after.year}", synthetic(tables))
    if tables.pairs_alone:
        say("Companies are compared by the universe's published pairs: nothing is known of what their texts say.")
    elif answer.same:
        say("The two descriptions have the same features: nothing rose or fell.")
    else:
        say("Activation in standard deviations over all reports, of a theme the mean over its latents.")
    for kind in ("themes", "latents"):
        _print_changes(kind, getattr(answer, kind), answer)
    for title, rows in (("New among the ten nearest", answer.came), ("No longer among them", answer.went)):
        typer.echo()
        say(f"{title} within {answer.within}: {'' if len(rows) else 'nobody'}".rstrip())
        for row in records(rows):
            item(f"{row['ticker'] or ''} {row['name'] or ''} (rank {row['rank']})".strip())


def _print_changes(kind: str, table: "pd.DataFrame", answer: "Difference") -> None:
    from compsim_assets.explore.records import records

    if table.empty:
        return
    typer.echo()
    years = [str(answer.before.year), str(answer.after.year)]
    number = kind.removesuffix("s")
    rows = [
        ["rose" if row["change"] > 0 else "fell", row[number], row["label"]]
        + [figure(row[name], "+.2f") for name in ("before", "after", "change")]
        for row in records(table)
    ]
    print_table(["", number, "label", *years, "change"], rows, "label")
