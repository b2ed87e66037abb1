"""Who is meant: a company by ticker, CIK or name, and its report of a year."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from compsim_assets.explore.plain import plain
from compsim_assets.explore.questions import Unanswerable, few, ranges
from compsim_assets.explore.tables import Tables

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_WHO = ["report_id", "cik", "company_name", "ticker", "year", "sic_code"]
_LIKE = 0.6  # of difflib's ratio: below it nobody means that


@dataclass(frozen=True)
class Company:
    """A company and its report of one year; texts as the universe has them, empty where it has none.

    sector: GICS sector where the reports have one. industry: first two digits of the SIC code.
    """

    report_id: int
    year: int
    ticker: str
    name: str
    cik: str
    sic_code: str
    sector: str = ""

    @property
    def industry(self) -> str:
        """First two digits of the SIC code; empty without a code."""
        return self.sic_code[:2]

    @property
    def title(self) -> str:
        """For a person, in one line."""
        name = plain(self.name) or f"report {self.report_id}"
        return f"{plain(self.ticker)} {name}".strip()


class Companies:
    """All reports of a version: who filed them, and when.

    Attributes:
        reports: report_id (the index, too), cik, company_name, ticker, year, sic_code, company; ascending by year.

    Cost: six columns of `descriptions`, read once; a search is one pass over the different names.
    """

    def __init__(self, tables: Tables) -> None:
        from compsim_assets.science.companies import company_of

        self._tables = tables
        reports = tables.read("descriptions", _WHO)
        reports["company"] = company_of(reports).astype("string").to_numpy()
        reports = reports.sort_values(["year", "report_id"])
        self.reports: pd.DataFrame = reports.set_index(reports["report_id"].to_numpy())

    def of_report(self, report_id: int) -> Company:
        """The company of a report."""
        row = dict(self.reports.loc[report_id].fillna(""))
        ticker, name, cik, sic_code = (str(row[column]) for column in ("ticker", "company_name", "cik", "sic_code"))
        return Company(report_id, int(row["year"]), ticker, name, cik, sic_code, self._sector(report_id))

    def _sector(self, report_id: int) -> str:
        if not self._tables.has("baseline_clusters"):
            return ""
        wanted = [("method", "==", "gics_sector"), ("report_id", "==", report_id)]
        rows = self._tables.read("baseline_clusters", ["cluster_id"], wanted)
        return str(rows["cluster_id"].iloc[0]) if len(rows) else ""

    def find(self, text: str, year: int | None = None) -> Company:
        """The company that a text means, and its report of the year, or its newest one.

        A ticker comes before a CIK, and that before a name; case makes no difference, and a name may be a part of it.

        Raises:
            Unanswerable: nobody, several companies, or no report of that year; says who and which there are.
        """
        rows = self._meant(text)
        if year is not None and (rows["year"] == year).any():
            rows = rows[rows["year"] == year]
        if rows["company"].nunique() > 1:
            raise Unanswerable(f"{text!r} may be {_candidates(rows)}: say which by its ticker, CIK or whole name")
        if year is not None and not (rows["year"] == year).any():
            newest = self.of_report(int(rows["report_id"].iloc[-1]))
            raise Unanswerable(f"{newest.title} has no report of {year}; there are: {ranges(rows['year'])}")
        newest_year = rows[rows["year"] == rows["year"].max()]
        return self.of_report(int(newest_year["report_id"].min()))

    def both(self, first: str, second: str, year: int | None = None) -> tuple[Company, Company]:
        """Two companies in one year: that one, or the newest in which both have a report.

        Raises:
            Unanswerable: see `find`; or they have no year in common, or are one.
        """
        if year is None:
            of_both = [set(self._years(self.find(text))) for text in (first, second)]
            if not (common := of_both[0] & of_both[1]):
                raise Unanswerable(
                    f"{first!r} has reports of {ranges(of_both[0])}, {second!r} of {ranges(of_both[1])}: none in common"
                )
            year = max(common)
        companies = self.find(first, year), self.find(second, year)
        if companies[0].report_id == companies[1].report_id:
            raise Unanswerable(f"{first!r} and {second!r} are one company: {companies[0].title}")
        return companies

    def _years(self, company: Company) -> list[int]:
        key = self.reports["company"].loc[company.report_id]
        return [int(year) for year in self.reports.loc[self.reports["company"] == key, "year"]]

    def _meant(self, text: str) -> "pd.DataFrame":
        from compsim_assets.science.companies import cik, name, ticker

        reports = self.reports
        for column, spell in (("ticker", ticker), ("cik", cik), ("company_name", name)):
            wanted = spell(text)
            if wanted and (rows := reports[self._fitting(column, spell, wanted.__eq__)]).size:
                return rows
        words = [re.compile(rf"(?<!\w){re.escape(word)}") for word in name(text).split()]
        inside = self._fitting("company_name", name, lambda given: all(word.search(given) for word in words))
        if not words or not inside.any():
            raise Unanswerable(f"there is no company {text!r}{self._suggestions(text)}")
        return reports[inside]

    def _fitting(self, column: str, spell: Callable[[str], str], fits: Callable[[str], bool]) -> "np.ndarray":
        """(n,) which reports have a value whose spelling fits; each different value is looked at once."""
        import numpy as np

        codes, different = self._coded[column]
        return np.append([bool(fits(spell(value))) for value in different], False)[codes]

    @cached_property
    def _coded(self) -> "dict[str, tuple[np.ndarray, list[str]]]":
        """By column: (n,) numbers of the reports' values, -1 for none, and the different values."""
        import pandas as pd

        coded = {column: pd.factorize(self.reports[column]) for column in ("ticker", "cik", "company_name")}
        return {column: (codes, [str(value) for value in values]) for column, (codes, values) in coded.items()}

    def _suggestions(self, text: str) -> str:
        from difflib import get_close_matches

        newest = self.reports.drop_duplicates("company", keep="last")
        titles = dict[str, str]()
        for ticker, name in zip(newest["ticker"].fillna(""), newest["company_name"].fillna(""), strict=True):
            title = f"{plain(ticker)} ({plain(name)})" if ticker else plain(name)
            words = [str(ticker).lower(), str(name).lower(), *re.findall(r"\w{3,}", str(name).lower())]
            titles |= {word: title for word in words if word and word not in titles}
        near = get_close_matches(text.lower(), titles, n=5, cutoff=_LIKE)
        return f": did you mean {few(dict.fromkeys(titles[word] for word in near))}?" if near else ""


def _candidates(rows: "pd.DataFrame") -> str:
    """Companies for a person, each with what tells it from the others."""
    newest = rows.drop_duplicates("company", keep="last")
    years = rows.groupby("company")["year"].agg(list).to_dict()
    texts = []
    for row in newest.to_dict("records"):
        ticker, name, cik = (plain(row[column]) for column in ("ticker", "company_name", "cik"))
        texts.append(f"{ticker} {name} (CIK {cik or '?'}, {ranges(years[row['company']])})".strip())
    return few(texts)


def names_of(companies: Companies, report_ids: list[int]) -> "pd.DataFrame":
    """ticker, name, cik of some reports, in their order; texts as the universe has them."""
    rows = companies.reports.reindex(report_ids)
    return rows.rename(columns={"company_name": "name"})[["ticker", "name", "cik", "sic_code", "company"]]
