"""Who is the same company: one rule for the whole platform, on values spelled in one way.

A company is its registrant number (CIK), else its ticker, else its name, else the report itself.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# A missing value, as programs write it: in lower case, without blanks around it.
NOTHING = frozenset({"", "nan", "none", "null", "n/a", "#n/a", "na", "<na>", ".", "-", "--", "nat", "not available"})
# Of tickers and names only these, as they are: NA and NAN are companies.
NO_NAME = frozenset({
    "", "nan", "NaN", "None", "none", "null", "NULL", "N/A", "n/a", "#N/A", "<NA>", "NaT", ".", "-", "--",
})  # fmt: skip

_SHARE_CLASS = re.compile(r"(?<=\w)[./\s]+(?=\w)")


def cik(text: str) -> str:
    """A registrant number without leading zeros and without the `.0` of a float; 0 is none and gives ""."""
    digits = text.strip().removesuffix(".0")
    return digits.lstrip("0") if digits.isdigit() else digits


def ticker(text: str) -> str:
    """A ticker in upper case, its share class behind a dash: BRK-B for brk.b, BRK/B and BRK B."""
    return _SHARE_CLASS.sub("-", text.strip().removesuffix(".0")).upper()


def name(text: str) -> str:
    """A company's name, to compare: case and the number of blanks make no difference."""
    return " ".join(text.split()).casefold()


def _spelled(values: "pd.Series", spell: Callable[[str], str], nothing: frozenset[str], lower: bool) -> "pd.Series":
    """Each different value spelled in one way; null where it is missing."""
    import pandas as pd

    codes, different = pd.factorize(values.astype("string"), use_na_sentinel=False)
    spelled = []
    for value in different:
        text = "" if value is None or value is pd.NA or value != value else str(value).strip()
        missing = (text.lower() if lower else text) in nothing
        spelled.append((None if missing else spell(text)) or None)
    return pd.Series(pd.array(spelled, dtype="string").take(codes), index=values.index)


def cik_spelling(values: "pd.Series") -> "pd.Series":
    """Registrant numbers of a column; see `cik`."""
    return _spelled(values, cik, NOTHING, lower=True)


def ticker_spelling(values: "pd.Series") -> "pd.Series":
    """Tickers of a column; see `ticker`."""
    return _spelled(values, ticker, NO_NAME, lower=False)


def name_spelling(values: "pd.Series") -> "pd.Series":
    """Names of a column, to compare; see `name`."""
    return _spelled(values, name, NO_NAME, lower=False)


_SPELLINGS = {"company_name": name_spelling, "ticker": ticker_spelling, "cik": cik_spelling}


def company_of(reports: "pd.DataFrame") -> "pd.Series":
    """Company of each report, by report id: its registrant number, else its ticker, its name, or the report itself.

    Args:
        reports: report_id, cik, ticker, company_name, as they are in any file.
    """
    company = "report_id " + reports["report_id"].astype("string")
    for column, spelling in _SPELLINGS.items():
        # With what it is: a ticker of digits is no registrant number.
        company = (f"{column} " + spelling(reports[column])).fillna(company)
    return company.set_axis(reports["report_id"])
