"""A universe's published pairs, read whole, checked, and put in order: by year, then by report."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from compsim_assets.universe.intake.values import numbers, whole_numbers, whole_years
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.table_files import TableFiles

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

_ENDS = ("Company1", "Company2")
_VALUES = ("cosine_similarity", "correlation")
# Longest table of places, 4 bytes each.
_TABLE = 1 << 26
# Published cosines are float32: their rounding may pass 1.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class PublishedPairs:
    """Pairs in the order of year, report_a, report_b, with report_a < report_b; what was left out, by reason.

    year, report_a, report_b: (m,) int64. cosine, correlation: (m,) float64, the latter NaN where it is missing.
    """

    year: "np.ndarray"
    report_a: "np.ndarray"
    report_b: "np.ndarray"
    cosine: "np.ndarray"
    correlation: "np.ndarray"
    dropped: Counter[str]


def read_pairs(files: TableFiles, report_id: "np.ndarray", report_year: "np.ndarray") -> PublishedPairs:
    """Pairs of known reports.

    Left out and counted: a pair with a report that is not known, or that is of another year than the pair; a pair
    without a cosine.

    Args:
        report_id, report_year: (n,) the universe's reports, ids ascending.

    Raises:
        UniverseError: a missing column, a year that is not one, a pair of a report with itself, a pair that occurs
            twice, a value outside [-1, 1]; names file and row.

    Cost: O(m log m) for m pairs; peak memory about 120 bytes per pair (15 million pairs: 1.8 GB).
    """
    import numpy as np

    raw = _columns(files)
    # Numbers by year, then id: pairs ordered by these numbers are ordered by year first.
    numbered = np.lexsort((report_id, report_year))
    report_id, report_year = report_id[numbered], report_year[numbered]
    ends = [_positions(raw[end], report_id) for end in _ENDS]
    usable, dropped = _usable_pairs(raw, ends, report_year)
    _check_values(files, raw, usable)
    first, last = np.minimum(*ends), np.maximum(*ends)
    del ends
    rows = _ordered(files, raw, usable, first, last, len(report_id))
    first, last = first[rows], last[rows]
    cosine, correlation = (raw.pop(name)[rows] for name in _VALUES)
    for values in (cosine, correlation):
        np.clip(values, -1.0, 1.0, out=values)
    return PublishedPairs(report_year[first], report_id[first], report_id[last], cosine, correlation, dropped)


def _positions(ids: "np.ndarray", report_id: "np.ndarray") -> "np.ndarray":
    """(m,) int32 positions of ids among (n,) report ids; -1 for a report that is not one of them."""
    import numpy as np
    import pandas as pd

    lowest, highest = (int(report_id.min()), int(report_id.max())) if len(report_id) else (0, -1)
    if highest - lowest > _TABLE:
        return pd.Index(report_id).get_indexer(pd.Index(ids)).astype(np.int32)
    # Ids lie close together: a table of places is several times faster than a hash.
    table = np.full(highest - lowest + 2, -1, dtype=np.int32)
    table[report_id - lowest] = np.arange(len(report_id))
    if len(ids) and ids.min() >= lowest and ids.max() <= highest:
        return table[ids - lowest]
    inside = (ids >= lowest) & (ids <= highest)
    return table[np.where(inside, ids - lowest, highest - lowest + 1)]


def _usable_pairs(
    raw: "dict[str, np.ndarray]", ends: "list[np.ndarray]", report_year: "np.ndarray"
) -> "tuple[np.ndarray, Counter[str]]":
    """Which pairs are of known reports of their own year and have a cosine; the others, counted."""
    import numpy as np

    usable = (ends[0] >= 0) & (ends[1] >= 0)
    unknown = int((~usable).sum())
    # Position -1 is the last one: of no year.
    year_of = np.append(report_year, -1)
    usable &= year_of[ends[0]] == raw["year"]
    usable &= year_of[ends[1]] == raw["year"]
    other_year = int((~usable).sum()) - unknown
    usable &= ~np.isnan(raw["cosine_similarity"])
    reasons = {
        "pair without a report": unknown,
        "pair of another year than its reports": other_year,
        "pair without a cosine": int((~usable).sum()) - unknown - other_year,
    }
    return usable, +Counter(reasons)


def reports_of_pairs(files: TableFiles) -> "pd.DataFrame":
    """The reports that pairs speak of, for a universe without a reports file: id and year.

    Raises:
        UniverseError: as `read_pairs`, and a report that occurs in two years.
    """
    import pandas as pd

    raw = _columns(files)
    ends = [pd.DataFrame({ID: raw[end], "year": raw["year"]}).drop_duplicates() for end in _ENDS]
    frame = pd.concat(ends, ignore_index=True).drop_duplicates()
    frame = frame.sort_values([ID, "year"], ignore_index=True)
    twice = frame[ID].duplicated().to_numpy()
    if twice.any():
        at = int(twice.argmax())
        report, year = frame[ID].iloc[at], frame["year"].iloc[at]
        named = (raw[_ENDS[0]] == report) | (raw[_ENDS[1]] == report)
        row = int((named & (raw["year"] == year)).argmax())
        raise UniverseError(
            f"{files.place(row)}: report {report} has pairs in {frame['year'].iloc[at - 1]} and {year}, "
            "expected one year per report"
        )
    return frame


def _columns(files: TableFiles) -> "dict[str, np.ndarray]":
    """Ids and year as int64, values as float64 (NaN for a null), of all files."""
    import numpy as np

    names = (*_ENDS, "year", *_VALUES)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    before = 0
    for number in range(len(files)):
        with files.open(number) as file:
            file.require(names)
            for batch in file.batches(names):
                place = partial(_place, files, before)
                for name in names:
                    read = _floats if name in _VALUES else _years if name == "year" else _ids
                    parts[name].append(read(batch.column(name), name, place))
                before += batch.num_rows
    columns = {}
    for name in names:
        kind = np.float64 if name in _VALUES else np.int64
        columns[name] = np.concatenate([np.empty(0, dtype=kind), *parts.pop(name)])
    return columns


def _place(files: TableFiles, before: int, row: int) -> str:
    return files.place(before + row)


def _floats(column: "pa.Array", name: str, place: Callable[[int], str]) -> "np.ndarray":
    return numbers(column, name, place)


def _years(column: "pa.Array", name: str, place: Callable[[int], str]) -> "np.ndarray":
    """Years are few: each different one is understood once."""
    return whole_years(column, place)


def _ids(column: "pa.Array", name: str, place: Callable[[int], str]) -> "np.ndarray":
    import pyarrow as pa

    if pa.types.is_signed_integer(column.type) and not column.null_count:
        return column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return whole_numbers(column, name, place, "a report id (a whole number)")


def _check_values(files: TableFiles, raw: "dict[str, np.ndarray]", usable: "np.ndarray") -> None:
    import numpy as np

    itself = raw[_ENDS[0]] == raw[_ENDS[1]]
    checks = [(itself, "is of a report with itself, expected two reports")]
    checks += [(np.abs(raw[name]) > 1 + _ROUNDING, f"has a {name} outside [-1, 1]") for name in _VALUES]
    for wrong, what in checks:
        wrong &= usable
        if wrong.any():
            row = int(wrong.argmax())
            raise UniverseError(f"{files.place(row)}: the pair {_named(raw, row)} {what}")


def _ordered(
    files: TableFiles,
    raw: "dict[str, np.ndarray]",
    usable: "np.ndarray",
    first: "np.ndarray",
    last: "np.ndarray",
    n: int,
) -> "np.ndarray | slice":
    """The usable rows, sorted by their pairs of report numbers; a slice where all are, in the file's own order.

    Raises:
        UniverseError: a pair that occurs twice, in whatever direction.
    """
    import numpy as np

    key = first.astype(np.int64)
    key *= n
    key += last
    everything = bool(usable.all())
    rows = np.flatnonzero(usable)
    if not everything:
        key = key[rows]
    if (key[1:] > key[:-1]).all():
        return slice(None) if everything else rows
    order = np.argsort(key)
    key = key[order]
    twice = key[1:] == key[:-1]
    if twice.any():
        at = int(twice.argmax())
        row = int(rows[order[at : at + 2]].max())
        raise UniverseError(f"{files.place(row)}: the pair {_named(raw, row)} occurs before, expected each pair once")
    return rows[order]


def _named(raw: "dict[str, np.ndarray]", row: int) -> str:
    return f"({raw[_ENDS[0]][row]}, {raw[_ENDS[1]][row]})"
