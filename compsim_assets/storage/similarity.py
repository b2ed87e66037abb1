"""What companies are compared by, as it lies on disk: PCA scores, or a universe's published pairs.

Both answer the same questions, so that nobody asks again which of the two it is: `open_similarity` decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.scores import ScoreTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from compsim_assets.science.cutoffs.step_function import StepFunction
    from compsim_assets.science.linkage.trees import YearTrees
    from compsim_assets.science.peers.squares import Values


def open_similarity(
    scores: ScoreTable, pairs: PairTable, descriptions: pd.DataFrame
) -> ScoreSimilarity | PairSimilarity:
    """What companies are compared by: scores, or, where the universe's features were not read, its published pairs.

    Args:
        descriptions: report_id, year, cik, ticker, company_name: who is who.
    """
    if len(scores) == 0 and len(pairs):
        return PairSimilarity(pairs, descriptions)
    return ScoreSimilarity(scores, descriptions)


class _Similarity:
    def __init__(self, descriptions: pd.DataFrame) -> None:
        self._descriptions = descriptions

    @cached_property
    def company(self) -> pd.Series | None:
        """Company of each report, by report id, as a number; None where no company has two reports in one year.

        Reports of one company are no pair and no peers.
        """
        from compsim_assets.science.companies import repeated_companies

        return repeated_companies(self._descriptions)


class ScoreSimilarity(_Similarity):
    """Cosines of PCA scores; correlations are those of the reports' returns."""

    name = "features"
    correlations = "returns"  # where they are from

    def __init__(self, scores: ScoreTable, descriptions: pd.DataFrame) -> None:
        super().__init__(descriptions)
        self._scores = scores

    @property
    def worker_input(self) -> dict[str, str]:
        """Where a torchrun program finds it, by the name of its argument."""
        return {"scores": str(self._scores.path)}

    def reports(self, returns: pd.DataFrame, defined_alone: bool) -> pd.DataFrame:
        """report_id and year of the reports that can be compared; `defined_alone` asks for twelve defined returns."""
        table = self._scores.reports()
        nothing = table["report_id"].isin(self.without_content())
        if nothing.any():
            table = table[~nothing]
        if defined_alone and len(table):
            return table[_unit_returns(returns, table["report_id"])[1]]
        return table

    def without_content(self) -> list[int]:
        """Ids, ascending, of the reports at the origin: they are like nothing, and in no cluster."""
        return sorted(i for ids, scores in self._scores.batches() for i in ids[~scores.any(axis=1)].tolist())

    def nearest_peers(self, n_peers: int, within: pd.Series | None = None) -> Iterator[dict[str, Any]]:
        """Columns report_id, year, rank, peer_id, cosine, in blocks.

        Args:
            within: group of each report, by report id: peers are of the same one, and a report without has none.
        """
        import numpy as np
        import pandas as pd

        from compsim_assets.science.companies import company_codes
        from compsim_assets.science.linkage.nearest import nearest_peers

        ids, year, scores = self._scores.read()
        group = np.zeros(len(ids), dtype=np.int64) if within is None else pd.factorize(within.reindex(ids))[0]
        if (group < 0).any():
            ids, year, scores, group = (values[group >= 0] for values in (ids, year, scores, group))
        n_groups = int(group.max(initial=0)) + 1
        company = company_codes(self.company, ids)
        for block in nearest_peers(scores, year * n_groups + group, ids, n_peers, company=company):
            yield {**block, "year": block["year"] // n_groups}

    def share_below(self, year: np.ndarray, cosine: np.ndarray) -> np.ndarray:
        """(m,) share of the pairs of companies of each year with a smaller cosine; (m,) years and cosines."""
        import numpy as np

        from compsim_assets.science.companies import company_codes
        from compsim_assets.science.reasons.nearness import share_below

        ids, of_report, scores = self._scores.read()
        company = company_codes(self.company, ids)
        shares = np.zeros(len(cosine))
        for label in np.unique(year).tolist():
            rows = np.flatnonzero((of_report == label) & scores.any(axis=1))
            asked = year == label
            shares[asked] = share_below(scores[rows], cosine[asked], None if company is None else company[rows])
        return shares

    def pair_correlations(
        self, first: np.ndarray, second: np.ndarray, year: np.ndarray, returns: pd.DataFrame
    ) -> np.ndarray:
        """(m,) return correlations of pairs of reports, by id; NaN where there is none."""
        import numpy as np

        both = np.unique(np.concatenate([first, second]))
        unit, defined = _unit_returns(returns, both)
        a, b = np.searchsorted(both, first), np.searchsorted(both, second)
        correlation = np.einsum("mk,mk->m", unit[a], unit[b]).clip(-1, 1)
        return np.where(defined[a] & defined[b], correlation, np.nan)

    def curves(self, trees: YearTrees, reports: pd.DataFrame, returns: pd.DataFrame) -> dict[int, StepFunction]:
        """Step function of each linked year, by cosine distance; `reports`: report_id and year as they were linked."""
        from compsim_assets.science.companies import company_codes
        from compsim_assets.science.cutoffs.step_function import curves_of_years

        ids = reports["report_id"].to_numpy()
        unit, defined = _unit_returns(returns, ids)
        return curves_of_years(trees, unit, defined, company_codes(self.company, ids))

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

    def correlation_of(self, year: int, report_id: np.ndarray, monthly: np.ndarray, company: np.ndarray) -> Values:
        """(n, n) correlations of one year's reports, NaN where there is none, as for reports of one company."""
        from compsim_assets.science.correlation.returns import normalise_returns
        from compsim_assets.science.peers.statistics import correlations

        return correlations(*normalise_returns(monthly), company)


class PairSimilarity(_Similarity):
    """The universe's published pairs: their cosines, and their correlations; the same interface."""

    name = "pairs"
    correlations = "published pairs"

    def __init__(self, pairs: PairTable, descriptions: pd.DataFrame) -> None:
        super().__init__(descriptions)
        self.pairs = pairs

    @property
    def worker_input(self) -> dict[str, str]:
        """Where a torchrun program finds it, by the name of its argument."""
        return {"pairs": str(self.pairs.path)}

    def reports(self, returns: pd.DataFrame, defined_alone: bool) -> pd.DataFrame:
        """report_id and year of the reports in at least one pair with a correlation; in a year without such a pair, of
        those in a pair with a cosine, unless `defined_alone` asks for returns.
        """
        import numpy as np
        import pandas as pd

        none = np.empty(0, dtype=np.int64)
        pairs = (self.pairs.of_year(year) for year in self.pairs.years)
        ids = [(of_year.existing() if defined_alone else of_year.linked()).reports() for of_year in pairs]
        years = [np.full(len(rows), year) for year, rows in zip(self.pairs.years, ids, strict=True)]
        return pd.DataFrame({"report_id": np.concatenate([none, *ids]), "year": np.concatenate([none, *years])})

    def without_content(self) -> list[int]:
        """None: every report that is clustered has a pair."""
        return []

    def nearest_peers(self, n_peers: int, within: pd.Series | None = None) -> Iterator[dict[str, Any]]:
        """Columns report_id, year, rank, peer_id, cosine, in blocks; `within` as of `ScoreSimilarity`."""
        import pandas as pd

        from compsim_assets.science.correlation.pairs import peers_of_pairs

        for year in self.pairs.years:
            pairs = self.pairs.of_year(year)
            if within is not None:
                codes = pd.Series(pd.factorize(within)[0], index=within.index)
                a, b = (codes.reindex(ids, fill_value=-1).to_numpy() for ids in (pairs.report_a, pairs.report_b))
                pairs = pairs.where((a == b) & (a >= 0))
            yield {**peers_of_pairs(pairs, n_peers, self.company), "year": year}

    def share_below(self, year: np.ndarray, cosine: np.ndarray) -> np.ndarray:
        """(m,) share of the published pairs of companies of each year with a smaller cosine; (m,) years and cosines."""
        import numpy as np

        from compsim_assets.science.reasons.nearness import share_of_list_below

        shares = np.zeros(len(cosine))
        for label in np.unique(year).tolist():
            asked, pairs = year == label, self.pairs.of_year(label).between_companies(self.company)
            shares[asked] = share_of_list_below(pairs.cosine, cosine[asked])
        return shares

    def pair_correlations(
        self, first: np.ndarray, second: np.ndarray, year: np.ndarray, returns: pd.DataFrame
    ) -> np.ndarray:
        """(m,) published correlations of pairs of reports of these years, by id; NaN where there is none."""
        import numpy as np
        import pandas as pd

        low, high = np.minimum(first, second), np.maximum(first, second)
        correlations = np.full(len(first), np.nan)
        for label in np.unique(year).tolist():
            asked, pairs = year == label, self.pairs.of_year(label)
            ends = (np.minimum(pairs.report_a, pairs.report_b), np.maximum(pairs.report_a, pairs.report_b))
            listed = pd.Series(pairs.correlation, index=pd.MultiIndex.from_arrays(ends))
            correlations[asked] = listed.reindex(pd.MultiIndex.from_arrays([low[asked], high[asked]])).to_numpy()
        return correlations

    def curves(self, trees: YearTrees, reports: pd.DataFrame, returns: pd.DataFrame) -> dict[int, StepFunction]:
        """Step function of each linked year, by cosine distance; returns are those of the pairs."""
        from compsim_assets.science.cutoffs.pairs import curves_of_pairs

        return curves_of_pairs(trees, self.pairs.of_year, self.company)

    def correlation_by_year(
        self, groups: Mapping[str, pd.DataFrame], returns: pd.DataFrame, *, own_pairs: bool = False
    ) -> pd.DataFrame:
        """MeanCorr of each method in each year, and what it hides; `own_pairs` counts a company's pairs with itself."""
        from compsim_assets.science.correlation.pairs import correlation_by_year_of_pairs

        company = None if own_pairs else self.company
        return correlation_by_year_of_pairs(groups, returns[["year", "report_id"]], self.pairs.of_year, company)

    def correlation_of(self, year: int, report_id: np.ndarray, monthly: np.ndarray, company: np.ndarray) -> Values:
        """(n, n) correlations of one year's reports, NaN where there is none, as for reports of one company."""
        import numpy as np

        from compsim_assets.science.companies import own_pairs
        from compsim_assets.science.peers.statistics import dense

        pairs = self.pairs.of_year(year)
        correlation = dense(pairs, report_id, pairs.correlation)
        a, b = own_pairs(company)
        correlation[a, b] = correlation[b, a] = np.nan
        return correlation


def _unit_returns(returns: pd.DataFrame, report_id: Any) -> tuple[np.ndarray, np.ndarray]:
    """Normalised returns of these reports, and which of them are defined."""
    import numpy as np

    from compsim_assets.science.correlation.returns import normalise_returns

    return normalise_returns(np.stack(returns.set_index("report_id")["returns"].loc[report_id].to_numpy()))
