"""Rank correlations over all pairs of a year, and means of its most similar pairs, without holding the pairs."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from compsim_assets.science.peers.squares import above_and_tied

# Pairs that are held and sorted; of more, buckets are counted.
SORTED = 1 << 23
_BUCKETS = 1 << 23
_BEYOND = 1e-5
_SOME = 1 << 21  # of the first pairs, which say where buckets are
# Values that are there so often among these, and how many of them are told from all others.
_OFTEN, _MOST = 64, 4096
# By how much a rank correlation from buckets may be off; see `PairRanks`.
_OFF = 3e-10

# A few pairs at a time: for each variable its values, (p,).
Pairs = Callable[[], Iterator[list[np.ndarray]]]


class Top(NamedTuple):
    """The mean of the second variable over the `size` pairs with the largest values of the first."""

    size: int
    mean: float


class PairRanks:
    """Rank correlations of v variables over N pairs, and means of the second one over the pairs largest in the first.

    More pairs than `sorted_pairs` are counted in 2^23 buckets per variable, and those of one bucket have one rank, as
    equal values do. With c pairs in a bucket their ranks are off by c / 2 at most, this way and that: the correlation
    is off by about root(sum c^3 / N^3 / N), some 1e-10 from N = 2^23 on and less for more pairs. Where buckets would be
    too wide for that, all pairs are held and sorted. Means are exact in either way.

    Args:
        pairs: gives the pairs block by block, the same ones in the same order whenever it is called.
        shares: per cent of the pairs to take the means of, at least one pair. Of pairs that are equal at the edge the
            mean counts.

    Attributes:
        count: N. mean: of the second variable over all pairs. correlation: (v, v), NaN for a constant variable and for
            fewer than two pairs. tops: one per share.

    Cost: O(N) time and three passes, memory 128 MB for each variable and as much again; of up to `sorted_pairs`
    O(N log N) time, one pass and 40 v bytes a pair.
    """

    def __init__(self, pairs: Pairs, shares: Sequence[float] = (), sorted_pairs: int = SORTED) -> None:
        first, more = _first(pairs, sorted_pairs)
        self._shares = shares
        if more:
            buckets = [_Buckets(row[:: -(-len(row) // _SOME)]) for row in first]
            del first
            if self._from_buckets(pairs, buckets):
                return
            first = _joined(list(pairs()))
        self._from_all(first)

    def _from_all(self, values: list[np.ndarray]) -> None:
        self.count = len(values[0])
        self.mean = float(values[1].mean()) if self.count else np.nan
        self.correlation = correlations_of([rankdata(row) for row in values])
        sizes = [_size(self.count, share) for share in self._shares]
        edges = [self.count - size for size in sizes]
        ordered = np.partition(values[0], edges) if edges and self.count else values[0]
        self.tops = [_top(values[0], values[1], size, ordered) for size in sizes]

    def _from_buckets(self, pairs: Pairs, buckets: list["_Buckets"]) -> bool:
        """Whether buckets are narrow enough; where they are not, nothing is known after it."""
        second = np.zeros_like(buckets[0].counts)
        for values in pairs():
            keys = [each.add(row) for each, row in zip(buckets, values, strict=True)]
            np.add.at(second, keys[0], values[1])
        self.count = int(buckets[0].counts.sum())
        self.mean = float(second.sum()) / self.count
        if any(each.off() > _OFF for each in buckets):
            return False
        edges = _Edges(buckets[0], second, [_size(self.count, share) for share in self._shares])
        del second
        ranks = [each.ranks() for each in buckets]
        sums = np.zeros((len(ranks), len(ranks)))
        for values in pairs():
            keys = [each.keys(row) for each, row in zip(buckets, values, strict=True)]
            of_pairs = [rank[key] for rank, key in zip(ranks, keys, strict=True)]
            sums += [[one @ other for other in of_pairs] for one in of_pairs]
            edges.offer(keys[0], values)
        deviation = np.sqrt(np.diag(sums))
        with np.errstate(invalid="ignore", divide="ignore"):
            self.correlation = sums / np.multiply.outer(deviation, deviation)
        self.tops = edges.tops()
        return True


def _joined(blocks: list[list[np.ndarray]]) -> list[np.ndarray]:
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def _first(pairs: Pairs, at_most: int) -> tuple[list[np.ndarray], bool]:
    """Pairs until there are more than so many, and whether there are."""
    blocks, count = [], 0
    for values in pairs():
        blocks.append(values)
        count += len(values[0])
        if count > at_most:
            return _joined(blocks), True
    return _joined(blocks), False


def _size(count: int, share: float) -> int:
    return max(1, int(count * share / 100 + 0.5))


def _top(like: np.ndarray, rho: np.ndarray, size: int, ordered: np.ndarray) -> Top:
    """`ordered`: `like`, whose value at `size` from the end stands where sorting would put it."""
    if len(like) == 0:
        return Top(0, np.nan)
    return Top(size, _sum_of_largest(like, rho, size, ordered[len(like) - size]) / size)


def _sum_of_largest(like: np.ndarray, rho: np.ndarray, size: int, edge: float) -> float:
    above, tied = above_and_tied(like, edge)
    return float(rho[above].sum() + (size - above.sum()) * rho[tied].mean())


def correlations_of(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Correlation matrix of equally long rows; NaN for a constant one and for fewer than two values."""
    if len(rows[0]) < 2:
        return np.full((len(rows), len(rows)), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(np.stack(rows))


class _Buckets:
    """Counts of one variable's values, from the smallest to the largest.

    Buckets are equally wide but for the first and the last, which have what lies beyond. Where many values are equal,
    these have a bucket of their own, between that of the smaller and that of the larger ones around them.

    Args:
        some: values. One in 100,000 lies beyond at either end.
    """

    def __init__(self, some: np.ndarray) -> None:
        ordered = np.sort(some)
        beyond = int(len(ordered) * _BEYOND)
        low, high = ordered[beyond], ordered[-1 - beyond]
        self._low, self._scale = low, (_BUCKETS - 1) / (high - low) if high > low else 0.0
        self._values = _frequent(ordered)
        places = self._places(self._values)
        places, first = np.unique(places, return_index=True)  # of two in one bucket only one has its own
        self._values = self._values[first]
        split = np.zeros(_BUCKETS, dtype=bool)
        split[places] = True
        # Where each bucket goes, and the value that splits it.
        self._shift = 2 * (np.cumsum(split, dtype=np.int32) - split) if len(places) else np.empty(0, dtype=np.int32)
        self._split = split
        self.equal = places + self._shift[places] + 1
        self.counts = np.zeros(_BUCKETS + 2 * len(places))

    def _places(self, values: np.ndarray) -> np.ndarray:
        places = (values - self._low) * self._scale
        return np.clip(places, 0, _BUCKETS - 1, out=places).astype(np.intp)

    def keys(self, values: np.ndarray) -> np.ndarray:
        """Numbers of the values' buckets."""
        places = self._places(values)
        if not len(self._values):
            return places
        keys = places + self._shift[places]
        at = np.flatnonzero(self._split[places])
        middle = self._values[self._shift[places[at]] // 2]
        keys[at] += (values[at] >= middle).astype(np.intp) + (values[at] > middle)
        return keys

    def add(self, values: np.ndarray) -> np.ndarray:
        """Count them; their buckets."""
        keys = self.keys(values)
        np.add.at(self.counts, keys, np.ones(len(keys)))
        return keys

    def ranks(self) -> np.ndarray:
        """Each bucket's rank less the mean rank, by the number of values; the counts are gone after it."""
        counts = self.counts
        count, ends = counts.sum(), counts.cumsum()
        counts /= -2
        counts += ends
        counts -= count / 2
        counts /= count
        return counts

    def off(self) -> float:
        """About how far a correlation is off: see `PairRanks`. Equal values have equal ranks, and do no harm."""
        cubes = self.counts * (self.counts**2 - 1).clip(0, None)
        cubes[self.equal] = 0.0
        count = self.counts.sum()
        return float((cubes.sum() / count**3 / count) ** 0.5)


def _frequent(ordered: np.ndarray) -> np.ndarray:
    """Values that are there often among ascending ones: the most frequent first."""
    starts = np.append(0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
    often = np.diff(np.append(starts, len(ordered)))
    at = np.flatnonzero(often >= _OFTEN)
    return ordered[starts[at[np.argsort(-often[at], kind="stable")]]][:_MOST]


class _Edges:
    """The buckets in which the largest pairs end, and the pairs in them."""

    def __init__(self, buckets: _Buckets, second: np.ndarray, sizes: Sequence[int]) -> None:
        counts = buckets.counts
        from_top = counts[::-1].cumsum()[::-1]
        sums = np.append(second[::-1].cumsum()[::-1], 0.0)
        self._sizes = sizes
        self._at = [int(np.flatnonzero(from_top >= size)[-1]) for size in sizes]
        self._above = [(int(from_top[at] - counts[at]), float(sums[at + 1])) for at in self._at]
        # Of equal values the mean counts.
        self._mean = {at: float(second[at] / counts[at]) for at in set(self._at) & set(buckets.equal.tolist())}
        self._is_edge = np.zeros(len(counts), dtype=bool)
        self._is_edge[[at for at in self._at if at not in self._mean]] = True
        self._pairs: list[np.ndarray] = [np.empty((3, 0))]

    def offer(self, keys: np.ndarray, values: list[np.ndarray]) -> None:
        inside = np.flatnonzero(self._is_edge[keys])
        self._pairs.append(np.stack([keys[inside], values[0][inside], values[1][inside]]))

    def tops(self) -> list[Top]:
        keys, like, rho = np.concatenate(self._pairs, axis=1)
        tops = []
        for size, at, (count, total) in zip(self._sizes, self._at, self._above, strict=True):
            left = size - count
            if at in self._mean:
                tops.append(Top(size, (total + left * self._mean[at]) / size))
                continue
            here = keys == at
            edge = np.partition(like[here], here.sum() - left)[here.sum() - left]
            tops.append(Top(size, (total + _sum_of_largest(like[here], rho[here], left, edge)) / size))
        return tops
