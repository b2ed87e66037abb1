"""A universe's reports: one row per company and year, whatever form the files give years and returns."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from compsim_assets.universe.layout import ID, RETURNS, UniverseError
from compsim_assets.universe.table_files import TableFiles

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

REPORT_COLUMNS = (
    ID, "cik", "company_name", "year", "ticker", "sic_code", "gics_sector", "section_1", RETURNS,
)  # fmt: skip


def read_reports(files: TableFiles) -> "pd.DataFrame":
    """All reports as they are in the files: id, names, year (integer), texts; one row each, ids unique.

    Raises:
        UniverseError: a missing column, a year that is not a whole number, ids that are null or occur twice.
    """
    import pandas as pd

    frames = []
    for number in range(len(files)):
        files.require(number, [ID, "year"])
        present = files.present(number)
        frames.append(files.read(number, [c for c in REPORT_COLUMNS if c in present]))
    frame = pd.concat(frames, ignore_index=True)
    for column in REPORT_COLUMNS:
        if column not in frame:
            frame[column] = None
    frame["year"] = whole_years(frame["year"], lambda row: place_of(files, row))
    ids = frame[ID]
    wrong = ids.isna() | ids.duplicated(keep="first")
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise UniverseError(
            f"{place_of(files, row)}: {ID} {ids.iloc[row]} is null or occurs before, expected unique ids"
        )
    return frame


def place_of(files: TableFiles, row: int) -> str:
    """File, and row in it, of a position in all files' rows: for error messages."""
    for number, name in enumerate(files.names):
        n_rows = files.n_rows(number)
        if row < n_rows:
            return f"{name}: row {row}"
        row -= n_rows
    raise IndexError(row)


def monthly_returns(reports: "pd.DataFrame", place: Callable[[int], str]) -> "np.ndarray":
    """(n, 12) log returns from flat or nested lists; NaN for a missing month, twelve of them for a missing list.

    Raises:
        UniverseError: a list that does not hold twelve values.
    """
    import numpy as np

    matrix = np.full((len(reports), 12), np.nan)
    for row, value in enumerate(reports[RETURNS].to_list()):
        if value is None or np.isscalar(value):
            continue
        months = [np.asarray(item, dtype=float).ravel() for item in value]
        flat = np.concatenate(months) if months else np.empty(0)
        if len(flat) != 12:
            raise UniverseError(f"{place(row)}: {RETURNS} has {len(flat)} values, expected 12 monthly log returns")
        matrix[row] = flat
    return np.where(np.isfinite(matrix), matrix, np.nan)


def whole_years(year: "pd.Series", place: Callable[[int], str]) -> "pd.Series":
    """Years as whole numbers, from numbers or text such as "1996" or "1996.0".

    Raises:
        UniverseError: names the first row that is not a year.
    """
    import numpy as np
    import pandas as pd

    # Millions of rows hold a few different years, and text converts slowly.
    codes, different = pd.factorize(year, use_na_sentinel=False)
    number = pd.Series(np.asarray(pd.to_numeric(pd.Series(different), errors="coerce"), dtype=float))
    number = number.iloc[codes].set_axis(year.index)
    wrong = number.isna() | (number % 1 != 0)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise UniverseError(f"{place(row)}: year {year.iloc[row]!r}, expected a year like 2019 or '2019'")
    return number.astype("int64")
