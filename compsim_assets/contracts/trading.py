"""Tables of pairs trading, in both variants."""

from compsim_assets.contracts.columns import COST, correlation, count, day, number, share, text
from compsim_assets.contracts.table import Column, table

_VARIANT = text("variant", "as_published, traps included, or honest.")
_CLUSTERS_OF = text("method", "Clusters that the pairs are from.")

TABLES = (
    table("cointegrated_pairs", "variant", "method", "ticker_a", "ticker_b")(
        _VARIANT,
        _CLUSTERS_OF,
        text("ticker_a", "First ticker."),
        text("ticker_b", "Second ticker."),
        day("first_day", "First day of the estimation on which both have a price."),
        day("last_day", "Last such day."),
        count("n_days", "Days on which both have a price."),
        count(
            "n_years",
            "Years in which the two share a cluster, of the years that pairs are from; the published lists hold the "
            "pair once for each.",
        ),
        correlation("correlation", "Of the prices (as_published) or of the log prices (honest)."),
        number("hedge_ratio", "1 as published; the slope of log price a on log price b."),
        number("intercept", "0 as published; of the same regression."),
        number("deviation", "Standard deviation of the spread on the days of the estimation."),
        number("adf", "ADF statistic of the spread, lags chosen by AIC."),
        count("lags", "Lags of it."),
        share(
            "p_value",
            "As published of the ADF test; honest of the Engle-Granger test, which knows that the hedge ratio was "
            "estimated.",
            nullable=True,
        ),
        share(
            "p_adjusted",
            "After Benjamini and Hochberg over all pairs tested of the method; null as published.",
            nullable=True,
        ),
    ),
    table("pairs_backtest", "variant", "method", "cost_bp")(
        _VARIANT,
        _CLUSTERS_OF,
        COST,
        day("first_day", "First day of trading.", nullable=True),
        day("last_day", "Last day of it.", nullable=True),
        count("n_candidates", "Ticker pairs that share a cluster; honest without two of one company."),
        count("n_tested", "Of them correlated enough to be tested."),
        count("n_pairs", "Cointegrated ones, which are traded."),
        count("n_trades", "Positions opened; as published closings booked, the same position again and again."),
        number("annual_return", "Mean return of a row x rows a year (252 of daily prices)."),
        number("annual_volatility", "Standard deviation of it x sqrt(rows a year)."),
        number("sharpe", "Their ratio, risk-free rate 0."),
        number("sharpe_low", "Lower end of the 95 % interval (stationary bootstrap); honest only."),
        number("sharpe_high", "Upper end of it."),
        share(
            "sharpe_deflated",
            "Probability that the Sharpe ratio is above what the best of the methods tried has by chance; honest only.",
            nullable=True,
        ),
        number("placebo_sharpe", "Mean Sharpe ratio of as many random pairs; honest only."),
        number("placebo_low", "2.5 % quantile of it."),
        number("placebo_high", "97.5 % quantile of it."),
        number("turnover", "Value traded a year, over the capital; honest only."),
        number("max_drawdown", "Largest loss from a peak, as a share of it."),
        count("n_delisted", "Positions closed because a price series ended for good; halts are not counted."),
    ),
    table("pairs_daily", "variant", "method", "cost_bp", "date")(
        _VARIANT,
        _CLUSTERS_OF,
        COST,
        day("date", "Trading day."),
        number(
            "daily_return",
            "Return on that day: honest on the capital committed to all pairs; as published on the value of the day "
            "before, null on the first day.",
        ),
        Column(
            "equity",
            "float64",
            "Value of the portfolio: honest 1 plus the sum of the returns, profits are not reinvested; as published "
            "over the cash at the start.",
        ),
        count("n_open", "Pairs with an open position at the end of the day."),
        number("placebo_low", "2.5 % quantile of the equity of random pairs; honest only."),
        number("placebo_median", "Their median."),
        number("placebo_high", "97.5 % quantile of it."),
    ),
)
