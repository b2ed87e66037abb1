"""Reports, their returns, daily prices and published pairs, as the universe gives them; what files were taken for."""

import dataclasses
from collections import Counter
from typing import Any

import dagster as dg

from compsim_assets import checks
from compsim_assets.assets.common import (
    ONE_RUN,
    SHARED,
    DataFrame,
    keys,
    revision_of,
    table_options,
    table_outs,
    universe_of,
    wanted,
)
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ResultsFolder
from compsim_assets.storage.previews import plain_rows
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.intake.decisions import FINE, GRADES, LEFT_OUT, REFUSED
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.pair_files import PublishedPairs


@dg.multi_asset(
    name="descriptions",
    group_name="descriptions",
    outs={
        **table_outs(
            SHARED,
            "pandas",
            descriptions="Business descriptions from annual reports: one row per company and year, with ticker and SIC "
            "code. The starting point of everything: ids are unique, years are whole numbers, SIC codes have their "
            "leading zero and carry the name of their division; codes of two or three digits are groups, as the "
            "reports have them.",
            returns="Twelve monthly log returns of each report's calendar year. A report with a missing month (NaN) or "
            "constant returns takes part in clustering but in no correlation.",
            price_history="Daily adjusted closes by ticker, for pairs trading; empty where the universe has no prices.",
        ),
        **table_outs(
            SHARED,
            "pyarrow",
            io_manager_key="pairs_io_manager",
            published_pairs="Pairs of reports of one year with their published cosine and return correlation; empty "
            "where the universe has none. Ordered by year, and checked: known reports, each pair once.",
        ),
    },
    internal_asset_deps={
        "descriptions": set(),
        "returns": keys("descriptions"),
        "price_history": keys("descriptions"),
        "published_pairs": keys("descriptions"),
    },
    check_specs=[checks.spec("descriptions", checks.report_ids_are_unique, blocking=True)],
    can_subset=True,
    backfill_policy=ONE_RUN,
)
def descriptions_assets(context: dg.AssetExecutionContext, settings: Settings, folder: ResultsFolder):
    """Read what the universe says of its companies."""
    universe, names = universe_of(context, settings), wanted(context)
    if names & {"descriptions", "returns"}:
        reports = universe.reports(refresh="descriptions" in names)
    if "descriptions" in names:
        table = _descriptions(reports)
        yield dg.Output(table, "descriptions", metadata=_of_descriptions(universe, table))
        if (yield from checks.judge(context, "descriptions", checks.report_ids_are_unique, table)):
            return
    elif "published_pairs" in names:
        table = folder.read("descriptions")
    if "returns" in names:
        yield _returns(context, universe, reports)
    if "price_history" in names:
        yield _prices(context, universe)
    if "published_pairs" in names:
        yield _pairs(context, universe, table)


def _descriptions(reports: DataFrame) -> DataFrame:
    from compsim_assets.science.peers.industries import sic_division

    sic_code = reports["sic_code"].astype("string")
    table = reports.rename(columns={ID: "report_id", "section_1": "description"})
    for column in ("cik", "company_name", "ticker", "description"):
        table[column] = table[column].astype("string")
    # Numbers with nulls among them are read as floats.
    table["cik"] = table["cik"].str.removesuffix(".0")
    table = table.assign(sic_code=sic_code, industry=sic_division(sic_code))
    return table[TABLES["descriptions"].names].sort_values("report_id", ignore_index=True)


def _of_descriptions(universe: Universe, table: DataFrame) -> dict[str, Any]:
    return {
        "universe": str(universe.folder),
        "companies": int(table["cik"].nunique()),
        "years": f"{table['year'].min()} to {table['year'].max()}",
        "without_sic_code": int(table["sic_code"].isna().sum()),
        "without_description": int(table["description"].isna().sum()),
        **revision_of(universe, "reports" if universe.has("reports") else "pairs"),
    }


def _returns(context: dg.AssetExecutionContext, universe: Universe, reports: DataFrame) -> dg.Output:
    import numpy as np
    import pandas as pd

    from compsim_assets.science.correlation.returns import normalise_returns

    matrix = universe.monthly_returns(reports)
    metadata: dict[str, Any] = {}
    if np.isnan(matrix).all():
        derived = universe.returns_from_prices(reports)
        if derived is not None:
            matrix, metadata["source"] = derived, "month-end closes of the prices: the reports have no returns"
    elif contradictions := universe.against_prices(reports, matrix):
        metadata["contradicts_prices"] = "; ".join(contradictions)
        context.log.warning(f"returns and prices: {metadata['contradicts_prices']}")
    metadata["without_correlation"] = int((~normalise_returns(matrix)[1]).sum())
    table = pd.DataFrame({"report_id": reports[ID], "year": reports["year"], "returns": list(matrix)})
    return dg.Output(table.sort_values("report_id", ignore_index=True), "returns", metadata=metadata)


def _prices(context: dg.AssetExecutionContext, universe: Universe) -> dg.Output:
    before = len(list(universe.decisions))
    prices = universe.prices()
    if prices is None:
        note = "the universe has no prices.parquet"
        context.log.warning(f"{note}: price_history is empty")
        return dg.Output(TABLES["price_history"].empty(), "price_history", metadata={"note": note, "tickers": 0})
    left_out = [row for row in list(universe.decisions)[before:] if row.grade != FINE]
    for row in left_out:
        context.log.info(f"{row.file}: {row.what}" + (f" ({row.count:,}; {row.example})" if row.count else ""))
    lost = {row.what: row.count for row in left_out if row.grade == LEFT_OUT and row.subject != "columns"}
    metadata: dict[str, Any] = {"tickers": len(prices.tickers), **({"left_out": lost} if lost else {})}
    return dg.Output(prices.table(), "price_history", metadata=metadata)


def _pairs(context: dg.AssetExecutionContext, universe: Universe, descriptions: DataFrame) -> dg.Output:
    import numpy as np

    reports = descriptions.sort_values("report_id")
    pairs = universe.pairs(reports["report_id"].to_numpy(), reports["year"].to_numpy(), refresh=universe.has("reports"))
    counts = _counts(pairs) if pairs is not None else {"note": "the universe has no pairs"}
    context.log.info(", ".join(f"{name}: {value}" for name, value in counts.items()))
    ids, values = np.empty(0, dtype=np.int64), np.empty(0)
    pairs = pairs or PublishedPairs(ids, ids, ids, values, values, Counter())
    columns = {name: getattr(pairs, name) for name in ("year", "report_a", "report_b", "cosine", "correlation")}
    return dg.Output(columns, "published_pairs", metadata={**counts, **revision_of(universe, "pairs")})


def _counts(pairs: PublishedPairs) -> dict[str, Any]:
    import numpy as np

    return {
        "pairs": len(pairs.year),
        "with_correlation": int((~np.isnan(pairs.correlation)).sum()),
        "dropped": ", ".join(f"{n:,} {why}" for why, n in pairs.dropped.items()) or "none",
    }


@dg.asset(**table_options("universe_report", "descriptions", "pandas"))
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
