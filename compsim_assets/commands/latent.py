"""`compsim latent`: what a latent stands for."""

from typing import TYPE_CHECKING, Annotated

import typer

from compsim_assets.commands.answering import (
    AsCsv,
    AsJson,
    OfVersion,
    answering,
    figure,
    item,
    print_table,
    say,
    show,
    synthetic,
)

if TYPE_CHECKING:
    from compsim_assets.explore.latents import Latent
    from compsim_assets.explore.tables import Tables

_EVIDENCE = {
    "windows": "windows of text around its largest activations",
    "scores": "the examples of a judge's score file",
    "reports": "the reports in which it is most active",
    "none": "nothing: it has no evidence",
}
_WINDOWS = 5  # that are printed
_AROUND = 20  # tokens on both sides of the strongest one


def latent(
    number: Annotated[int, typer.Argument(metavar="N", help="The latent's number, from 0.")],
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many reports and windows.")] = 10,
    version: OfVersion = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """What a latent stands for, and where it is active."""
    with answering(version) as tables:
        from compsim_assets.explore.latents import latent as ask

        answer = ask(tables, number, top)
        show(lambda: _print(answer, tables), answer.as_json, answer.reports, json_=as_json, csv=as_csv)


def _print(answer: "Latent", tables: "Tables") -> None:
    from compsim_assets.explore.records import records

    row = answer.as_json()
    say(f"Latent {answer.latent}: {row['label'] or 'nothing sets its reports apart'}", synthetic(tables))
    lines = {
        "a judge": f"{row['judge_label']} (of {row['judge'] or 'unknown'})" if row["judge_label"] else "",
        "terms": row["terms"],
        "trust": _trust(row["label_auc"], row["interpretability"]),
        "active": f"in {int(row['n_reports']):,} reports, {100 * row['firing_rate']:.1f} % of all",
        "strength": _strength(row["quantiles"]),
        "theme": f"{int(row['theme'])}, {answer.theme}" if answer.theme else "",
        "twin": f"{int(row['twin'])}, {answer.twin} (cosine {row['twin_cosine']:.2f})" if answer.twin else "",
        "rests on": _EVIDENCE.get(row["evidence"], row["evidence"]),
    }
    for name, text in lines.items():
        if text:
            item(f"{name}: {text}")
    if len(answer.reports):
        typer.echo()
        rows = [
            [each["rank"], each["ticker"], each["name"], each["year"], figure(each["activation"], ".2f")]
            for each in records(answer.reports)
        ]
        print_table(["rank", "ticker", "name", "year", "activation"], rows, "name")
    for window in records(answer.windows.head(_WINDOWS)):
        typer.echo()
        marked = _marked(window["tokens"], window["activations"])
        item(f"{window['ticker'] or ''} {window['year'] or ''} {marked}".strip())


def _trust(auc: float | None, interpretability: float | None) -> str:
    words = [f"the terms tell its reports with an AUC of {auc:.2f} (.5 is chance)"] if auc is not None else []
    if interpretability is not None:
        words.append(f"fuzz score {interpretability:.0f} of 100 (50 is chance)")
    return "; ".join(words)


def _strength(quantiles: list[float] | None) -> str:
    if quantiles is None:
        return ""
    least, _, half, _, most = quantiles
    return f"{least:.2f} to {most:.2f} where it is active, in half of the reports above {half:.2f}"


def _marked(tokens: list[str], activations: list[float]) -> str:
    """The text around the strongest token, tokens that are active in brackets.

    Vocabularies mark the beginning of a word by a blank, or by a letter in its place.
    """
    strongest = max(range(len(tokens)), key=activations.__getitem__, default=0)
    text = ""
    for at in range(max(0, strongest - _AROUND), min(strongest + _AROUND, len(tokens))):
        word = tokens[at].lstrip(" Ġ▁")
        text += " " * (word != tokens[at]) + (f"[{word.strip()}]" if activations[at] > 0 else word)
    return text
