"""Reports, their returns and daily prices, as the universe gives them."""

import dagster as dg

from compsim_assets.assets.common import DataFrame, revision_of, table_options
from compsim_assets.resources.layout import ID, UniverseError
from compsim_assets.resources.sources import open_universe
from compsim_assets.settings import Settings


@dg.asset(**table_options("descriptions", "descriptions", "pandas"))
def descriptions(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Business descriptions from annual reports: one row per company and year, with ticker and SIC code.

    The starting point of everything: ids are unique, years are whole numbers, SIC codes have four digits
    (a lost leading zero is restored) and carry the name of their division.
    """
    from compsim_assets.science.industries import normalise_sic, sic_division

    universe = open_universe(settings, context.log.info)
    reports = universe.reports(refresh=True)
    try:
        sic_code = normalise_sic(reports["sic_code"])
    except ValueError as problem:
        raise UniverseError(f"{universe.folder}/reports: {problem}") from None
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
    columns = [
        "report_id",
        "cik",
        "company_name",
        "ticker",
        "year",
        "sic_code",
        "industry",
        "description",
    ]
    return table[columns].sort_values("report_id", ignore_index=True)


@dg.asset(deps=[descriptions], **table_options("returns", "descriptions", "pandas"))
def returns(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Twelve monthly log returns of each report's calendar year.

    A report with a missing month (NaN) or constant returns takes part in clustering but in no correlation.
    """
    import pandas as pd

    from compsim_assets.science.returns import normalise_returns

    universe = open_universe(settings, context.log.info)
    reports = universe.reports()
    matrix = universe.monthly_returns(reports)
    context.add_output_metadata({"without_correlation": int((~normalise_returns(matrix)[1]).sum())})
    table = pd.DataFrame(
        {"report_id": reports[ID], "year": reports["year"], "returns": list(matrix)}
    )
    return table.sort_values("report_id", ignore_index=True)


@dg.asset(deps=[descriptions], **table_options("price_history", "descriptions", "pandas"))
def price_history(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Daily adjusted closes by ticker, for pairs trading; empty where the universe has no prices."""
    import pandas as pd

    prices = open_universe(settings).prices()
    if prices is None:
        context.log.warning("the universe has no prices.parquet: price_history is empty")
        context.add_output_metadata({"note": "the universe has no prices.parquet"})
        prices = pd.DataFrame(
            {"ticker": pd.Series(dtype="string"), "date": [], "adj_close": pd.Series(dtype=float)}
        )
    prices = prices.assign(
        date=pd.to_datetime(prices["date"]).dt.date, adj_close=prices["adj_close"].astype(float)
    )
    context.add_output_metadata({"tickers": int(prices["ticker"].nunique())})
    return prices.sort_values(["ticker", "date"], ignore_index=True)
