"""MeanCorr of any grouping and the nearest peers, from the pairs of each year."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from compsim_assets.science.companies import company_codes
from compsim_assets.science.correlation.groups import COLUMNS, members_of, row_of
from compsim_assets.science.correlation.mean_correlation import YearCorrelation, companies_in, correlation_of_clusters
from compsim_assets.science.linkage.pairs import YearPairs, positions_of
from compsim_assets.science.ties import tie_groups


def pair_correlation(
    labels: np.ndarray, a: np.ndarray, b: np.ndarray, correlation: np.ndarray, company: np.ndarray | None = None
) -> YearCorrelation:
    """MeanCorr and its companions for one year's clusters, as `year_correlation`, from the pairs' correlations.

    Args:
        labels: (n,) cluster numbers 0..k-1, -1 for a report in no cluster.
        a, b: (m,) positions of the ends of each pair in `labels`, -1 for a report that is not in it.
        correlation: (m,) without NaN; of pairs of two companies.
        company: (n,) numbers of the reports' companies; None: all are different.

    Cost: O(n + m) time, about 20 m bytes.
    """
    named = labels >= 0
    n_companies = None if company is None else companies_in(labels[named], company[named], int(labels.max()) + 1)
    # Position -1 is the last one: a report that is not there is in no cluster.
    labels = np.append(labels, -1)
    cluster = labels[a]
    inside = (cluster == labels[b]) & (cluster >= 0)
    cluster = cluster[inside]
    n_clusters = int(labels.max()) + 1
    return correlation_of_clusters(
        np.bincount(cluster, weights=correlation[inside], minlength=n_clusters),
        np.bincount(cluster, minlength=n_clusters),
        np.bincount(labels[labels >= 0], minlength=n_clusters),
        n_companies,
    )


def correlation_by_year_of_pairs(
    groups: Mapping[str, pd.DataFrame],
    reports: pd.DataFrame,
    pairs_of_year: Callable[[int], YearPairs],
    company: pd.Series | None = None,
) -> pd.DataFrame:
    """MeanCorr of each method in each year it covers, as `correlation_by_year`, on the reports that exist in `reports`.

    Args:
        groups: by method, a frame of year, report_id, cluster_id (any type). Rows are matched by id and year, never by
            position; a row without a report is dropped, and so is one without a cluster (null).
        reports: year, report_id of all reports. A pair of a report that is not one of them does not count.
        pairs_of_year: the pairs of a year; called once for each year that a method covers, ascending.
        company: company of each report, by report id; pairs of a company with itself do not count. None: all are
            different.

    Returns:
        method and the columns of `correlation_by_year`: methods as given, years ascending.

    Cost: one pass over the pairs, O(m log n) per year and O(m) more per method.
    """
    universe = {year: np.sort(ids.to_numpy()) for year, ids in reports.groupby("year")["report_id"]}
    grouped = {method: _by_year(frame, reports) for method, frame in groups.items()}
    rows: dict[str, list[dict[str, object]]] = {method: [] for method in groups}
    for year in sorted(set().union(*grouped.values())):
        pairs, report_id = pairs_of_year(year).existing().between_companies(company), universe[year]
        companies = company_codes(company, report_id)
        a, b = pairs.positions(report_id)
        for method, by_year in grouped.items():
            if year not in by_year:
                continue
            named = by_year[year]
            labels = np.full(len(report_id), -1)
            codes = pd.factorize(named["cluster_id"])[0]
            labels[positions_of(report_id, named["report_id"].to_numpy())] = codes
            correlation = pair_correlation(labels, a, b, pairs.correlation, companies)
            rows[method].append({"method": method, **row_of(year, correlation, len(report_id))})
    return pd.DataFrame([row for of_method in rows.values() for row in of_method], columns=["method", *COLUMNS])


def _by_year(groups: pd.DataFrame, reports: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """report_id, cluster_id of each year: of the rows that name a report and a cluster."""
    matched = members_of(groups[["year", "report_id", "cluster_id"]], reports[["year", "report_id"]])
    rows = matched.groupby("year").indices
    return {int(year): matched.iloc[rows[year]] for year in matched["year"].unique()}


def peers_of_pairs(pairs: YearPairs, n_peers: int = 20, company: pd.Series | None = None) -> dict[str, np.ndarray]:
    """The most similar reports of the same year, as `nearest_peers`; pairs without a correlation count too.

    Args:
        pairs: of one year; those without a cosine are left out.
        n_peers: peers per report; fewer where it has fewer pairs.
        company: company of each report, by report id: none is its own peer. None: all are different.

    Returns:
        Columns report_id, rank (1 = most similar), peer_id, cosine; ordered by report and rank. Equal cosines (to
        1e-12) are ordered by peer id.

    Cost: O(m log m) time, about 130 m bytes.
    """
    pairs = pairs.where(~np.isnan(pairs.cosine)).between_companies(company)
    report_id = pairs.reports()
    a, b = pairs.positions(report_id)
    report, peer = np.concatenate([a, b]), np.concatenate([b, a])
    nearness = tie_groups(-pairs.cosine)
    # One number for report, cosine and peer, in this order of weight, sorts three times faster than three keys.
    key = (report * len(pairs) + np.tile(nearness, 2)) * len(report_id) + peer
    order = np.argsort(key)
    count = np.bincount(report, minlength=len(report_id))
    rank = np.arange(1, len(order) + 1) - np.repeat(np.cumsum(count) - count, count)
    order, rank = order[rank <= n_peers], rank[rank <= n_peers]
    return {
        "report_id": report_id[report[order]],
        "rank": rank,
        "peer_id": report_id[peer[order]],
        "cosine": pairs.cosine[order % max(len(pairs), 1)].clip(-1, 1),
    }
