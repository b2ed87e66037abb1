"""`compsim explain`: why two companies are alike."""

from typing import TYPE_CHECKING, Annotated

import typer

from compsim_assets.commands.answering import (
    AsCsv,
    AsJson,
    OfVersion,
    Who,
    Year,
    answering,
    figure,
    per_cent,
    print_table,
    say,
    shares_say_something,
    show,
    synthetic,
)

if TYPE_CHECKING:
    import pandas as pd

    from compsim_assets.explore.explain import Explanation
    from compsim_assets.explore.tables import Tables


def explain(
    company: Who,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The other company, likewise.")],
    year: Year = None,
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many themes, and latents.")] = 8,
    version: OfVersion = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Why two companies are alike: any two of a year."""
    with answering(version) as tables:
        from compsim_assets.explore.explain import explain as ask

        answer = ask(tables, company, other, year, top)
        show(lambda: _print(answer, tables), answer.as_json, answer.themes, json_=as_json, csv=as_csv)


def _print(answer: "Explanation", tables: "Tables") -> None:
    first, second = answer.first.title, answer.second.title
    say(f"{first} and {second}, {answer.first.year}: cosine {answer.cosine:.3f}", synthetic(tables))
    for kind, rest, covered in zip(
        ("theme", "latent"), (answer.rest_of_themes, answer.rest), answer.covered, strict=True
    ):
        if len(table := getattr(answer, f"{kind}s")):
            typer.echo()
            _print_parts(kind, table, rest, answer.cosine)
            if shares_say_something(answer.cosine):
                against = "; the others speak against" if covered > 1 else ""
                say(f"These {len(table)} {kind}s cover {per_cent(covered)} of the cosine{against}.")
    typer.echo()
    say("in: which of the two have more of it than most; what neither has makes alike, too.")
    if answer.themes["unusual"].notna().any():
        say("unusual: beyond what any two companies of the year have in common.")
    if not shares_say_something(answer.cosine):
        say("They are hardly alike: the parts are no shares of the cosine.")
    say(answer.note)


def _print_parts(kind: str, table: "pd.DataFrame", rest: float, cosine: float) -> None:
    from compsim_assets.explore.records import records

    parts = [*records(table), {kind: "", "label": f"all other {kind}s together", "contribution": rest}]
    headers, columns = [kind, "label", "in", "contribution"], []
    columns += [[part.get(name, "") for part in parts] for name in (kind, "label", "present")]
    columns.append([figure(part["contribution"], "+.3f") for part in parts])
    if shares_say_something(cosine):
        headers.append("share")
        columns.append([per_cent(part["contribution"] / cosine) for part in parts])
    if table["unusual"].notna().any():
        headers.append("unusual")
        columns.append([figure(part.get("unusual"), "+.3f") for part in parts])
    print_table(headers, list(zip(*columns, strict=True)), "label")
