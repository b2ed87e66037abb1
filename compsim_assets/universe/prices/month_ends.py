"""Monthly log returns of month-end closes, for reports that have none of their own."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.layout import RETURNS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from compsim_assets.universe.prices.files import Prices

# A month's last close is at most so many days before its end.
_LATEST = 7
# Of a ticker's prices a month so many may have another day, and one at least: a download ends with that of today.
_OTHERS = 0.02


def stamped_first(prices: "Prices") -> "np.ndarray":
    """(N,) bool: tickers with prices a month, nearly all of its first day, as yfinance (1mo) and FRED stamp them.

    A ticker of fewer than three prices is as most others are. Only tickers that begin so are looked at whole.
    """
    import numpy as np

    places = np.arange(len(prices.tickers))
    start = np.searchsorted(prices.code, places)
    rows = np.searchsorted(prices.code, places, side="right") - start
    long, stamped = rows > 2, rows > 2
    for row in range(3):
        day = prices.day[start[stamped] + row]
        stamped[stamped] = day == day.astype("datetime64[M]")
    if not stamped.any():
        return stamped
    which = stamped[prices.code]
    code, day = prices.code[which], prices.day[which]
    month = day.astype("datetime64[M]")
    others = np.maximum(1, _OTHERS * rows)
    again = np.r_[False, (code[1:] == code[:-1]) & (month[1:] == month[:-1])]
    stamped &= np.bincount(code, day != month, len(rows)) <= others
    stamped &= np.bincount(code, again, len(rows)) <= others
    return stamped | (~long & (rows > 0) & bool(stamped[long].mean() > 0.5))


def moving(prices: "Prices") -> "np.ndarray":
    """(n,) bool: False for prices that repeat the last one of their ticker, to its end, on more rows of the calendar
    than a dead stock needs, as in trading; the first of them counts.
    """
    import numpy as np

    from compsim_assets.science.trading.calendar import Calendar
    from compsim_assets.science.trading.series import SAME

    n = len(prices.day)
    if not n:
        return np.ones(0, dtype=bool)
    day = prices.day.astype(np.int64)
    priced = np.bincount(day - day.min())
    # Days of few tickers, such as weekends, are not the others' calendar.
    gap = Calendar.of(np.flatnonzero(3 * priced > priced.max()).astype("datetime64[D]")).longest_gap
    places = np.arange(len(prices.tickers))
    end = np.searchsorted(prices.code, places, side="right") - 1
    last = prices.close[end][prices.code]
    since = np.searchsorted(prices.code, places)
    moves = np.flatnonzero(np.abs(prices.close - last) > SAME * last)
    np.maximum.at(since, prices.code[moves], moves + 1)
    dead = end - since > gap
    return ~(dead[prices.code] & (np.arange(n) > since[prices.code]))


@dataclass(frozen=True)
class MonthEnds:
    """The closes of months, by ticker and month.

    tickers: of the prices. key: (k,) int64, place of the ticker x 2^20 + month since 1970, ascending.
    log_close: (k,) natural logarithm; NaN from a price of 0 on.
    last: (N + 1,) last month of each ticker with a positive price before that; -1 without one, and at the end.
    revived: places of tickers that have a price after one of 0.
    dead: tickers whose last price is only repeated, to the end: they end with the first of these prices.
    """

    tickers: list[str]
    key: "np.ndarray"
    log_close: "np.ndarray"
    last: "np.ndarray"
    revived: "np.ndarray"
    dead: list[str]

    @classmethod
    def of(cls, prices: "Prices") -> "MonthEnds":
        """The last close of each calendar month, at most 7 days before its end; of prices a month that are stamped with
        the first day, the one that there is.
        """
        import numpy as np

        alive, stamped = moving(prices), stamped_first(prices)
        dead = [prices.tickers[place] for place in np.unique(prices.code[~alive])]
        if dead:
            prices = replace(prices, code=prices.code[alive], day=prices.day[alive], close=prices.close[alive])
        month = prices.day.astype("datetime64[M]").astype(np.int64)
        key = (prices.code.astype(np.int64) << 20) + month
        end = np.flatnonzero(np.append(key[1:] != key[:-1], True)[: len(key)])
        lost = np.full(len(prices.tickers), len(key))
        zero = np.flatnonzero(prices.close == 0)
        np.minimum.at(lost, prices.code[zero], zero)
        positive = prices.close > 0
        after = np.flatnonzero(positive & (np.arange(len(key)) > lost[prices.code]))
        last = np.full(len(prices.tickers) + 1, -1)
        before = positive & (np.arange(len(key)) < lost[prices.code])
        np.maximum.at(last, prices.code[before], month[before])
        to_end = (prices.day[end].astype("datetime64[M]") + 1).astype("datetime64[D]") - 1 - prices.day[end]
        end = end[(to_end.astype(np.int64) <= _LATEST) | stamped[prices.code[end]]]
        with np.errstate(divide="ignore"):
            log_close = np.where(end < lost[prices.code[end]], np.log(prices.close[end]), np.nan)
        return cls(prices.tickers, key[end], log_close, last, np.unique(prices.code[after]), dead)

    def places(self, ticker: "pd.Series") -> "np.ndarray":
        """(n,) place of each ticker, -1 where it has no price."""
        import numpy as np
        import pandas as pd

        return np.asarray(
            pd.Index(self.tickers, dtype=object).get_indexer(pd.Index(ticker.astype(object))), dtype=np.int64
        )

    def around(self, place: "np.ndarray", year: "np.ndarray", first: int, last: int) -> "np.ndarray":
        """(n, last - first + 1) log closes of the months from `first` to `last`, 0 is January of each row's year."""
        import numpy as np

        month = (12 * (year.astype(np.int64) - 1970))[:, None] + np.arange(first, last + 1)
        wanted = (place[:, None] << 20) + month
        at = np.minimum(np.searchsorted(self.key, wanted), max(len(self.key) - 1, 0))
        if not len(self.key):
            return np.full(wanted.shape, np.nan)
        return np.where((self.key[at] == wanted) & (place[:, None] >= 0), self.log_close[at], np.nan)


def returns_of(reports: "pd.DataFrame", prices: "Prices", notes: Notes) -> "np.ndarray":
    """(n, 12) log returns of each report's year from month-end close to month-end close; NaN where one is missing.

    A month-end close is the last one of the calendar month, at most 7 days before its end. After a delisting, from a
    price of 0 on, and where the last price is only repeated to the end, months are missing.

    Args:
        reports: ticker and year.
    """
    import numpy as np

    ends = MonthEnds.of(prices)
    place, year = ends.places(reports["ticker"]), reports["year"].to_numpy()
    matrix = np.diff(ends.around(place, year, -1, 11), axis=1)
    months = np.isfinite(matrix).sum(axis=1)
    what = "returns are made of month-end closes of the prices, as natural logarithms: the reports have none"
    notes.assumed(RETURNS, what, int((months == 12).sum()), remedy=f"give {RETURNS} with the reports")
    named = reports["ticker"].astype("string") + " in " + reports["year"].astype("string")
    has_price = place >= 0
    last = ends.last[place]
    ended = has_price & (months < 12) & (last // 12 + 1970 == year)
    delisted = ended & (last < ends.last.max())
    _say(notes, "months are missing after the ticker's last price: delisted inside the year", delisted, named)
    _say(notes, "the prices end inside the year", ended & ~delisted, named)
    _say(notes, "some of the twelve months have no month-end close", (months % 12 > 0) & ~ended, named)
    _say(notes, "no month of the year has a return", has_price & (months == 0) & ~ended, named)
    without = ~has_price & reports["ticker"].notna().to_numpy()
    _say(notes, "their ticker has no price", without, reports["ticker"])
    _say(notes, "no ticker, so no price", reports["ticker"].isna().to_numpy(), reports["year"])
    ours = set(reports["ticker"].dropna())
    if dead := [ticker for ticker in ends.dead if ticker in ours]:
        what = "tickers end with the price that is only repeated from then on, to their end: later months are missing"
        notes.assumed(RETURNS, what, len(dead), ", ".join(dead[:3]), "leave prices out after the last trade")
    again = np.isin(place, ends.revived)
    if again.any():
        what = "prices follow a price of 0, a total loss: months from the 0 on are missing"
        example = str(reports["ticker"].to_numpy()[again][0])
        notes.suspicious(RETURNS, what, int(again.sum()), example, "leave prices empty where they are missing")
    return matrix


def _say(notes: Notes, why: str, mask: "np.ndarray", named: "pd.Series") -> None:
    if mask.any():
        examples = named.to_numpy()[mask][:3]
        notes.missing(RETURNS, f"reports without twelve returns: {why}", int(mask.sum()), ", ".join(map(str, examples)))
