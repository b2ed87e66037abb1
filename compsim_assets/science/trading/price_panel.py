"""Prices as one matrix of days and tickers, and moments of many pairs of its columns at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PricePanel:
    """Prices of N tickers on T days.

    Attributes:
        days: (T,) datetime64[D], ascending: every day on which some ticker has a price.
        tickers: N names, ascending.
        prices: (T, N) float64, NaN where a ticker has no price.
    """

    days: np.ndarray
    tickers: list[str]
    prices: np.ndarray

    def window(self, first: np.datetime64, last: np.datetime64) -> "PricePanel":
        """The days from `first` to `last`, both included; a view."""
        start, stop = np.searchsorted(self.days, [first, last + np.timedelta64(1, "D")])
        return PricePanel(self.days[start:stop], self.tickers, self.prices[start:stop])

    def priced_in_the_last(self, days: int) -> np.ndarray:
        """(N,) bool: has a price on one of the panel's last `days` days."""
        return np.isfinite(self.prices[max(0, len(self.days) - days) :]).any(axis=0)


def price_panel(names: Sequence[str], code: np.ndarray, days: np.ndarray, prices: np.ndarray) -> PricePanel:
    """The matrix of a long table; a price that is not above zero is no price.

    Args:
        names: N different tickers. code: (n,) integers, each row's place in `names`. days: (n,) datetime64.
            prices: (n,) floats.

    Raises:
        ValueError: a ticker has two prices on a day.

    Cost: O(n + T N) time and memory.
    """
    day = days.astype("datetime64[D]").astype(np.int64)
    first = int(day.min()) if len(day) else 0
    seen = np.bincount(day - first) > 0
    calendar = (np.flatnonzero(seen) + first).astype("datetime64[D]")
    row = (np.cumsum(seen) - 1)[day - first]
    order = np.argsort(np.array(names, dtype=str))
    column = np.argsort(order)[code]
    if np.bincount(row * len(names) + column, minlength=1).max() > 1:
        raise ValueError("a ticker has two prices on one day, expected one row a ticker and day")
    matrix = np.full((len(calendar), len(names)), np.nan)
    matrix[row, column] = np.where(prices > 0, prices, np.nan)
    return PricePanel(calendar, [names[i] for i in order], matrix)


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
