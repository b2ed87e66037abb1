"""Pairs trading on every method's clusters: as published, with its mistakes, and with all of them put right."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    ALL_MODES,
    COMPARISON,
    ONE_RUN,
    DataFrame,
    columns,
    no_rows,
    selected,
    table_outs,
)
from compsim_assets.contracts import TABLES
from compsim_assets.evidence.trading import (
    SEEN,
    TRAPS,
    calendar_notes,
    halt_notes,
    price_notes,
    some_of,
    window_notes,
    windows_text,
)
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    from compsim_assets.science.trading.backtest import Tables
    from compsim_assets.science.trading.price_panel import PricePanel

NAMES = ("cointegrated_pairs", "pairs_backtest", "pairs_daily")


class TradingConfig(dg.Config):
    """Windows and rules, the same for every method. As published takes min_correlation and the windows alone."""

    first_trading_year: int = Field(
        default=0,
        ge=0,
        description="First year of trading; clusters are those of the three years before. 0: 2014 where the universe "
        "has 2011 to 2014, else the last third of its years.",
    )
    last_trading_year: int = Field(
        default=0, ge=0, description="Last year of trading; 0: 2020 or the universe's last one before it."
    )
    first_estimation_year: int = Field(
        default=2002, ge=0, description="First year of the prices that pairs are tested on."
    )
    min_correlation: float = Field(
        default=0.95, ge=0, le=1, description="Least correlation of (log) prices of a pair to test."
    )
    min_days: int = Field(
        default=252,
        ge=60,
        description="Least common days of the estimation, honest variant; of weekly or monthly prices the rows that "
        "cover as much time, and 60 at least.",
    )
    max_q: float = Field(default=0.05, gt=0, le=1, description="Largest adjusted p-value of a pair to trade.")
    entry: float = Field(default=1.0, gt=0, description="Spread, in deviations, whose crossing opens a position.")
    stop: float = Field(default=2.0, gt=0, description="Spread at which it is given up; above entry.")
    costs: list[float] = Field(
        default=[0.0, 10.0, 25.0, 50.0], description="Costs of a trade, in basis points of its value."
    )
    placebo_pool: int = Field(default=4000, ge=1, description="Random pairs that are simulated once.")
    placebo_draws: int = Field(
        default=200, ge=1, description="Portfolios of random pairs drawn from them for each method."
    )
    bootstrap_draws: int = Field(
        default=1000, ge=1, description="Resamples of the days for the Sharpe ratio's interval."
    )
    seed: int = Field(default=0, ge=0, description="Seed of placebo and resamples.")


@dg.multi_asset(
    name="pairs_trading",
    group_name="trading",
    outs=table_outs(
        COMPARISON,
        "statsmodels",
        cointegrated_pairs="Ticker pairs that share a cluster before trading and pass the test of cointegration, as "
        "published (ADF on the price difference) and honest (Engle-Granger on log prices, "
        "corrected for the number of tests).",
    )
    | table_outs(
        COMPARISON,
        "pandas",
        pairs_backtest="What trading these pairs earned, by method, variant and costs: Sharpe ratio with interval, "
        "beside portfolios of random pairs.",
        pairs_daily="The portfolios day by day, with the band of random pairs.",
    ),
    ins={
        "clusters": ALL_MODES,
        "descriptions": columns("report_id", "year", "ticker", "cik", "company_name"),
        "price_history": dg.AssetIn(metadata={"arrow": True}),
    },
    can_subset=True,
    backfill_policy=ONE_RUN,
)
def pairs_trading_assets(
    context: dg.AssetExecutionContext,
    config: TradingConfig,
    clusters: dict[str, DataFrame],
    baseline_clusters: DataFrame,
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    descriptions: DataFrame,
    price_history: Any,
):
    """Find pairs in the clusters of the years before trading, and trade them."""
    from compsim_assets.science.trading.windows import days_of, trading_windows

    if price_history.num_rows == 0 or descriptions.empty:
        yield from no_rows(context, "the universe has no prices: nothing is traded")
        return
    ours = dict(clusters)
    ours["walk_forward"] = walk_forward_clusters
    groups = _with_others(ours, baseline_clusters, embedding_clusters)
    windows = trading_windows(
        sorted(descriptions["year"].unique().tolist()),
        config.first_estimation_year,
        config.first_trading_year,
        config.last_trading_year,
    )
    context.log.info(windows_text(windows))
    panel = _panel(price_history)
    before, during = (panel.window(*days_of(years)) for years in (windows.estimation, windows.trading))
    prices = _priced(panel, descriptions) | price_notes(panel, before) | window_notes(before, during)
    tables = _compare(panel, groups, descriptions, windows, config)
    notes = {"windows": windows_text(windows), "note": _note(groups, windows.cluster_years)}
    unusual = prices | calendar_notes(tables.calendar) | halt_notes(tables.backtest)
    for note in unusual.values():
        context.log.warning(note)
    notes |= unusual
    yield from selected(context, *_outputs(tables, notes))


def _with_others(groups: dict[str, DataFrame], *tables: DataFrame) -> dict[str, DataFrame]:
    """Our clusters and those of every method in the tables."""
    for table in tables:
        for method in map(str, table["method"].unique()):
            if method in groups:
                raise UniverseError(
                    f"two cluster sets are named '{method}', expected a name of its own for each: "
                    "rename the published file"
                )
            groups[method] = table[table["method"] == method]
    return groups


def _panel(prices: Any) -> "PricePanel":
    from compsim_assets.science.trading.price_panel import price_panel

    coded = prices["ticker"].combine_chunks().dictionary_encode()
    date, close = (prices[name].to_numpy() for name in ("date", "adj_close"))
    try:
        return price_panel(coded.dictionary.to_pylist(), coded.indices.to_numpy(), date, close)
    except ValueError as error:
        raise UniverseError(f"prices: {error}") from error


def _priced(panel: "PricePanel", reports: DataFrame) -> dict[str, str]:
    """Which tickers of the reports have no price.

    Raises:
        UniverseError: none has one.
    """
    from compsim_assets.science.companies import ticker_spelling

    tickers = sorted(ticker_spelling(reports["ticker"]).dropna().unique().tolist())
    without = sorted(set(tickers) - set(panel.tickers))
    if not tickers:
        return {"without_prices": "no report has a ticker: nothing is traded"}
    if len(without) == len(tickers):
        raise UniverseError(
            f"prices: none of the tickers of the reports is among those of the prices. The reports have "
            f"{some_of(tickers)}; the prices have {some_of(panel.tickers)}. Expected the same tickers in both (case, "
            "blanks and the sign of a share class make no difference): rename one side, or take the prices out of the "
            "universe, and nothing is traded"
        )
    return {"without_prices": f"tickers of the reports that have no price: {some_of(without)}"} if without else {}


def _compare(
    panel: "PricePanel", groups: dict[str, DataFrame], reports: DataFrame, windows: Any, config: TradingConfig
) -> "Tables":  # fmt: skip
    """All methods on the windows of one panel."""
    from compsim_assets.science.companies import company_of
    from compsim_assets.science.trading.backtest import Rules, compare_methods
    from compsim_assets.science.trading.windows import days_of

    reports = reports.assign(company=company_of(reports).to_numpy())
    members = {
        method: table.merge(reports, on=["report_id", "year"], how="inner", validate="many_to_one")
        for method, table in groups.items()
    }
    rules = config.model_dump(exclude={"first_trading_year", "last_trading_year", "first_estimation_year"})
    return compare_methods(
        panel.window(*days_of(windows.estimation)),
        panel.window(*days_of(windows.trading)),
        members,
        windows.cluster_years,
        Rules(**{**rules, "costs": tuple(config.costs)}),
    )


def _note(groups: dict[str, DataFrame], years: list[int]) -> str:
    """Which methods have nothing to trade."""
    without = [method for method, table in groups.items() if not table["year"].isin(years).any()]
    named = f"without clusters in {years[0]} to {years[-1]}: {', '.join(without)}. " if without else ""
    return named + SEEN


def _outputs(tables: "Tables", notes: dict[str, str]) -> Iterator[dg.Output]:
    for name, value in zip(NAMES, (tables.pairs, tables.backtest, tables.daily), strict=True):
        metadata: dict[str, Any] = {**notes, "traps": dg.MetadataValue.md(TRAPS)}
        rows = value.reindex(columns=TABLES[name].names)
        if name == "pairs_backtest" and len(rows):
            metadata["summary"] = dg.MetadataValue.md(_summary(rows))
        yield dg.Output(rows if len(rows) else TABLES[name].empty(), output_name=name, metadata=metadata)


def _summary(backtest: DataFrame) -> str:
    """One line per method: pairs and Sharpe ratios, honest ones without costs and at the highest costs."""
    from tabulate import tabulate

    costs = backtest.loc[backtest["variant"] == "honest", "cost_bp"]
    low, high = costs.min(), costs.max()
    lines = []
    for method, rows in backtest.groupby("method", sort=False):
        published = rows[rows["variant"] == "as_published"].iloc[0]
        honest = rows[rows["variant"] == "honest"].set_index("cost_bp")
        free = honest.loc[low]
        lines.append([
            method, published["n_candidates"], published["n_pairs"], _number(published["sharpe"]), free["n_pairs"],
            _number(free["sharpe"]), _range(free["sharpe_low"], free["sharpe_high"]), _number(free["placebo_sharpe"]),
            _range(free["placebo_low"], free["placebo_high"]), _number(honest.loc[high, "sharpe"]),
        ])  # fmt: skip
    headers = [
        "method", "candidate pairs", "pairs as published", "Sharpe as published", "pairs honest",
        f"Sharpe honest, {low:g} bp", "95 % interval", "random pairs", "95 % of them", f"Sharpe honest, {high:g} bp",
    ]  # fmt: skip
    return tabulate(lines, headers, "pipe", disable_numparse=True)


def _number(value: float) -> str:
    return "" if value != value else f"{value:.2f}"


def _range(low: float, high: float) -> str:
    return "" if low != low else f"{low:.2f} to {high:.2f}"
