"""A universe's common return factors by month, from its own table or from Kenneth French's files as downloaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.csv_files import SUFFIXES
from compsim_assets.universe.factor_library import read_library
from compsim_assets.universe.intake.columns import Names, plain
from compsim_assets.universe.intake.decisions import Decisions, Notes
from compsim_assets.universe.intake.values import Place
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.table_files import one_file

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_DATES = ("date", "dateff", "caldt", "mcaldt", "yyyymm", "period", "time", "index", "indexlevel0", "unnamed0", "")
_MARKET = {"mktrf", "mkt", "market", "rmrf", "mktexcess", "marketexcess", "marketrf", "exmkt", "mktexc", "mktexret"}
# The return of a bill is what the market's is in excess of: no factor.
_RISK_FREE = {"rf", "riskfree", "riskfreerate", "rfree", "tbill", "rff"}
_CODES = (-99.99, -999.0, -9999.0, -999.99)
# What pandas writes beside a table: 0, 1, 2 and so on.
_INDEX = ("index", "indexlevel0", "unnamed0", "")
# The market's typical size, of months and of days, from which on it can only be per cent; and what is too small for it.
_PER_CENT, _SMALL = {False: 0.5, True: 0.05}, {False: 0.1, True: 0.01}
_DAYS = 15
_REMEDY = 'universe.toml: [factors] unit = "fraction" or "percent"'


@dataclass(frozen=True)
class _Table:
    """One file's columns, of any spelling."""

    path: Path
    columns: Mapping[str, Any]
    place: Place


def factor_files(folder: Path, decisions: Decisions) -> list[Path]:
    """factors.parquet, factors.csv or factors.csv.gz; else all files F-F_*.csv, also packed, by name."""
    library = sorted(path for path in folder.glob("F-F_*") if path.name.lower().endswith((*SUFFIXES, ".zip")))
    for suffix in (".parquet", *SUFFIXES):
        if (path := folder / f"factors{suffix}").exists():
            for other in library:
                decisions.of(other).left_out(other.name, f"`{other.name}` is not read, since there is {path.name}", 1)
            return [path]
    return library


def read_factors(paths: Sequence[Path], rules: Mapping[str, Any], decisions: Decisions) -> "pd.DataFrame":
    """Factors by month as simple returns (0.01 is one per cent), the market first; NaN where one is missing.

    A table has a date (any day of the month, 2003-01, 200301), or year and month, and one column per factor. Days are
    compounded to months. Per cent is read as such where universe.toml or the market's size says it. Several files are
    put together by month.

    Args:
        rules: of [factors] in universe.toml.

    Returns:
        year, month (1 to 12), then the factors in the files' order, by month.

    Raises:
        UniverseError: no date, no factor, a date that is none, a month twice, a value that is no return, two units.
    """
    import numpy as np
    import pandas as pd

    monthly: list[pd.DataFrame] = []
    for path in paths:
        frame = _monthly(path, rules, decisions.of(path), strict=len(paths) == 1)
        for other, before in zip(paths, monthly, strict=False):
            if doubled := [name for name in frame.columns if name in before]:
                raise UniverseError(f"{path}: {doubled[0]} is in {other.name}, too: expected each factor in one file")
        monthly.append(frame)
    table = pd.concat(monthly, axis=1).sort_index()
    notes = decisions.of(paths[0] if len(paths) == 1 else "factors")
    names: list[str] = table.columns.to_list()
    market = next((name for name in names if plain(name) in _MARKET), names[0])
    if market != names[0]:
        notes.assumed(market, f"{market} is the market: put before {names[0]}", 1)
        table = table[[market, *(name for name in names if name != market)]]
    _say_missing(table, notes)
    months = table.index.to_numpy().astype("M8[M]").astype(np.int64)
    table = table.reset_index(drop=True)
    table.insert(0, "year", 1970 + months // 12)
    table.insert(1, "month", months % 12 + 1)
    return table


def _say_missing(table: "pd.DataFrame", notes: Notes) -> None:
    import numpy as np

    months = table.index.to_numpy().astype("M8[M]")
    without = table.isna().to_numpy()
    if without.any():
        example = str(months[without.any(axis=1)][0])
        notes.missing("factors", "months without a value of a factor: they take no part", int(without.sum()), example)
    gaps = np.setdiff1d(np.arange(months[0], months[-1]), months)
    if len(gaps):
        notes.missing("factors", "months between the first and the last are not there", len(gaps), str(gaps[0]))


def _monthly(path: Path, rules: Mapping[str, Any], notes: Notes, strict: bool) -> "pd.DataFrame":
    """Factors of one file, by month (the index, its first day)."""
    import numpy as np
    import pandas as pd

    table = _read(path, rules, notes, strict)
    day, dated = _dates(table, rules, notes)
    names = [name for name in table.columns if name not in dated]
    free = [name for name in names if plain(name) in _RISK_FREE]
    if free:
        notes.left_out(free[0], f"{free[0]} is the return of a bill, and no factor", len(day))
    names = [name for name in names if name not in free]
    numbered = [str(row) for row in range(len(day))]
    for name in [name for name in names if plain(name) in _INDEX and list(map(str, table.columns[name])) == numbered]:
        notes.left_out(name, f"column `{name}` numbers the rows, and is no factor", len(day))
        names.remove(name)
    if not names:
        raise _incomplete(table)
    month = day.astype("M8[M]")
    order, counts = np.unique(month, return_counts=True)
    daily = len(order) > 0 and bool(np.median(counts) >= 10)
    times = day if daily else month
    again = pd.Series(times).duplicated().to_numpy()
    if again.any():
        row = int(again.argmax())
        what = "each day once" if daily else "each month once, or every trading day"
        raise UniverseError(f"{table.place(row)}: {times[row]} is there before, expected {what}")
    values = {name: _values(table, name, notes) for name in names}
    market = next((name for name in names if plain(name) in _MARKET), names[0])
    values = _in_fractions(values, market, daily, table, rules["unit"], notes)
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(month.astype("M8[s]")))
    if not daily:
        return frame
    notes.assumed("date", f"days are compounded to months, of at least {_DAYS} days", len(day), str(day[0]))
    short = order[counts < _DAYS]
    if len(short):
        notes.left_out("date", f"months of less than {_DAYS} days", len(short), str(short[0]))
    whole = frame[~np.isin(month, short)]
    return (1 + whole).groupby(level=0).prod(min_count=1).sub(1).mask(whole.isna().groupby(level=0).any())


def _read(path: Path, rules: Mapping[str, Any], notes: Notes, strict: bool) -> _Table:
    given = rules["columns"]
    spelling = Names("factors", given, strict=strict)
    library = None if path.suffix == ".parquet" else read_library(path, notes)
    if library is not None:
        ours = {theirs: name for name, theirs in spelling.of(library.columns, str(path)).items()}
        columns = {ours.get(name, name): library.column(name) for name in library.columns}
        return _Table(path, columns, lambda row: f"{path}: {library.place(row)}")
    files = one_file(path, spelling)
    with files.open(0) as file:
        names = file.present()
        table = file.table(names)
    return _Table(path, dict(zip(names, table.columns, strict=True)), files.place)


def _incomplete(table: _Table) -> UniverseError:
    return UniverseError(
        f"{table.path}: found {', '.join(table.columns)}, expected date and one factor at least, the market first"
    )


def _dates(table: _Table, rules: Mapping[str, Any], notes: Notes) -> "tuple[np.ndarray, set[str]]":
    """(n,) datetime64[D] of the rows, and the columns that say it, or a part of it."""
    import numpy as np

    from compsim_assets.universe.intake.dates import EXPECTED, days
    from compsim_assets.universe.intake.values import whole_numbers, whole_years

    by_name = {plain(name): name for name in reversed(list(table.columns))}
    spelled = _DATES if "year" in by_name else (*_DATES, "month")
    date = "date" if "date" in table.columns else next((by_name[name] for name in spelled if name in by_name), None)
    if (date is None or plain(date) in _INDEX) and {"year", "month"} <= set(by_name):
        year = whole_years(table.columns[by_name["year"]], table.place)
        month = whole_numbers(table.columns[by_name["month"]], "month", table.place, "a month, 1 to 12")
        if len(wrong := np.flatnonzero((month < 1) | (month > 12))):
            raise UniverseError(f"{table.place(int(wrong[0]))}: month {month[wrong[0]]}, expected a month, 1 to 12")
        dated = {by_name[name] for name in ("year", "month", "day") if name in by_name}
        return ((year - 1970) * 12 + month - 1).astype("M8[M]").astype("M8[D]"), dated
    if date is None:
        raise _incomplete(table)
    if date != "date":
        notes.assumed("date", f"column `{date}` is read as date", remedy='[factors] columns = {date = "..."}')
    day, how = days(table.columns[date], "date", table.place, rules["date_format"], months=True)
    if how:
        notes.assumed("date", f"dates are read {how}, as some of them can only be", len(day))
    if np.isnat(day).any():
        raise UniverseError(f"{table.place(int(np.isnat(day).argmax()))}: date is missing, expected {EXPECTED}")
    return day, {date, *(by_name[name] for name in ("year", "month", "day") if name in by_name)}


def _values(table: _Table, name: str, notes: Notes) -> "np.ndarray":
    """(n,) float64 of one factor as it is written; NaN where it is missing."""
    import numpy as np

    from compsim_assets.universe.intake.values import numbers

    values = numbers(table.columns[name], name, table.place)
    coded = np.isin(values, _CODES)
    if coded.any():
        row = int(coded.argmax())
        notes.left_out(name, "codes of a missing value", int(coded.sum()), f"{table.place(row)}: {values[row]:g}")
    values = np.where(coded, np.nan, values)
    if np.isnan(values).all():
        raise UniverseError(f"{table.path}: {name} has no value, expected a simple return in some month")
    return values


def _in_fractions(
    values: "Mapping[str, np.ndarray]", market: str, daily: bool, table: _Table, unit: str, notes: Notes
) -> "dict[str, np.ndarray]":
    """All factors with 0.01 for one per cent.

    Raises:
        UniverseError: fractions and per cent side by side; a value beyond -1 and 1.
    """
    import numpy as np

    typical = float(np.nanmedian(np.abs(values[market])))
    percent = unit == "percent" or (not unit and typical > _PER_CENT[daily])
    fractions = {}
    for name, factor in values.items():
        small = np.abs(factor) <= _SMALL[daily]
        if percent and not unit and small.sum() > 0.25 * np.isfinite(factor).sum():
            row = int(small.argmax())
            raise UniverseError(
                f"{table.place(row)}: {name} {factor[row]:g} where {market} is typically {typical:.3g}, as per cent "
                f"are: expected one unit in all columns and rows. {_REMEDY}"
            )
        # By their digits: 2.96 per cent are 0.0296, which 2.96 / 100 is not always.
        fractions[name] = np.array([Decimal(repr(v)).scaleb(-2) for v in factor.tolist()], float) if percent else factor
        wrong = np.abs(fractions[name]) > 1
        if wrong.any():
            row = int(wrong.argmax())
            raise UniverseError(
                f"{table.place(row)}: {name} {factor[row]:g}, expected {name} as a simple return, -1 to 1, or per cent "
                f"in all columns and rows. {_REMEDY}"
            )
    if percent:
        why = "" if unit else f": {market} is typically {typical:.3g}"
        (notes.fine if unit else notes.assumed)("unit", f"factors are read as per cent{why}", len(values), "", _REMEDY)
    return fractions
