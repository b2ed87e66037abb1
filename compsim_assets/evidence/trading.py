"""What is said of pairs trading: what is wrong with it as published, what knows the trading years, and the windows."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compsim_assets.science.trading.windows import TradingWindows

TRAPS = """Kept in `as_published`, so that its Sharpe ratio can be compared with the published one:
1. a position is never cleared after closing: the same profit is booked again on every later exit day;
2. the regression and z-scores use the whole trading window;
3. each pair in turn overwrites the portfolio's value of a day, on top of the cash of all pairs before it: the Sharpe
   ratio is mostly that of the last pair, made smooth by that cash;
4. positions of earlier pairs that are still open are valued at the current pair's prices;
5. the value of both legs is added to the cash at entry instead of paid;
6. names without a price in the last month of the window are skipped, known from the start;
7. the ADF test takes the plain price difference: no hedge ratio, no correction for the number of tests;
8. a pair that shares a cluster in several years is traded once for each of them.
"""
SEEN = (
    "`base` chooses its cutoff on all years, those of trading included, and scaler, PCA and distance scale of `base` "
    "and `rolling` see them too; only `walk_forward` clusters know nothing of the trading years. Published sets are "
    "as they came."
)
_CHOSEN_BY = {"asked": "as configured", "published": "the paper's", "last third": "the last third of the years"}


def windows_text(windows: "TradingWindows") -> str:
    """The windows in words."""
    years, estimation, trading = windows.cluster_years, windows.estimation, windows.trading
    return (
        f"clusters of {years[0]} to {years[-1]}, estimation {estimation[0]} to {estimation[1]}, "
        f"trading {trading[0]} to {trading[1]} ({_CHOSEN_BY[windows.rule]})"
    )
