"""The twelve monthly log returns of a report, from whatever form its files give them."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.intake.columns import plain
from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.intake.lists import numbers_of
from compsim_assets.universe.layout import RETURNS, UniverseError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBERED = re.compile(r"(ret|return|returns|logret|logreturn|mret|r|m|month)(\d{1,2})")
_NAMED = re.compile(rf"(|ret|return|r|logret)({'|'.join(_NAMES)})[a-z]*")
# CRSP's codes of a missing return. https://www.crsp.org: missing return codes
_CODES = (-44.0, -55.0, -66.0, -77.0, -88.0, -99.0)


def month_columns(columns: Sequence[str]) -> list[str]:
    """The twelve columns, January to December, of a file with a column per month (ret_1 .. ret_12, jan .. dec); empty
    where there are not exactly twelve of one kind.
    """
    for pattern in (_NUMBERED, _NAMED):
        by_stem: dict[str, dict[int, str]] = {}
        for column in columns:
            if match := pattern.fullmatch(plain(column)):
                month = int(match[2]) if pattern is _NUMBERED else _NAMES.index(match[2]) + 1
                by_stem.setdefault(match[1], {}).setdefault(month, column)
        for months in by_stem.values():
            if sorted(months) == list(range(1, 13)):
                return [months[month] for month in range(1, 13)]
    return []


def monthly_returns(
    reports: "pd.DataFrame", place: Callable[[int], str], rules: Mapping[str, Any], notes: Notes
) -> "np.ndarray":
    """(n, 12) natural-log returns as fractions; NaN for a missing month, twelve of them for a missing list.

    Lists may be flat, nested or text. CRSP's codes are missing months. Simple returns become logarithms and per cent
    fractions, as universe.toml says; per cent also where the size of the numbers leaves no doubt.

    Raises:
        UniverseError: a list that does not hold twelve numbers; prices, or two units, in place of returns; a month that
            no price can have.
    """
    import numpy as np

    matrix = np.full((len(reports), 12), np.nan)
    for row, value in enumerate(reports[RETURNS].to_list()):
        if value is None or (np.isscalar(value) and value != value):
            continue
        if np.isscalar(value) and not isinstance(value, str):
            raise UniverseError(f"{place(row)}: {RETURNS} {value!r}, expected a list of 12 monthly log returns")
        months = _numbers(value)
        if months is None or len(months) not in (0 if isinstance(value, str) else 12, 12):
            what = f"{RETURNS} {value[:40]!r}" if months is None else f"{RETURNS} has {len(months)} values"
            raise UniverseError(f"{place(row)}: {what}, expected 12 monthly log returns")
        if len(months):
            matrix[row] = months
    if (infinite := np.isinf(matrix)).any():
        row = int(infinite.any(axis=1).argmax())
        notes.left_out(RETURNS, "infinite returns are missing months", int(infinite.sum()), place(row))
    matrix = np.where(np.isfinite(matrix), matrix, np.nan)
    if np.isnan(matrix).all():
        return matrix
    lists = ~reports[RETURNS].isna().to_numpy()
    matrix = _as_logarithms(_in_fractions(matrix, place, rules, notes), place, rules, notes)
    if missing := int(np.isnan(matrix[lists]).sum()):
        row = int((np.isnan(matrix).any(axis=1) & lists).argmax())
        notes.fine(RETURNS, "months without a return: these reports take part in no correlation", missing, place(row))
    if (~lists).any():
        what = "reports without returns take part in no correlation"
        notes.missing(RETURNS, what, int((~lists).sum()), place(int((~lists).argmax())))
    same = (matrix == matrix[:, :1]).all(axis=1)
    if same.any():
        what = "reports whose months are all the same take part in no correlation"
        notes.suspicious(RETURNS, what, int(same.sum()), place(int(same.argmax())))
    return matrix


def _numbers(value: Any) -> "np.ndarray | list[float] | None":
    """The numbers of one list; None where one is none."""
    import numpy as np

    from compsim_assets.universe.intake.lists import flat

    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(float).ravel()
    if isinstance(value, str):
        return [] if value.strip().lower() in ("", "nan", "none", "null", "n/a", "na", ".") else numbers_of(value)
    try:
        items = [np.asarray(item, dtype=float).ravel() for item in value]
        return np.concatenate(items) if items else np.empty(0)
    except (TypeError, ValueError):
        return numbers_of("[" + ",".join("nan" if item is None else str(item) for item in flat(value)) + "]")


def _in_fractions(
    matrix: "np.ndarray", place: Callable[[int], str], rules: Mapping[str, Any], notes: Notes
) -> "np.ndarray":
    """Returns with 0.01 for one per cent, and without codes of missing months."""
    import numpy as np

    coded = np.isin(matrix, _CODES)
    size = np.abs(np.where(coded, np.nan, matrix))
    typical = np.nanmedian(size) if np.isfinite(size).any() else 0.0
    unit = rules["unit"]
    if not unit:
        _refuse_others(matrix, size, typical, place)
        unit = "percent" if typical >= _PER_CENT else "fraction"
        if unit == "percent":
            notes.assumed(
                RETURNS, f"returns are read as per cent: their typical size is {typical:.3g}", int((size >= 0).sum()),
                remedy='universe.toml: [returns] unit = "fraction" or "percent"',
            )  # fmt: skip
    if unit == "percent":
        if coded.any():
            row = int(coded.any(axis=1).argmax())
            notes.suspicious(
                RETURNS, "per cent that are also CRSP's codes of a missing return (-44, .., -99): read as returns",
                int(coded.sum()), place(row), "leave them empty where they are codes",
            )  # fmt: skip
        return matrix / 100.0
    if coded.any():
        row = int(coded.any(axis=1).argmax())
        notes.left_out(
            RETURNS, "CRSP's codes of a missing return are missing months", int(coded.sum()),
            f"{place(row)}: {matrix[row][coded[row]][0]:g}",
        )  # fmt: skip
    return np.where(coded, np.nan, matrix)


# Times e^10 in a month: codes of missing values, years, prices.
_IMPOSSIBLE = 10.0
# Half of all months moved by so much: no market did, so these are per cent.
_PER_CENT = 0.5


def _refuse_others(matrix: "np.ndarray", size: "np.ndarray", typical: float, place: Callable[[int], str]) -> None:
    """Refuse what cannot be returns of one unit.

    Raises:
        UniverseError: levels, or fractions and per cent side by side.
    """
    import numpy as np

    there = np.isfinite(size)
    if typical >= _PER_CENT:
        positive = (matrix[there] > 0).mean()
        small = there & (size < 0.1 * _PER_CENT)
        if positive > 0.97 and there.sum() >= 24:
            row = int(there.any(axis=1).argmax())
            raise UniverseError(
                f"{place(row)}: {RETURNS} are {positive:.0%} above zero and typically {typical:.3g}, as prices are; "
                "expected monthly log returns like 0.02. Give prices as prices.parquet and leave the returns out"
            )
        wrong = small if small[there].mean() > 0.25 else np.zeros_like(small)
    else:
        large = there & (size > 1.0)
        # Real months beyond a factor of e are a few in ten thousand; a report of many is in another unit.
        alone = (large.sum(axis=1) >= 6)[:, None] & large
        wrong = large if large[there].mean() > 0.02 else alone
    if wrong.any():
        row, month = (int(n) for n in np.argwhere(wrong)[0])
        raise UniverseError(
            f"{place(row)}: {RETURNS}, month {month + 1} is {matrix[row, month]:g} where half of all values are below "
            f"{typical:.3g} in size: {int(wrong.sum()):,} such months look like another unit (per cent) or prices. "
            "Give all in one unit, or say it in universe.toml: [returns] unit"
        )


def _as_logarithms(
    matrix: "np.ndarray", place: Callable[[int], str], rules: Mapping[str, Any], notes: Notes
) -> "np.ndarray":
    import numpy as np

    if rules["kind"] == "simple":
        lost = matrix <= -1
        if lost.any():
            notes.left_out(RETURNS, "simple returns of -1 and below have no logarithm: missing months", int(lost.sum()))
        with np.errstate(invalid="ignore", divide="ignore"):
            matrix = np.where(lost, np.nan, np.log1p(matrix))
    if (wrong := np.abs(matrix) > _IMPOSSIBLE).any():
        row, month = (int(n) for n in np.argwhere(wrong)[0])
        raise UniverseError(
            f"{place(row)}: {RETURNS}, month {month + 1} is {matrix[row, month]:g} as a logarithm, which no price can "
            "do; expected returns like 0.02, and a missing month empty"
        )
    extreme = np.abs(matrix) > 2.5
    if extreme.any():
        row = int(extreme.any(axis=1).argmax())
        notes.suspicious(
            RETURNS, "months in which the price changed more than twelve-fold", int(extreme.sum()),
            f"{place(row)}: {matrix[row][extreme[row]][0]:.3g}", "check them against prices",
        )  # fmt: skip
    return matrix
