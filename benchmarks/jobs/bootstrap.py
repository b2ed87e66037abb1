"""MeanCorr over 10,000 resamples of companies, against the list of pairs summed once a resample (timed on a few)."""

import numpy as np
import pandas as pd

from benchmarks.inputs import SIZES, Size
from benchmarks.measure import Row, timed
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.inference.bootstrap import bootstrap_correlation, draw_companies
from compsim_assets.science.inference.resampled_correlation import ResampledCorrelation

RESAMPLES = 10_000
TIMED = 10
# Industry codes in use in a year: about as many as the paper's reports have.
CODES = 152


def rows(size: str, device: str) -> list[Row]:
    """A row for clusters of the paper's sizes, and one for industry codes, which hold nearly every report."""
    shape = SIZES[size]
    returns, company = _universe(shape)
    return [
        _row("clusters", _clusters(returns, shape), returns, company),
        _row("industry codes", _codes(returns, company, shape), returns, company),
    ]


def _row(name: str, groups: pd.DataFrame, returns: pd.DataFrame, company: pd.Series) -> Row:
    measured = timed(lambda: bootstrap_correlation({name: groups}, returns, company, resamples=RESAMPLES))
    n = company.nunique()
    weights = draw_companies(0, 0, n, TIMED)
    cluster, first, second, correlation, year = _pairs(groups, returns, company)
    listed = timed(
        lambda: [_by_pairs(column[first] * column[second], cluster, correlation, year) for column in weights.T]
    )
    ours = ResampledCorrelation(groups, returns, company, pd.RangeIndex(n)).values(weights)[0]
    return Row(
        job=f"bootstrap over companies, {name}",
        size=f"{len(groups):,} reports in {groups.groupby(['year', 'cluster_id']).ngroups:,} groups, "
        f"{n:,} companies, {RESAMPLES:,} resamples",
        ours=measured.seconds,
        published=listed.seconds * RESAMPLES / TIMED,
        peak=measured.peak,
        difference=float(np.abs(ours - np.array(listed.result)).max()),
        note=f"published: {len(first):,} pairs listed, timed on {TIMED} resamples, listing not counted; "
        "ours: with sizes, intervals and companies left out",
    )


def _universe(shape: Size) -> tuple[pd.DataFrame, pd.Series]:
    """Reports of each year, of companies that come and go: a year has a fifth of all."""
    rng = np.random.default_rng(3)
    n = shape.reports * shape.years
    companies = np.concatenate([
        rng.permutation(5 * shape.reports)[: shape.reports] for _ in range(shape.years)
    ])  # fmt: skip
    table = {
        "year": np.repeat(np.arange(2000, 2000 + shape.years), shape.reports),
        "report_id": np.arange(n),
        "returns": list(rng.normal(size=(n, 12))),
    }
    return pd.DataFrame(table), pd.Series(pd.factorize(companies)[0], index=np.arange(n))


def _clusters(returns: pd.DataFrame, shape: Size) -> pd.DataFrame:
    """Clusters of the given sizes, each in one year that has room for it."""
    sizes = [count for count, often in shape.clusters.items() for _ in range(often)]
    free = {year: list(at) for year, at in returns.groupby("year").indices.items()}
    rng = np.random.default_rng(4)
    parts = []
    for number, count in enumerate(sorted(sizes, reverse=True)):
        year = rng.choice([year for year, left in free.items() if len(left) >= count])
        taken, free[year] = free[year][:count], free[year][count:]
        parts.append(returns.loc[taken, ["year", "report_id"]].assign(cluster_id=number))
    return pd.concat(parts)


def _codes(returns: pd.DataFrame, company: pd.Series, shape: Size) -> pd.DataFrame:
    codes = min(CODES, shape.reports // 7)
    code = np.random.default_rng(5).integers(0, codes, company.nunique())
    return returns[["year", "report_id"]].assign(cluster_id=code[company.to_numpy()])


def _pairs(groups: pd.DataFrame, returns: pd.DataFrame, company: pd.Series) -> tuple[np.ndarray, ...]:
    """Every pair of a cluster: cluster, two companies, correlation; and the year of each cluster."""
    unit = normalise_returns(np.stack(returns["returns"].to_list()))[0]
    parts, years = [], []
    for number, ((year, _), members) in enumerate(groups.groupby(["year", "cluster_id"])):
        report = members["report_id"].to_numpy()
        a, b = np.triu_indices(len(report), k=1)
        owner = company.to_numpy()[report]
        correlation = (unit[report] @ unit[report].T)[a, b]
        parts.append((np.full(len(a), number), owner[a], owner[b], correlation))
        years.append(year)
    return *(np.concatenate(part) for part in zip(*parts, strict=True)), np.array(years)


def _by_pairs(weight: np.ndarray, cluster: np.ndarray, correlation: np.ndarray, year: np.ndarray) -> float:
    """MeanCorr of one resample by sums over the list of pairs."""
    count = np.bincount(cluster, weights=weight, minlength=len(year))
    total = np.bincount(cluster, weights=weight * correlation, minlength=len(year))
    there = count > 0
    return float(pd.Series(total[there] / count[there]).groupby(year[there]).mean().mean())
