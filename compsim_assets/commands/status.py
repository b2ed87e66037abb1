"""`compsim status`: what is materialized, from which source, when, and what is out of date."""

from typing import TYPE_CHECKING, Any

import typer

from compsim_assets.commands.answering import AsCsv, AsJson, OfVersion, answering, figure, print_table, say, show
from compsim_assets.commands.asking import settings

if TYPE_CHECKING:
    import pandas as pd

    from compsim_assets.explore.tables import Tables


def status(version: OfVersion = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """What there is to ask, and what is out of date."""
    with answering(version) as tables:
        from compsim_assets.explore.records import records
        from compsim_assets.explore.status import status as ask

        reasons = _reasons()
        table = ask(tables, reasons)
        described = _described(tables)
        missing = sorted(name for name in reasons if name not in set(table["result"]))

        def whole() -> dict[str, Any]:
            return {**described, "results": records(table), "missing": missing}

        show(lambda: _print(described, table, missing), whole, table, json_=as_json, csv=as_csv)


def _reasons() -> dict[str, str]:
    """Why a run would make a result again, or for the first time."""
    from compsim_assets.automation.planning import plan
    from compsim_assets.definitions import defs

    graph = defs.resolve_asset_graph()
    return plan(defs, settings(), graph.get_all_asset_keys()).reasons


def _described(tables: "Tables") -> dict[str, Any]:
    from importlib.metadata import version as installed

    current = settings()
    return {
        "source": current.source,
        "universe": current.universe or None,
        "synthetic": tables.synthetic,
        "folder": str(tables.results.folder),
        "version": tables.version or None,
        "compsim": installed("compsim-assets"),
        "settings": dict(tables.settings),
    }


def _print(described: dict[str, Any], table: "pd.DataFrame", missing: list[str]) -> None:
    universe = f", universe {described['universe']}" if described["universe"] else ""
    generated = " (synthetic, generated)" if described["synthetic"] else ""
    say(
        f"source {described['source']}{generated}{universe}; compsim {described['compsim']}",
        f"readers see {'version ' + described['version'] if described['version'] else 'the results as runs leave them'}"
        f" in {described['folder']}",
    )
    if len(table):
        typer.echo()
        rows = [
            [row["result"], figure(row["rows"], ","), f"{row['made']:%Y-%m-%d %H:%M}", row["out_of_date"]]
            for row in table.to_dict("records")
        ]
        print_table(["result", "rows", "made (UTC)", "out of date"], rows, "out of date")
    typer.echo()
    stale = int((table["out_of_date"] != "").sum()) if len(table) else 0
    say(f"{len(table)} results, {stale} out of date; {len(missing)} not made: `compsim materialize` makes them")
