"""Pairs trading without knowledge of the future: all parameters from before the first day, all trades a day late.

Rules, for every pair on its own:

- The spread is log price a - hedge ratio x log price b - intercept, in standard deviations of the estimation window.
- A signal of the close of day d is traded at the close of the next day on which both have a price. Nothing is traded
  at the price that made the signal.
- Enter where the spread crosses +-`entry` from inside (and is not beyond the stop): above sells a and buys b.
- Leave once: where the spread comes back to 0, or is at or beyond +-`stop`, or on the last day, or where a series
  ends. A price of 0 ends it at once, and the leg is lost (or won). Else an ended series is known only after more than
  10 days without a price; then the position is closed at the last prices. The pair is not traded again, also where a
  halted stock comes back, or its ticker with another company: on the day nobody can tell (see `series`).
- A pair has a fixed capital of 1: 1 / (1 + |h|) in a and |h| / (1 + |h|) in b, for hedge ratio h, gross 1 at entry.
  Profits are not reinvested.
"""

from dataclasses import dataclass, field, fields

import numpy as np

from compsim_assets.science.trading.calendar import LONGEST_GAP
from compsim_assets.science.trading.price_panel import PricePanel
from compsim_assets.science.trading.series import Listing


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
        n_halted: (B,) positions closed because a stock was halted: it came back later. Known afterwards only.
    """

    profit: np.ndarray
    traded: np.ndarray
    is_open: np.ndarray
    n_trades: np.ndarray
    n_delisted: np.ndarray
    n_halted: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def trade_pairs(
    panel: PricePanel, pairs: Spreads, *, entry: float, stop: float, longest_gap: int = LONGEST_GAP
) -> PairTrades:
    """Trade all pairs over the days of the panel, side by side.

    Args:
        longest_gap: days without a price after which a series has ended.

    Cost: some forty vector operations per day on B numbers; 17 bytes per day and pair for the results: 2,000 pairs over
    1,760 days take about 0.2 s.
    """
    market = _Market.of(panel, pairs, longest_gap)
    state = _State.start(len(panel.days), len(pairs))
    with np.errstate(invalid="ignore"):
        for day in range(len(panel.days)):
            state.step(market, day, entry, stop)
    return state.trades


@dataclass(frozen=True)
class _Day:
    """A day as the pairs see it, (B,) each; prices are the last known ones."""

    price_a: np.ndarray
    price_b: np.ndarray
    both: np.ndarray
    ended: np.ndarray
    gone: np.ndarray
    z: np.ndarray


@dataclass(frozen=True)
class _Market:
    """Tickers day by day, (T, N), and the weights of the legs, (B,): pairs are looked up on the day."""

    pairs: Spreads
    listing: Listing
    logs: np.ndarray
    weight_a: np.ndarray
    weight_b: np.ndarray

    @classmethod
    def of(cls, panel: PricePanel, pairs: Spreads, longest_gap: int) -> "_Market":
        gross = 1.0 + np.abs(pairs.hedge_ratio)
        return cls(
            pairs=pairs,
            listing=Listing.of(panel.prices, longest_gap),
            logs=np.log(panel.positive),
            weight_a=1.0 / gross,
            weight_b=-pairs.hedge_ratio / gross,
        )

    def on(self, day: int) -> _Day:
        pairs, listing = self.pairs, self.listing
        priced, ended, gone, logs = listing.priced[day], listing.ended[day], listing.gone[day], self.logs[day]
        spread = logs[pairs.a] - pairs.hedge_ratio * logs[pairs.b] - pairs.intercept
        return _Day(
            price_a=listing.price[day, pairs.a],
            price_b=listing.price[day, pairs.b],
            both=priced[pairs.a] & priced[pairs.b],
            ended=ended[pairs.a] | ended[pairs.b],
            gone=gone[pairs.a] | gone[pairs.b],
            z=spread / pairs.deviation,
        )


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
    price_a: np.ndarray
    price_b: np.ndarray

    @classmethod
    def start(cls, days: int, pairs: int) -> "_State":
        """Nothing held, ordered or seen."""
        by_day = {name: np.zeros((days, pairs)) for name in ("profit", "traded")}
        counts = {name: np.zeros(pairs, dtype=np.int64) for name in ("n_trades", "n_delisted", "n_halted")}
        return cls(
            trades=PairTrades(**by_day, **counts, is_open=np.zeros((days, pairs), dtype=bool)),
            before=np.full(pairs, np.nan),
            **{name: np.zeros(pairs) for name in ("units_a", "units_b", "price_a", "price_b")},
            **{name: np.zeros(pairs, dtype=np.int64) for name in ("side", "order")},
            **{name: np.zeros(pairs, dtype=bool) for name in ("leave", "over")},
        )

    def step(self, market: _Market, day: int, entry: float, stop: float) -> None:
        """One day: mark, carry out yesterday's orders at the close, then look at the close for new ones."""
        today = market.on(day)
        moved = self.units_a * (today.price_a - self.price_a)
        self.trades.profit[day] = moved + self.units_b * (today.price_b - self.price_b)
        self.price_a, self.price_b = today.price_a, today.price_b
        last = day == len(self.trades.profit) - 1
        self._close(today, day, last)
        if not last:
            self._open(market, today, day)
        self.trades.is_open[day] = self.side != 0
        self._look(today, entry, stop)

    def _close(self, today: _Day, day: int, last: bool) -> None:
        closing = np.flatnonzero((self.side != 0) & ((self.leave & today.both) | today.ended | last))
        ended, gone = today.ended[closing], today.gone[closing]
        value = np.abs(self.units_a[closing]) * today.price_a[closing]
        self.trades.traded[day, closing] += value + np.abs(self.units_b[closing]) * today.price_b[closing]
        self.trades.n_delisted[closing[gone]] += 1
        self.trades.n_halted[closing[ended & ~gone]] += 1
        for position in (self.units_a, self.units_b, self.side, self.leave):
            position[closing] = 0
        self.over |= today.ended
        self.order[self.over] = 0

    def _open(self, market: _Market, today: _Day, day: int) -> None:
        opening = np.flatnonzero((self.order != 0) & today.both)
        side = self.order[opening]
        self.units_a[opening] = side * market.weight_a[opening] / today.price_a[opening]
        self.units_b[opening] = side * market.weight_b[opening] / today.price_b[opening]
        self.trades.traded[day, opening] += 1.0
        self.trades.n_trades[opening] += 1
        self.side[opening] = side
        self.order[opening] = 0

    def _look(self, today: _Day, entry: float, stop: float) -> None:
        seen, z, before = today.both, today.z, self.before
        held, beyond = self.side != 0, np.abs(z) >= stop
        back = np.where(self.side > 0, z >= 0, z <= 0)
        self.leave |= seen & held & (back | beyond)
        free = seen & ~held & (self.order == 0) & ~self.over & (np.abs(z) < stop)
        self.order[free & (before < entry) & (z > entry)] = -1
        self.order[free & (before > -entry) & (z < -entry)] = 1
        self.before = np.where(seen, z, before)
