"""Where the price series of a ticker begin and end: breaks, halts, total losses and prices that are only repeated.

A price of 0 is a total loss: the series ends with it. A series without a price on more rows than the longest gap has
ended too, and what comes after it under the same ticker is another series, as tickers are passed on to other companies.
A halted stock is no other one: it is back soon, and near its last price. A trader does not know that during the gap,
so trading takes every long gap for an end; only estimation and counts look at what followed.
"""

from dataclasses import dataclass

import numpy as np

from compsim_assets.science.trading.calendar import LONGEST_GAP

# A halted stock is back within so many longest gaps: two months for estimation, where prices of another company spoil
# the numbers and a shorter series does not; half a year for counts.
_HALT, _COUNTED_HALT = 4, 12
# It is then between half and twice its last price.
_HALTED_MOVE = 2.0
# Relative distance of two numbers that are the same one in single precision.
SAME = 2.0**-22


def end_of_moves(prices: np.ndarray, longest_gap: int) -> np.ndarray:
    """(N,) the last row of each series that counts, where its last price is only repeated, to its end, on more rows
    than the longest gap: a dead stock. -1 where that is not so.

    Prices are equal up to single precision. A halted stock whose price stands still and then moves is none.

    Args:
        prices: (T, N), NaN where there is none.
    """
    n = len(prices)
    ends = np.full(prices.shape[1], -1)
    if not n:
        return ends
    priced = np.isfinite(prices)
    last = np.take_along_axis(prices, n - 1 - priced[::-1].argmax(axis=0)[None], axis=0)
    moving = priced & ~(np.abs(prices - last) <= SAME * last)
    start = np.where(moving.any(axis=0), n - moving[::-1].argmax(axis=0), 0)
    repeats = priced & (np.arange(n)[:, None] >= start)
    dead = repeats.sum(axis=0) - 1 > longest_gap
    ends[dead] = repeats.argmax(axis=0)[dead]
    return ends


def last_series(prices: np.ndarray, longest_gap: int) -> np.ndarray:
    """(N,) the row from which on the last series of each ticker counts: 0 where it has only one, and no price is 0."""
    row = np.arange(len(prices), dtype=np.int32)[:, None]
    priced = prices > 0
    latest = np.maximum.accumulate(np.where(priced, row, -1), axis=0)
    before = np.concatenate([np.full_like(latest[:1], -1), latest[:-1]])
    day, ticker = np.nonzero(priced & (before >= 0) & (row - before - 1 > longest_gap))
    old = before[day, ticker]
    halted = (day - old - 1 <= _HALT * longest_gap) & _near(prices[day, ticker], prices[old, ticker])
    begins = np.zeros(prices.shape[1], dtype=np.int64)
    np.maximum.at(begins, ticker[~halted], day[~halted])
    return np.maximum(begins, np.where(prices == 0, row + 1, 0).max(axis=0, initial=0))


def present_series(prices: np.ndarray, longest_gap: int) -> np.ndarray:
    """(T, N) prices of the last series of each ticker, NaN elsewhere; the argument itself where all have only one."""
    begins = last_series(prices, longest_gap)
    if not begins.any():
        return prices
    return np.where(np.arange(len(prices))[:, None] >= begins, prices, np.nan)


def passed_on_between(before: np.ndarray, after: np.ndarray, longest_gap: int) -> np.ndarray:
    """(N,) bool: more rows than the longest gap lie between the last price of one window and the first of the next.

    Args:
        before, after: (T, N) and (U, N) prices of windows that follow one another, NaN where there is none.
    """
    old, new = np.isfinite(before[::-1]), np.isfinite(after)
    return old.any(axis=0) & new.any(axis=0) & (old.argmax(axis=0) + new.argmax(axis=0) > longest_gap)


@dataclass(frozen=True)
class Listing:
    """What a trader sees of N tickers day by day; (T, N) each.

    Attributes:
        price: the last one up to the day, 0 before the first one and after a total loss.
        priced: bool, has a price on the day at which one can trade.
        ended: bool, known to have ended: a total loss, or more rows than the longest gap without a price.
        gone: bool, ended and not halted: it does not come back soon and near its last price. Known later, for counts.
    """

    price: np.ndarray
    priced: np.ndarray
    ended: np.ndarray
    gone: np.ndarray

    @classmethod
    def of(cls, prices: np.ndarray, longest_gap: int = LONGEST_GAP) -> "Listing":
        """Of (T, N) prices, NaN where there is none."""
        row = np.arange(len(prices), dtype=np.int32)[:, None]
        latest = np.maximum.accumulate(np.where(np.isfinite(prices), row, -1), axis=0)
        price = np.where(latest >= 0, np.take_along_axis(prices, np.maximum(latest, 0), axis=0), 0.0)
        lost = np.logical_or.accumulate(prices == 0, axis=0)
        ended = (row - latest > longest_gap) | lost
        gone = ended.copy()
        some = np.flatnonzero((ended & ~lost).any(axis=0))
        gone[:, some] &= ~_comes_back(prices[:, some], price[:, some], latest[:, some], _COUNTED_HALT * longest_gap)
        return cls(price, prices > 0, ended, gone | lost)


def _comes_back(prices: np.ndarray, price: np.ndarray, latest: np.ndarray, longest: int) -> np.ndarray:
    """(T, N) bool: the next price is at most `longest` rows after the last one, and near it."""
    n = len(prices)
    row = np.arange(n, dtype=np.int32)[:, None]
    following = np.minimum.accumulate(np.where(np.isfinite(prices), row, n)[::-1], axis=0)[::-1]
    next_price = np.take_along_axis(prices, np.minimum(following, n - 1), axis=0)
    return _near(next_price, price) & (following < n) & (following - latest - 1 <= longest)


def _near(price: np.ndarray, before: np.ndarray) -> np.ndarray:
    return (price <= _HALTED_MOVE * before) & (price * _HALTED_MOVE >= before)
