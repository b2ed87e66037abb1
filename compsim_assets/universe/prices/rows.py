"""The rows of one price file that have a ticker, a day and a price, in arrays: no Python object per row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.intake.decisions import ASSUMED, FINE, LEFT_OUT
from compsim_assets.universe.prices.layouts import Layout
from compsim_assets.universe.prices.tally import Tally
from compsim_assets.universe.table_files import TableFile

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# No day of a price is this one.
_NO_DAY = -(2**31)


@dataclass
class Spellings:
    """Different values of a column and the row of the first of each; codes go on from batch to batch."""

    place: dict[Any, int] = field(default_factory=dict)
    row: list[int] = field(default_factory=list)

    def codes(self, column: Any, start: int = 0) -> "np.ndarray":
        """(n,) int32 places of a column's values, whose first row is `start`."""
        import numpy as np

        from compsim_assets.universe.intake.values import distinct

        codes, different = distinct(column)
        if any(value not in self.place for value in different):
            first = np.zeros(len(different), dtype=np.int64)
            first[codes[::-1]] = np.arange(len(codes))[::-1]
            for value, row in zip(different, first.tolist(), strict=True):
                if value not in self.place:
                    self.place[value] = len(self.place)
                    self.row.append(start + row)
        return np.array([self.place[value] for value in different], dtype=np.int32)[codes]


@dataclass(frozen=True)
class Rows:
    """Prices of a file, (n,) each: place of the ticker's spelling (int32), days since 1970 (int32), price (float64),
    row of the file (uint32).
    """

    ticker: "np.ndarray"
    day: "np.ndarray"
    close: "np.ndarray"
    row: "np.ndarray"

    def where(self, mask: "np.ndarray") -> "Rows":
        """Those of a mask, (n,) bool."""
        return self if mask.all() else Rows(*(part[mask] for part in (self.ticker, self.day, self.close, self.row)))

    @staticmethod
    def joined(parts: "list[Rows]") -> "Rows":
        """One after the other; the parts are emptied on the way, so that nothing is there twice."""
        import numpy as np

        if len(parts) == 1:
            return parts[0]
        columns: dict[str, list[np.ndarray]] = {
            "ticker": [np.empty(0, np.int32)],
            "day": [np.empty(0, np.int32)],
            "close": [np.empty(0)],
            "row": [np.empty(0, np.uint32)],
        }
        while parts:
            part = parts.pop(0)
            for name, arrays in columns.items():
                arrays.append(getattr(part, name))
        return Rows(**{name: np.concatenate(columns.pop(name)) for name in list(columns)})


def read_rows(
    file: TableFile, path: Path, layout: Layout, date_format: str, tickers: Spellings, tally: Tally
) -> Rows:  # fmt: skip
    """All prices of one file.

    Args:
        tickers: spellings of all files, which this one's are added to.

    Raises:
        UniverseError: a date or a price that is none or reads two ways, with file and row.
    """
    from compsim_assets.universe.intake.dates import days

    dates, start, parts = Spellings(), 0, []
    for batch in _batches(file, path, layout):
        place = partial(_place, file, start)
        date = batch.column(layout.date)
        stamped = _is_stamped(date.type)
        day = _whole_days(days(date, layout.date, place)[0]) if stamped else dates.codes(date, start)
        rows = _long(batch, layout, day, tickers, place) if layout.ticker else _wide(batch, layout, day, tickers, place)
        parts.append(replace(rows, row=rows.row + start))
        start += batch.num_rows
    rows = Rows.joined(parts)
    if dates.place:
        import pyarrow as pa

        # Whole numbers with a null among them are read as floats.
        different = pa.array([d.removesuffix(".0") if isinstance(d, str) else d for d in dates.place])
        of_text, how = days(different, layout.date, lambda code: _place(file, 0, dates.row[code]), date_format)
        rows = replace(rows, day=_whole_days(of_text)[rows.day])
        if how:
            what, remedy = f"dates are read {how}: some are beyond 12", 'universe.toml: [prices] date_format = "..."'
            tally.add(ASSUMED, "date", what, 1, file.name, remedy)
    return _complete(rows, layout, file, tickers, tally)


def _place(file: TableFile, start: int, row: int) -> str:
    return f"{file.name}: {file.place(start + row)}"


def _batches(file: TableFile, path: Path, layout: Layout) -> "Iterator[pa.RecordBatch]":
    """The file's columns, some rows at a time; texts of a long Parquet table in the codes that it has."""
    import pyarrow.parquet as pq

    named = (layout.date, layout.ticker, layout.price, layout.divisor)
    columns = [layout.date, *(column for column in named[1:] if column), *layout.tickers]
    if file.parquet is None or not layout.ticker:
        yield from file.batches(columns)
        return
    with pq.ParquetFile(path, memory_map=True, read_dictionary=[layout.ticker, layout.date]) as parquet:
        for batch in parquet.iter_batches(1 << 20, columns=columns):
            yield batch.select(columns)


def _is_stamped(kind: "pa.DataType") -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_timestamp(kind) or kinds.is_date(kind))


def _whole_days(day: "np.ndarray") -> "np.ndarray":
    """(n,) int32 days since 1970, `_NO_DAY` for NaT."""
    import numpy as np

    return np.where(np.isnat(day), _NO_DAY, day.astype(np.int64)).astype(np.int32)


def _numbers(column: "pa.Array", name: str, place: Callable[[int], str]) -> "np.ndarray":
    """(n,) float64; an empty text is no price."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from compsim_assets.universe.intake.values import numbers

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
    return numbers(column, name, place)


def _divisor(batch: "pa.RecordBatch", layout: Layout, place: Callable[[int], str]) -> "np.ndarray":
    """(n,) float64; 0 is none."""
    import numpy as np

    values = _numbers(batch.column(layout.divisor), layout.divisor, place)
    return np.where(values == 0, np.nan, values)


def _long(
    batch: "pa.RecordBatch", layout: Layout, day: "np.ndarray", tickers: Spellings, place: Callable[[int], str]
) -> Rows:
    import numpy as np

    close = _numbers(batch.column(layout.price), layout.price, place)
    if layout.divisor:
        close = close / _divisor(batch, layout, place)
    return Rows(tickers.codes(batch.column(layout.ticker)), day, close, np.arange(len(close), dtype=np.uint32))


def _wide(
    batch: "pa.RecordBatch", layout: Layout, day: "np.ndarray", tickers: Spellings, place: Callable[[int], str]
) -> Rows:
    """An empty cell is no price."""
    import numpy as np
    import pyarrow as pa

    matrix = np.stack([_numbers(batch.column(column), column, place) for column in layout.tickers])
    if layout.divisor:
        matrix /= _divisor(batch, layout, place)
    code = tickers.codes(pa.array(list(layout.tickers.values()), pa.string()))
    n_days, row = len(day), np.arange(len(day), dtype=np.uint32)
    cells = Rows(np.repeat(code, n_days), np.tile(day, len(code)), matrix.ravel(), np.tile(row, len(code)))
    return cells.where(~np.isnan(cells.close))


def _complete(rows: Rows, layout: Layout, file: TableFile, tickers: Spellings, tally: Tally) -> Rows:
    """The rows with a ticker, a day and a price that can be one; the others are counted."""
    import numpy as np

    close = rows.close
    if layout.signed:
        if n_means := int((close < 0).sum()):
            row = int((close < 0).argmax())
            what = f"negative `{layout.called}` is the mean of bid and ask, as CRSP marks it: taken as positive"
            tally.add(ASSUMED, "adj_close", what, n_means, f"{_place(file, 0, int(rows.row[row]))}: {close[row]:g}")
        close = np.where(close == 0, np.nan, np.abs(close))
        rows = replace(rows, close=close)
    nameless = [place for value, place in tickers.place.items() if spelled(value) is None]
    wrong = {
        ("ticker", "rows without a ticker"): np.isin(rows.ticker, nameless) if nameless else None,
        ("date", "rows without a date"): rows.day == _NO_DAY,
        ("adj_close", "rows without a price"): np.isnan(close),
        ("adj_close", "negative prices"): close < 0,
        ("adj_close", "infinite prices"): np.isinf(close),
    }
    fine = np.ones(len(close), dtype=bool)
    for (subject, what), mask in wrong.items():
        if mask is None or not mask.any():
            continue
        mask = mask & fine
        fine &= ~mask
        if mask.any():
            row = int(mask.argmax())
            example = f"{_place(file, 0, int(rows.row[row]))}: {close[row]:g}"
            tally.add(LEFT_OUT, subject, f"{what} are left out", int(mask.sum()), example)
    if n_lost := int((close == 0).sum()):
        row = int((close == 0).argmax())
        what = "prices of 0 are total losses"
        tally.add(FINE, "adj_close", what, n_lost, _place(file, 0, int(rows.row[row])), "leave missing prices empty")
    return rows.where(fine)


def spelled(value: Any) -> str | None:
    """A ticker in the platform's spelling; None where there is none."""
    from compsim_assets.science.companies import NO_NAME, ticker
    from compsim_assets.universe.intake.values import text_of

    text = text_of(value)
    return None if text is None or text in NO_NAME else ticker(text) or None
