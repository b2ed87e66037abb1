"""A universe's reports: one row per company and year, whatever form the files give them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from compsim_assets.universe.intake.columns import say_columns
from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.intake.values import whole_years
from compsim_assets.universe.layout import ID, RETURNS, UniverseError
from compsim_assets.universe.reports.months import month_columns
from compsim_assets.universe.table_files import TableFiles

if TYPE_CHECKING:
    import pandas as pd

REPORT_COLUMNS = (
    ID, "cik", "company_name", "year", "ticker", "sic_code", "gics_sector", "section_1", RETURNS,
)  # fmt: skip
# What decides which report of several is taken, and what joins other files.
_HELPERS = ("filed", "permno", "gvkey")
_NUMBERS = ("cik", "gvkey", "permno")
# Position of a row in all files' rows, for messages.
ROW = "_row"


def read_reports(files: TableFiles, notes: Notes) -> "pd.DataFrame":
    """All reports as they are in the files, under the contract's names: years are whole numbers, texts are texts, what
    is missing in any usual spelling is null. Ids are unique; without an id column they are made (`made_ids`).

    Columns: `REPORT_COLUMNS`, those of filing date, permno and gvkey that the files have, and `ROW`.

    Raises:
        UniverseError: a missing column, a year that is not a whole number, ids that are null or occur twice.
    """
    import numpy as np
    import pandas as pd

    frames = []
    for number in range(len(files)):
        with files.open(number) as file:
            file.require(["year"])
            present = file.present()
            names = [c for c in (*REPORT_COLUMNS, *_HELPERS) if c in present]
            months = month_columns(present) if RETURNS not in present else []
            read = {name: file.column(name) for name in (*names, "input_ids") if name in present}
            say_columns(notes, "reports", [c for c in file.columns if c not in months], read)
            table = file.table([*names, *months])
        frame = table.select(names).to_pandas(ignore_metadata=True)
        if months:
            notes.assumed(
                RETURNS, "twelve columns are read as the months of the year", 12, f"{months[0]} to {months[-1]}"
            )
            frame[RETURNS] = list(np.array(table.select(months).to_pandas(), dtype=object))
        frames.append(frame)
    frame = pd.concat(frames, ignore_index=True)
    if frame.empty:
        raise UniverseError(f"{files.names[0]}: no rows, expected one row per company and year")
    for column in REPORT_COLUMNS:
        if column not in frame and column != ID:
            frame[column] = None
    frame[ROW] = np.arange(len(frame))
    frame["year"] = whole_years(frame["year"], files.place)
    _spell(frame, files.place, notes)
    if "permno" in frame and frame["ticker"].isna().all():
        frame["ticker"] = frame["permno"]
        notes.assumed("ticker", "there is no ticker: the permno is the ticker", int(frame["permno"].notna().sum()))
    if ID in frame:
        frame[ID] = _ids(frame[ID], files.place)
    return frame


def _ids(ids: "pd.Series", place: Callable[[int], str]) -> "pd.Series":
    """Ids as whole numbers, each once."""
    import pandas as pd

    from compsim_assets.universe.intake.values import whole_numbers

    wrong = ids.isna()
    if not wrong.any():
        ids = pd.Series(whole_numbers(ids, ID, place, "a report id (a whole number)"))
        wrong = ids.duplicated(keep="first")
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise UniverseError(f"{place(row)}: {ID} {ids.iloc[row]} is null or occurs before, expected unique ids")
    return ids


def _spell(frame: "pd.DataFrame", place: Callable[[int], str], notes: Notes) -> None:
    """Each column of names and codes in one spelling; what is missing is null.

    Raises:
        UniverseError: a number that a spreadsheet shortened.
    """
    from compsim_assets.science import companies
    from compsim_assets.universe.intake.values import texts

    spellings: dict[str, tuple[Callable[[str], str], frozenset[str] | None]] = {
        "cik": (companies.cik, None),
        "company_name": (str, companies.NO_NAME),
        "ticker": (companies.ticker, companies.NO_NAME),
        "sic_code": (str, None),
        "gics_sector": (_code, None),
        "permno": (_code, None),
        "gvkey": (companies.cik, None),
    }
    for column, (spell, nothing) in spellings.items():
        if column not in frame or frame[column].isna().all():
            continue
        before = frame[column]
        frame[column], spelled = texts(before, spell, nothing)
        if spelled:
            missing = before[before.notna() & frame[column].isna()]
            notes.assumed(column, "spellings of a missing value are read as missing", spelled, repr(missing.iloc[0]))
        if column in _NUMBERS and (short := frame[column].str.fullmatch(r"[\d.]+[eE][+]?\d+").fillna(False)).any():
            row = int(short.to_numpy().argmax())
            raise UniverseError(
                f"{place(row)}: {column} {frame[column].iloc[row]!r}, a number that a spreadsheet shortened, expected "
                "all its digits: make the column text there and save it again"
            )
        if column in ("cik", "gvkey"):
            frame[column] = frame[column].mask(frame[column] == "")


def _code(text: str) -> str:
    """Numbers as text without the `.0` of a float."""
    return text.removesuffix(".0") if text.removesuffix(".0").isdigit() else text
