"""`compsim search`: companies, themes and latents by words."""

from typing import Annotated

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
            typer.echo()
            rows = [
                [
                    *(hit[name] for name in ("kind", "number", "label", "terms")),
                    figure(hit["label_auc"], ".2f"),
                    hit["companies"],
                ]
                for hit in hits
            ]
            print_table(["kind", "number", "label", "terms", "AUC", "companies"], rows, "terms")

        show(answer, {"words": words, "hits": hits}, table, json_=as_json, csv=as_csv)
