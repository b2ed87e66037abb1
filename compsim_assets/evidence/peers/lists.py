"""The table of peers: the nearest of each scope, where their cosines stand, and what was and came of each pair."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from compsim_assets.science.companies import company_of
from compsim_assets.science.reasons.nearness import near_last_year, next_report

if TYPE_CHECKING:
    from compsim_assets.storage.similarity import PairSimilarity, ScoreSimilarity

ALL, INDUSTRY = "all", "industry"
_LISTED = ("report_id", "year", "rank", "peer_id", "cosine")


def listed_peers(
    similarity: "ScoreSimilarity | PairSimilarity", descriptions: pd.DataFrame, returns: pd.DataFrame, n_peers: int
) -> pd.DataFrame:
    """The columns of `peers`, the confidence null; ordered by report, scope and rank.

    Args:
        descriptions: report_id, year, cik, ticker, company_name, sic_code.
        returns: report_id, returns (twelve).
    """
    reports = descriptions.set_index("report_id")
    industry = reports["sic_code"].astype("string").str.slice(0, 2)
    companies = pd.DataFrame({"year": reports["year"], "company": company_of(descriptions)})
    compared = set(similarity.reports(returns, defined_alone=False)["report_id"])
    scopes = []
    for scope, within in ((ALL, None), (INDUSTRY, industry)):
        blocks = [pd.DataFrame(block) for block in similarity.nearest_peers(n_peers, within)]
        if not blocks:
            continue
        listed = pd.concat(blocks, ignore_index=True)[list(_LISTED)].rename(columns={"peer_id": "peer_report_id"})
        # Published pairs have cosines of reports that no correlation is known of, too.
        compared |= {*listed["report_id"], *listed["peer_report_id"]}
        listed["peer_last_year"] = near_last_year(listed, companies[companies.index.isin(compared)])
        scopes.append(listed.assign(scope=scope))
    if not scopes:
        return pd.DataFrame(columns=[*_LISTED, "scope", "percentile", "confidence", "next_year_correlation"])
    peers = pd.concat(scopes, ignore_index=True).sort_values(["report_id", "scope", "rank"], ignore_index=True)
    peers["percentile"] = similarity.share_below(peers["year"].to_numpy(), peers["cosine"].to_numpy())
    peers["confidence"] = np.nan
    peers["next_year_correlation"] = _next_year(similarity, peers, companies[companies.index.isin(compared)], returns)
    return peers


def _next_year(
    similarity: "ScoreSimilarity | PairSimilarity", peers: pd.DataFrame, reports: pd.DataFrame, returns: pd.DataFrame
) -> np.ndarray:
    """(m,) return correlation of each pair's companies in the year after; NaN where either has no report then."""
    after = [next_report(peers[name], reports) for name in ("report_id", "peer_report_id")]
    both = ~(np.isnan(after[0]) | np.isnan(after[1]))
    first, second = (ids[both].astype(np.int64) for ids in after)
    correlation = np.full(len(peers), np.nan)
    if both.any():
        year = peers["year"].to_numpy()[both] + 1
        correlation[both] = similarity.pair_correlations(first, second, year, returns)
    return correlation
