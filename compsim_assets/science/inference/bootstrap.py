"""Intervals of MeanCorr when companies are drawn with replacement."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from compsim_assets.science.device import map_on_all_cores
from compsim_assets.science.inference.intervals import Interval, bca
from compsim_assets.science.inference.resampled_correlation import ResampledCorrelation

# Resamples of one generator and one product: their weights stay in a core's cache.
_BLOCK = 64


def bootstrap_correlation(
    groups: Mapping[str, pd.DataFrame],
    returns: pd.DataFrame,
    company: pd.Series,
    *,
    years: Sequence[int] | None = None,
    against: Sequence[str] = (),
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """MeanCorr of each method and its differences, with BCa intervals over companies.

    All companies with a report in these years are drawn with replacement, as many as there are; a company brings all
    its years. Every method sees the same draws, so differences are paired. The draws depend on the seed and the
    companies alone, not on the number of threads, and the first of 10,000 resamples are those of 1,000. Clusters that a
    resample loses are stood for by those it keeps (`ResampledCorrelation.resampled`). The intervals speak of other
    companies in these years. Small clusters make them wide rather than narrow: for clusters of two companies about 1.2
    times too wide, of the pair-weighted correlation 1.7 times, since a pair is drawn less evenly than a company; from
    ten companies on they are right.

    Args:
        groups: by method: year, report_id, cluster_id. The population is one group per year.
        returns: year, report_id, returns (12 log returns) of all reports.
        company: company of each report, indexed by report_id.
        years: years that count; default all. Methods are comparable over years in which each has a cluster.
        against: methods that every other one is compared with.
        resamples: number of them; level: coverage of the intervals.
        progress: called with (resamples done, resamples in all).

    Returns:
        statistic, method, versus ("" or the method that is subtracted), level (size of clusters, "" without), value,
        low, high, n (clusters with a pair; of a difference the companies that are drawn). Value and ends are NaN where
        they do not exist: a method without a cluster, or a size that too many resamples lose (see `bca`).

    Raises:
        ValueError: for a method of `against` that is not in `groups`, a report without a company, or report ids with
            two.

    Cost: resamples x reports in clusters x 15 multiplications for each method; memory of 64 x 15
    numbers per cluster and thread, beside 8 bytes per resample, method and statistic.
    """
    if unknown := [method for method in against if method not in groups]:
        raise ValueError(f"{unknown} are to be compared with, but only {list(groups)} are there")
    companies = _companies(returns, company, years)
    methods = {
        method: ResampledCorrelation(table, returns, company, companies, years) for method, table in groups.items()
    }
    if not methods or companies.empty:
        raise ValueError("there must be a method and a company to draw")
    drawn = _draw(list(methods.values()), len(companies), resamples, seed, progress)
    # A sample as it is: one copy of each company.
    value = np.stack([m.values(np.ones((len(companies), 1)))[:, 0] for m in methods.values()])
    left_out = np.stack([m.left_out() for m in methods.values()]).transpose(2, 0, 1)
    n = np.stack([method.clusters() for method in methods.values()])
    shown = [(name, other) for other in ("", *against) for name in methods if name != other]
    value, drawn, left_out = (_compared(part, shown, list(methods)) for part in (value, drawn, left_out))
    interval = bca(value, drawn, left_out, level)
    counted = _compared(n, shown, list(methods))
    for row, (_, other) in enumerate(shown):
        if other:
            counted[row] = len(companies)
    return _table(shown, next(iter(methods.values())).names, value, interval, counted)


def _compared(part: np.ndarray, shown: list[tuple[str, str]], methods: list[str]) -> np.ndarray:
    """(..., shown, statistics): each method's numbers less those of the method it is compared with.

    Args:
        part: (..., methods, statistics).
    """
    # The last place holds zeros: what a method alone is compared with.
    padded = np.insert(part, len(methods), 0, axis=-2)
    place = {name: number for number, name in enumerate((*methods, ""))}
    minuend, subtrahend = ([place[names[side]] for names in shown] for side in (0, 1))
    return padded[..., minuend, :] - padded[..., subtrahend, :]


def draw_companies(seed: int, block: int, n: int, count: int) -> np.ndarray:
    """(n, count) float64: how often each of n companies is drawn in each resample of one block.

    Each block has a generator of its own, so that blocks can be drawn in any order.
    """
    picks = np.random.default_rng([seed, block]).integers(0, n, (count, n))
    picks += n * np.arange(count)[:, None]
    drawn = np.bincount(picks.ravel(), minlength=n * count).reshape(count, n)
    return np.ascontiguousarray(drawn.T, dtype=np.float64)


def _draw(
    methods: list[ResampledCorrelation],
    n_companies: int,
    resamples: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> np.ndarray:
    """(resamples, methods, statistics)."""

    def of_block(start: int) -> np.ndarray:
        weights = draw_companies(seed, start // _BLOCK, n_companies, _BLOCK)
        weights = weights[:, : resamples - start]
        return np.stack([method.resampled(weights) for method in methods])

    blocks, done = [], 0
    starts = range(0, resamples, _BLOCK)
    for block in map_on_all_cores(of_block, starts, device=torch.device("cpu")):
        blocks.append(block)
        done += block.shape[2]
        if progress is not None:
            progress(done, resamples)
    return np.concatenate(blocks, axis=2).transpose(2, 0, 1)


def _companies(returns: pd.DataFrame, company: pd.Series, years: Sequence[int] | None) -> pd.Index:
    if not company.index.is_unique:
        twice = company.index[company.index.duplicated()][0]
        raise ValueError(f"report {twice} has two companies: give one row for each report")
    reports = returns if years is None else returns[returns["year"].isin(list(years))]
    owner = company.reindex(reports["report_id"].to_numpy())
    if owner.isna().any():
        missing = owner.index[owner.isna()]
        raise ValueError(f"{len(missing)} reports have no company, the first of them {missing[0]}")
    return pd.Index(owner.unique()).sort_values()


def _table(
    shown: list[tuple[str, str]], names: list[tuple[str, str]], value: np.ndarray, interval: Interval, n: np.ndarray
) -> pd.DataFrame:
    """One row for each method or difference (rows of the arrays) and each statistic (columns)."""
    return pd.DataFrame(
        {
            "statistic": [statistic for statistic, _ in names] * len(shown),
            "method": [method for method, _ in shown for _ in names],
            "versus": [versus for _, versus in shown for _ in names],
            "level": [level for _, level in names] * len(shown),
            "value": value.ravel(),
            "low": interval.low.ravel(),
            "high": interval.high.ravel(),
            "n": n.ravel(),
        }
    )
