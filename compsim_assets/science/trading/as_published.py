"""Pairs trading as the paper's authors published it, mistakes included, so that its Sharpe ratio can be compared.

The mistakes are the traps of method section 7, kept on purpose: nothing is put right here. `honest` has none of them.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from compsim_assets.science.trading.price_panel import PricePanel

START_CASH, PER_PAIR, ENTRY, STOP = 100_000.0, 10_000.0, 1.0, 2.0
MIN_DAYS = 60


@dataclass
class PublishedPortfolio:
    """What the loop leaves behind.

    Attributes:
        value: (T,) money on each day of the window, NaN on days that no pair wrote.
        n_open: (T,) positions open at the end of the day, as of the pair that wrote the day.
        n_closings: closings booked, the same position as often as it was booked.
    """

    value: np.ndarray
    n_open: np.ndarray
    n_closings: int = 0
    _cash: float = START_CASH
    # Units of leg a and b and what they cost, summed over positions that were never closed.
    _left: np.ndarray = field(default_factory=lambda: np.zeros(3))
    _n_left: int = 0

    def trade(self, days: np.ndarray, price_a: np.ndarray, price_b: np.ndarray) -> None:
        """Run one pair over its (n,) common days, given as positions in the window."""
        z = z_scores(price_a, price_b)
        entry, side = _entry(z)
        units = np.zeros(2)
        exits = np.zeros(len(z), dtype=bool)
        open_days = np.zeros(len(z), dtype=bool)
        if side:
            units = side * PER_PAIR / 2 * np.array([1 / price_a[entry], -1 / price_b[entry]])
            back = z >= 0 if side > 0 else z <= 0
            # The position is never cleared: every later day on which the rule holds books the same closing again.
            exits = (back | (np.abs(z) >= STOP)) & (np.arange(len(z)) > entry)
            first_exit = int(exits.argmax()) if exits.any() else len(z)
            open_days[entry:first_exit] = True
        worth = units[0] * price_a + units[1] * price_b
        paid = np.where(exits, worth, 0.0)
        cost = worth[entry] if side else 0.0
        # Added instead of paid; zero, as the legs are of equal size.
        paid[entry] += cost
        cash = self._cash + np.cumsum(paid)
        # What earlier pairs left open is valued at this pair's prices, and the days they wrote are written over.
        others = self._left[0] * price_a + self._left[1] * price_b - self._left[2]
        self.value[days] = cash + others + np.where(open_days, worth - cost, 0.0)
        self.n_open[days] = self._n_left + open_days
        self._cash = float(cash[-1])
        self.n_closings += int(exits.sum())
        if open_days[-1]:
            self._left = self._left + np.array([*units, cost])
            self._n_left += 1


def trade_as_published(panel: PricePanel, pairs: pd.DataFrame) -> PublishedPortfolio:
    """Trade pairs one after the other over the days of the panel.

    Args:
        panel: the trading window.
        pairs: ticker_a, ticker_b, n_years, p_value; traded by rising p-value (then by name), each `n_years` times.

    Cost: O(days) vector operations per pair: about a millisecond for 1,760 days.
    """
    n_days = len(panel.days)
    portfolio = PublishedPortfolio(np.full(n_days, np.nan), np.zeros(n_days, dtype=np.int64))
    column = {ticker: i for i, ticker in enumerate(panel.tickers)}
    prices = panel.positive
    priced = np.isfinite(prices)
    last_month = panel.days >= panel.days[-1].astype("datetime64[M]") if n_days else priced[:, 0]
    survives = priced[last_month].any(axis=0)
    ordered = pairs.sort_values(["p_value", "ticker_a", "ticker_b"])
    for ticker_a, ticker_b, n_years in zip(ordered["ticker_a"], ordered["ticker_b"], ordered["n_years"], strict=True):
        a, b = column[ticker_a], column[ticker_b]
        days = np.flatnonzero(priced[:, a] & priced[:, b])
        if survives[a] and survives[b] and len(days) >= MIN_DAYS:
            for _ in range(n_years):
                portfolio.trade(days, prices[days, a], prices[days, b])
    return portfolio


def z_scores(price_a: np.ndarray, price_b: np.ndarray) -> np.ndarray:
    """Residual of price a on price b over all (n,) days, in sample standard deviations; NaN where it does not vary."""
    centred_a, centred_b = price_a - price_a.mean(), price_b - price_b.mean()
    variance = centred_b @ centred_b
    slope = centred_a @ centred_b / variance if variance > 0 else 0.0
    residual = centred_a - slope * centred_b
    deviation = residual.std(ddof=1)
    if not deviation > 0:
        return np.full(len(price_a), np.nan)
    return (residual - residual.mean()) / deviation


def _entry(z: np.ndarray) -> tuple[int, int]:
    """Day of the first crossing of +-1 from inside, and the side: -1 sells the spread, 1 buys it, 0 never."""
    above = (z[:-1] < ENTRY) & (z[1:] > ENTRY)
    below = (z[:-1] > -ENTRY) & (z[1:] < -ENTRY)
    crossing = above | below
    if not crossing.any():
        return 0, 0
    day = int(crossing.argmax())
    # From below -1 to above 1 in one day is the upper crossing.
    return day + 1, -1 if above[day] else 1
