"""What is said of pairs trading: what is wrong with it as published, what knows the trading years, and the windows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from compsim_assets.science.trading.calendar import Calendar
    from compsim_assets.science.trading.price_panel import PricePanel
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


def price_notes(panel: "PricePanel", estimation: "PricePanel") -> dict[str, str]:
    """What is done with prices that are not as usual; nothing of what is not there.

    Args:
        panel: all days. estimation: those before trading.
    """
    from compsim_assets.science.trading.calendar import Calendar
    from compsim_assets.science.trading.series import last_series

    gap = Calendar.of(estimation.days).longest_gap
    lost = panel.prices == 0
    again = (last_series(estimation.prices, gap) > 0) & ~(estimation.prices == 0).any(axis=0)
    notes = {}
    if len(panel.left_out):
        notes["days_left_out"] = (
            f"{len(panel.left_out):,} days from {panel.left_out[0]} on are no trading days: fewer than a third of the "
            f"tickers that usually trade have a price ({some_of(panel.off_tickers)})"
        )
    if panel.dead:
        dead = some_of(panel.dead)
        notes["dead_stocks"] = f"the last price is repeated to the end, so the series ends where that begins: {dead}"
    if lost.any():
        notes["total_losses"] = f"a price of 0 ends the series: {some_of(_names(panel, lost.any(axis=0)))}"
    if again.any():
        notes["several_series"] = (
            f"more than {gap} rows before trading have no price, as of a ticker that is passed on; pairs are tested on "
            f"what comes after: {some_of(_names(panel, again))}"
        )
    return notes


def _names(panel: "PricePanel", which: "Sequence[bool]") -> list[str]:
    return [ticker for ticker, is_one in zip(panel.tickers, which, strict=True) if is_one]


def window_notes(estimation: "PricePanel", trading: "PricePanel") -> dict[str, str]:
    """Which window has no prices, so that no pair is tested or nothing is traded; nothing where both have."""
    windows = {"before trading: no pair is tested": estimation, "in the years of trading: nothing is traded": trading}
    empty = [why for why, panel in windows.items() if not len(panel.days)]
    return {"windows_without_prices": f"no price is of a day {' and none '.join(empty)}"} if empty else {}


def calendar_notes(calendar: "Calendar") -> dict[str, str]:
    """How figures are annual, where the rows of the prices are not those of an ordinary daily table."""
    from compsim_assets.science.trading.calendar import DAILY

    if calendar == DAILY:
        return {}
    gap = calendar.longest_gap
    return {
        "calendar": f"{calendar.rows_a_year:.4g} rows a year: figures are annual by them, and a series ends after more "
        f"than {gap} rows without a price"
    }


def halt_notes(backtest: "pd.DataFrame") -> dict[str, str]:
    """Positions closed because a stock was halted, by method; nothing without."""
    if "n_halted" not in backtest:
        return {}
    closed = backtest.groupby("method", sort=False)["n_halted"].max()
    closed = closed[closed > 0]
    if closed.empty:
        return {}
    named = ", ".join(f"{method} {int(count)}" for method, count in closed.items())
    return {"halts": f"positions closed because a stock was halted, and came back later: {named}"}


def some_of(names: "Sequence[str]", first: int = 3) -> str:
    """How many there are, and the first ones."""
    more = ", ..." if len(names) > first else ""
    return f"{len(names):,}: {', '.join(names[:first])}{more}"
