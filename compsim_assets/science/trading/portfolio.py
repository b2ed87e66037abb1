"""What the pairs of a method earn together: one portfolio, marked daily, on the capital committed to all of them."""

from dataclasses import dataclass

import numpy as np

from compsim_assets.science.trading.calendar import DAILY, DAYS_A_YEAR, Calendar
from compsim_assets.science.trading.honest import Spreads, trade_pairs
from compsim_assets.science.trading.price_panel import PricePanel


@dataclass(frozen=True)
class Portfolio:
    """Equal-weighted over all pairs chosen, idle ones included, on the capital committed to them.

    gross: (T,) daily return before costs. traded: (T,) value traded on the day, over the capital. n_open: (T,) open
    positions at its end. n_trades: positions opened. n_delisted, n_halted: positions closed because a price series
    ended for good, or came back later. rows_a_year: of the days.
    """

    gross: np.ndarray
    traded: np.ndarray
    n_open: np.ndarray
    n_trades: int
    n_delisted: int
    n_halted: int = 0
    rows_a_year: float = DAYS_A_YEAR

    def returns(self, cost_bp: float) -> np.ndarray:
        """(T,) daily returns after costs of `cost_bp` basis points of the value traded."""
        return self.gross - cost_bp / 1e4 * self.traded

    @property
    def turnover(self) -> float:
        """Value traded per year, over the capital."""
        return float(self.traded.mean() * self.rows_a_year)


def trade_portfolios(
    panel: PricePanel,
    pairs: Spreads,
    held: np.ndarray,
    *,
    entry: float,
    stop: float,
    calendar: Calendar = DAILY,
    at_once: int = 2000,
) -> list[Portfolio]:
    """Portfolios that share pairs: each pair is traded once, whoever holds it.

    Args:
        held: (M, B) bool, the pairs of each portfolio, at least one each.
        calendar: of the panel's days.
        at_once: pairs traded side by side; 2,000 take about 90 MB for 1,760 days.

    Cost: as `trade_pairs`.
    """
    share = held.T / held.sum(axis=1)
    gross, traded, n_open = np.zeros((3, len(panel.days), len(held)))
    counts = np.zeros((3, len(held)))
    for start in range(0, len(pairs), at_once):
        some = slice(start, start + at_once)
        trades = trade_pairs(panel, pairs.of(some), entry=entry, stop=stop, longest_gap=calendar.longest_gap)
        gross += trades.profit @ share[some]
        traded += trades.traded @ share[some]
        n_open += trades.is_open.astype(float) @ held.T[some]
        counts += np.stack([trades.n_trades, trades.n_delisted, trades.n_halted]) @ held.T[some]
    whole, n_open = counts.astype(np.int64), np.rint(n_open).astype(np.int64)
    return [
        Portfolio(
            gross=gross[:, m],
            traded=traded[:, m],
            n_open=n_open[:, m],
            n_trades=int(whole[0, m]),
            n_delisted=int(whole[1, m]),
            n_halted=int(whole[2, m]),
            rows_a_year=calendar.rows_a_year,
        )
        for m in range(len(held))
    ]


def equity_of(returns: np.ndarray) -> np.ndarray:
    """(T, ...) value of a capital of 1 whose profits are not reinvested."""
    return 1.0 + np.cumsum(returns, axis=0)


def max_drawdown(equity: np.ndarray) -> float:
    """Largest loss from a peak, as a share of it; the start, 1, is a peak."""
    peak = np.maximum.accumulate(np.maximum(equity, 1.0))
    return float(((peak - equity) / peak).max(initial=0.0))
