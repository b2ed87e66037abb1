"""Which columns of a price file are what: a long table, a column per ticker, or what yfinance, Yahoo and CRSP give."""

import re
from ast import literal_eval
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compsim_assets.universe.intake.columns import ALIASES, Names, plain
from compsim_assets.universe.intake.decisions import ASSUMED, FINE, SUSPICIOUS
from compsim_assets.universe.layout import UniverseError

LONG, WIDE, FIELDS, ONE = (
    "a long table",
    "a column per ticker",
    "fields by ticker, as yfinance gives",
    "a ticker a file",
)
_ADJUSTED = ("adjclose", "adjustedclose", "closeadj", "closeadjusted", "adjcloseprice", "adjustedprice", "adjprice")
_FIELDS = frozenset({
    *_ADJUSTED, "open", "high", "low", "close", "volume", "dividends", "stocksplits", "splits", "capitalgains", "vwap",
    "adjopen", "adjhigh", "adjlow", "repaired",
})  # fmt: skip
_CLOSES = frozenset({*_ADJUSTED, "close"})
# CRSP's prices have a sign: a negative one is the mean of bid and ask, and 0 means that there is none.
_CRSP = frozenset({"prc", "dlyprc", "mthprc"})
_UNADJUSTED = _CRSP | {"prccd", "prccm"}
_INDEX = ("__index_level_0__", "index", "Unnamed: 0", "")
_USUAL = _FIELDS | {plain(name) for names in ALIASES["prices"].values() for name in names}
_NUMBER = re.compile(r"[-+]?[\d.,]+(e[-+]?\d+)?|nan|null|none|n/a", re.IGNORECASE)
_DATES = frozenset({"date", "datetime", "timestamp"})
_SPELLED = (
    r"adj[ _.]?close|adjusted[ _.]?close|open|high|low|close|volume|dividends|stock[ _.]?splits|capital[ _.]?gains"
)
_FLAT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (rf"(?P<field>{_SPELLED})[ _.:-](?P<ticker>.+)", rf"(?P<ticker>.+?)[ _.:-](?P<field>{_SPELLED})")
)


@dataclass(frozen=True)
class Layout:
    """Where a file has its prices; names of columns are the file's own.

    what: one of `LONG`, `WIDE`, `FIELDS`, `ONE`. date: the column of days.
    ticker, price, divisor: columns of a long table; the price is divided by the divisor, where there is one.
    tickers: column of prices -> its ticker, of all others. called: the field of the prices.
    given: whether universe.toml says which field it is. unread: columns that are not used.
    """

    what: str
    date: str
    called: str = ""
    ticker: str = ""
    price: str = ""
    divisor: str = ""
    tickers: Mapping[str, str] = field(default_factory=dict)
    given: bool = False
    unread: tuple[str, ...] = ()

    @property
    def signed(self) -> bool:
        """Whether the sign is CRSP's mark."""
        return plain(self.called) in _CRSP

    @property
    def of_permno(self) -> bool:
        """Whether companies are named by CRSP's permanent number."""
        return plain(self.ticker) == "permno"

    def adjustment(self) -> tuple[str, str]:
        """How sure it is that prices are adjusted: a grade of `decisions`, and the sentence for it."""
        name = plain(self.called)
        if self.divisor:
            return (
                ASSUMED,
                f"`{self.called}` / `{self.divisor}` is read as adj_close: adjusted for splits, not dividends",
            )
        if name in _UNADJUSTED:
            return SUSPICIOUS, f"`{self.called}` is read as adj_close: it is not adjusted for splits and dividends"
        if self.given or name in _ADJUSTED:
            return FINE, f"`{self.called}` is read as adj_close"
        if not self.called:
            return ASSUMED, "prices are taken as adjusted for splits and dividends: the file does not say it"
        return ASSUMED, f"`{self.called}` is read as adj_close: taken as adjusted for splits and dividends"


def header_of_fields(rows: Sequence[Sequence[str]]) -> tuple[list[str], int] | None:
    """Names of columns, and the number of header lines, of a CSV file with one line of fields and one of tickers, as
    pandas writes what yfinance downloads: ('Close', 'AAPL'), and so on. None for any other file.

    Args:
        rows: the first three lines.
    """
    if len(rows) < 2 or len(rows[0]) != len(rows[1]) or any(sign.isdigit() for sign in rows[1][0]):
        return None
    top, second = ([cell.strip() for cell in row] for row in rows[:2])
    for fields, tickers in ((top, second), (second, top)):
        named = [(plain(f), t) for f, t in zip(fields[1:], tickers[1:], strict=True) if f and t]
        closes = any(name in _CLOSES for name, _ in named)
        # Numbers below names are the first row.
        if closes and all(name in _FIELDS for name, _ in named) and not all(_NUMBER.fullmatch(t) for _, t in named):
            break
    else:
        return None
    names = [repr((f, t)) if f and t else f or t for f, t in zip(fields, tickers, strict=True)]
    third = [cell.strip() for cell in rows[2]] if len(rows) > 2 else []
    is_header = bool(third) and bool(third[0]) and not any(third[1:]) and not any(s.isdigit() for s in third[0])
    # The first cells are the names of the two lines, where they have names.
    names[0] = third[0] if is_header else "" if top[0] and second[0] else top[0] or second[0]
    return names, 3 if is_header else 2


def layout_of(columns: Sequence[str], spelling: Names, name: str, stem: str) -> Layout:
    """What the columns of a price file are.

    Args:
        spelling: the usual names, and those of universe.toml. name: of the file, for messages.
        stem: the file's name without its ending: the ticker, where no column says it; "" where it is none.

    Raises:
        UniverseError: a column is missing, with what is there and the remedy.
    """
    if pairs := _fields_and_tickers(columns):
        return _of_fields(columns, pairs, spelling, name)
    names = spelling.of(columns, name)
    date, ticker, price = (names.get(column, "") for column in ("date", "ticker", "adj_close"))
    index = next((column for column in _INDEX if column in columns), None)
    unsure = "date" not in names or (not price and plain(date) not in _DATES and "date" not in spelling.given)
    if unsure and index is not None:
        date = index
    missing = ["date"] * ("date" not in names and index is None)
    missing += ["adj_close"] * bool(ticker and not price) + ["ticker"] * bool(price and not ticker and not stem)
    by_ticker = {column: column for column in columns if column != date and column not in _INDEX}
    if missing or not by_ticker:
        _refuse(name, columns, missing or ["ticker", "adj_close"])
    if not price:
        return Layout(WIDE, date, tickers=by_ticker)
    divisor = names.get("cfacpr", "") if plain(price) in _UNADJUSTED else ""
    used = {date, ticker, price, divisor}
    rest = tuple(column for column in columns if column not in used and column not in _INDEX)
    given = "adj_close" in spelling.given
    if ticker:
        return Layout(LONG, date, price, ticker, price, divisor, given=given, unread=rest)
    return Layout(ONE, date, price, divisor=divisor, tickers={price: stem}, given=given, unread=rest)


def _refuse(name: str, columns: Iterable[str], missing: Sequence[str]) -> None:
    there = ", ".join(f"{column!r}" if not column.strip() else column for column in list(columns)[:12])
    keys = ", ".join(f'{column} = "..."' for column in missing)
    raise UniverseError(
        f"{name}: no column {', '.join(missing)}; found {there}, expected ticker, date, adj_close, or date and a "
        f"column per ticker: name the columns in universe.toml, [prices] columns = {{{keys}}}"
    )


def _fields_and_tickers(columns: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Column -> field and ticker, where columns are named by both; empty where they are not."""
    columns = list(columns)
    dates = (*_DATES, *map(plain, ALIASES["prices"]["date"]), *map(plain, _INDEX))
    for pattern in _FLAT:
        flat = {column: parts for column in columns if (parts := _flat(column, pattern)) is not None}
        rest = [column for column in columns if column not in flat and plain(column) not in dates]
        if len(flat) > 1 and not rest and any(plain(name) in _CLOSES for name, _ in flat.values()):
            return flat
    pairs = {column: parts for column in columns if (parts := _tuple(column)) is not None}
    # Tickers can be called as fields are (LOW, OPEN), so all columns decide which part is the field.
    for first in (0, 1):
        fields = {plain(parts[first]) for parts in pairs.values()}
        if fields <= _FIELDS and fields & _CLOSES:
            return {column: (parts[first], parts[1 - first]) for column, parts in pairs.items()}
    return {}


def _tuple(column: str) -> tuple[str, str] | None:
    """The two parts of "('Close', 'AAPL')", as pandas writes names of two levels."""
    try:
        parts = literal_eval(column) if column.startswith("(") else None
    except (ValueError, SyntaxError):
        return None
    is_pair = isinstance(parts, tuple) and len(parts) == 2 and all(isinstance(part, str) and part for part in parts)
    return parts if is_pair else None


def _flat(column: str, pattern: re.Pattern[str]) -> tuple[str, str] | None:
    """Field and ticker of "Close_AAPL" and "AAPL Close"."""
    match = pattern.fullmatch(column)
    if match is None or plain(column) in _USUAL:
        return None
    is_word = plain(match["ticker"]) in ("price", "adj", "adjusted", "value")
    return None if is_word else (match["field"], match["ticker"])


def _of_fields(
    columns: Sequence[str], pairs: Mapping[str, tuple[str, str]], spelling: Names, name: str
) -> Layout:  # fmt: skip
    given = plain(spelling.given.get("adj_close", ""))
    fields = {plain(one): one for one, _ in pairs.values()}
    taken = next((wanted for wanted in (given, *_ADJUSTED, "close") if wanted in fields), "")
    rest = [column for column in columns if column not in pairs]
    dates = [c for c in rest if plain(c) in _DATES or c in (spelling.given.get("date"), "('Date', '')")]
    dates += [c for c in _INDEX if c in rest] + (rest if len(rest) == 1 else [])
    if not taken or not dates or (given and taken != given):
        _refuse(name, columns, ["date"] if taken and not dates else ["adj_close"])
    tickers = {column: ticker for column, (one, ticker) in pairs.items() if plain(one) == taken}
    unread = tuple(one for key, one in fields.items() if key != taken)
    return Layout(FIELDS, dates[0], fields[taken], tickers=tickers, given=bool(given), unread=unread)
