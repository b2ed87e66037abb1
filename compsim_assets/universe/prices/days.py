"""Days of prices that look wrong: of another zone's clock, of weekends that repeat a Friday, of the future; and prices
of one day that are far from those of the days around it.
"""

from datetime import date
from typing import TYPE_CHECKING

from compsim_assets.universe.intake.decisions import Notes

if TYPE_CHECKING:
    import numpy as np

    from compsim_assets.universe.prices.files import Prices

_MONDAY, _FRIDAY, _SATURDAY, _SUNDAY = 0, 4, 5, 6
# A weekday that has this share of the fullest one's prices is one of trading; one of the second share is none.
_USUAL, _NONE = 0.5, 0.1
_LEAST = 20
# A price this many times the one before is a slip where the next one is within a factor of two of that one again.
_SLIP, _BACK = 4.0, 2.0


def say_days(prices: "Prices", notes: Notes) -> None:
    """Say what the weekdays of all prices together mean, and which prices are of days that are still to come.

    Prices on Sundays and none on Fridays are those of midnights east of the clock that the file is written by (or of
    exchanges that are open from Sunday to Thursday). Cost: a pass over the days, and over the weekends where there are.
    """
    import numpy as np

    n = len(prices.day)
    weekday = ((prices.day.astype(np.int64) + 3) % 7).astype(np.int8)
    counts = np.bincount(weekday, minlength=7)
    share = counts / max(counts.max(), 1)
    usual = np.flatnonzero(share >= _USUAL)
    if n >= _LEAST and share[_SUNDAY] >= _USUAL and share[_FRIDAY] <= _NONE:
        what = "prices are of Sundays and of no Friday, as midnights of a zone east of the file's clock are"
        remedy = "give days without a time, or times in the exchange's zone"
        notes.suspicious("date", what, int(counts[_SUNDAY]), _first(prices, weekday == _SUNDAY), remedy)
    if n >= _LEAST and usual.tolist() == [_MONDAY] and share[[1, 2, 3, _FRIDAY]].max() <= _NONE:
        what = "prices a week are of Mondays: taken as closes of these days, and not of the weeks that begin with them"
        notes.assumed("date", what, n, _first(prices, weekday == _MONDAY), "give the days of the closes")
    if share[[_SATURDAY, _SUNDAY]].min() > 0:
        _say_weekends(prices, weekday, notes)
    to_come = prices.day > np.datetime64(date.today())
    if to_come.any():
        what = "prices are of days that are still to come"
        notes.suspicious("date", what, int(to_come.sum()), _first(prices, to_come), "check the years of the dates")


def say_slips(prices: "Prices", notes: Notes) -> None:
    """Say which prices are far from both the one before and the one after, which are near each other: a wrong digit,
    another unit. Cost: one pass.
    """
    import numpy as np

    close, code = prices.close, prices.code
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        change = close[1:] / close[:-1]
        at = 1 + np.flatnonzero((change > _SLIP) | (change < 1 / _SLIP))
        at = at[at + 1 < len(close)]
        at = at[(code[at - 1] == code[at + 1]) & (close[at] > 0)]
        apart = close[at + 1] / close[at - 1]
        at = at[(apart < _BACK) & (apart > 1 / _BACK)]
    if len(at):
        row = at[0]
        example = (
            f"{prices.tickers[code[row]]} on {prices.day[row]}: {close[row - 1]:g}, {close[row]:g}, {close[row + 1]:g}"
        )
        what = "prices are far from those of the days before and after, which are near each other"
        notes.suspicious("adj_close", what, len(at), example, "check these prices")


def _say_weekends(prices: "Prices", weekday: "np.ndarray", notes: Notes) -> None:
    """Prices of Saturdays and Sundays that are nearly all those of the day before."""
    import numpy as np

    at = np.flatnonzero(weekday >= _SATURDAY)
    at = at[at > 0]
    at = at[(prices.code[at] == prices.code[at - 1]) & (prices.day[at] - prices.day[at - 1] == np.timedelta64(1, "D"))]
    same = prices.close[at] == prices.close[at - 1]
    if len(at) >= _LEAST and same.mean() > 1 - _NONE:
        what = "prices of Saturdays and Sundays repeat the day before: days without a trade count as days of trading"
        row = at[same.argmax()]
        example = f"{prices.tickers[prices.code[row]]} on {prices.day[row]}"
        notes.suspicious("date", what, int(same.sum()), example, "leave out days without a trade")


def _first(prices: "Prices", mask: "np.ndarray") -> str:
    row = int(mask.argmax())
    return f"{prices.tickers[prices.code[row]]} on {prices.day[row]}"
