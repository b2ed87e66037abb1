"""MeanCorr of clusters of the same sizes filled at random: what the sizes alone would give."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

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
    """Unit returns of one year's reports, cluster by cluster, and the clusters' sizes (each at least 2)."""

    year: int
    unit: np.ndarray
    sizes: np.ndarray


def permutation_null(
    groups: pd.DataFrame,
    returns: pd.DataFrame,
    *,
    years: Sequence[int] | None = None,
    permutations: int = 1000,
    seed: int = 0,
    batch: int = 1 << 21,
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

    Returns:
        `mean_correlation` (mean over years of the mean over clusters) and `pair_weighted` (over the pairs of all
        years); all NaN for a method without a cluster.

    Cost: O(permutations x reports in clusters x months) time on all cores; memory of one batch per thread.
    """
    shuffled = list(
        map_on_all_cores(
            lambda year: _shuffled(year, permutations, seed, batch),
            _years(groups, returns, years),
            device=torch.device("cpu"),
        )
    )
    if not shuffled:
        nothing = Null(*[np.nan] * 5)
        return {"mean_correlation": nothing, "pair_weighted": nothing}
    means, totals, pairs = (np.stack(part) for part in zip(*shuffled, strict=True))
    return {"mean_correlation": _null(means.mean(axis=0)), "pair_weighted": _null(totals.sum(axis=0) / pairs.sum())}


def _null(values: np.ndarray) -> Null:
    """From the value (first) and its shuffles."""
    value, shuffled = float(values[0]), values[1:]
    reached = np.count_nonzero(shuffled >= value - _ROUNDING)
    low, high = np.quantile(shuffled, [0.025, 0.975])
    return Null(value, float(shuffled.mean()), float(low), float(high), (1 + reached) / (1 + len(shuffled)))


def _years(groups: pd.DataFrame, returns: pd.DataFrame, years: Sequence[int] | None) -> list[_Year]:
    # The same shuffles whatever the order of the rows.
    rows = members_of(groups, returns, years).sort_values(["year", "cluster_id", "report_id"])
    unit, defined = unit_returns(rows["returns"])
    rows, unit = rows[defined], unit[defined]
    size = rows.groupby(["year", "cluster_id"])["year"].transform("size").to_numpy()
    rows, unit = rows[size >= 2], unit[size >= 2]
    return [
        _Year(int(str(year)), unit[at], rows.iloc[at].groupby("cluster_id").size().to_numpy())
        for year, at in rows.groupby("year").indices.items()
    ]


def _shuffled(year: _Year, permutations: int, seed: int, batch: int) -> tuple[np.ndarray, np.ndarray, int]:
    """(1 + permutations,) means over clusters and sums over pairs, the unshuffled first; number of pairs."""
    n, months = year.unit.shape
    starts = np.concatenate([[0], np.cumsum(year.sizes)[:-1]])
    pairs = year.sizes * (year.sizes - 1) / 2
    draw = np.random.default_rng([seed, year.year])
    step = max(1, batch // (n * months))
    sums = [_pair_sums(year.unit[None], starts, year.sizes)]
    for start in range(0, permutations, step):
        orders = np.tile(np.arange(n), (min(step, permutations - start), 1))
        sums.append(_pair_sums(year.unit[draw.permuted(orders, axis=1)], starts, year.sizes))
    by_cluster = np.concatenate(sums)
    return (by_cluster / pairs).mean(axis=1), by_cluster.sum(axis=1), int(pairs.sum())


def _pair_sums(unit: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(batch, clusters) sums of correlations over pairs, of (batch, reports, months) unit returns."""
    totals = np.add.reduceat(unit, starts, axis=1)
    return (np.einsum("bkm,bkm->bk", totals, totals) - sizes) / 2
