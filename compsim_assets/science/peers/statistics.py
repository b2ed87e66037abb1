"""Do similar companies move together? Statistics of one year's pairs and nearest peers, some rows at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_array

from compsim_assets.science.companies import own_pairs
from compsim_assets.science.linkage.pairs import YearPairs
from compsim_assets.science.peers.ranks import PairRanks
from compsim_assets.science.peers.squares import (
    DIGITS,
    Correlations,
    Existing,
    Masked,
    Products,
    Values,
    above_and_tied,
    held,
    right_of,
    row_blocks,
    same_code,
    taken,
)

_TOGETHER = 1 << 20  # pairs that are ranked at once
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
    correlation: Values
    returns: np.ndarray
    sic2: np.ndarray
    company: np.ndarray
    length: np.ndarray

    def take(self, positions: np.ndarray) -> "YearReports":
        """The reports at these positions."""
        rows = {name: getattr(self, name)[positions] for name in ("report_id", "returns", "sic2", "company", "length")}
        return replace(self, correlation=taken(self.correlation, positions), **rows)


def correlations(unit_returns: np.ndarray, defined: np.ndarray, company: np.ndarray | None = None) -> Values:
    """(n, n) correlations of rows from `normalise_returns`.

    NaN for rows that are not defined, on the diagonal, and for reports of one company: (n,) numbers; None: all differ.
    """
    return held(Correlations(unit_returns, defined, *own_pairs(company)))


def dense(pairs: YearPairs, report_id: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n, n) matrix of the pairs' (m,) values for the ascending `report_id`; NaN where there is no such pair."""
    matrix = np.full((len(report_id), len(report_id)), np.nan)
    a, b = pairs.positions(report_id)
    there = (a >= 0) & (b >= 0)
    matrix[a[there], b[there]] = matrix[b[there], a[there]] = values[there]
    return matrix


def cosines(rows: np.ndarray) -> Values:
    """(n, n) cosines of the rows of an (n, P) matrix, in float64; a zero row has cosine 0 to everything.

    Cost: n^2 P multiply-adds; memory 8 n P + 8 n^2 bytes. Of a large year each time they are looked at, and no memory.
    """
    return held(Products(rows, unit=True))


def existing(similarity: Values, correlation: Values) -> Values:
    """(n, n) bool: pairs that have a similarity and a return correlation."""
    return held(Existing(similarity, correlation))


def pair_statistics(similarity: Values, reports: YearReports, shares: Sequence[float]) -> list[Statistic]:
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

    Cost and accuracy: those of `PairRanks`.
    """
    measured = reports.length > 0
    of_all = PairRanks(partial(_pairs, similarity, reports, bool(measured.all())), shares)
    statistics = [Statistic("spearman", 0.0, float(of_all.correlation[0, 1]), np.nan, of_all.count)]
    if not np.isnan(reports.length).all():
        ranked = of_all
        if not measured.all():
            at = np.flatnonzero(measured)
            ranked = PairRanks(partial(_pairs, taken(similarity, at), reports.take(at), True))
        partly = _partial(ranked.correlation) if len(ranked.correlation) == 3 else np.nan
        statistics.append(Statistic("spearman_length_controlled", 0.0, partly, np.nan, ranked.count))
    tops = zip(shares, of_all.tops, strict=True)
    return statistics + [Statistic("top_pairs", share, top.mean, of_all.mean, top.size) for share, top in tops]


def _pairs(similarity: Values, reports: YearReports, with_length: bool) -> Iterator[list[np.ndarray]]:
    """Similarity, correlation and, if asked for, length of the year's existing pairs, each once, block by block."""
    pairs = Existing(similarity, reports.correlation)
    log = np.log(reports.length) if with_length else None
    for rows in row_blocks(len(pairs)):
        there = np.triu(right_of(pairs, rows), 1)
        columns = [right_of(similarity, rows)[there], right_of(reports.correlation, rows)[there]]
        if log is not None:
            columns.append(np.round(np.add.outer(log[rows], log[rows.start :])[there], DIGITS))
        for start in range(0, max(len(columns[0]), 1), _TOGETHER):
            yield [values[start : start + _TOGETHER] for values in columns]


def _partial(rho: np.ndarray) -> float:
    """Correlation of the first two of three with the third taken out of both; NaN if that leaves nothing of one."""
    left = (1 - rho[0, 2] ** 2) * (1 - rho[1, 2] ** 2)
    if not left > _EXPLAINED:
        return np.nan
    return float((rho[0, 1] - rho[0, 2] * rho[1, 2]) / np.sqrt(left))


def peer_weights(similarity: Values, pool: Values, counts: Sequence[int]) -> dict[int, csr_array]:
    """For each K of `counts` the (n, n) weights of every report's K most similar peers: 1 / K each.

    Peers that are equally similar at the edge share the places left for them, so no order decides. A report with K or
    fewer peers to choose from has no choice: its row is zero.

    Args:
        similarity: (n, n). pool: (n, n) bool, the peers that each row may choose from.

    Cost: O(n^2) time; memory 16 n bytes for each peer, and some rows.
    """
    n, entries = len(similarity), {k: [np.empty((3, 0))] for k in counts}
    for rows in row_blocks(n):
        choice = pool[rows]
        ranked, available = np.where(choice, similarity[rows], -np.inf), choice.sum(axis=1)
        best = torch.from_numpy(ranked).topk(min(max(counts, default=0) + 1, n), dim=1)
        values, at = best.values.numpy(), best.indices.numpy()
        for k in counts:
            chooses = np.flatnonzero(available > k)
            # Of a list that ends in equal ones there may be more: their rows are looked at whole.
            _, tied = above_and_tied(values[chooses, -1], values[chooses, min(k, n) - 1])
            more = tied & (available[chooses] > values.shape[1])
            for those, like, peers in (
                (chooses[~more], values[chooses[~more]], at[chooses[~more]]),
                (chooses[more], ranked[chooses[more]], np.broadcast_to(np.arange(n), (more.sum(), n))),
            ):
                edge = values[those, min(k, n) - 1, None]
                above, tied = above_and_tied(like, edge)
                share = (k - above.sum(axis=1)) / np.maximum(tied.sum(axis=1), 1)
                weight = (above + tied * share[:, None]) / k
                row, place = np.nonzero(weight)
                entries[k].append(np.stack([those[row] + rows.start, peers[row, place], weight[row, place]]))
    return {k: _sparse(np.concatenate(parts, axis=1), n) for k, parts in entries.items()}


def _sparse(entries: np.ndarray, n: int) -> csr_array:
    row, column, weight = entries
    matrix = csr_array((weight, (row.astype(np.int64), column.astype(np.int64))), shape=(n, n))
    matrix.sort_indices()  # the order of the sums over a row's peers
    return matrix


def neighbours(name: str, weights: dict[int, csr_array], pool: Values, correlation: Values) -> Iterator[Statistic]:
    """Mean over reports of the mean correlation with their K nearest peers, for each K of `weights`.

    Random: over the same reports, the mean correlation with all of their pool. A report counts where it has more than
    K peers to choose from.
    """
    n = len(pool)
    available, at_random = np.zeros(n, dtype=np.int64), np.zeros(n)
    values = {k: np.zeros(n) for k in weights}
    for rows in row_blocks(n):
        choice = pool[rows]
        rho = np.where(choice, correlation[rows], 0.0)
        available[rows] = choice.sum(axis=1)
        at_random[rows] = rho.sum(axis=1) / np.maximum(available[rows], 1)
        for k, peers in weights.items():
            some = peers[rows].tocoo()
            values[k][rows] = np.bincount(some.row, some.data * rho[some.row, some.col], len(rho))
    for k, value in values.items():
        counts = available > k
        yield Statistic(name, float(k), mean(value[counts]), mean(at_random[counts]), int(counts.sum()))


def same_group(pairs: Values, codes: np.ndarray) -> Values:
    """(n, n) bool: those of the pairs whose reports have the same known code."""
    return held(Masked(pairs, partial(same_code, codes)))


def group_statistics(reports: YearReports) -> list[Statistic]:
    """What the two-digit SIC code alone gives, level 0.

    - `neighbours`: mean over reports of the mean correlation with all peers of the same group; random: the same reports
      with all others of the year.
    - `top_pairs`: mean correlation of all pairs inside the groups; random: of all pairs of the year.
    """
    n = len(reports.report_id)
    sums, counts = np.zeros((2, n)), np.zeros((2, n), dtype=np.int64)
    every = Existing(reports.correlation, reports.correlation)
    for rows in row_blocks(n):
        there, rho = every[rows], reports.correlation[rows]
        for number, pairs in enumerate((there & same_code(reports.sic2, rows), there)):
            sums[number, rows] = np.where(pairs, rho, 0.0).sum(axis=1)
            counts[number, rows] = pairs.sum(axis=1)
    grouped = counts[0] > 0
    near, others = sums[:, grouped] / counts[:, grouped]
    inside, everywhere = [
        sums[scope].sum() / counts[scope].sum() if counts[scope].any() else np.nan for scope in (0, 1)
    ]
    return [
        Statistic("neighbours", 0.0, mean(near), mean(others), len(near)),
        Statistic("top_pairs", 0.0, inside, everywhere, int(counts[0].sum()) // 2),
    ]


def mean(values: np.ndarray) -> float:
    """The mean; NaN of nothing."""
    return float(values.mean()) if len(values) else np.nan
