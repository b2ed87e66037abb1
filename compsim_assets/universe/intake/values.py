"""The usual spellings of texts and numbers; each different value is understood once."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from compsim_assets.science.companies import NOTHING
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

_NUMBER = re.compile(r"[+-]?(\d+|[1-9]\d{0,2}(,\d{3})+)?(\.\d*)?([eE][+-]?\d+)?")
# Alone in a column it is 1,234 or 1.234.
_ONE_COMMA, _BOTH = re.compile(r"[+-]?\d+,\d+"), re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
_WHOLE = re.compile(r"[+-]?\d{1,19}(\.0*)?")

Place = Callable[[int], str]


def distinct(values: Any) -> "tuple[np.ndarray, list[Any]]":
    """(n,) codes of a column and its different values, None for a null; Arrow or pandas.

    Cost: O(n); what follows is O(different values).
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    column = arrow_of(values)
    if column is not None:
        coded = column.unify_dictionaries().combine_chunks()
        if not hasattr(coded, "dictionary"):
            try:
                coded = coded.dictionary_encode()
            except pa.ArrowNotImplementedError:  # lists and the like: named as text where they are no value
                coded = pa.array([None if v is None else str(v) for v in coded.to_pylist()], pa.string())
                coded = coded.dictionary_encode()
        different = [*coded.dictionary.to_pylist(), None]
        codes = coded.indices.fill_null(len(different) - 1).to_numpy(zero_copy_only=False)
        return codes.astype(np.int64), different
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    different = [None if _is_null(value) else value for value in uniques.tolist()]
    return np.where(codes < 0, len(different), codes), [*different, None]


def arrow_of(values: Any) -> "pa.ChunkedArray | None":
    """A column as Arrow has it; None where its values are of several types."""
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        return values
    try:
        column = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _is_null(value: Any) -> bool:
    return value is None or value != value


def text_of(value: Any) -> str | None:
    """A value as text without blanks around it; whole floats and decimals without their `.0`, as numbers with nulls are
    read.
    """
    if _is_null(value):
        return None
    if (isinstance(value, float) and value.is_integer()) or (
        isinstance(value, Decimal) and value == value.to_integral_value()
    ):
        value = int(value)
    return str(value).strip()


def texts(
    values: Any, spell: Callable[[str], str] = str, nothing: frozenset[str] | None = None
) -> "tuple[pd.Series, int]":
    """A column as text, null where it is missing in one of the usual spellings, and how many such spellings there were.

    Args:
        spell: what is done with each different text.
        nothing: spellings of a missing value, compared as they are; by default `NOTHING`, in lower case.
    """
    import numpy as np
    import pandas as pd

    codes, different = distinct(values)
    counts = np.bincount(codes, minlength=len(different))
    result: list[Any] = []
    spelled = 0
    for code, value in enumerate(different):
        text = text_of(value)
        if text is not None and (text.lower() in NOTHING if nothing is None else text in nothing):
            spelled += int(counts[code])
            text = None
        result.append(pd.NA if text is None else spell(text))
    index = values.index if isinstance(values, pd.Series) else None
    return pd.Series(pd.array(result, dtype="string").take(codes), index=index), spelled


def one_a_row(rows: Any, lists: "frozenset[str]", file: str) -> Any:
    """A table or batch whose text is no bytes, as some programs write it, and whose columns have one value a row.

    Args:
        lists: columns that may hold lists.

    Raises:
        UniverseError: a column of lists or of named values.
    """
    import pyarrow as pa
    import pyarrow.types as kinds

    for number, column in enumerate(rows.schema):
        kind = column.type
        if kinds.is_binary(kind) or kinds.is_large_binary(kind):
            try:
                rows = rows.set_column(number, column.name, rows.column(number).cast(pa.large_string()))
            except pa.ArrowInvalid:
                raise UniverseError(f"{file}: column {column.name} has bytes, expected text in UTF-8") from None
        elif kinds.is_nested(kind) and (kinds.is_struct(kind) or kinds.is_map(kind) or column.name not in lists):
            expected = "a list of numbers" if column.name in lists else "one value"
            raise UniverseError(f"{file}: column {column.name} has {kind}, expected {expected} a row")
    return rows


def is_text(kind: "pa.DataType") -> bool:
    """Whether an Arrow type is one of text."""
    import pyarrow.types as kinds

    return any((kinds.is_string(kind), kinds.is_large_string(kind), kinds.is_string_view(kind)))


def numbers(values: Any, name: str, place: Place) -> "np.ndarray":
    """(n,) float64 of numbers or their text ("1,234.50", "null"); NaN where there is none.

    Raises:
        UniverseError: names the first value that is no number, or that reads two ways.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    column = arrow_of(values)
    kind = pa.binary() if column is None else column.type
    if column is not None and kinds.is_decimal(kind):
        column = column.cast(pa.string())  # by its digits: the nearest float
        kind = column.type
    if column is not None and any(is_of(kind) for is_of in (kinds.is_integer, kinds.is_floating, kinds.is_null)):
        return column.cast(pa.float64()).to_numpy()
    if column is not None and is_text(kind):
        try:
            return pc.cast(column, pa.float64()).to_numpy()
        except pa.ArrowInvalid:
            pass  # some spelling that is not plain
    codes, different = distinct(values)
    parsed = [_number(value) for value in different]
    wrong = [code for code, value in enumerate(parsed) if value is None] or _undecided(different, parsed)
    bad = np.isin(codes, wrong)
    if bad.any():
        row = int(bad.argmax())
        text = str(different[codes[row]])
        raise UniverseError(f"{place(row)}: {name} {text!r}{_readings(text)}, expected a number like 1234.5")
    return np.array(parsed, dtype=float)[codes]


def _number(value: Any) -> float | None:
    text = text_of(value)
    if text is None or text.lower() in NOTHING:
        return float("nan")
    if not _NUMBER.fullmatch(text) or not any(c.isdigit() for c in text):
        return None
    return float(text.replace(",", ""))


def _undecided(different: Sequence[Any], parsed: Sequence[float | None]) -> list[int]:
    """Codes of numbers such as 49,690, where all numbers of a column are written so: its comma may be a point."""
    numbers = [code for code, value in enumerate(parsed) if value == value]
    return numbers if all(_ONE_COMMA.fullmatch(text_of(different[code]) or "") for code in numbers) else []


def _readings(text: str) -> str:
    """How a number with a comma reads, for messages."""
    if _ONE_COMMA.fullmatch(text):
        return f", which reads as {text.replace(',', '.')} and as {text.replace(',', '')}"
    return f", which reads as {text.replace('.', '').replace(',', '.')}" if _BOTH.fullmatch(text) else ""


def whole_numbers(values: Any, name: str, place: Place, expected: str) -> "np.ndarray":
    """(n,) int64 of whole numbers or their text.

    Raises:
        UniverseError: names the first value that is null or no whole number.
    """
    import numpy as np

    codes, different = distinct(values)
    parsed = [_whole(value) for value in different]
    wrong = [code for code, value in enumerate(parsed) if value is None]
    bad = np.isin(codes, wrong)
    if bad.any():
        row = int(bad.argmax())
        value = different[codes[row]]
        lost = ": floats of this size lose digits, give text or integers" if _inexact(value) else ""
        raise UniverseError(f"{place(row)}: {name} {value!r}, expected {expected}{lost}")
    return np.array([0 if value is None else value for value in parsed], dtype=np.int64)[codes]


def _inexact(value: Any) -> bool:
    return isinstance(value, float) and abs(value) > 2**53


def _whole(value: Any) -> int | None:
    if _inexact(value):
        return None
    text = text_of(value)
    number = int(text.partition(".")[0]) if text is not None and _WHOLE.fullmatch(text) else None
    return number if number is not None and abs(number) < 2**63 else None


def whole_years(year: Any, place: Place) -> "np.ndarray":
    """(n,) int64 of years as numbers or text such as "1996" or "1996.0".

    Raises:
        UniverseError: names the first row that is not a year of 1900 to 2200.
    """
    import numpy as np

    codes, different = distinct(year)
    parsed = []
    for value in different:
        text = re.sub(r"\.0*$", "", text_of(value) or "")
        number = int(text) if text.isdecimal() and len(text) == 4 else 0
        parsed.append(number if 1900 <= number <= 2200 else 0)
    years = np.array(parsed, dtype=np.int64)[codes]
    if not years.all():
        row = int((years == 0).argmax())
        value = different[codes[row]]
        text = "is null" if value is None else repr(value)
        raise UniverseError(f"{place(row)}: year {text}, expected a year like 2019 or '2019'")
    return years
