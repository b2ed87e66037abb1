"""Do similar companies move together? Statistics of one year's pairs and nearest peers, from dense matrices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.linkage.pairs import YearPairs

# Similarities that differ by rounding alone are equal: products of identical rows are not bit-identical.
_DIGITS = 12
# Below this a partial correlation divides rounding by rounding.
_EXPLAINED = 1e-12


class Statistic(NamedTuple):
    """A value, the same for random peers or pairs (NaN where it has none), and the `n` reports or pairs of its mean."""

    statistic: str
    level: float
    value: float
    random: float
    n: int


@dataclass(frozen=True)
class YearReports:
    """One year's reports in ascending order of their ids.

    report_id: (n,) int64.
    correlation: (n, n) return correlations, NaN where a pair has none and on the diagonal.
    returns: (n, 12) log returns, NaN where a month is missing.
    sic2, company: (n,) codes of the two-digit SIC group and of the company, -1 where unknown. Company codes must mean
        the same in all years.
    length: (n,) length of the description in any unit, NaN where unknown; only sums' order matters.
    """

    year: int
    report_id: np.ndarray
    correlation: np.ndarray
    returns: np.ndarray
    sic2: np.ndarray
    company: np.ndarray
    length: np.ndarray

    def take(self, positions: np.ndarray) -> "YearReports":
        """The reports at these positions."""
        rows = {name: getattr(self, name)[positions] for name in ("report_id", "returns", "sic2", "company", "length")}
        return replace(self, correlation=self.correlation[np.ix_(positions, positions)], **rows)


def correlations(unit_returns: np.ndarray, defined: np.ndarray) -> np.ndarray:
    """(n, n) correlations of rows from `normalise_returns`; NaN for rows that are not defined and on the diagonal."""
    matrix = np.round(np.clip(unit_returns @ unit_returns.T, -1.0, 1.0), _DIGITS)
    matrix[~defined] = np.nan
    matrix[:, ~defined] = np.nan
    np.fill_diagonal(matrix, np.nan)
    return matrix


def dense(pairs: YearPairs, report_id: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n, n) matrix of the pairs' (m,) values for the ascending `report_id`; NaN where there is no such pair."""
    matrix = np.full((len(report_id), len(report_id)), np.nan)
    a, b = pairs.positions(report_id)
    there = (a >= 0) & (b >= 0)
    matrix[a[there], b[there]] = matrix[b[there], a[there]] = values[there]
    return matrix


def cosines(rows: np.ndarray) -> np.ndarray:
    """(n, n) cosines of the rows of an (n, P) matrix, in float64; a zero row has cosine 0 to everything.

    Cost: n^2 P multiply-adds; memory 8 n P + 8 n^2 bytes.
    """
    unit = unit_rows(rows)
    return np.round(unit @ unit.T, _DIGITS)


def existing(similarity: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """(n, n) bool: pairs that have a similarity and a return correlation."""
    pairs = ~(np.isnan(similarity) | np.isnan(correlation))
    np.fill_diagonal(pairs, False)
    return pairs


def pair_statistics(similarity: np.ndarray, reports: YearReports, shares: Sequence[float]) -> list[Statistic]:
    """Statistics of the year's existing pairs: `spearman`, `spearman_length_controlled` and `top_pairs`.

    - `spearman`: rank correlation of similarity and return correlation.
    - `spearman_length_controlled`: the same with the pair's length (sum of its reports' log lengths) held fixed: the
      correlation of the two ranks' residuals on the rank of the length. Over the pairs of known length; left out
      where no length is known.
    - `top_pairs`, level x: mean correlation of the x per cent most similar pairs, at least one. Of pairs that are
      equally similar at the edge the mean counts. Random: the mean over all pairs.

    Args:
        similarity: (n, n) symmetric, NaN where a pair does not exist.
        shares: per cent.

    Cost: O(n^2 log n); memory about 60 n^2 bytes.
    """
    pairs = np.triu(existing(similarity, reports.correlation), 1)
    like, rho = similarity[pairs], reports.correlation[pairs]
    ranks = [rankdata(like), rankdata(rho)]
    plain = float(_correlations_of(ranks)[0, 1])
    statistics = [Statistic("spearman", 0.0, plain, np.nan, len(rho))]
    if not np.isnan(reports.length).all():
        log = np.log(np.where(reports.length > 0, reports.length, np.nan))
        length = np.round(np.add.outer(log, log)[pairs], _DIGITS)
        measured = ~np.isnan(length)
        if not measured.all():
            ranks = [rankdata(values[measured]) for values in (like, rho)]
        partial = _partial([*ranks, rankdata(length[measured])])
        n_measured = int(measured.sum())
        statistics.append(Statistic("spearman_length_controlled", 0.0, partial, np.nan, n_measured))
    return statistics + list(_top_pairs(like, rho, shares))


def _partial(rows: list[np.ndarray]) -> float:
    """Correlation of the first two rows with the third taken out of both; NaN if that leaves nothing of one."""
    rho = _correlations_of(rows)
    left = (1 - rho[0, 2] ** 2) * (1 - rho[1, 2] ** 2)
    if not left > _EXPLAINED:
        return np.nan
    return float((rho[0, 1] - rho[0, 2] * rho[1, 2]) / np.sqrt(left))


def _correlations_of(rows: list[np.ndarray]) -> np.ndarray:
    """Correlation matrix of equally long rows; NaN for a constant one and for fewer than two values."""
    if len(rows[0]) < 2:
        return np.full((len(rows), len(rows)), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(np.stack(rows))


def _top_pairs(like: np.ndarray, rho: np.ndarray, shares: Sequence[float]) -> Iterator[Statistic]:
    everywhere = mean(rho)
    sizes = [max(1, int(len(like) * share / 100 + 0.5)) for share in shares]
    edges = [len(like) - k for k in sizes]
    ordered = np.partition(like, edges) if edges and len(like) else like
    for share, k in zip(shares, sizes, strict=True):
        if len(like) == 0:
            yield Statistic("top_pairs", share, np.nan, np.nan, 0)
            continue
        edge = ordered[len(like) - k]
        above, tied = like > edge, like == edge
        inside = rho[above].sum() + (k - above.sum()) * rho[tied].mean()
        yield Statistic("top_pairs", share, float(inside / k), everywhere, k)


def peer_weights(similarity: np.ndarray, pool: np.ndarray, counts: Sequence[int]) -> dict[int, np.ndarray]:
    """For each K of `counts` the (n, n) weights of every report's K most similar peers: 1 / K each.

    Peers that are equally similar at the edge share the places left for them, so no order decides. A report with K or
    fewer peers to choose from has no choice: its row is zero.

    Args:
        similarity: (n, n). pool: (n, n) bool, the peers that each row may choose from.

    Cost: O(n^2) time per K; memory 8 n^2 bytes per K and as much again.
    """
    n = len(similarity)
    ranked = np.where(pool, similarity, -np.inf)
    available = pool.sum(axis=1)
    edges = [n - k for k in counts if k < n]
    ordered = np.partition(ranked, edges, axis=1) if edges else ranked
    weights = {}
    for k in counts:
        weights[k] = np.zeros((n, n))
        if k >= n:
            continue
        edge = ordered[:, n - k, None]
        above, tied = ranked > edge, (ranked == edge) & pool
        share = (k - above.sum(axis=1)) / np.maximum(tied.sum(axis=1), 1)
        chooses = (available > k) / k
        np.multiply(tied, (share * chooses)[:, None], out=weights[k])
        weights[k] += above * chooses[:, None]
    return weights


def neighbours(
    name: str, weights: dict[int, np.ndarray], pool: np.ndarray, correlation: np.ndarray
) -> Iterator[Statistic]:
    """Mean over reports of the mean correlation with their K nearest peers, for each K of `weights`.

    Random: over the same reports, the mean correlation with all of their pool. A report counts where it has more than
    K peers to choose from.
    """
    rho = np.where(pool, correlation, 0.0)
    available = pool.sum(axis=1)
    at_random = rho.sum(axis=1) / np.maximum(available, 1)
    for k, peers in weights.items():
        counts = available > k
        value = np.einsum("ij,ij->i", peers, rho)
        yield Statistic(name, float(k), mean(value[counts]), mean(at_random[counts]), int(counts.sum()))


def same_group(codes: np.ndarray) -> np.ndarray:
    """(n, n) bool: both reports have the same known code."""
    return (codes[:, None] == codes) & (codes >= 0)[:, None]


def group_statistics(reports: YearReports) -> list[Statistic]:
    """What the two-digit SIC code alone gives, level 0.

    - `neighbours`: mean over reports of the mean correlation with all peers of the same group; random: the same reports
      with all others of the year.
    - `top_pairs`: mean correlation of all pairs inside the groups; random: of all pairs of the year.
    """
    rho = reports.correlation
    every = existing(rho, rho)
    inside = every & same_group(reports.sic2)
    filled, peers = np.where(every, rho, 0.0), inside.sum(axis=1)
    within = np.where(inside, filled, 0.0).sum(axis=1)[peers > 0] / peers[peers > 0]
    others = filled.sum(axis=1)[peers > 0] / every.sum(axis=1)[peers > 0]
    return [
        Statistic("neighbours", 0.0, mean(within), mean(others), len(within)),
        Statistic("top_pairs", 0.0, mean(rho[inside]), mean(rho[every]), int(inside.sum()) // 2),
    ]


def mean(values: np.ndarray) -> float:
    """The mean; NaN of nothing."""
    return float(values.mean()) if len(values) else np.nan
