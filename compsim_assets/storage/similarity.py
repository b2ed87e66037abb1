"""What companies are compared by, as it lies on disk: PCA scores, or a universe's published pairs.

Both answer the same questions, so that nobody asks again which of the two it is. Assets open the one that the settings
and the universe ask for: `compsim_assets.assets.common.open_similarity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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


class ScoreSimilarity:
    """Cosines of PCA scores; correlations are those of the reports' returns."""

    name = "features"
    correlations = "returns"  # where they are from
    linked = "reports"  # what the progress of linking counts

    def __init__(self, results: Results) -> None:
        self._path = results.table("pca_scores")

    @property
    def worker_input(self) -> dict[str, str]:
        """Where a torchrun program finds it, by the name of its argument."""
        return {"scores": str(self._path)}

    def reports(self, returns: pd.DataFrame, defined_alone: bool) -> pd.DataFrame:
        """report_id and year of the reports that can be compared; `defined_alone` asks for twelve defined returns."""
        table = read_table(self._path, ["report_id", "year"]).to_pandas()
        if defined_alone and len(table):
            return table[_unit_returns(returns, table["report_id"])[1]]
        return table

    def nearest_peers(self, n_peers: int) -> Iterator[dict[str, Any]]:
        """Columns report_id, year, rank, peer_id, cosine, in blocks."""
        from compsim_assets.science.linkage.nearest import nearest_peers

        scores = read_table(self._path)
        ids, year = (scores[name].to_numpy() for name in ("report_id", "year"))
        return nearest_peers(matrix_of(scores["scores"]), year, ids, n_peers)

    def curves(
        self, reports: pd.DataFrame, returns: pd.DataFrame, device: str, progress: Progress
    ) -> tuple[dict[int, StepFunction], DistanceScale]:
        """Step function of each year, by cosine distance, and the scale of the distances."""
        import numpy as np

        from compsim_assets.science.cutoffs.step_function import curves_of_years
        from compsim_assets.science.linkage.years import link_years

        scored = read_table(self._path)
        scored = scored.filter(np.isin(scored["report_id"].to_numpy(), reports["report_id"]))
        unit, defined = _unit_returns(returns, scored["report_id"].to_numpy())
        linked = link_years(matrix_of(scored["scores"]), scored["year"].to_numpy(), device, progress)
        return curves_of_years(linked, unit, defined), linked.scale

    def correlation_by_year(self, groups: Mapping[str, pd.DataFrame], returns: pd.DataFrame) -> pd.DataFrame:
        """MeanCorr of each method in each year, and what it hides."""
        import pandas as pd

        from compsim_assets.science.correlation.groups import correlation_by_year

        tables = [correlation_by_year(table, returns).assign(method=method) for method, table in groups.items()]
        return pd.concat(tables, ignore_index=True)

    def correlation_of(self, year: int, report_id: np.ndarray, monthly: np.ndarray) -> np.ndarray:
        """(n, n) correlations of one year's reports, NaN where there is none."""
        from compsim_assets.science.correlation.returns import normalise_returns
        from compsim_assets.science.peers.statistics import correlations

        return correlations(*normalise_returns(monthly))


class PairSimilarity:
    """The universe's published pairs: their cosines, and their correlations; the same interface."""

    name = "pairs"
    correlations = "published pairs"
    linked = "years"

    def __init__(self, results: Results) -> None:
        self._path = results.table("published_pairs")
        self._pairs = PairTable(self._path)

    @property
    def worker_input(self) -> dict[str, str]:
        """Where a torchrun program finds it, by the name of its argument."""
        return {"pairs": str(self._path)}

    def reports(self, returns: pd.DataFrame, defined_alone: bool) -> pd.DataFrame:
        """report_id and year of the reports in at least one pair with a correlation."""
        import numpy as np
        import pandas as pd

        none = np.empty(0, dtype=np.int64)
        ids = [self._pairs.of_year(year).existing().reports() for year in self._pairs.years]
        years = [np.full(len(rows), year) for year, rows in zip(self._pairs.years, ids, strict=True)]
        return pd.DataFrame({"report_id": np.concatenate([none, *ids]), "year": np.concatenate([none, *years])})

    def nearest_peers(self, n_peers: int) -> Iterator[dict[str, Any]]:
        """Columns report_id, year, rank, peer_id, cosine, in blocks."""
        from compsim_assets.science.correlation.pairs import peers_of_pairs

        for year in self._pairs.years:
            yield {**peers_of_pairs(self._pairs.of_year(year), n_peers), "year": year}

    def curves(
        self, reports: pd.DataFrame, returns: pd.DataFrame, device: str, progress: Progress
    ) -> tuple[dict[int, StepFunction], DistanceScale]:
        """Step function of each year, by cosine distance, and the scale of the distances."""
        from compsim_assets.science.cutoffs.pairs import link_pairs

        return link_pairs(self._pairs.years, self._pairs.of_year, progress)

    def correlation_by_year(self, groups: Mapping[str, pd.DataFrame], returns: pd.DataFrame) -> pd.DataFrame:
        """MeanCorr of each method in each year, and what it hides."""
        from compsim_assets.science.correlation.pairs import correlation_by_year_of_pairs

        return correlation_by_year_of_pairs(groups, returns[["year", "report_id"]], self._pairs.of_year)

    def correlation_of(self, year: int, report_id: np.ndarray, monthly: np.ndarray) -> np.ndarray:
        """(n, n) correlations of one year's reports, NaN where there is none."""
        from compsim_assets.science.peers.statistics import dense

        pairs = self._pairs.of_year(year)
        return dense(pairs, report_id, pairs.correlation)


def _unit_returns(returns: pd.DataFrame, report_id: Any) -> tuple[np.ndarray, np.ndarray]:
    """Normalised returns of these reports, and which of them are defined."""
    import numpy as np

    from compsim_assets.science.correlation.returns import normalise_returns

    return normalise_returns(np.stack(returns.set_index("report_id")["returns"].loc[report_id].to_numpy()))
