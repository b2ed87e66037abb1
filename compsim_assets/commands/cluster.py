"""`compsim cluster`: the cluster of a company in a year."""

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
    item,
    per_cent,
    print_table,
    say,
    show,
    synthetic,
)
from compsim_assets.contracts.modes import CUTOFF_MODES

if TYPE_CHECKING:
    from compsim_assets.explore.cluster import Cluster
    from compsim_assets.explore.tables import Tables


def cluster(
    company: Who,
    year: Year = None,
    mode: Annotated[str, typer.Option(metavar="|".join(CUTOFF_MODES), help="Cutoff mode.")] = CUTOFF_MODES[0],
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many members are printed.")] = 20,
    version: OfVersion = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """The cluster of a company, and where it comes from."""
    with answering(version) as tables:
        from compsim_assets.explore.cluster import cluster as ask

        answer = ask(tables, company, year, mode)
        show(lambda: _print(answer, tables, top), answer.as_json, answer.members, json_=as_json, csv=as_csv)


def _print(answer: "Cluster", tables: "Tables", top: int) -> None:
    who, profile = answer.company, answer.profile
    if profile is None:
        return say(f"{who.title}, {who.year}: alone, in no cluster of {answer.mode}", synthetic(tables))
    n = len(answer.members)
    say(f"{who.title}, {who.year}: cluster {answer.cluster_id} of {answer.mode}, {n} members", synthetic(tables))
    interval = f" [{figure(profile['low'])}, {figure(profile['high'])}]" if profile["low"] == profile["low"] else ""
    correlation = f"{figure(profile['mean_correlation'])}{interval}"
    came_from = profile["from_cluster"]
    lines = {
        "shared themes": profile["themes"],
        "strong latents": profile["strong_latents"],
        "SIC codes": profile["sic_mix"],
        "stocks of the same year": f"correlation {correlation}" if figure(profile["mean_correlation"]) else "",
        "comes from": (
            f"cluster {int(came_from)} of {who.year - 1}, overlap {per_cent(profile['overlap'])}"
            if came_from == came_from and came_from is not None
            else f"no cluster of {who.year - 1}"
        ),
        "entered": profile["entered"],
        "left": profile["left"],
    }
    for name, text in lines.items():
        if text:
            item(f"{name}: {text}")
    typer.echo()
    rows = [[row["ticker"], row["name"], row["sic_code"]] for row in answer.members.head(top).to_dict("records")]
    print_table(["ticker", "name", "SIC"], rows, "name")
    if n > top:
        say(f"These are the most central, {n - top} more with --top {n}.")
