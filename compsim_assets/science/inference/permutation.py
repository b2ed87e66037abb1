"""MeanCorr of clusters of the same sizes filled at random: what the sizes alone would give."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from compsim_assets.science.companies import company_codes, own_pairs
from compsim_assets.science.correlation.groups import members_of
from compsim_assets.science.correlation.returns import unit_returns
from compsim_assets.science.device import map_on_all_cores

# A null this close to the value is equal to it: sums in another order differ by rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Null:
    """A statistic and what shuffled labels give for it.

    p_value: (1 + shuffles with at least the value) / (1 + shuffles), one-sided. low, high: 2.5 and 97.5 % quantiles.
    """

    value: float
    mean: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class _Year:
    """Unit returns of one year's reports, cluster by cluster, and the clusters' sizes (each at least 2).

    repeated: positions of every two reports of one company, which are no pair.
    """

    year: int
    unit: np.ndarray
    sizes: np.ndarray
    repeated: tuple[np.ndarray, np.ndarray]


def permutation_null(
    groups: pd.DataFrame,
    returns: pd.DataFrame,
    *,
    years: Sequence[int] | None = None,
    permutations: int = 1000,
    seed: int = 0,
    batch: int = 1 << 21,
    company: pd.Series | None = None,
) -> dict[str, Null]:
    """MeanCorr and its pair-weighted companion against clusters of the same sizes filled at random.

    In every year the labels are shuffled among the reports that are in a cluster with a pair and have returns. So the
    null asks whether these reports are put together well, not whether they were picked well. A year's shuffles depend
    on the seed and the year alone.

    Args:
        groups: year, report_id, cluster_id of one method.
        returns: year, report_id, returns (12 log returns) of all reports.
        years: years that count; default all.
        permutations: shuffles of every year.
        batch: reports x months x shuffles gathered at once; 2^21 are 16 MB for each thread.
        company: company of each report, by report id: reports of one company are no pair, in the clusters as they are
            and in the shuffled ones. None: all are different.

    Returns:
        `mean_correlation` (mean over years of the mean over clusters) and `pair_weighted` (over the pairs of all
        years); all NaN for a method without a cluster.

    Cost: O(permutations x reports in clusters x months) time on all cores; memory of one batch per thread.
    """
    shuffled = list(
        map_on_all_cores(
            lambda year: _shuffled(year, permutations, seed, batch),
            _years(groups, returns, years, company),
            device=torch.device("cpu"),
        )
    )
    if not shuffled:
        nothing = Null(*[np.nan] * 5)
        return {"mean_correlation": nothing, "pair_weighted": nothing}
    means, totals, pairs = (np.stack(part) for part in zip(*shuffled, strict=True))
    # A year has no mean where a shuffle leaves no cluster a pair of two companies.
    of_years = means.mean(axis=0) if not np.isnan(means).any() else np.nanmean(means, axis=0)
    return {"mean_correlation": _null(of_years), "pair_weighted": _null(totals.sum(axis=0) / pairs.sum(axis=0))}


def _null(values: np.ndarray) -> Null:
    """From the value (first) and its shuffles."""
    value, shuffled = float(values[0]), values[1:]
    reached = np.count_nonzero(shuffled >= value - _ROUNDING)
    low, high = np.quantile(shuffled, [0.025, 0.975])
    return Null(value, float(shuffled.mean()), float(low), float(high), (1 + reached) / (1 + len(shuffled)))


def _years(
    groups: pd.DataFrame, returns: pd.DataFrame, years: Sequence[int] | None, company: pd.Series | None
) -> list[_Year]:
    # The same shuffles whatever the order of the rows.
    rows = members_of(groups, returns, years).sort_values(["year", "cluster_id", "report_id"])
    unit, defined = unit_returns(rows["returns"])
    rows, unit = rows[defined], unit[defined]
    codes = company_codes(company, rows["report_id"])
    rows = rows.assign(company=np.arange(len(rows)) if codes is None else codes)
    # A cluster with a pair has two companies.
    there = rows.groupby(["year", "cluster_id"])["company"].transform("nunique").to_numpy() >= 2
    rows, unit = rows[there], unit[there]
    return [
        _Year(
            int(str(year)),
            unit[at],
            rows.iloc[at].groupby("cluster_id").size().to_numpy(),
            own_pairs(rows["company"].to_numpy()[at]),
        )
        for year, at in rows.groupby("year").indices.items()
    ]


def _shuffled(year: _Year, permutations: int, seed: int, batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(1 + permutations,) means over clusters, sums over pairs and numbers of pairs, the unshuffled first."""
    n, months = year.unit.shape
    starts = np.concatenate([[0], np.cumsum(year.sizes)[:-1]])
    draw = np.random.default_rng([seed, year.year])
    step = max(1, batch // (n * months))
    parts = [_by_cluster(year, starts, np.arange(n)[None])]
    for start in range(0, permutations, step):
        orders = np.tile(np.arange(n), (min(step, permutations - start), 1))
        parts.append(_by_cluster(year, starts, draw.permuted(orders, axis=1)))
    sums, pairs = (np.concatenate(part) for part in zip(*parts, strict=True))
    if len(year.repeated[0]) == 0:
        return (sums / pairs).mean(axis=1), sums.sum(axis=1), pairs.sum(axis=1)
    there = pairs > 0
    mean = np.divide(sums, pairs, out=np.zeros_like(sums), where=there).sum(axis=1)
    count = there.sum(axis=1)
    mean = np.divide(mean, count, out=np.full(len(mean), np.nan), where=count > 0)
    return mean, np.where(there, sums, 0.0).sum(axis=1), pairs.sum(axis=1)


def _by_cluster(year: _Year, starts: np.ndarray, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(batch, clusters) sums of correlations over pairs, and pairs; `orders` (batch, n) says who is at each place."""
    sums = _pair_sums(year.unit[orders], starts, year.sizes)
    pairs = np.tile(year.sizes * (year.sizes - 1) / 2, (len(orders), 1))
    a, b = year.repeated
    if len(a) == 0:
        return sums, pairs
    cluster = np.empty_like(orders)
    np.put_along_axis(cluster, orders, np.repeat(np.arange(len(starts)), year.sizes)[None], axis=1)
    row, pair = np.nonzero(cluster[:, a] == cluster[:, b])
    at = row, cluster[row, a[pair]]
    np.subtract.at(sums, at, np.einsum("ij,ij->i", year.unit[a], year.unit[b])[pair])
    np.subtract.at(pairs, at, 1.0)
    return sums, pairs


def _pair_sums(unit: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(batch, clusters) sums of correlations over pairs, of (batch, reports, months) unit returns."""
    totals = np.add.reduceat(unit, starts, axis=1)
    return (np.einsum("bkm,bkm->bk", totals, totals) - sizes) / 2
