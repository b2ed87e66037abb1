"""`compsim search`: companies, themes and latents by words."""

from typing import Annotated, Any

import typer

from compsim_assets.commands.answering import (
    AsCsv,
    AsJson,
    OfVersion,
    answering,
    figure,
    print_table,
    say,
    show,
    synthetic,
)


def search(
    words: Annotated[str, typer.Argument(metavar="WORDS", help='In quotes: "cloud infrastructure".')],
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many of each kind.")] = 10,
    version: OfVersion = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Find companies, themes and latents by words."""
    with answering(version) as tables:
        from compsim_assets.explore.records import records
        from compsim_assets.explore.search import search as ask

        table = ask(tables, words, top)
        hits = records(table)

        def answer() -> None:
            say(f'"{words}"', synthetic(tables))
            if (table["words"] != words).all():
                say("Nothing has all of these words; these have one of them.")
            typer.echo()
            rows = [
                [hit["kind"], hit["number"], _words(hit), figure(hit["label_auc"], ".2f"), hit["companies"]]
                for hit in hits
            ]
            print_table(["kind", "number", "name or terms", "AUC", "most active in"], rows, "name or terms")

        show(answer, lambda: {"words": words, "hits": hits}, table, json_=as_json, csv=as_csv)


def _words(hit: dict[str, Any]) -> str:
    """Label and terms; a label that its terms begin with is not said twice."""
    label, terms = hit["label"], hit["terms"]
    return terms if terms.startswith(label) else f"{label}: {terms}" if terms else label
