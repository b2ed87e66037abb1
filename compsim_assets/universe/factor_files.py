"""A universe's table of common return factors."""

from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import pandas as pd


def read_factors(path: Path) -> "pd.DataFrame":
    """`factors.parquet`: one row per month, with `date` (any day of the month, or text such as 2003-01) and one column
    per factor, the market first, as simple monthly returns (0.01 is one per cent).

    Returns:
        year, month (1 to 12), then the factors in the file's order, by month.

    Raises:
        UniverseError: no date, no factor, a date that is none, a month twice, or a value that is no return.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    frame = pq.read_table(path).to_pandas(ignore_metadata=True)
    names = [name for name in frame.columns if name not in ("date", "year", "month")]
    if "date" not in frame or not names:
        raise UniverseError(
            f"{path}: found {', '.join(frame.columns)}, expected date and one factor at least, the market first"
        )
    date = pd.to_datetime(frame["date"], errors="coerce")
    _refuse(path, date.isna(), frame["date"], "a date")
    _refuse(path, date.dt.to_period("M").duplicated(), frame["date"], "each month once")
    for name in names:
        values = pd.to_numeric(frame[name], errors="coerce")
        # Per cent instead of shares would make a factor a hundred times too large.
        _refuse(path, ~values.between(-1, 1), frame[name], f"{name} as a simple return, -1 to 1")
        frame[name] = values.astype(float)
    table = pd.DataFrame({"year": date.dt.year, "month": date.dt.month})
    return pd.concat([table, frame[names]], axis=1).sort_values(["year", "month"], ignore_index=True)


def _refuse(path: Path, wrong: "pd.Series", values: "pd.Series", expected: str) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise UniverseError(f"{path}: row {row}: {values.iloc[row]}, expected {expected}")
