"""Statistics of peers: a row per method, year, statistic and level."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from compsim_assets.evidence.groups import company_of
from compsim_assets.evidence.peer_methods import PeerMethod
from compsim_assets.science.peers.returns import Levels, year_statistics
from compsim_assets.science.peers.statistics import YearReports, group_statistics, year_reports
from compsim_assets.storage.similarity import PairSimilarity, ScoreSimilarity


class PeerReports:
    """The universe's reports with their correlations, made year by year as they are asked for.

    Args:
        similarity: whose correlations are taken.
        descriptions: report_id, cik, ticker, company_name, sic_code.
        returns: report_id, year, returns.
        length: total activation of each report.
    """

    def __init__(
        self,
        similarity: ScoreSimilarity | PairSimilarity,
        descriptions: pd.DataFrame,
        returns: pd.DataFrame,
        length: dict[int, float],
    ) -> None:
        table = returns.merge(descriptions, on="report_id", how="left", validate="one_to_one")
        table["company"] = pd.factorize(company_of(table))[0]
        table["sic2"] = pd.factorize(table["sic_code"].astype("string").str.slice(0, 2))[0]
        table["length"] = table["report_id"].map(length).astype(float)
        self._by_year = {int(year): table.loc[table["year"] == year] for year in table["year"].unique()}
        self._similarity = similarity
        self.years = sorted(self._by_year)

    def of_year(self, year: int) -> YearReports:
        """One year's reports, ids ascending."""
        rows = self._by_year[year].sort_values("report_id")
        ids, monthly = rows["report_id"].to_numpy(), np.stack(rows["returns"].to_list())
        correlation = self._similarity.correlation_of(year, ids, monthly)
        codes = (rows[name].to_numpy() for name in ("sic2", "company", "length"))
        return year_reports(year, ids, correlation, monthly, *codes)


def peer_rows(
    method: PeerMethod, reports: PeerReports, levels: Levels, progress: Callable[[int, int], None]
) -> Iterator[dict[str, Any]]:
    """Rows of all years that a method has; each year is looked at on its own, but for what stayed since the last."""
    before = None
    for done, year in enumerate(reports.years, start=1):
        of_year = reports.of_year(year)
        if method.of_year is None:
            statistics = group_statistics(of_year)
        elif (similar := method.of_year(of_year)) is not None:
            similarity, positions = similar
            statistics, before = year_statistics(similarity, of_year.take(positions), levels, before)
        else:
            statistics = []
        progress(done, len(reports.years))
        for statistic in statistics:
            yield {"method": method.name, "year": year, "in_sample": method.in_sample} | statistic._asdict()
