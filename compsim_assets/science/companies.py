"""Who is the same company: one rule for the whole platform, on values spelled in one way.

A company is its registrant number (CIK), else its ticker, else its name, else the report itself.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# A missing value, as programs write it: in lower case, without blanks around it.
NOTHING = frozenset({"", "nan", "none", "null", "n/a", "#n/a", "na", "<na>", ".", "-", "--", "nat", "not available"})
# Of tickers and names only these, as they are: NA and NAN are companies.
NO_NAME = frozenset({
    "", "nan", "NaN", "None", "none", "null", "NULL", "N/A", "n/a", "#N/A", "<NA>", "NaT", ".", "-", "--",
})  # fmt: skip

# As EDGAR, spreadsheets and float columns write it: CIK0000320193, ="320193", '320193, 320,193, 320193.00.
# Of the whole pattern case would be looked up for every digit and blank there is, as long as a module takes to load.
_CIK = re.compile(r"""[='"]*(?i:CIK)?[\s#:=]*([\d,]+)(?:\.0*)?['"]*""")
_SHARE_CLASS = re.compile(r"(?<=\w)[./\s]+(?=\w)")


def cik(text: str) -> str:
    """A registrant number: its digits without leading zeros and whatever is around them; 0 is none and gives ""."""
    match = _CIK.fullmatch(text.strip())
    digits = match[1].replace(",", "") if match else text.strip()
    return digits.lstrip("0") if digits.isdigit() else digits


def ticker(text: str) -> str:
    """A ticker in upper case, its share class behind a dash: BRK-B for brk.b, BRK/B and BRK B."""
    return _SHARE_CLASS.sub("-", text.strip().removesuffix(".0")).upper()


def name(text: str) -> str:
    """A company's name, to compare: case, full stops, commas and the number of blanks make no difference."""
    return " ".join(re.sub("[.,]", "", text).split()).casefold() or text


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

    All reports of a company have the spelling of its first one here: keys are those of one table.

    Args:
        reports: report_id, and cik, ticker, company_name, as they are in any file; a column that is not there names no
            company.
    """
    company = "report_id " + reports["report_id"].astype("string")
    for column, spelling in _SPELLINGS.items():
        if column not in reports:
            continue
        # As it is spelled: draws of companies depend on the order of their keys, not on how this module spells them.
        given = reports[column].astype("string")
        first = given.groupby(spelling(given)).transform("first").astype("string")
        # With what it is: a ticker of digits is no registrant number.
        company = (f"{column} " + first).fillna(company)
    return company.set_axis(reports["report_id"])


def companies_of_rows(rows: "pd.DataFrame", reports: "pd.DataFrame") -> "pd.Series":
    """Company of each row of a table that names it by registrant number or ticker, as `company_of` has it; null where
    no report is of it.

    A ticker is that of the reports of the row's year, else of the year before: never of later ones, when it may be
    another company's. A row with a registrant number goes by this, unless the reports have none.

    Args:
        rows: year, and cik, ticker in one spelling. reports: report_id, year, cik, ticker, company_name.
    """
    import pandas as pd

    named = reports[["year"]].assign(company=company_of(reports).to_numpy())
    named = named.assign(cik=cik_spelling(reports["cik"]), ticker=ticker_spelling(reports["ticker"]))
    by_cik = named.dropna(subset="cik").drop_duplicates("cik").set_index("cik")["company"]
    tickers = named.dropna(subset="ticker").drop_duplicates(["ticker", "year"])
    by_ticker = tickers.set_index(["ticker", "year"])["company"]
    company = rows["cik"].map(by_cik).astype("string")
    unnamed = company.isna() & (rows["cik"].isna() | by_cik.empty)
    for years_before in (0, 1):
        at = pd.MultiIndex.from_arrays([rows["ticker"], rows["year"] - years_before])
        of_ticker = pd.Series(by_ticker.reindex(at).to_numpy(), index=rows.index, dtype="string")
        company = company.fillna(of_ticker.where(unnamed))
    return company


def repeated_companies(reports: "pd.DataFrame") -> "pd.Series | None":
    """Company of each report, by report id, as a number; None where no company has two reports in one year.

    Args:
        reports: report_id, year, cik, ticker, company_name.
    """
    import pandas as pd

    company = company_of(reports)
    if not pd.DataFrame({"company": company.to_numpy(), "year": reports["year"].to_numpy()}).duplicated().any():
        return None
    return pd.Series(pd.factorize(company)[0], index=company.index)


def company_codes(company: "pd.Series | None", report_id: "np.ndarray | pd.Series") -> "np.ndarray | None":
    """(n,) numbers of the reports' companies, equal for one company; None where companies are not told apart.

    Args:
        company: company of each report, by report id; None: every report is a company of its own, and so is one that
            it does not name.
        report_id: (n,).
    """
    import numpy as np
    import pandas as pd

    if company is None:
        return None
    codes = pd.factorize(company.reindex(np.asarray(report_id)))[0].astype(np.int64)
    unknown = np.flatnonzero(codes < 0)
    codes[unknown] = codes.max(initial=-1) + 1 + np.arange(len(unknown))
    return codes


def own_pairs(company: "np.ndarray | None") -> "tuple[np.ndarray, np.ndarray]":
    """(m,), (m,) positions of every two reports of one company: pairs that are in no statistic of pairs.

    Args:
        company: (n,) numbers of the companies of one year's reports; None: all are different.

    Cost: O(n log n + m).
    """
    import numpy as np

    none = np.empty(0, dtype=np.int64)
    if company is None:
        return none, none
    order = np.argsort(company, kind="stable")
    ordered, first, second = company[order], [none], [none]
    for apart in range(1, len(ordered)):
        same = ordered[apart:] == ordered[:-apart]
        if not same.any():
            break
        first.append(order[:-apart][same])
        second.append(order[apart:][same])
    return np.concatenate(first), np.concatenate(second)


def report_companies(reports: "pd.DataFrame", report_id: "np.ndarray") -> "np.ndarray":
    """(n,) codes of these reports' companies, equal for one company in any years.

    Args:
        reports: report_id, and what names a company; see `company_of`.
        report_id: (n,).
    """
    codes = company_codes(company_of(reports), report_id)
    assert codes is not None
    return codes


def names_of(reports: "pd.DataFrame", company: "np.ndarray") -> list[tuple[str, ...]]:
    """All names and tickers that each report's company ever had here: none of them describes it.

    Args:
        reports: company_name, ticker.
        company: (n,) codes of their companies.
    """
    import pandas as pd

    names = pd.concat([pd.Series(reports[name].to_numpy(), index=company) for name in ("company_name", "ticker")])
    names = names.dropna().astype(str)
    of_company = {code: tuple(sorted(set(some))) for code, some in names.groupby(level=0)}
    return [of_company.get(code, ()) for code in company.tolist()]


def first_of_each(group: "np.ndarray") -> "np.ndarray":
    """(g,) int64 position of the first of each group 0 to g - 1, every one of which has some.

    Args:
        group: (n,) whole numbers; -1: of none.
    """
    import numpy as np

    first = np.empty(int(group.max(initial=-1)) + 1, dtype=np.int64)
    there = np.flatnonzero(group >= 0)[::-1]
    first[group[there]] = there
    return first
