"""What companies are compared by, as it lies on disk: PCA scores, or a universe's published pairs.

Both answer the same questions, so that nobody asks again which of the two it is. Assets open the one that the settings
and the universe ask for: `compsim_assets.assets.common.open_similarity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from compsim_assets.storage.matrices import matrix_of
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.results import Results, read_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from compsim_assets.science.cutoffs.step_function import StepFunction
    from compsim_assets.science.linkage.distance import DistanceScale

    Progress = Callable[[int, int], None]


class _Similarity:
    def __init__(self, results: Results) -> None:
        self._results = results

    @cached_property
    def company(self) -> pd.Series | None:
        """See `companies_of`: reports of one company are no pair and no peers."""
        return companies_of(self._results)


class ScoreSimilarity(_Similarity):
    """Cosines of PCA scores; correlations are those of the reports' returns."""

    name = "features"
    correlations = "returns"  # where they are from
    linked = "reports"  # what the progress of linking counts

    def __init__(self, results: Results) -> None:
        super().__init__(results)
        self._path = results.fresh_table("pca_scores")

    @property
    def worker_input(self) -> dict[str, str]:
        """Where a torchrun program finds it, by the name of its argument."""
        return {"scores": str(self._path)}

    def reports(self, returns: pd.DataFrame, defined_alone: bool) -> pd.DataFrame:
        """report_id and year of the reports that can be compared; `defined_alone` asks for twelve defined returns."""
        table = read_table(self._path, ["report_id", "year"]).to_pandas()
        nothing = table["report_id"].isin(self.without_content())
        if nothing.any():
            table = table[~nothing]
        if defined_alone and len(table):
            return table[_unit_returns(returns, table["report_id"])[1]]
        return table

    def without_content(self) -> list[int]:
        """Ids, ascending, of the reports at the origin: they are like nothing, and in no cluster."""
        import pyarrow.parquet as pq

        read_table(self._path, [])
        ids: list[int] = []
        with pq.ParquetFile(self._path) as file:
            for batch in file.iter_batches(4096, columns=["report_id", "scores"]):
                zero = ~matrix_of(batch.column("scores")).any(axis=1)
                ids += batch.column("report_id").to_numpy()[zero].tolist()
        return sorted(ids)

    def nearest_peers(self, n_peers: int) -> Iterator[dict[str, Any]]:
        """Columns report_id, year, rank, peer_id, cosine, in blocks."""
        from compsim_assets.science.companies import company_codes
        from compsim_assets.science.linkage.nearest import nearest_peers

        scores = read_table(self._path)
        ids, year = (scores[name].to_numpy() for name in ("report_id", "year"))
        company = company_codes(self.company, ids)
        return nearest_peers(matrix_of(scores["scores"]), year, ids, n_peers, company=company)

    def curves(
        self, reports: pd.DataFrame, returns: pd.DataFrame, device: str, progress: Progress
    ) -> tuple[dict[int, StepFunction], DistanceScale]:
        """Step function of each year, by cosine distance, and the scale of the distances."""
        import numpy as np

        from compsim_assets.science.companies import company_codes
        from compsim_assets.science.cutoffs.step_function import curves_of_years
        from compsim_assets.science.linkage.years import link_years

        scored = read_table(self._path)
        scored = scored.filter(np.isin(scored["report_id"].to_numpy(), reports["report_id"]))
        ids = scored["report_id"].to_numpy()
        unit, defined = _unit_returns(returns, ids)
        linked = link_years(matrix_of(scored["scores"]), scored["year"].to_numpy(), device, progress)
        return curves_of_years(linked, unit, defined, company_codes(self.company, ids)), linked.scale

    def correlation_by_year(
        self, groups: Mapping[str, pd.DataFrame], returns: pd.DataFrame, *, own_pairs: bool = False
    ) -> pd.DataFrame:
        """MeanCorr of each method in each year, and what it hides; `own_pairs` counts a company's pairs with itself."""
        import pandas as pd

        from compsim_assets.science.correlation.groups import correlation_by_year

        company = None if own_pairs else self.company
        tables = [
            correlation_by_year(table, returns, company).assign(method=method) for method, table in groups.items()
        ]
        return pd.concat(tables, ignore_index=True)

    def correlation_of(self, year: int, report_id: np.ndarray, monthly: np.ndarray) -> np.ndarray:
        """(n, n) correlations of one year's reports, NaN where there is none."""
        from compsim_assets.science.correlation.returns import normalise_returns
        from compsim_assets.science.peers.statistics import correlations

        return correlations(*normalise_returns(monthly))


class PairSimilarity(_Similarity):
    """The universe's published pairs: their cosines, and their correlations; the same interface."""

    name = "pairs"
    correlations = "published pairs"
    linked = "years"

    def __init__(self, results: Results) -> None:
        super().__init__(results)
        self._path = results.table("published_pairs")
        self._pairs = PairTable(self._path)

    @property
    def worker_input(self) -> dict[str, str]:
        """Where a torchrun program finds it, by the name of its argument."""
        return {"pairs": str(self._path)}

    def reports(self, returns: pd.DataFrame, defined_alone: bool) -> pd.DataFrame:
        """report_id and year of the reports in at least one pair with a correlation; in a year without such a pair, of
        those in a pair with a cosine, unless `defined_alone` asks for returns.
        """
        import numpy as np
        import pandas as pd

        none = np.empty(0, dtype=np.int64)
        pairs = (self._pairs.of_year(year) for year in self._pairs.years)
        ids = [(of_year.existing() if defined_alone else of_year.linked()).reports() for of_year in pairs]
        years = [np.full(len(rows), year) for year, rows in zip(self._pairs.years, ids, strict=True)]
        return pd.DataFrame({"report_id": np.concatenate([none, *ids]), "year": np.concatenate([none, *years])})

    def without_content(self) -> list[int]:
        """None: every report that is clustered has a pair."""
        return []

    def nearest_peers(self, n_peers: int) -> Iterator[dict[str, Any]]:
        """Columns report_id, year, rank, peer_id, cosine, in blocks."""
        from compsim_assets.science.correlation.pairs import peers_of_pairs

        for year in self._pairs.years:
            yield {**peers_of_pairs(self._pairs.of_year(year), n_peers, self.company), "year": year}

    def curves(
        self, reports: pd.DataFrame, returns: pd.DataFrame, device: str, progress: Progress
    ) -> tuple[dict[int, StepFunction], DistanceScale]:
        """Step function of each year, by cosine distance, and the scale of the distances."""
        from compsim_assets.science.cutoffs.pairs import link_pairs

        there = set(reports["year"].tolist())
        years = [year for year in self._pairs.years if year in there]
        return link_pairs(years, self._pairs.of_year, progress, self.company)

    def correlation_by_year(
        self, groups: Mapping[str, pd.DataFrame], returns: pd.DataFrame, *, own_pairs: bool = False
    ) -> pd.DataFrame:
        """MeanCorr of each method in each year, and what it hides; `own_pairs` counts a company's pairs with itself."""
        from compsim_assets.science.correlation.pairs import correlation_by_year_of_pairs

        company = None if own_pairs else self.company
        return correlation_by_year_of_pairs(groups, returns[["year", "report_id"]], self._pairs.of_year, company)

    def correlation_of(self, year: int, report_id: np.ndarray, monthly: np.ndarray) -> np.ndarray:
        """(n, n) correlations of one year's reports, NaN where there is none."""
        from compsim_assets.science.peers.statistics import dense

        pairs = self._pairs.of_year(year)
        return dense(pairs, report_id, pairs.correlation)


def companies_of(results: Results) -> pd.Series | None:
    """Company of each report, by report id, as a number; None where no company has two reports in one year, so that all
    pairs are of two companies.
    """
    from compsim_assets.science.companies import repeated_companies

    path = results.table("descriptions")
    if not path.exists():
        return None
    return repeated_companies(read_table(path, ["report_id", "year", "cik", "ticker", "company_name"]).to_pandas())


def _unit_returns(returns: pd.DataFrame, report_id: Any) -> tuple[np.ndarray, np.ndarray]:
    """Normalised returns of these reports, and which of them are defined."""
    import numpy as np

    from compsim_assets.science.correlation.returns import normalise_returns

    return normalise_returns(np.stack(returns.set_index("report_id")["returns"].loc[report_id].to_numpy()))
