"""MeanCorr: how strongly the stocks inside clusters move together (method section 1)."""

from dataclasses import dataclass

import numpy as np

from compsim_assets.science.companies import own_pairs


@dataclass(frozen=True)
class YearCorrelation:
    """One method in one year. Clusters of at least two companies count; singletons are left out.

    A pair is of two companies: where several reports of one company are there, they are no pair with each other.

    mean_correlation: mean over clusters of the mean correlation of the cluster's existing pairs; NaN without any.
    pair_weighted: mean correlation over the existing pairs of all clusters; NaN without any.
    n_pairs: existing pairs of all clusters, the pair-weighted value's denominator, so that years can be pooled.
    n_reports: reports in clusters that count. largest_cluster: reports of the largest one, 0 without any.
    """

    mean_correlation: float
    pair_weighted: float
    n_pairs: int
    n_clusters: int
    n_reports: int
    largest_cluster: int


def pair_sums(
    labels: np.ndarray, unit_returns: np.ndarray, defined: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per cluster: sum of return correlations over existing pairs, number of them, and members.

    With returns of length one, the sum over the pairs of a cluster is (|sum of its returns|^2 - count) / 2,
    so no pair is listed.

    Args:
        labels: (n,) cluster numbers 0..k-1.
        unit_returns, defined: from `normalise_returns`.

    Cost: O(n months) time, O(k months) memory.
    """
    n_clusters = int(labels.max()) + 1 if len(labels) else 0
    totals = np.zeros((n_clusters, unit_returns.shape[1]))
    np.add.at(totals, labels[defined], unit_returns[defined])
    count = np.bincount(labels[defined], minlength=n_clusters)
    correlation_sums = (np.einsum("ij,ij->i", totals, totals) - count) / 2
    return correlation_sums, count * (count - 1) // 2, np.bincount(labels, minlength=n_clusters)


def year_correlation(
    labels: np.ndarray, unit_returns: np.ndarray, defined: np.ndarray, company: np.ndarray | None = None
) -> YearCorrelation:
    """MeanCorr and its companions for one year's clusters.

    Args:
        labels: (n,) any hashable cluster names, one per report.
        unit_returns, defined: from `normalise_returns`, rows as in `labels`.
        company: (n,) numbers of the reports' companies; None: all are different.
    """
    _, codes = np.unique(np.asarray(labels), return_inverse=True)
    sums, pairs, members = pair_sums(codes, unit_returns, defined)
    a, b = own_pairs(company)
    if company is None or len(a) == 0:
        return correlation_of_clusters(sums, pairs, members)
    a, b = (ends[(codes[a] == codes[b]) & defined[a] & defined[b]] for ends in (a, b))
    rho = np.einsum("ij,ij->i", unit_returns[a], unit_returns[b])
    sums = sums - np.bincount(codes[a], weights=rho, minlength=len(sums))
    pairs = pairs - np.bincount(codes[a], minlength=len(pairs))
    return correlation_of_clusters(sums, pairs, members, companies_in(codes, company, len(members)))


def companies_in(labels: np.ndarray, company: np.ndarray, n_clusters: int) -> np.ndarray:
    """(k,) number of different companies in each cluster 0..k-1."""
    both = np.unique(np.stack([labels, company]), axis=1)
    return np.bincount(both[0], minlength=n_clusters)


def correlation_of_clusters(
    sums: np.ndarray, pairs: np.ndarray, members: np.ndarray, companies: np.ndarray | None = None
) -> YearCorrelation:
    """MeanCorr and its companions from each cluster's totals.

    Args:
        sums, pairs, members: (k,) sum of the correlations of a cluster's existing pairs, number of them, reports.
        companies: (k,) companies of a cluster; default as many as reports.
    """
    real = (members if companies is None else companies) >= 2
    paired = real & (pairs > 0)
    n_pairs = int(pairs[paired].sum())
    return YearCorrelation(
        mean_correlation=float((sums[paired] / pairs[paired]).mean()) if n_pairs else np.nan,
        pair_weighted=float(sums[paired].sum()) / n_pairs if n_pairs else np.nan,
        n_pairs=n_pairs,
        n_clusters=int(real.sum()),
        n_reports=int(members[real].sum()),
        largest_cluster=int(members[real].max(initial=0)),
    )
