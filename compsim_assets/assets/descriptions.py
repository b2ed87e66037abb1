"""Reports, their returns, daily prices and published pairs, as the universe gives them."""

from collections import Counter
from typing import Any

import dagster as dg

from compsim_assets.assets.common import DataFrame, columns, revision_of, table_options, written
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import table_schema
from compsim_assets.storage.previews import markdown_preview
from compsim_assets.storage.results import Results
from compsim_assets.universe.intake.decisions import FINE, LEFT_OUT
from compsim_assets.universe.layout import ID
from compsim_assets.universe.opening import open_universe
from compsim_assets.universe.pair_files import PublishedPairs


@dg.asset(**table_options("descriptions", "descriptions", "pandas"))
def descriptions(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Business descriptions from annual reports: one row per company and year, with ticker and SIC code.

    The starting point of everything: ids are unique, years are whole numbers, SIC codes have their leading
    zero and carry the name of their division; codes of two or three digits are groups, as the reports have them.
    """
    from compsim_assets.science.peers.industries import sic_division

    universe = open_universe(settings, context.log.info)
    reports = universe.reports(refresh=True)
    sic_code = reports["sic_code"].astype("string")
    table = reports.rename(columns={ID: "report_id", "section_1": "description"})
    for column in ("cik", "company_name", "ticker", "description"):
        table[column] = table[column].astype("string")
    # Numbers with nulls among them are read as floats.
    table["cik"] = table["cik"].str.removesuffix(".0")
    table = table.assign(sic_code=sic_code, industry=sic_division(sic_code))
    context.add_output_metadata(
        {
            "universe": str(universe.folder),
            "companies": int(table["cik"].nunique()),
            "years": f"{table['year'].min()} to {table['year'].max()}",
            "without_sic_code": int(table["sic_code"].isna().sum()),
            "without_description": int(table["description"].isna().sum()),
            **revision_of(universe, "reports" if universe.has("reports") else "pairs"),
        }
    )
    return table[TABLES["descriptions"].names].sort_values("report_id", ignore_index=True)


@dg.asset(deps=[descriptions], **table_options("returns", "descriptions", "pandas"))
def returns(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Twelve monthly log returns of each report's calendar year.

    A report with a missing month (NaN) or constant returns takes part in clustering but in no correlation.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.science.correlation.returns import normalise_returns

    universe = open_universe(settings, context.log.info)
    reports = universe.reports()
    matrix = universe.monthly_returns(reports)
    metadata: dict[str, Any] = {}
    if np.isnan(matrix).all():
        derived = universe.returns_from_prices(reports)
        if derived is not None:
            matrix, metadata["source"] = derived, "month-end closes of the prices: the reports have no returns"
    elif contradictions := universe.against_prices(reports, matrix):
        metadata["contradicts_prices"] = "; ".join(contradictions)
        context.log.warning(f"returns and prices: {metadata['contradicts_prices']}")
    context.add_output_metadata({"without_correlation": int((~normalise_returns(matrix)[1]).sum()), **metadata})
    table = pd.DataFrame({"report_id": reports[ID], "year": reports["year"], "returns": list(matrix)})
    return table.sort_values("report_id", ignore_index=True)


@dg.asset(deps=[descriptions], **table_options("price_history", "descriptions", "pandas"))
def price_history(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Daily adjusted closes by ticker, for pairs trading; empty where the universe has no prices."""
    universe = open_universe(settings)
    prices = universe.prices()
    if prices is None:
        context.log.warning("the universe has no prices.parquet: price_history is empty")
        context.add_output_metadata({"note": "the universe has no prices.parquet", "tickers": 0})
        return TABLES["price_history"].empty()
    left_out = [row for row in universe.decisions if row.grade != FINE]
    for row in left_out:
        context.log.info(f"{row.file}: {row.what}" + (f" ({row.count:,}; {row.example})" if row.count else ""))
    lost = {row.what: row.count for row in left_out if row.grade == LEFT_OUT and row.subject != "columns"}
    context.add_output_metadata({"tickers": len(prices.tickers), **({"left_out": lost} if lost else {})})
    return prices.table()


@dg.asset(
    ins={"descriptions": columns("report_id", "year")}, **table_options("published_pairs", "descriptions", "pyarrow")
)
def published_pairs(
    context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame
) -> dg.MaterializeResult:
    """Pairs of reports of one year with their published cosine and return correlation; empty where the universe has
    none. Ordered by year, and checked: known reports, each pair once.
    """
    universe, results = open_universe(settings, context.log.info), Results.of(settings)
    reports = descriptions.sort_values("report_id")
    pairs = universe.pairs(reports["report_id"].to_numpy(), reports["year"].to_numpy(), refresh=universe.has("reports"))
    content = _write(results, pairs)
    counts = _counts(pairs) if pairs is not None else {"note": "the universe has no pairs"}
    context.log.info(", ".join(f"{name}: {value}" for name, value in counts.items()))
    metadata = {
        **counts,
        **revision_of(universe, "pairs"),
        "dagster/row_count": 0 if pairs is None else len(pairs.year),
        "dagster/column_schema": table_schema(TABLES["published_pairs"]),
    }
    return written(settings, results.table("published_pairs"), _preview(results), content, metadata)


def _write(results: Results, pairs: PublishedPairs | None) -> str:
    """Publish the table; returns its content's hash."""
    import numpy as np

    from compsim_assets.storage.pairs import publish_pairs

    ids, values = np.empty(0, dtype=np.int64), np.empty(0)
    pairs = pairs or PublishedPairs(ids, ids, ids, values, values, Counter())
    names = ("year", "report_a", "report_b", "cosine", "correlation")
    return publish_pairs(results, {name: getattr(pairs, name) for name in names})


def _counts(pairs: PublishedPairs) -> dict[str, Any]:
    import numpy as np

    return {
        "pairs": len(pairs.year),
        "with_correlation": int((~np.isnan(pairs.correlation)).sum()),
        "dropped": ", ".join(f"{n:,} {why}" for why, n in pairs.dropped.items()) or "none",
    }


def _preview(results: Results) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = TABLES["published_pairs"].names
    with pq.ParquetFile(results.table("published_pairs")) as file:
        first = next(file.iter_batches(20, columns=columns), None)
        batches = [] if first is None else [first]
        return markdown_preview(pa.Table.from_batches(batches, file.schema_arrow))
