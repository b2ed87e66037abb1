"""Pairs trading without knowledge of the future: all parameters from before the first day, all trades a day late.

Rules, for every pair on its own:

- The spread is log price a - hedge ratio x log price b - intercept, in standard deviations of the estimation window.
- A signal of the close of day d is traded at the close of the next day on which both have a price. Nothing is traded
  at the price that made the signal.
- Enter where the spread crosses +-`entry` from inside (and is not beyond the stop): above sells a and buys b.
- Leave once: where the spread comes back to 0, or is at or beyond +-`stop`, or on the last day, or where a price series
  ends. An ended series is known only after more than 10 days without a price; then the position is closed at the last
  prices, and the pair is not traded again.
- A pair has a fixed capital of 1: 1 / (1 + |h|) in a and |h| / (1 + |h|) in b, for hedge ratio h, gross 1 at entry.
  Profits are not reinvested.
"""

from dataclasses import dataclass, fields

import numpy as np

from compsim_assets.science.trading.cointegration import LONGEST_GAP
from compsim_assets.science.trading.price_panel import PricePanel
from compsim_assets.science.trading.sharpe import DAYS_A_YEAR


@dataclass(frozen=True)
class Spreads:
    """B pairs as estimated before trading; (B,) each. a, b: columns of the panel."""

    a: np.ndarray
    b: np.ndarray
    hedge_ratio: np.ndarray
    intercept: np.ndarray
    deviation: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    def of(self, rows: slice | np.ndarray) -> "Spreads":
        """Those of some pairs."""
        return Spreads(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class PairTrades:
    """What every pair did, per capital of 1.

    Attributes:
        profit: (T, B) change of value on the day, before costs.
        traded: (T, B) value bought and sold on the day.
        is_open: (T, B) bool, at the end of the day.
        n_trades: (B,) positions opened.
        n_delisted: (B,) positions closed because a price series ended.
    """

    profit: np.ndarray
    traded: np.ndarray
    is_open: np.ndarray
    n_trades: np.ndarray
    n_delisted: np.ndarray


def trade_pairs(panel: PricePanel, pairs: Spreads, *, entry: float, stop: float) -> PairTrades:
    """Trade all pairs over the days of the panel, side by side.

    Cost: some forty vector operations per day on B numbers; 17 bytes per day and pair for the results and about twice
    that for prices: 2,000 pairs over 1,760 days take about 0.3 s.
    """
    market = _Market.of(panel, pairs)
    state = _State.start(len(panel.days), len(pairs))
    for day in range(len(panel.days)):
        state.step(market, day, entry, stop)
    return state.trades


@dataclass(frozen=True)
class _Market:
    """Prices as the pairs see them, (T, B) each; prices are the last known ones."""

    price_a: np.ndarray
    price_b: np.ndarray
    both: np.ndarray
    ended: np.ndarray
    z: np.ndarray
    weight_a: np.ndarray
    weight_b: np.ndarray

    @classmethod
    def of(cls, panel: PricePanel, pairs: Spreads) -> "_Market":
        price, gap = _last_known(panel.prices)
        priced = gap == 0
        both = priced[:, pairs.a] & priced[:, pairs.b]
        ended = np.maximum(gap[:, pairs.a], gap[:, pairs.b]) > LONGEST_GAP
        logs = np.log(panel.prices)
        spread = logs[:, pairs.a] - pairs.hedge_ratio * logs[:, pairs.b] - pairs.intercept
        gross = 1.0 + np.abs(pairs.hedge_ratio)
        return cls(
            price_a=price[:, pairs.a],
            price_b=price[:, pairs.b],
            both=both,
            ended=ended,
            z=spread / pairs.deviation,
            weight_a=1.0 / gross,
            weight_b=-pairs.hedge_ratio / gross,
        )


def _last_known(prices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, N) the last price up to each day, 0 before the first one, and the days since it (or since the start)."""
    day = np.arange(len(prices))[:, None]
    latest = np.maximum.accumulate(np.where(np.isfinite(prices), day, -1), axis=0)
    price = np.take_along_axis(prices, np.maximum(latest, 0), axis=0)
    return np.where(latest >= 0, price, 0.0), (day - latest).astype(np.int32)


@dataclass
class _State:
    """The state machine of all pairs; side 1 owns the spread, -1 is short of it."""

    trades: PairTrades
    units_a: np.ndarray
    units_b: np.ndarray
    side: np.ndarray
    order: np.ndarray
    leave: np.ndarray
    over: np.ndarray
    before: np.ndarray

    @classmethod
    def start(cls, days: int, pairs: int) -> "_State":
        """Nothing held, ordered or seen."""
        by_day = {name: np.zeros((days, pairs)) for name in ("profit", "traded")}
        counts = {name: np.zeros(pairs, dtype=np.int64) for name in ("n_trades", "n_delisted")}
        return cls(
            trades=PairTrades(**by_day, **counts, is_open=np.zeros((days, pairs), dtype=bool)),
            before=np.full(pairs, np.nan),
            **{name: np.zeros(pairs) for name in ("units_a", "units_b")},
            **{name: np.zeros(pairs, dtype=np.int64) for name in ("side", "order")},
            **{name: np.zeros(pairs, dtype=bool) for name in ("leave", "over")},
        )

    def step(self, market: _Market, day: int, entry: float, stop: float) -> None:
        """One day: mark, carry out yesterday's orders at the close, then look at the close for new ones."""
        a, b = market.price_a[day], market.price_b[day]
        if day:
            moved = self.units_a * (a - market.price_a[day - 1])
            self.trades.profit[day] = moved + self.units_b * (b - market.price_b[day - 1])
        last = day == len(self.trades.profit) - 1
        self._close(market, day, last)
        if not last:
            self._open(market, day)
        self.trades.is_open[day] = self.side != 0
        self._look(market, day, entry, stop)

    def _close(self, market: _Market, day: int, last: bool) -> None:
        ended = market.ended[day]
        closing = (self.side != 0) & ((self.leave & market.both[day]) | ended | last)
        value = np.abs(self.units_a) * market.price_a[day] + np.abs(self.units_b) * market.price_b[day]
        self.trades.traded[day, closing] += value[closing]
        self.trades.n_delisted[closing & ended] += 1
        for position in (self.units_a, self.units_b, self.side, self.leave):
            position[closing] = 0
        self.over |= ended
        self.order[self.over] = 0

    def _open(self, market: _Market, day: int) -> None:
        opening = (self.order != 0) & market.both[day]
        side = self.order[opening]
        self.units_a[opening] = side * market.weight_a[opening] / market.price_a[day, opening]
        self.units_b[opening] = side * market.weight_b[opening] / market.price_b[day, opening]
        self.trades.traded[day, opening] += 1.0
        self.trades.n_trades[opening] += 1
        self.side[opening] = side
        self.order[opening] = 0

    def _look(self, market: _Market, day: int, entry: float, stop: float) -> None:
        seen, z, before = market.both[day], market.z[day], self.before
        with np.errstate(invalid="ignore"):
            back = np.where(self.side > 0, z >= 0, z <= 0)
            self.leave |= seen & (self.side != 0) & (back | (np.abs(z) >= stop))
            inside = seen & (self.side == 0) & (self.order == 0) & ~self.over & (np.abs(z) < stop)
            self.order[inside & (before < entry) & (z > entry)] = -1
            self.order[inside & (before > -entry) & (z < -entry)] = 1
        self.before = np.where(seen, z, before)


@dataclass(frozen=True)
class Portfolio:
    """Equal-weighted over all pairs chosen, idle ones included, on the capital committed to them.

    gross: (T,) daily return before costs. traded: (T,) value traded on the day, over the capital. n_open: (T,) open
    positions at its end. n_trades: positions opened. n_delisted: positions closed because a price series ended.
    """

    gross: np.ndarray
    traded: np.ndarray
    n_open: np.ndarray
    n_trades: int
    n_delisted: int

    def returns(self, cost_bp: float) -> np.ndarray:
        """(T,) daily returns after costs of `cost_bp` basis points of the value traded."""
        return self.gross - cost_bp / 1e4 * self.traded

    @property
    def turnover(self) -> float:
        """Value traded per year, over the capital."""
        return float(self.traded.mean() * DAYS_A_YEAR)


def trade_portfolios(
    panel: PricePanel, pairs: Spreads, held: np.ndarray, *, entry: float, stop: float, at_once: int = 2000
) -> list[Portfolio]:
    """Portfolios that share pairs: each pair is traded once, whoever holds it.

    Args:
        held: (M, B) bool, the pairs of each portfolio, at least one each.
        at_once: pairs traded side by side; 2,000 take about 250 MB for 1,760 days.

    Cost: as `trade_pairs`.
    """
    share = held.T / held.sum(axis=1)
    gross, traded, n_open = np.zeros((3, len(panel.days), len(held)))
    counts = np.zeros((2, len(held)))
    for start in range(0, len(pairs), at_once):
        some = slice(start, start + at_once)
        trades = trade_pairs(panel, pairs.of(some), entry=entry, stop=stop)
        gross += trades.profit @ share[some]
        traded += trades.traded @ share[some]
        n_open += trades.is_open.astype(float) @ held.T[some]
        counts += np.stack([trades.n_trades, trades.n_delisted]) @ held.T[some]
    return [
        Portfolio(gross[:, m], traded[:, m], np.rint(n_open[:, m]).astype(np.int64), *map(int, counts[:, m]))
        for m in range(len(held))
    ]


def equity_of(returns: np.ndarray) -> np.ndarray:
    """(T, ...) value of a capital of 1 whose profits are not reinvested."""
    return 1.0 + np.cumsum(returns, axis=0)


def max_drawdown(equity: np.ndarray) -> float:
    """Largest loss from a peak, as a share of it; the start, 1, is a peak."""
    peak = np.maximum.accumulate(np.maximum(equity, 1.0))
    return float(((peak - equity) / peak).max(initial=0.0))
