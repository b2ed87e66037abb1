"""What a universe's files were taken for: read before anything is made of them."""

import dataclasses

import dagster as dg

from compsim_assets.assets.common import DataFrame, table_options, universe_of
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.storage.previews import plain_rows
from compsim_assets.universe.intake.decisions import GRADES, REFUSED
from compsim_assets.universe.layout import UniverseError


@dg.asset(**table_options("universe_report", "intake", "pandas"))
def universe_report(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """What was made of the universe's files: one row per file and decision. What was read as what, what was assumed and
    can be said otherwise in universe.toml, what was left out with its count and the first example, what is missing and
    which assets that disables, and what looks wrong.

    The same as `compsim check FOLDER`. Fails where a file is refused, with every refusal.
    """
    import pandas as pd

    from compsim_assets.universe.check import examine

    decisions = examine(universe_of(context, settings))
    if refused := [f"{decision.file}: {decision.what}" for decision in decisions if decision.grade == REFUSED]:
        raise UniverseError("\n".join(refused))
    rows = [dataclasses.asdict(decision) for decision in decisions]
    table = pd.DataFrame(rows, columns=TABLES["universe_report"].names)
    order = table["grade"].map({grade: place for place, grade in enumerate(reversed(GRADES))})
    table = table.assign(order=order).sort_values("order", kind="stable", ignore_index=True).drop(columns="order")
    counts = table["grade"].value_counts()
    context.add_output_metadata(
        {
            **{grade: int(counts.get(grade, 0)) for grade in GRADES if grade != REFUSED},
            "decisions": dg.MetadataValue.md(_all_rows(table)),
        }
    )
    return table


def _all_rows(table: DataFrame) -> str:
    """All rows, for the UI."""
    from tabulate import tabulate

    return tabulate(plain_rows(table), list(table.columns), "pipe")
