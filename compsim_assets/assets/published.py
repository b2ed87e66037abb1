"""What else the paper's authors published, brought into tables: strong features, cointegrated pairs."""

import dagster as dg

from compsim_assets.assets.common import DataFrame, table_options
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.universe.folder import open_universe


@dg.asset(deps=["descriptions"], **table_options("published_strong_features", "published", "pandas"))
def published_strong_features(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Strong features of clusters as the paper's authors published them, read from their pickles without running
    anything in them; empty where the universe has none.
    """
    import pandas as pd

    sets = open_universe(settings).published_strong_features()
    context.add_output_metadata(
        {f"{name}: clusters": int(table["members"].nunique()) for name, table in sets.items()}
        if sets
        else {"note": "the universe has no published_strong_features/"}
    )
    columns = TABLES["published_strong_features"].names
    tables = [table.assign(set=name) for name, table in sets.items()]
    return pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)[columns]


@dg.asset(
    ins={"descriptions": dg.AssetIn(metadata={"columns": ["report_id", "ticker"]})},
    **table_options("published_cointegrated_pairs", "published", "pandas"),
)
def published_cointegrated_pairs(
    context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame
) -> DataFrame:
    """Cointegrated pairs as the paper's authors published them, with tickers from their map of report ids, or from the
    reports; empty where the universe has none.
    """
    import pandas as pd

    universe = open_universe(settings)
    sets, tickers = universe.cointegrated_pairs(), universe.tickers()
    known = descriptions if tickers is None else tickers
    ticker = known.drop_duplicates("report_id").set_index("report_id")["ticker"]
    context.add_output_metadata(
        {f"{method}: pairs": len(table) for method, table in sets.items()}
        if sets
        else {"note": "the universe has no cointegrated_pairs/"}
    )
    columns = TABLES["published_cointegrated_pairs"].names
    tables = [
        table.assign(
            method=method,
            ticker_a=table["report_a"].map(ticker),
            ticker_b=table["report_b"].map(ticker),
        )
        for method, table in sets.items()
    ]
    return pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)[columns]
