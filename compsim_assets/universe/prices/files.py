"""All price files of a universe in one order: by ticker and day, each once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.csv_files import SUFFIXES, CsvTable
from compsim_assets.universe.intake.columns import Names
from compsim_assets.universe.intake.decisions import ASSUMED, FINE, LEFT_OUT, Notes
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.prices.days import say_days, say_slips
from compsim_assets.universe.prices.layouts import ONE, Layout, header_of_fields, layout_of
from compsim_assets.universe.prices.month_ends import stamped_first
from compsim_assets.universe.prices.rows import Rows, Spellings, read_rows, spelled
from compsim_assets.universe.prices.tally import Tally
from compsim_assets.universe.table_files import TableFile, TableFiles

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Prices:
    """Adjusted closes, by ticker and then by day, each ticker and day once.

    tickers: N different ones, ascending. code: (n,) int32, places in `tickers`. day: (n,) datetime64[D].
    close: (n,) float64, finite and at least 0; 0 is a total loss.
    """

    tickers: list[str]
    code: "np.ndarray"
    day: "np.ndarray"
    close: "np.ndarray"

    def table(self) -> "pa.Table":
        """ticker (string), date (date32), adj_close (double)."""
        import numpy as np
        import pyarrow as pa

        names = pa.DictionaryArray.from_arrays(self.code, pa.array(self.tickers, pa.string()))
        date = pa.array(self.day.astype(np.int64).astype(np.int32)).cast(pa.date32())
        return pa.table({"ticker": names.cast(pa.string()), "date": date, "adj_close": self.close})


def read_prices(
    files: TableFiles, date_format: str, notes: Notes, by_permno: Callable[[], Mapping[str, str]] = dict
) -> Prices:
    """All prices of a universe.

    Rows without ticker, day or price are left out, as are negative and infinite prices; equal prices of a ticker and
    day count once. CRSP's negative prices are means of bid and ask.

    Args:
        date_format: of `strptime`, where the universe says it.
        by_permno: see `tickers_of_permno`; asked for where prices know only these numbers.

    Raises:
        UniverseError: a missing column, a date or price that is none or reads two ways, two prices of one day.

    Cost: O(n), and O(n) for the order by two radix sorts where the files are in another one; about 50 bytes a price.
    """
    import numpy as np

    tally, tickers, parts, counts = Tally(), Spellings(), [], []
    kinds, of_permno = dict[str, None](), False
    for number in range(len(files)):
        with _opened(files, number) as file:
            layout = layout_of(file.columns, files.spelling, file.name, _stem(file.name))
            _say_layout(tally, layout, file)
            parts.append(read_rows(file, files.fetch(number), layout, date_format, tickers, tally))
        counts.append(len(parts[-1].day))
        kinds[layout.what] = None
        of_permno |= layout.of_permno
    names = [spelled(value) for value in tickers.place]
    if of_permno:
        names = _by_ticker(names, by_permno(), tally)
    prices = _ordered(files, Rows.joined(parts), counts, list(tickers.place), names, tally)
    n = len(prices.day)
    spread = f", {prices.day.min()} to {prices.day.max()}" if n else ""
    notes.fine("prices", f"{' and '.join(kinds)}: {n:,} prices of {len(prices.tickers):,} tickers{spread}", n)
    if (stamped := stamped_first(prices)).any():
        rows = np.flatnonzero(stamped[prices.code])
        what = "prices a month, stamped with its first day, are taken as the month's last closes"
        notes.assumed("date", what, len(rows), str(prices.day[rows[0]]), "give the days of the closes")
    say_days(prices, notes)
    say_slips(prices, notes)
    tally.say(notes)
    return prices


def tickers_of_permno(reports: "pd.DataFrame") -> dict[str, str]:
    """Ticker of each of CRSP's permanent numbers, where reports have both.

    Raises:
        UniverseError: they are not one to one.
    """
    if "permno" not in reports:
        return {}
    pairs = reports[["permno", "ticker"]].dropna().map(spelled).drop_duplicates()
    for one, other in (("permno", "ticker"), ("ticker", "permno")):
        if (wrong := pairs[one].duplicated(keep=False)).any():
            first = pairs[wrong].iloc[0]
            several = " and ".join(pairs.loc[pairs[one] == first[one], other])
            raise UniverseError(
                f"reports: {one} {first[one]} is {other} {several}, and prices know only permno; expected one ticker "
                "for each permno: give the prices a column ticker"
            )
    return dict(zip(pairs["permno"], pairs["ticker"], strict=True))


def _by_ticker(names: Sequence[str | None], mapping: Mapping[str, str], tally: Tally) -> list[str | None]:
    numbers = {name for name in names if name is not None and name.isdigit()}
    if matched := numbers & set(mapping):
        what = "prices are named by permno: they get the ticker that the reports have for it"
        tally.add(ASSUMED, "ticker", what, len(matched), min(matched))
    if others := numbers - set(mapping):
        what = "prices are named by permno, and no report has a ticker for it: the number is their ticker"
        tally.add(ASSUMED, "ticker", what, len(others), min(others), "give prices or reports a column ticker")
    return [name and mapping.get(name, name) for name in names]


@contextmanager
def _opened(files: TableFiles, number: int) -> Iterator[TableFile]:
    """A file under its own names of columns, also one with several header lines."""
    path, name = files.fetch(number), files.names[number]
    if path.name.endswith(SUFFIXES):
        table = CsvTable(path, name, header_of_fields)
        yield TableFile(name, table.columns, {}, csv=table)
        return
    with replace(files, spelling=Names()).open(number) as file:
        yield file


def _stem(name: str) -> str:
    """A file's name without its ending, which can be a ticker; "" where it is that of the table."""
    stem = Path(name).name
    for suffix in (*reversed(SUFFIXES), ".parquet"):
        stem = stem.removesuffix(suffix)
    return "" if stem == "prices" else stem


def _say_layout(tally: Tally, layout: Layout, file: TableFile) -> None:
    remedy = 'universe.toml: [prices] columns = {{{} = "..."}}'.format
    grade, what = layout.adjustment()
    if layout.called != "adj_close":
        tally.add(grade, "adj_close", what, 1, file.name, "" if grade == FINE else remedy("adj_close"))
    for ours, theirs in (("ticker", layout.ticker), ("date", layout.date)):
        if theirs not in ("", ours):
            tally.add(ASSUMED, ours, f"column `{theirs}` is read as {ours}", 1, file.name, remedy(ours))
    if layout.what == ONE:
        what = "a file without a column of tickers is that of the ticker in its name"
        tally.add(ASSUMED, "ticker", what, 1, file.name, "add a column ticker")
    if layout.unread:
        tally.add(LEFT_OUT, "columns", f"columns are not read: {', '.join(layout.unread)}", len(layout.unread))


def _ordered(
    files: TableFiles, rows: Rows, counts: Sequence[int], spellings: Sequence[Any], names: Sequence[str | None],
    tally: Tally,
) -> Prices:  # fmt: skip
    """The rows by ticker and day, each once.

    Args:
        counts: rows of each file. spellings: of tickers, as files have them; names: the same, as the platform has them.
    """
    import numpy as np

    used = np.bincount(rows.ticker, minlength=len(names)) > 0
    tickers = sorted({name for name, is_used in zip(names, used, strict=True) if is_used and name is not None})
    rank = {name: place for place, name in enumerate(tickers)}
    code = np.array([rank.get(name or "", -1) for name in names], dtype=np.int32)[rows.ticker]
    first = int(rows.day.min()) if len(code) else 0
    key = (rows.day - first).astype(np.int64)
    key += code.astype(np.int64) * (int(key.max(initial=0)) + 1)
    order = None
    if not (key[1:] > key[:-1]).all():
        by_day = (rows.day[1:] >= rows.day[:-1]).all()
        keys = (_narrow(code),) if by_day else (_narrow(rows.day - first), _narrow(code))
        order = np.lexsort(keys)
        key, code = key[order], code[order]
        rows = Rows(*(part[order] for part in (rows.ticker, rows.day, rows.close, rows.row)))
    same = key[1:] == key[:-1]
    del key
    if same.any():
        twice = np.flatnonzero(same)
        if (wrong := twice[rows.close[twice] != rows.close[twice + 1]]).size:
            assert order is not None
            at = int(wrong[0])
            _refuse_two(files, rows, order, counts, at, tickers[code[at]], spellings)
        what = "rows that are there twice, with the same price, count once"
        tally.add(LEFT_OUT, "rows", what, len(twice), f"{tickers[code[twice[0]]]} on {_day(rows, twice[0])}")
        once = np.concatenate([[True], ~same])
        rows, code = rows.where(once), code[once]
    return Prices(tickers, code, rows.day.astype("datetime64[D]"), rows.close)


def _narrow(values: "np.ndarray") -> "np.ndarray":
    """Whole numbers from 0 on in 16 bits where they fit: numpy sorts those by radix, in O(n)."""
    import numpy as np

    return values.astype(np.uint16) if values.max(initial=0) < 2**16 else values


def _day(rows: Rows, at: int) -> "np.datetime64":
    return rows.day[at].astype("datetime64[D]")


def _refuse_two(
    files: TableFiles, rows: Rows, order: "np.ndarray", counts: Sequence[int], at: int, ticker: str,
    spellings: Sequence[Any],
) -> None:  # fmt: skip
    """Refuse the rows `at` and the next one: different prices of one ticker and day."""
    import numpy as np

    places = []
    for row in (at, at + 1):
        number = int(np.searchsorted(np.cumsum(counts), order[row], side="right"))
        with _opened(files, number) as file:
            places.append(f"{file.name}: {file.place(int(rows.row[row]))}")
    one, other = (spellings[rows.ticker[row]] for row in (at, at + 1))
    alike = f" ({one!r} and {other!r} are one ticker)" if one != other else ""
    raise UniverseError(
        f"{places[1]}: {ticker} on {_day(rows, at)} has the price {float(rows.close[at + 1])!r}, and "
        f"{float(rows.close[at])!r} at {places[0]}{alike}, expected one price a ticker and day: leave one of them out"
    )
