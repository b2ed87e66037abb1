"""Who is who: companies, their reports, and where a report stands in its year."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from compsim_assets.explore.page.encoding import clean
from compsim_assets.science.companies import company_of

if TYPE_CHECKING:
    import pandas as pd

_PRECISE = 2**53  # whole numbers up to here are exact in the page


@dataclass(frozen=True)
class Companies:
    """Reports in the order of year and id, and the company of each.

    Args:
        descriptions: report_id, year, cik, ticker, company_name, sic_code, industry, description.
    """

    descriptions: pd.DataFrame

    @cached_property
    def reports(self) -> pd.DataFrame:
        """The descriptions in order, with `company`, a number."""
        import pandas as pd

        table = self.descriptions.sort_values(["year", "report_id"], ignore_index=True)
        return table.assign(company=pd.factorize(company_of(table).to_numpy())[0])

    @cached_property
    def years(self) -> list[int]:
        """Ascending."""
        return [int(year) for year in sorted(self.reports["year"].unique())]

    @cached_property
    def _bounds(self) -> np.ndarray:
        return np.append(np.searchsorted(self.reports["year"].to_numpy(), self.years), len(self.reports))

    def of_year(self, year: int) -> pd.DataFrame:
        """The year's reports; a report's position is its row here."""
        i = self.years.index(year)
        return self.reports.iloc[self._bounds[i] : self._bounds[i + 1]].reset_index(drop=True)

    @cached_property
    def _ids(self) -> pd.Index:
        import pandas as pd

        return pd.Index(self.reports["report_id"].to_numpy(dtype=np.int64))

    def rows(self, report_id: Any) -> np.ndarray:
        """Rows of these reports in `reports`; -1 for one that is not there."""
        import pandas as pd

        return self._ids.get_indexer(pd.Index(np.asarray(report_id, dtype=np.int64)))

    def positions(self, report_id: Any) -> np.ndarray:
        """Positions of these reports in their years; -1 for one that is not there."""
        rows = self.rows(report_id)
        year = np.searchsorted(self._bounds, np.maximum(rows, 0), side="right") - 1
        return np.where(rows < 0, -1, rows - self._bounds[year])

    def listed(self) -> dict[str, list[str]]:
        """Name, ticker, registrant number, other names and an address of each company: those of its newest report."""
        reports = self.reports
        newest = reports.groupby("company", sort=True).tail(1).sort_values("company")
        names, tickers = ([clean(text).strip() for text in newest[c]] for c in ("company_name", "ticker"))
        ciks = [clean(text).strip() for text in newest["cik"]]
        others: list[dict[str, None]] = [{} for _ in names]
        spelled = reports.drop_duplicates(["company", "company_name", "ticker"])
        for column in ("company_name", "ticker"):
            for company, text in zip(spelled["company"].tolist(), map(clean, spelled[column]), strict=True):
                if text.strip() not in (names[company], tickers[company], ""):
                    others[company][text.strip()] = None
        former = [", ".join(each) for each in others]
        keys, taken = [], set[str]()
        for number in range(len(newest)):
            key = next((k for k in (ciks[number], tickers[number], names[number]) if k and k not in taken), "")
            keys.append(key or f"company-{number}")
            taken.add(keys[-1])
        return {"name": names, "ticker": tickers, "cik": ciks, "former": former, "key": keys}


def exact(numbers: Any) -> list[int | str]:
    """Ids for the page: as text where its numbers are not exact any more."""
    return [int(n) if abs(int(n)) < _PRECISE else str(int(n)) for n in numbers]
