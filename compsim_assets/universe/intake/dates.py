"""Days and months as files write them: never guessed, and each different spelling understood once."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from compsim_assets.science.companies import NOTHING
from compsim_assets.universe.intake.values import Place, arrow_of, distinct, text_of
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import numpy as np

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})([T ].*)?")
_ISO_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})([T ].*)?")
_WORDS = (
    "%d%b%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%d-%B-%Y",
    "%b-%Y",
    "%b %Y",
    "%B %Y",
)
EXPECTED = "a date like 2019-12-31 or 20191231"


def days(values: Any, name: str, place: Place, date_format: str = "", months: bool = False) -> "tuple[np.ndarray, str]":
    """(n,) datetime64[D] of a column of dates, NaT where there is none, and how they were read; "" where nothing was
    understood but what it says.

    A time is that of its own clock: midnight of any zone stays its day. Text is read as 2019-12-31, 20191231, 31DEC2019
    and the like. 03/04/2019 is read by the column's other dates, where one of them is beyond 12; else it is refused.

    Args:
        values: an Arrow or pandas column of dates, times, texts or whole numbers.
        date_format: of `strptime`, where the universe says it.
        months: whether YYYYMM and YYYY-MM are dates, too: the first day of the month.

    Raises:
        UniverseError: names the first date that is none, or that reads two ways with both readings.
    """
    import numpy as np

    direct = _direct(values)
    if direct is not None:
        return direct, ""
    codes, different = distinct(values)
    spelled = [text_of(value) for value in different]
    spelled = [None if text is None or text.lower() in NOTHING else text for text in spelled]
    order = _order_of(spelled, codes, name, place) if not date_format else ""
    parsed: list[date | None] = []
    for code, text in enumerate(spelled):
        day = None if text is None else _day(text, date_format or order, months)
        if text is not None and day is None:
            row = int((codes == code).argmax())
            expected = f"a date like {date_format}" if date_format else EXPECTED + (" or 2019-12" if months else "")
            raise UniverseError(f"{place(row)}: {name} {text!r}, expected {expected}")
        parsed.append(day)
    how = {"%d": "day first", "%m": "month first"}.get(order[:2], "")
    return np.array(parsed, dtype="datetime64[D]")[codes], how


def _direct(values: Any) -> "np.ndarray | None":
    """Days of a column of dates or times, without looking at each; None for any other column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = arrow_of(values)
    if column is None:
        return None
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz:
        column = pc.local_timestamp(column)
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return None
    if pa.types.is_timestamp(kind):
        column = pc.floor_temporal(column, unit="day")
    return column.cast(pa.date32()).to_numpy().astype("datetime64[D]")


def _order_of(spelled: Sequence[str | None], codes: Any, name: str, place: Place) -> str:
    """The format of dates such as 03/04/2019, by those of the column that read one way; "" where there are none.

    Raises:
        UniverseError: all of them read two ways, or some are day first and others month first.
    """
    parts = {code: match for code, text in enumerate(spelled) if text and (match := _NUMERIC.fullmatch(text))}
    if not parts:
        return ""
    day_first = [code for code, match in parts.items() if int(match[1]) > 12]
    month_first = [code for code, match in parts.items() if int(match[2]) > 12]
    if bool(day_first) != bool(month_first):
        return "%d/%m/%Y" if day_first else "%m/%d/%Y"
    if day_first:
        rows = [int((codes == group[0]).argmax()) for group in (day_first, month_first)]
        texts = " and ".join(f"{name} {spelled[group[0]]!r}" for group in (day_first, month_first))
        raise UniverseError(f"{place(max(rows))}: {texts} are written in two ways, expected {EXPECTED}")
    code = next(iter(parts))
    first, second, year = (int(parts[code][n]) for n in (1, 2, 3))
    where = place(int((codes == code).argmax()))
    raise UniverseError(
        f"{where}: {name} {spelled[code]!r} reads as {year}-{second:02d}-{first:02d} and as "
        f"{year}-{first:02d}-{second:02d}, and so do all dates of the column: say date_format in universe.toml"
    )


def _day(text: str, how: str, months: bool) -> date | None:
    text = text.removesuffix(".0")  # a whole number that was read as a float and written as text
    if how and "/%Y" not in how:
        return _strptime(text, (how,))
    try:
        if match := _ISO.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if re.fullmatch(r"\d{8}(\d{6})?", text):  # EDGAR adds the time
            return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        if months and (match := _ISO_MONTH.fullmatch(text) or re.fullmatch(r"(\d{4})(\d{2})", text)):
            return date(int(match[1]), int(match[2]), 1)
        if match := _NUMERIC.fullmatch(text):
            day, month = (match[1], match[2]) if how.startswith("%d") else (match[2], match[1])
            return date(int(match[3]), int(month), int(day))
    except ValueError:
        return None
    return _strptime(text, (how,) if how and not _NUMERIC.fullmatch(text) else _WORDS)


def _strptime(text: str, formats: Sequence[str]) -> date | None:
    for form in formats:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None
