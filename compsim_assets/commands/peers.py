"""`compsim peers`: who is like a company, and why."""

from typing import TYPE_CHECKING, Annotated, Any

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
    shares_say_something,
    show,
    synthetic,
    yes_or_no,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compsim_assets.explore.peers import Peers
    from compsim_assets.explore.tables import Tables


def peers(
    company: Who,
    year: Year = None,
    within: Annotated[
        str | None,
        typer.Option(metavar="industry|sector|all", help="By default its industry (SIC code) if it has one, else all."),
    ] = None,
    about: Annotated[
        str | None, typer.Option(metavar="WORDS", help="Alike in this: compare by the latents with these words.")
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="With reasons.")] = False,
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many; at most 50 unless --about.")] = 10,
    version: OfVersion = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Who is like a company, how sure that is, and why."""
    with answering(version) as tables:
        from compsim_assets.explore.peers import peers as ask

        answer = ask(tables, company, year, within=within, about=about, why=why, n=top)
        show(lambda: _print(answer, tables), answer.as_json, answer.table, json_=as_json, csv=as_csv)


def _print(answer: "Peers", tables: "Tables") -> None:
    from compsim_assets.explore.records import records

    who, table = answer.company, answer.table
    of = {
        "industry": f"its industry (SIC codes {who.industry}..)",
        "sector": f"its GICS sector ({who.sector}), of the 50 nearest of all",
        "all": "all companies",
    }[answer.within]
    about = f', alike in "{answer.about.words}"' if answer.about else ""
    say(f"{who.title}, {who.year}: the nearest within {of}{about}", synthetic(tables), answer.note)
    if answer.about:
        _print_about(answer)
    typer.echo()
    if table.empty:
        return say("Nobody: no other report of the year is there.")
    headers = ["rank", "ticker", "name", *(["about"] if answer.about else []), "cosine", "above", "sure"]
    headers += ["before", "after"]
    rows = [
        [
            *(row[name] for name in ("rank", "ticker", "name")),
            *([figure(row["about"])] if answer.about else []),
            figure(row["cosine"]),
            per_cent(row["percentile"]),
            per_cent(row["confidence"]),
            yes_or_no(row["peer_last_year"]),
            figure(row["next_year_correlation"], ".2f"),
        ]
        for row in records(table)
    ]
    print_table(headers, rows, "name")
    typer.echo()
    say(
        "above: pairs of the year that are less alike. sure: draws of latents in which it stays among the ten "
        "nearest, or in the nearer half of fewer than twenty. before: a peer the year before, too. after: correlation "
        "of the two stocks' returns in the year after."
    )
    if answer.reasons is not None and not tables.pairs_alone:
        _print_reasons(answer)
    typer.echo()
    say(answer.caution)


def _print_about(answer: "Peers") -> None:
    assert answer.about is not None
    labels = list(dict.fromkeys(answer.about.latents["label"]))
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    n = len(answer.about.latents)
    say(f"Compared by {n} latent{'s' if n > 1 else ''}: {'; '.join(labels[:5])}{more}.")
    if answer.about.undefined:
        say(f"Of {answer.about.undefined} companies nothing can be said: these latents are no part of their scores.")


_LACKING = {"both": "", "neither": "neither ", "one": "only one "}


def _print_reasons(answer: "Peers") -> None:
    typer.echo()
    say("Why: the largest themes, with their shares of the cosine. Neither: what both have less of than most.")
    for row in answer.as_json()["peers"]:
        alike = shares_say_something(row["cosine"])
        reasons = "; ".join(_reason(reason, row["cosine"] if alike else None) for reason in row["reasons"])
        covered = f" (together {per_cent(row['covered'])})" if alike else " (hardly alike: parts, no shares)"
        item(f"{row['rank']} {row['ticker'] or row['name']}: {reasons}{covered if reasons else 'no reasons'}")


def _reason(reason: "Mapping[str, Any]", cosine: float | None) -> str:
    part = per_cent(reason["contribution"] / cosine) if cosine else figure(reason["contribution"], "+.2f")
    return f"{_LACKING[reason['present']]}{reason['label']} {part}"
