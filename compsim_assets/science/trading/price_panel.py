"""Prices as one matrix of days and tickers, and moments of many pairs of its columns at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from compsim_assets.science.companies import ticker_spelling
from compsim_assets.science.trading.calendar import Calendar, off_calendar
from compsim_assets.science.trading.series import end_of_moves


@dataclass(frozen=True)
class PricePanel:
    """Prices of N tickers on T days.

    Attributes:
        days: (T,) datetime64[D], ascending: the days on which tickers trade.
        tickers: N names, ascending.
        prices: (T, N) float64, NaN where a ticker has no price, 0 where its shares are worth nothing.
        left_out: days on which so few tickers have a price that they are no trading days; see `off_calendar`.
        off_tickers: names of those few.
        dead: names whose last price was repeated to the end; the repeats are no prices; see `end_of_moves`.
    """

    days: np.ndarray
    tickers: list[str]
    prices: np.ndarray
    left_out: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="datetime64[D]"))
    off_tickers: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()

    @property
    def positive(self) -> np.ndarray:
        """(T, N) prices that have a logarithm, NaN elsewhere; the prices themselves where none is 0."""
        return np.where(self.prices > 0, self.prices, np.nan) if (self.prices == 0).any() else self.prices

    def window(self, first: np.datetime64, last: np.datetime64) -> "PricePanel":
        """The days from `first` to `last`, both included; a view."""
        start, stop = np.searchsorted(self.days, [first, last + np.timedelta64(1, "D")])
        return PricePanel(self.days[start:stop], self.tickers, self.prices[start:stop])


def price_panel(names: Sequence[str], code: np.ndarray, days: np.ndarray, prices: np.ndarray) -> PricePanel:
    """The matrix of a long table. A negative price is none, and 0 is a total loss.

    Args:
        names: N different tickers, spelled in any way: `brk.b` and `BRK-B` are one column. code: (n,) integers, each
            row's place in `names`. days: (n,) datetime64. prices: (n,) floats.

    Raises:
        ValueError: a ticker has two prices on a day, or two spellings of it have different ones.

    Cost: O(n + T N) time and memory.
    """
    tickers, column = _columns(names, code)
    day = days.astype("datetime64[D]").astype(np.int64)
    first = int(day.min()) if len(day) else 0
    seen = np.bincount(day - first) > 0
    calendar = (np.flatnonzero(seen) + first).astype("datetime64[D]")
    row = (np.cumsum(seen) - 1)[day - first]
    place = row * len(tickers) + column
    if np.bincount(place, minlength=1).max() > 1:
        _refuse_two_prices(place, np.asarray(code), prices, lambda k: (tickers[column[k]], calendar[row[k]]))
    matrix = np.full((len(calendar), len(tickers)), np.nan)
    matrix[row, column] = np.where(prices >= 0, prices, np.nan)
    return _without_padding(calendar, tickers, matrix)


def _columns(names: Sequence[str], code: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Tickers in one spelling, ascending, and the column of each row. What spells none stays as it is."""
    given = pd.Series(names, dtype="string")
    spelled = ticker_spelling(given).fillna(given).to_numpy(dtype=str)
    tickers, column = np.unique(spelled, return_inverse=True)
    return tickers.tolist(), column[code]


def _refuse_two_prices(
    place: np.ndarray, code: np.ndarray, prices: np.ndarray, named: Callable[[int], tuple[str, np.datetime64]]
) -> None:
    """Two rows of a ticker and day must be of two spellings and have the same price."""
    order = np.argsort(place, kind="stable")
    one, other = order[:-1], order[1:]
    same = place[one] == place[other]
    wrong = np.flatnonzero(same & ((code[one] == code[other]) | (prices[one] != prices[other])))
    if len(wrong):
        a, b = one[wrong[0]], other[wrong[0]]
        ticker, day = named(a)
        raise ValueError(
            f"a ticker has two prices on one day, expected one row a ticker and day: {ticker} on {day} has "
            f"{prices[a]:g} and {prices[b]:g}"
        )


def _without_padding(calendar: np.ndarray, tickers: list[str], matrix: np.ndarray) -> PricePanel:
    """The panel without days that are no trading days, and without prices that are only repeated to the end."""
    priced = np.isfinite(matrix)
    some = priced.any(axis=0)
    first, last = priced.argmax(axis=0)[some], len(matrix) - 1 - priced[::-1].argmax(axis=0)[some]
    off = off_calendar(calendar, priced.sum(axis=1), first, last)
    alone = priced[off].any(axis=0)
    if off.any():
        matrix = matrix[~off]
    ends = end_of_moves(matrix, Calendar.of(calendar[~off]).longest_gap)
    dead = ends >= 0
    if dead.any():
        matrix[:, dead] = np.where(np.arange(len(matrix))[:, None] > ends[dead], np.nan, matrix[:, dead])
    named = (tuple(t for t, is_one in zip(tickers, which, strict=True) if is_one) for which in (alone, dead))
    return PricePanel(calendar[~off], tickers, matrix, calendar[off], *named)


@dataclass(frozen=True)
class PairMoments:
    """Moments of B pairs of columns over the rows that both have; (B,) each, NaN without two such rows.

    n: common rows. mean_a, mean_b, variance_a, variance_b, covariance: divided by n.
    """

    n: np.ndarray
    mean_a: np.ndarray
    mean_b: np.ndarray
    variance_a: np.ndarray
    variance_b: np.ndarray
    covariance: np.ndarray

    @property
    def correlation(self) -> np.ndarray:
        """Pearson's; NaN where a column is constant on the common rows."""
        product = np.sqrt(self.variance_a * self.variance_b)
        return np.divide(self.covariance, product, out=np.full(len(self.n), np.nan), where=product > 0)

    @property
    def slope(self) -> np.ndarray:
        """Of column a on column b by least squares; NaN where b is constant."""
        out = np.full(len(self.n), np.nan)
        return np.divide(self.covariance, self.variance_b, out=out, where=self.variance_b > 0)


def pair_moments(values: np.ndarray, a: np.ndarray, b: np.ndarray, block: int = 512) -> PairMoments:
    """Moments of many pairs of columns by products of whole matrices, not pair by pair.

    Args:
        values: (T, N), NaN where missing. a, b: (B,) columns of the pairs. block: columns that occur as `a` whose
            products with all others are formed together.

    Cost: five products of (block, T) by (T, N) for every block; O(block N + T N) memory.
    """
    present = np.isfinite(values)
    days = np.maximum(present.sum(axis=0), 1)
    # Columns of length about one around zero: nothing cancels in the sums of squares.
    centre = np.where(present, values, 0.0).sum(axis=0) / days
    scaled = np.where(present, values - centre, 0.0)
    scale = np.sqrt((scaled**2).sum(axis=0) / days)
    scale[~(scale > 1e-13 * np.abs(centre))] = 1.0
    scaled /= scale
    squares, mask = scaled**2, present.astype(np.float64)
    sums = np.empty((6, len(a)))
    used = np.unique(a)
    for start in range(0, len(used), block):
        columns = used[start : start + block]
        pairs = np.flatnonzero((a >= columns[0]) & (a <= columns[-1]))
        left, right = np.searchsorted(columns, a[pairs]), b[pairs]
        for row, (x, y) in enumerate(
            [
                (mask, mask), (scaled, mask), (mask, scaled),
                (squares, mask), (mask, squares), (scaled, scaled),
            ]
        ):  # fmt: skip
            sums[row, pairs] = (x[:, columns].T @ y)[left, right]
    return _moments(sums, centre, scale, a, b)


def _moments(sums: np.ndarray, centre: np.ndarray, scale: np.ndarray, a: np.ndarray, b: np.ndarray) -> PairMoments:
    n = np.rint(sums[0])
    mean = np.divide(sums[1:], n, out=np.full_like(sums[1:], np.nan), where=n > 1)
    variance_a, variance_b = mean[2] - mean[0] ** 2, mean[3] - mean[1] ** 2
    # What rounding leaves of a constant column is not a variance.
    variance_a[variance_a < 1e-12 * mean[2]] = 0.0
    variance_b[variance_b < 1e-12 * mean[3]] = 0.0
    return PairMoments(
        n=n.astype(np.int64),
        mean_a=centre[a] + scale[a] * mean[0],
        mean_b=centre[b] + scale[b] * mean[1],
        variance_a=scale[a] ** 2 * variance_a,
        variance_b=scale[b] ** 2 * variance_b,
        covariance=scale[a] * scale[b] * (mean[4] - mean[0] * mean[1]),
    )
