"""`compsim explain`: why two companies are alike."""

from typing import TYPE_CHECKING, Annotated

import typer

from compsim_assets.commands.answering import (
    AsCsv,
    AsJson,
    Who,
    Year,
    answering,
    figure,
    per_cent,
    print_table,
    say,
    show,
    synthetic,
)

if TYPE_CHECKING:
    from compsim_assets.explore.explain import Explanation
    from compsim_assets.explore.tables import Tables


def explain(
    company: Who,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The other company, likewise.")],
    year: Year = None,
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many themes, and latents.")] = 8,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Why two companies are alike: any two of a year."""
    with answering() as tables:
        from compsim_assets.explore.explain import explain as ask

        answer = ask(tables, company, other, year, top)
        show(lambda: _print(answer, tables), answer.as_json(), answer.themes, json_=as_json, csv=as_csv)


def _print(answer: "Explanation", tables: "Tables") -> None:
    from compsim_assets.explore.records import records

    first, second = answer.first.title, answer.second.title
    say(f"{first} and {second}, {answer.first.year}: cosine {answer.cosine:.3f}", synthetic(tables))
    for kind, rest, covered in zip(
        ("themes", "latents"), (answer.rest_of_themes, answer.rest), answer.covered, strict=True
    ):
        table = getattr(answer, kind)
        if table.empty:
            continue
        typer.echo()
        number = kind.removesuffix("s")
        rows = [
            [
                row[number],
                row["label"],
                figure(row["contribution"], "+.3f"),
                per_cent(row["share"]),
                figure(row["unusual"], "+.3f"),
            ]
            for row in records(table)
        ]
        rest_share = per_cent(rest / answer.cosine if answer.cosine else None)
        rows.append(["", f"all other {kind} together", figure(rest, "+.3f"), rest_share, ""])
        print_table([number, "label", "contribution", "of the cosine", "unusual"], rows, "label")
        against = "; the others speak against" if covered > 1 else ""
        say(f"These {len(table)} {kind} cover {per_cent(covered) or 'no share'} of the cosine{against}.")
    typer.echo()
    say("unusual: beyond what any two companies of the year have in common.", answer.note)
