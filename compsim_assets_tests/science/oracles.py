"""The method by brute force: every pair listed, explicit loops, float64. Slow and obvious; none of the package's code.

Ties: an edge is kept when delta <= theta. Both sides are float64 results of exact arithmetic, so an edge within
`TIE` of the cutoff counts as equal to it (structural ties, such as two pairs at delta -1 and +1, are kept).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

TIE = 1e-10
PLATEAU = 1e-12
BASE_THETAS = [k / 100 for k in range(-500, 251)]
ROLLING_THETAS = [k / 10 for k in range(-45, -9)]


# -- one pair ----------------------------------------------------------------------------------------------------


def cosine(a, b) -> float:
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.dot(a, b)) / length if length > 0 else 0.0


def pearson(a, b) -> float | None:
    """Pearson correlation, None where a month is missing or the returns are constant."""
    if not all(math.isfinite(v) for v in [*a, *b]) or len(set(a)) == 1 or len(set(b)) == 1:
        return None
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    da, db = [v - mean_a for v in a], [v - mean_b for v in b]
    top = math.fsum(v * w for v, w in zip(da, db, strict=True))
    return top / math.sqrt(math.fsum(v * v for v in da) * math.fsum(v * v for v in db))


# -- one year ----------------------------------------------------------------------------------------------------


@dataclass
class YearPairs:
    """All pairs a < b of one year's reports: positions, cosine distance, return correlation (None: does not exist)."""

    n: int
    pairs: list[tuple[int, int]]
    distance: list[float]
    rho: list[float | None]


def year_pairs(scores, returns) -> YearPairs:
    scores = np.asarray(scores, dtype=float)
    returns = np.asarray(returns, dtype=float).tolist()
    pairs = [(a, b) for a in range(len(scores)) for b in range(a + 1, len(scores))]
    return YearPairs(
        n=len(scores),
        pairs=pairs,
        distance=[1.0 - cosine(scores[a], scores[b]) for a, b in pairs],
        rho=[pearson(returns[a], returns[b]) for a, b in pairs],
    )


def components(n: int, edges: list[tuple[int, int]]) -> np.ndarray:
    """Connected components of the graph with these edges (all pairs, no spanning tree)."""
    if n == 0:
        return np.empty(0, dtype=int)
    a = [edge[0] for edge in edges]
    b = [edge[1] for edge in edges]
    graph = coo_array((np.ones(len(edges)), (a, b)), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def partition(labels) -> set[frozenset[int]]:
    """Clusters as sets of positions, so that labels do not matter."""
    found: dict = {}
    for position, label in enumerate(labels):
        found.setdefault(label, set()).add(position)
    return {frozenset(members) for members in found.values()}


@dataclass
class Quality:
    mean_correlation: float
    pair_weighted: float
    n_pairs: int
    n_clusters: int
    n_reports: int
    largest_cluster: int

    @property
    def pair_weighted_mean_correlation(self) -> float:
        """Its name in step functions."""
        return self.pair_weighted


def quality(year: YearPairs, labels) -> Quality:
    """MeanCorr of a partition: mean over clusters of two or more of the mean rho of their existing pairs."""
    clusters = [members for members in partition(labels) if len(members) >= 2]
    means, pooled = [], []
    for members in clusters:
        rhos = [
            rho
            for (a, b), rho in zip(year.pairs, year.rho, strict=True)
            if a in members and b in members and rho is not None
        ]
        if rhos:
            means.append(sum(rhos) / len(rhos))
            pooled.extend(rhos)
    return Quality(
        mean_correlation=sum(means) / len(means) if means else math.nan,
        pair_weighted=sum(pooled) / len(pooled) if pooled else math.nan,
        n_pairs=len(pooled),
        n_clusters=len(clusters),
        n_reports=sum(len(members) for members in clusters),
        largest_cluster=max((len(members) for members in clusters), default=0),
    )


# -- all years ---------------------------------------------------------------------------------------------------


class BruteForce:
    """Pairs of every year, their scale, and partitions and MeanCorr at any theta."""

    def __init__(self, years: list[YearPairs]) -> None:
        self.years = years
        listed = [d for year in years for d in year.distance]
        self.n_pairs = len(listed)
        self.mean = float(np.mean(listed)) if listed else 0.0
        self.deviation = float(np.std(listed)) if listed else 1.0
        if self.deviation < 1e-12:
            self.deviation = 1.0
        self.deltas = [(np.array(year.distance) - self.mean) / self.deviation for year in years]
        self._known: dict[tuple[int, bytes], tuple[np.ndarray, Quality]] = {}

    def _at(self, y: int, theta: float) -> tuple[np.ndarray, Quality]:
        kept = self.deltas[y] <= theta + TIE
        # The same set of kept edges gives the same components: remember them.
        key = y, kept.tobytes()
        if key not in self._known:
            year = self.years[y]
            labels = components(year.n, [pair for pair, keep in zip(year.pairs, kept, strict=True) if keep])
            self._known[key] = labels, quality(year, labels)
        return self._known[key]

    def labels(self, y: int, theta: float) -> np.ndarray:
        return self._at(y, theta)[0]

    def mean_correlation(self, y: int, theta: float) -> float:
        return self._at(y, theta)[1].mean_correlation

    def steps(self, y: int) -> list[tuple[float, Quality]]:
        """(distance, quality) of every distance at which the year's partition changes."""
        rows, before = [], {frozenset([a]) for a in range(self.years[y].n)}
        for distance in sorted(self.years[y].distance):
            kept = [
                pair for pair, d in zip(self.years[y].pairs, self.years[y].distance, strict=True) if d <= distance + TIE
            ]
            labels = components(self.years[y].n, kept)
            now = partition(labels)
            if now != before:
                rows.append((distance, quality(self.years[y], labels)))
                before = now
        return rows

    def with_returns(self) -> list[int]:
        """Positions of the years that have a pair of returns."""
        return [y for y, year in enumerate(self.years) if any(rho is not None for rho in year.rho)]

    def base(self) -> tuple[int | None, list[float]]:
        """Index into `BASE_THETAS`, None where no theta has an objective, and the objective at each theta."""
        measured = self.with_returns()
        n = len(measured)
        objective = []
        for theta in BASE_THETAS:
            folds = []
            for start in (math.floor(n / 2), math.floor(3 * n / 4)):
                folds.append(mean_or_minus_infinity([self.mean_correlation(y, theta) for y in measured[start:]]))
            objective.append((folds[0] + folds[1]) / 2)
        return (None if max(objective) == -math.inf else first_best(objective)), objective

    def rolling(self, window: int = 5) -> dict[int, int]:
        """Index into `ROLLING_THETAS` by position of every year that has `window` years with returns before it."""
        best = {}
        for y in range(len(self.years)):
            before = [k for k in self.with_returns() if k < y][-window:]
            if len(before) == window:
                objective = [
                    mean_or_minus_infinity([self.mean_correlation(k, theta) for k in before])
                    for theta in ROLLING_THETAS
                ]
                best[y] = first_best(objective)
        return best


def mean_or_minus_infinity(values: list[float]) -> float:
    present = [value for value in values if not math.isnan(value)]
    return sum(present) / len(present) if present else -math.inf


def first_best(objective: list[float]) -> int:
    """First index whose objective is the maximum, up to the rounding of a plateau."""
    best = max(objective)
    for index, value in enumerate(objective):
        if value == best or value >= best - PLATEAU:
            return index
    raise AssertionError


# -- strong features ---------------------------------------------------------------------------------------------


def scores_of(features, mean, scale, components_):
    """PCA scores of raw features: ((x - mean) / scale) W."""
    return ((np.asarray(features, dtype=float) - mean) / scale) @ components_.T


def cosines_of_pairs(scores, pairs) -> np.ndarray:
    return np.array([cosine(scores[a], scores[b]) for a, b in pairs])


def removal_cosines(features, mean, scale, components_, pairs, latents) -> np.ndarray:
    """Cosine of each pair once these latents are set to zero in the raw features.

    A report with nothing left has a zero vector; what is left of it in float64 is rounding, cosine 0.
    """
    changed = np.array(features, dtype=float)
    changed[:, list(latents)] = 0.0
    before = scores_of(features, mean, scale, components_)
    after = scores_of(changed, mean, scale, components_)
    for row in range(len(after)):
        if np.linalg.norm(after[row]) <= 1e-12 * np.linalg.norm(before[row]):
            after[row] = 0.0
    return cosines_of_pairs(after, pairs)


@dataclass
class Elbow:
    mae: np.ndarray
    strong: set[int]
    quantile: float
    mae_strong: float
    mae_weak: float


def strong_features(features, mean, scale, components_, pairs, candidates) -> Elbow:
    """MAE of every candidate (position in `candidates`) and the elbow of method section 3, literally."""
    before = cosines_of_pairs(scores_of(features, mean, scale, components_), pairs)

    def mae_of(latents) -> float:
        after = removal_cosines(features, mean, scale, components_, pairs, latents)
        change = np.abs(after - before)
        # Identical reports keep cosine 1 whatever is removed; in float64 that holds up to rounding.
        return float(np.mean(np.where(change < 1e-13, 0.0, change)))

    mae = np.array([mae_of([latent]) for latent in candidates])
    for q in (0.99, 0.95, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50):
        strong, weak = split(mae, q)
        if not strong or not weak:
            continue
        m_s, m_w = mae_of([candidates[k] for k in strong]), mae_of([candidates[k] for k in weak])
        if m_s == 0 and m_w == 0:
            continue
        if (m_w == 0 and m_s > 0) or (m_w > 0 and m_s / m_w > 1):
            return Elbow(mae, set(strong), q, m_s, m_w)
    strong, weak = split(mae, 0.90)
    return Elbow(mae, set(strong), 0.90, mae_of([candidates[k] for k in strong]), mae_of([candidates[k] for k in weak]))


def split(mae, q) -> tuple[list[int], list[int]]:
    threshold = np.quantile(mae, q, method="linear")
    strong = [k for k, value in enumerate(mae) if value > threshold]
    return strong, [k for k in range(len(mae)) if k not in strong]
