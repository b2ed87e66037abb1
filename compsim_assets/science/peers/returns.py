"""Peers beyond pairwise correlation: how much of a return they explain, and whether they stay the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import csr_array

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.peers.squares import Masked, Values, among, held, row_blocks
from compsim_assets.science.peers.statistics import (
    Statistic,
    YearReports,
    existing,
    mean,
    neighbours,
    pair_statistics,
    peer_weights,
    same_group,
)


@dataclass(frozen=True)
class Levels:
    """What is asked of each year: numbers of peers, per cent of pairs, and random draws of peers with their seed.

    Raises:
        ValueError: a number of peers below one, a share outside 0..100, or one of either twice.
    """

    peers: Sequence[int] = (1, 3, 5, 10)
    shares: Sequence[float] = (0.5, 1.0, 2.0, 5.0, 10.0)
    draws: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.peers, default=1) < 1 or len(set(self.peers)) < len(self.peers):
            raise ValueError(f"peers are {list(self.peers)}, expected different numbers from 1 on")
        outside = [share for share in self.shares if not 0 < share <= 100]
        if outside or len(set(self.shares)) < len(self.shares):
            raise ValueError(f"shares are {list(self.shares)}, expected different ones above 0 and up to 100 per cent")


@dataclass(frozen=True)
class YearPeers:
    """Who was whose peer in one year: company codes (n,), the pairs to choose from (n, n), weights of the K nearest."""

    year: int
    company: np.ndarray
    pool: Values
    weights: dict[int, csr_array]


def year_statistics(
    similarity: Values, reports: YearReports, levels: Levels, before: YearPeers | None = None
) -> tuple[list[Statistic], YearPeers]:
    """All statistics of one year and one similarity, and its peers for the next year's stability.

    Args:
        similarity: (n, n) symmetric, of `reports` in their order; NaN where a pair does not exist.
        before: from the call for an earlier year; stability is left out unless that is the year right before.

    Cost: O(n^2 (number of K + draws)) time; memory about 20 n^2 bytes and that of `PairRanks`. Of a large year neither
    similarities nor correlations are held, and memory grows with n. Nothing here depends on other years but the
    stability on the year before.
    """
    pool = existing(similarity, reports.correlation)
    weights = peer_weights(similarity, pool, levels.peers)
    statistics = pair_statistics(similarity, reports, levels.shares)
    statistics += neighbours("neighbours", weights, pool, reports.correlation)
    inside = same_group(pool, reports.sic2)
    nearest = peer_weights(similarity, inside, levels.peers)
    statistics += neighbours("neighbours_same_sic2", nearest, inside, reports.correlation)
    unit, defined = normalise_returns(reports.returns)
    with_returns, weights_there = pool, weights
    # Reports of published pairs may have none.
    if not defined.all() and any(pool[rows][~defined[rows]].any() for rows in row_blocks(len(pool))):
        with_returns = held(Masked(pool, partial(among, defined)))
        weights_there = peer_weights(similarity, with_returns, levels.peers)
    generator = np.random.default_rng((levels.seed, reports.year))
    statistics += peer_r2(weights_there, with_returns, reports.returns, unit, levels.draws, generator)
    now = YearPeers(reports.year, reports.company, pool, weights)
    if before is not None and before.year == reports.year - 1:
        statistics += peer_stability(now, before)
    return statistics, now


def peer_r2(
    weights: dict[int, csr_array],
    pool: Values,
    returns: np.ndarray,
    unit: np.ndarray,
    draws: int,
    generator: np.random.Generator,
) -> Iterator[Statistic]:
    """`peer_r2`: mean over reports of the share of their 12 returns' variance that their peers' mean return explains.

    That is the R^2 of a regression on the equal-weighted return of the K peers, the square of a correlation: it does
    not tell which way the peers move, and with 12 months unrelated returns explain 1/11 on average. Random: the mean
    over `draws` of as many peers drawn from the report's pool. Reports whose peers' mean return is constant are left
    out.

    Args:
        weights: from `peer_weights` of `pool`, whose reports all have defined returns.
        returns, unit: (n, 12) log returns, and the same from `normalise_returns`.

    Cost: O(n^2) time, and O(n K) per draw; memory 16 n K bytes per draw.
    """
    most = min(max(weights, default=0), max(len(pool) - 1, 0))
    available, drawn = _draw(pool, most, draws, generator)
    filled = np.where((available > 0)[:, None], returns, 0.0)
    for k, peers_of in weights.items():
        counts = np.asarray(available > k)
        explained = _explained(unit[counts], peers_of[counts] @ filled)
        at_random = np.full((draws, counts.sum()), np.nan)
        for number, peers in enumerate(drawn if counts.any() else []):
            portfolio = filled[peers[counts, :k]].mean(axis=1)
            at_random[number] = _explained(unit[counts], portfolio)
        real = ~np.isnan(explained)
        random = at_random[:, real]
        yield Statistic(
            "peer_r2", float(k), mean(explained[real]), mean(random[~np.isnan(random)]), int(real.sum())
        )  # fmt: skip


def _draw(pool: Values, most: int, draws: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How many each report has to choose from, (n,), and (draws, n, most) different ones of them, in random order.

    A row with fewer in its pool ends in others.
    """
    n = len(pool)
    available, drawn = np.zeros(n, dtype=np.int64), np.zeros((draws, n, most), dtype=np.int64)
    for rows in row_blocks(n):
        choice = pool[rows]
        available[rows] = choice.sum(axis=1)
        ends = available[rows].cumsum()
        columns = np.append(np.nonzero(choice)[1], 0)
        lots = generator.random((len(choice), draws, most)).swapaxes(0, 1)
        places = (ends - available[rows])[:, None] + _different(lots, available[rows, None])
        drawn[:, rows] = columns[np.minimum(places, len(columns) - 1)]
    return available, drawn


def _different(lots: np.ndarray, available: np.ndarray) -> np.ndarray:
    """(draws, n, most) different numbers below (n, 1) `available`, as likely as any others, from lots in [0, 1).

    The i-th is one of the available - i that are left: in their order, those that are taken are passed over.
    """
    numbers, taken = np.empty(lots.shape, dtype=np.int64), np.empty((*lots.shape[:2], 0), dtype=np.int64)
    for i in range(lots.shape[2]):
        number = (lots[..., i] * np.maximum(available[:, 0] - i, 0)).astype(np.int64)
        for earlier in range(i):
            number += number >= taken[..., earlier]
        numbers[..., i] = number
        taken = np.sort(numbers[..., : i + 1], axis=-1)
    return numbers


def _explained(unit: np.ndarray, portfolio: np.ndarray) -> np.ndarray:
    """(k,) squared correlation of unit returns and portfolio returns (k, 12); NaN for a constant portfolio."""
    direction, defined = normalise_returns(portfolio)
    return np.where(defined, np.einsum("ij,ij->i", unit, direction) ** 2, np.nan)


def peer_stability(now: YearPeers, before: YearPeers) -> Iterator[Statistic]:
    """`peer_stability`: mean share of a company's K peers that were among its K peers the year before.

    Over companies that have more than K peers to choose from in both years. Only a peer that is there in both years
    can be kept, so companies that come and go lower the share. Of several reports of one company in a year the first
    by id counts. Peers that share a place (see `peer_weights`) are kept by the smaller of their weights.

    Random: what K peers drawn anew each year would give; K / (n - 1) where the same n companies are there.
    """
    a, b = _common(now.company, before.company)
    both, available, earlier = np.zeros((3, len(a)), dtype=np.int64)
    for rows in row_blocks(max(len(now.pool), len(before.pool))):
        pools = [year.pool[at[rows]] for year, at in ((now, a), (before, b))]
        available[rows], earlier[rows] = (pool.sum(axis=1) for pool in pools)
        both[rows] = (pools[0][:, a] & pools[1][:, b]).sum(axis=1)
    for k, weights in now.weights.items():
        counts = (available > k) & (earlier > k)
        stayed = weights[a][:, a].minimum(before.weights[k][b][:, b]).sum(axis=1)
        by_chance = k * both[counts] / (available[counts] * earlier[counts])
        yield Statistic("peer_stability", float(k), mean(stayed[counts]), mean(by_chance), int(counts.sum()))


def _common(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of each company that both have, its first report in either, in the order of `first`.

    Not in the order of the codes: what they are may depend on other years.
    """
    companies, a, b = np.intersect1d(first, second, return_indices=True)
    order = np.argsort(a[companies >= 0])
    return a[companies >= 0][order], b[companies >= 0][order]
