"""Whether a universe's returns are those of the prices that lie beside them, and what they are if not."""

from typing import TYPE_CHECKING

from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.layout import RETURNS
from compsim_assets.universe.prices.month_ends import MonthEnds

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from compsim_assets.universe.prices.files import Prices

_LEAST_MONTHS = 24
# A report's returns are those of its prices where half of its months differ by less than this share of a usual month.
_ALIKE = 0.25
_LEAST_IN_REPORT = 6
# A month of a report that agrees otherwise is another one's, or wrong, where it differs by this much.
_STRAY = 0.1
# Vendors differ in a few months; more than this share is a contradiction.
_FEW = 0.01
_FARTHEST = 12
SAME, SIMPLE, PER_CENT, SIMPLE_PER_CENT, LEVELS, LOG_LEVELS = (
    "same", "simple returns", "returns in per cent", "simple returns in per cent", "prices", "logarithms of prices",
)  # fmt: skip


def compare_returns(reports: "pd.DataFrame", matrix: "np.ndarray", prices: "Prices", notes: Notes) -> list[str]:
    """Hold each report's returns against those of its month-end closes, and say what they are where they differ.

    Tried, report by report: simple returns in place of logarithms, per cent, prices and their logarithms, and returns
    of months that lie up to twelve earlier or later. Single months that are far off are named, too. Nothing is said of
    fewer than 24 months.

    Args:
        reports: ticker and year. matrix: (n, 12) log returns, NaN where missing.

    Returns:
        One sentence per contradiction.

    Cost: a few passes over the reports' months; the trials only for reports that differ.
    """
    import numpy as np

    ends = MonthEnds.of(prices)
    place, year = ends.places(reports["ticker"]), reports["year"].to_numpy()
    levels = ends.around(place, year, -1 - _FARTHEST, 11 + _FARTHEST)
    implied = np.diff(levels, axis=1)
    now = slice(_FARTHEST, _FARTHEST + 12)
    both = np.isfinite(matrix) & np.isfinite(implied[:, now])
    if both.sum() < _LEAST_MONTHS:
        return []
    usual = _middle(np.abs(np.where(both, implied[:, now], np.nan)))
    differs = _middle(matrix - implied[:, now], absolute=True)
    compared = both.sum(axis=1) >= _LEAST_IN_REPORT
    wrong = compared & (differs > np.maximum(_ALIKE * usual, 1e-3))
    named = reports["ticker"].astype("string") + " in " + reports["year"].astype("string")
    sentences = _simple_or_logarithms(matrix, implied[:, now], both & ~wrong[:, None], notes)
    if wrong.any():
        kinds = _kinds(matrix[wrong], levels[wrong], implied[wrong])
        for kind in dict.fromkeys(kinds):
            of_kind = np.flatnonzero(wrong)[[one == kind for one in kinds]]
            n, months = len(of_kind), int(both[of_kind].sum())
            what = (
                f"returns of {n:,} of {int(compared.sum()):,} reports are not those of their prices but "
                f"{kind}: {months / both.sum():.1%} of all months, typically off by {np.median(differs[of_kind]):.3g}"
            )
            row = int(of_kind[0])
            month = int(both[row].argmax())
            example = (
                f"{named.iloc[row]}, month {month + 1}: {matrix[row, month]:.4g}, "
                f"of the prices {implied[row, month + _FARTHEST]:.4g}"
            )
            notes.suspicious(RETURNS, what, n, example, "check years, months and units of returns and prices")
            sentences.append(what)
    if not sentences:
        sentences = _single_months(matrix, implied[:, now], both & ~wrong[:, None], named, notes)
    if not sentences:
        typical = float(np.median(np.abs(matrix - implied[:, now])[both]))
        what = f"returns agree with the prices beside them: half of {int(both.sum()):,} months within {typical:.2g}"
        notes.fine(RETURNS, what, int(both.sum()))
    return sentences


def _simple_or_logarithms(matrix: "np.ndarray", implied: "np.ndarray", both: "np.ndarray", notes: Notes) -> list[str]:
    """Of returns that are about those of the prices: whether they are simple ones."""
    import numpy as np

    if both.sum() < _LEAST_MONTHS:
        return []
    log, values = implied[both], matrix[both]
    from_log, from_simple = np.median(np.abs(values - log)), np.median(np.abs(values - np.expm1(log)))
    nearer = np.mean(np.abs(values - np.expm1(log)) < np.abs(values - log))
    if not (from_simple < 0.5 * from_log and nearer > 0.75):
        return []
    what = (
        f"returns are simple returns of the prices, not logarithms: nearer to them in {nearer:.0%} of {len(log):,} "
        f"months, typically off by {from_log:.2g}"
    )
    notes.suspicious(RETURNS, what, len(log), "", 'universe.toml: [returns] kind = "simple"')
    return [what]


def _single_months(
    matrix: "np.ndarray", implied: "np.ndarray", both: "np.ndarray", named: "pd.Series", notes: Notes
) -> list[str]:
    """Months that are far off, of returns that are those of the prices otherwise; a sentence where they are many."""
    import numpy as np

    stray = both & (np.abs(matrix - implied) > _STRAY)
    if not stray.any():
        return []
    n, (row, month) = int(stray.sum()), np.argwhere(stray)[0]
    what = (
        f"returns of {n:,} of {int(both.sum()):,} months are off those of their prices by more than {_STRAY:g}, in "
        "reports that agree otherwise"
    )
    example = f"{named.iloc[row]}, month {month + 1}: {matrix[row, month]:.4g}, of the prices {implied[row, month]:.4g}"
    notes.suspicious(RETURNS, what, n, example, "check these returns and closes")
    return [what] if n > _FEW * both.sum() else []


def _kinds(matrix: "np.ndarray", levels: "np.ndarray", implied: "np.ndarray") -> list[str]:
    """What the returns of each of some reports are, by what they are nearest to in most months."""
    import numpy as np

    now = slice(_FARTHEST, _FARTHEST + 12)
    log = implied[:, now]
    with np.errstate(over="ignore"):
        simple, level = np.expm1(log), np.exp(levels[:, _FARTHEST + 1 : _FARTHEST + 13])
    trials = {SIMPLE: simple, PER_CENT: 100 * log, SIMPLE_PER_CENT: 100 * simple, LEVELS: level}
    trials[LOG_LEVELS] = levels[:, _FARTHEST + 1 : _FARTHEST + 13]
    for shift in (*range(-1, -_FARTHEST - 1, -1), *range(1, _FARTHEST + 1)):
        trials[_shifted(shift)] = implied[:, _FARTHEST + shift : _FARTHEST + shift + 12]
    # By the usual size of what is compared: a level is not as small as a return.
    misfit = np.stack(
        [
            _middle(matrix - trial, absolute=True) / np.maximum(_middle(np.abs(trial)), 1e-12)
            for trial in trials.values()
        ]
    )
    misfit = np.where(np.isnan(misfit), np.inf, misfit)
    best, names = misfit.argmin(axis=0), list(trials)
    fits = misfit[best, np.arange(len(best))] < _ALIKE
    return [names[k] if fit else "something else" for k, fit in zip(best, fits, strict=True)]


def _shifted(shift: int) -> str:
    months = abs(shift)
    length = "a year" if months == 12 else "a month" if months == 1 else f"{months} months"
    return f"those of {length} {'earlier' if shift < 0 else 'later'}"


def _middle(values: "np.ndarray", absolute: bool = False) -> "np.ndarray":
    """(n,) medians of the rows' numbers, the lower of two; NaN for rows with fewer than six."""
    import numpy as np

    ordered = np.sort(np.abs(values) if absolute else values, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    middle = np.take_along_axis(ordered, (np.maximum(count, 1) - 1)[:, None] // 2, axis=1)[:, 0]
    return np.where(count >= _LEAST_IN_REPORT, middle, np.nan)
