"""Which days are rows of a panel, how many of them make a year, and what a rule in trading days is in such rows."""

from dataclasses import dataclass

import numpy as np

DAYS_A_YEAR = 252
# A ticker without a price on this many trading days in a row has ended.
LONGEST_GAP = 10
# Rows below which a test of cointegration says nothing, however much time they cover.
LEAST_ROWS = 60
# Trading days, weeks, months and quarters of a year.
_USUAL, _NEAR = (DAYS_A_YEAR, 365.25 / 7, 12, 4), 0.05
# A step this many times the usual one is a hole in the file.
_HOLE = 10
# A day is off the calendar where fewer than this share of the tickers trade that trade on the day of a usual price.
_FEW = 1 / 3


@dataclass(frozen=True)
class Calendar:
    """How many rows of a panel make a year; the rules that are written in trading days, in such rows."""

    rows_a_year: float = DAYS_A_YEAR

    @classmethod
    def of(cls, days: np.ndarray) -> "Calendar":
        """The calendar of (T,) ascending days.

        Rows a year are 365.25 over the mean step, holes in the file apart. Within 5 % of 252, 52.18, 12 or 4 they are
        that number: five days a week less the holidays of any exchange are 252 (239 to 265), and months have no equal
        length. Rows of all seven days are 365.25. Fewer than two days say nothing: 252.
        """
        steps = np.diff(days).astype(float)
        if not len(steps):
            return cls()
        measured = 365.25 / steps[steps <= _HOLE * np.median(steps)].mean()
        return cls(next((usual for usual in _USUAL if abs(measured / usual - 1) < _NEAR), float(measured)))

    @property
    def longest_gap(self) -> int:
        """Rows without a price after which a series has ended: two weeks, and at least one row."""
        return max(1, round(LONGEST_GAP * self.rows_a_year / DAYS_A_YEAR))

    def rows_in(self, trading_days: int) -> int:
        """Rows that cover as much time; not fewer than a test needs, where that many were asked for."""
        rows = round(trading_days * self.rows_a_year / DAYS_A_YEAR)
        return max(rows, min(trading_days, LEAST_ROWS))


# Of ordinary daily prices.
DAILY = Calendar()


def off_calendar(days: np.ndarray, n_priced: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Days that are no trading days of a panel, as when one ticker trades seven days a week and all others five.

    A day is off where the share of its tickers, of those that have a first price before and a last price after it, is
    below a third of the share on the day of a usual price. So a panel of tickers that all have few days keeps them. A
    weekday (Saturday) that is off on most of its days is off on all: also where the others begin or have ended.

    Args:
        days: (T,) ascending. n_priced: (T,) tickers with a price. first, last: (N,) places in `days` of the tickers'
            first and last prices.

    Returns:
        (T,) bool.
    """
    n = len(days)
    listed = np.cumsum(np.bincount(first, minlength=n)) - np.r_[0, np.cumsum(np.bincount(last, minlength=n))[:-1]]
    share = n_priced / np.maximum(listed, 1)
    usual = (share * n_priced).sum() / max(1, n_priced.sum())
    off = share < _FEW * usual
    weekday = days.astype("datetime64[D]").astype(np.int64) % 7
    often = np.bincount(weekday, off, minlength=7) > np.bincount(weekday, minlength=7) / 2
    return off | often[weekday]
