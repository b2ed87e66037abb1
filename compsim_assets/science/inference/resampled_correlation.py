"""MeanCorr for any number of copies of each company: through sums over clusters, without a list of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from compsim_assets.science.correlation.groups import members_of
from compsim_assets.science.correlation.mean_correlation import companies_in
from compsim_assets.science.correlation.returns import unit_returns

# Sizes of clusters, both ends included.
SIZE_STRATA: tuple[tuple[int, float], ...] = (
    (2, 2), (3, 5), (6, 10), (11, 25), (26, 100), (101, np.inf),
)  # fmt: skip


def stratum_name(smallest: int, largest: float) -> str:
    """ "2", "3-5" or ">100"."""
    if largest == np.inf:
        return f">{smallest - 1}"
    return str(smallest) if smallest == largest else f"{smallest}-{largest:.0f}"


@dataclass(frozen=True)
class _Members:
    """Clusters of all years, one row for each company in a cluster.

    cluster, company (n,): positions; total (n, months): sum of the company's unit returns there; length (n,): its
    square; count (n,): its reports there; year, size (k,): of each cluster (size with the reports that have no
    returns).
    """

    cluster: np.ndarray
    company: np.ndarray
    total: np.ndarray
    length: np.ndarray
    count: np.ndarray
    year: np.ndarray
    size: np.ndarray


class ResampledCorrelation:
    """MeanCorr of one grouping for any number of copies of each company.

    With w_c copies of company c, s_c the sum of its unit returns in a cluster and m_c its reports there (nearly always
    one), the correlations of all pairs sum up to half of |sum w s|^2 - sum w^2 |s|^2, and the pairs number half of
    (sum w m)^2 - sum w^2 m^2. A company makes no pair with itself, neither with a copy nor with another report.

    Statistics, in this order: `mean_correlation` (mean over years of the mean over clusters of each one's mean
    correlation), `pair_weighted` (over the pairs of all years), and `mean_correlation_by_size` of each stratum (mean
    over all its clusters of all years). A cluster without a pair is left out, and so is a year without a cluster.

    Args:
        groups: year, report_id, cluster_id of one method; rows are matched by id and year, and a row without a report
            or without a cluster is left out.
        returns: year, report_id, returns (12 log returns) of all reports.
        company: company of each report, indexed by report_id.
        companies: all companies, in the order of the weights.
        years: years that count; default all.
        strata: smallest and largest size of each stratum. A cluster keeps the stratum of its own size in every
            resample.
    """

    def __init__(
        self,
        groups: pd.DataFrame,
        returns: pd.DataFrame,
        company: pd.Series,
        companies: pd.Index,
        years: Sequence[int] | None = None,
        strata: tuple[tuple[int, float], ...] = SIZE_STRATA,
    ) -> None:
        self.names = [("mean_correlation", ""), ("pair_weighted", "")] + [
            ("mean_correlation_by_size", stratum_name(*stratum)) for stratum in strata
        ]
        members = _members(groups, returns, company, companies, years)
        self._members = members
        self._n_companies = len(companies)
        self._k = len(members.year)
        self._linear, self._square = _products(members, self._n_companies)
        years_present, year = np.unique(members.year, return_inverse=True)
        self._n_years = len(years_present)
        stratum = np.full(self._k, -1)
        for number, (smallest, largest) in enumerate(strata):
            stratum[(members.size >= smallest) & (members.size <= largest)] = number
        self._sets = _sets(year, self._n_years, stratum, len(strata))
        self._survival = _survival(members, self._n_companies)
        self._shares = self._share_of_clusters()
        self._centre = np.delete(self.values(np.ones((self._n_companies, 1)))[:, 0], 1)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """(statistics, B) for (companies, B) copies of each company, exactly as the statistics are defined.

        Cost: one sparse product with months + 3 entries per report; memory of months + 3 numbers per cluster and
        column.
        """
        mean, there, pooled, pairs = self._clusters(weights)
        return self._averages(self._sets @ mean, self._sets @ there, pooled, pairs)

    def resampled(self, weights: np.ndarray) -> np.ndarray:
        """(statistics, B) for companies that were drawn with replacement, without the bias from clusters that are lost.

        A cluster of two companies has a pair in 40 % of the resamples, a large one in all of them, so the plain mean
        over the clusters that are left is a mean over larger ones. Here a cluster that is left stands for those that
        are not: with p its chance of a pair, a its share in the statistic, the value of a resample is
        value + sum over clusters left of a (mean correlation - value) / p.
        Its expectation over resamples is the value itself (where a company has one report a year). NaN where no cluster
        is left.
        """
        mean, there, pooled, pairs = self._clusters(weights)
        likely = there / self._survival[:, None]
        centre = self._centre[:, None]
        moved = self._shares @ (mean * likely) - centre * (self._shares @ likely)
        value = np.where(self._shares @ there > 0, centre + moved, np.nan)
        return np.insert(value, 1, _ratio(pooled, pairs), axis=0)

    def _clusters(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(k, B) mean correlation of each cluster (0 without a pair), whether it has one; (B,) sums over all pairs."""
        weights = np.asarray(weights, dtype=np.float64)
        shape = (self._k, weights.shape[1])
        n_sums = self._members.total.shape[1] + 1
        *months, reports = (self._linear @ weights).reshape(n_sums, *shape)
        square, square_pairs = (self._square @ (weights * weights)).reshape(2, *shape)
        totals, pairs = -square, reports * reports - square_pairs
        for month in months:
            totals += month * month
        there = (pairs > 0).astype(np.float64)
        return _ratio(totals, pairs, 0.0), there, totals.sum(axis=0), pairs.sum(axis=0)

    def clusters(self) -> np.ndarray:
        """(statistics,) clusters, of all years, that each statistic rests on."""
        sizes = self._sets[self._n_years :].sum(axis=1)
        return np.concatenate([[self._k, self._k], sizes]).astype(np.int64)

    def left_out(self) -> np.ndarray:
        """(statistics, companies): the statistics without each company.

        A company changes the sums of its own clusters alone. Cost: O(reports months) time; memory of a number for each
        company and year.
        """
        m = self._members
        totals = np.zeros((self._k, m.total.shape[1]))
        np.add.at(totals, m.cluster, m.total)
        lengths, reports, squares = (
            np.bincount(m.cluster, weights=of_company, minlength=self._k)
            for of_company in (m.length, m.count, m.count**2)
        )
        correlation = np.einsum("km,km->k", totals, totals) - lengths
        pairs = reports**2 - squares
        rest, left = totals[m.cluster] - m.total, reports[m.cluster] - m.count
        rest_correlation = np.einsum("nm,nm->n", rest, rest) - (lengths[m.cluster] - m.length)
        rest_pairs = left**2 - (squares[m.cluster] - m.count**2)
        shape = (self._k, self._n_companies)
        at = (m.cluster, m.company)
        # Changes by cluster and company, sparse: nothing changes where a company is not.
        there = csr_array((np.where(rest_pairs > 0, 0.0, -1.0), at), shape=shape)
        mean = _ratio(rest_correlation, rest_pairs, 0.0) - (correlation / pairs)[m.cluster]
        sums = (self._sets @ csr_array((mean, at), shape=shape)).toarray()
        counts = (self._sets @ there).toarray()
        sums += (self._sets @ (correlation / pairs))[:, None]
        counts += (self._sets @ np.ones(self._k))[:, None]
        change = np.where(rest_pairs > 0, rest_correlation, 0.0) - correlation[m.cluster]
        pooled = correlation.sum() + np.bincount(m.company, change, self._n_companies)
        number = pairs.sum() + np.bincount(m.company, rest_pairs - pairs[m.cluster], self._n_companies)
        return self._averages(sums, counts, pooled, number)

    def _share_of_clusters(self) -> csr_array:
        """(statistics without the pooled one, k): how much each cluster's mean counts."""
        years = np.full(self._n_years, 1 / max(self._n_years, 1))
        of_set = self._sets.multiply(1 / np.maximum(self._sets.sum(axis=1), 1)[:, None]).tocsr()
        first = csr_array((years @ of_set[: self._n_years])[None])
        return vstack([first, of_set[self._n_years :]], format="csr")

    def _averages(self, sums: np.ndarray, counts: np.ndarray, pooled: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """Statistics from the sums and numbers of clusters of each year and stratum, and of all pairs."""
        means = _ratio(sums, counts, 0.0)
        years = slice(0, self._n_years)
        by_year = _ratio(means[years].sum(axis=0), (counts[years] > 0).sum(axis=0))
        by_size = np.where(counts > 0, means, np.nan)[self._n_years :]
        return np.vstack([by_year, _ratio(pooled, pairs), by_size])


def _ratio(above: np.ndarray, below: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), otherwise), where=below > 0)


def _members(
    groups: pd.DataFrame, returns: pd.DataFrame, company: pd.Series, companies: pd.Index, years: Sequence[int] | None
) -> _Members:
    rows = members_of(groups, returns, years)
    by_cluster = rows.groupby(["year", "cluster_id"], sort=True)
    label, size = by_cluster.ngroup().to_numpy(), by_cluster["year"].transform("size").to_numpy()
    unit, defined = unit_returns(rows["returns"])
    owner = companies.get_indexer(pd.Index(company.reindex(rows["report_id"].to_numpy())))
    # Only clusters that have a pair: two companies with returns.
    paired = defined & (companies_in(label[defined], owner[defined], len(by_cluster))[label] >= 2)
    _, first, cluster = np.unique(label[paired], return_index=True, return_inverse=True)
    owner = owner[paired]
    if (owner < 0).any():
        missing = rows["report_id"].to_numpy()[paired][owner < 0]
        raise ValueError(f"{len(missing)} reports have no company, the first of them {missing[0]}")
    both, row = np.unique(cluster * len(companies) + owner, return_inverse=True)
    together = csr_array((np.ones(len(row)), (row, np.arange(len(row)))), shape=(len(both), len(row)))
    total, count = together @ unit[paired], np.bincount(row, minlength=len(both)).astype(np.float64)
    return _Members(
        cluster=both // max(len(companies), 1),
        company=both % max(len(companies), 1),
        total=total,
        length=np.where(count > 1, np.einsum("nm,nm->n", total, total), 1.0),
        count=count,
        year=rows["year"].to_numpy()[paired][first],
        size=size[paired][first],
    )


def _survival(members: _Members, n_companies: int) -> np.ndarray:
    """(k,) chance that a cluster has a pair when as many companies as there are are drawn with replacement.

    It has none when no company of it is drawn, or only one.
    """
    alone = np.bincount(members.cluster, minlength=len(members.year))
    inside = alone / n_companies
    none = (1 - inside) ** n_companies
    return 1 - none - alone * ((1 - inside + 1 / n_companies) ** n_companies - none)


def _products(members: _Members, n_companies: int) -> tuple[csr_array, csr_array]:
    """What copies are multiplied with: each month and reports; and their squares with: own correlations and pairs."""
    linear = np.vstack([members.total.T, members.count])
    square = np.vstack([members.length, members.count**2])
    shape = (len(members.year), n_companies)
    at = (members.cluster, members.company)
    return _stacked(linear, *at, shape), _stacked(square, *at, shape)


def _stacked(values: np.ndarray, cluster: np.ndarray, company: np.ndarray, shape: tuple[int, int]) -> csr_array:
    rows = np.arange(len(values))[:, None] * shape[0] + cluster
    columns = np.broadcast_to(company, rows.shape)
    stacked = csr_array((values.ravel(), (rows.ravel(), columns.ravel())), shape=(len(values) * shape[0], shape[1]))
    stacked.eliminate_zeros()
    return stacked


def _sets(year: np.ndarray, n_years: int, stratum: np.ndarray, n_strata: int) -> csr_array:
    """(years + strata, k): which clusters are averaged together."""
    clusters = np.arange(len(year))
    sized = stratum >= 0
    rows = np.concatenate([year, n_years + stratum[sized]])
    columns = np.concatenate([clusters, clusters[sized]])
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(n_years + n_strata, len(year)))
