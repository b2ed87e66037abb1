"""The exact MeanCorr of every cutoff, and the two published ways to choose one (method sections 1 and 2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compsim_assets.science.linkage.dendrogram import Dendrogram, merges_within

BASE_LATTICE = np.arange(-500, 251) / 100
ROLLING_LATTICE = np.arange(-45, -9) / 10
ROLLING_WINDOW = 5

# Objectives closer than this are one plateau: they differ by rounding, not by clusters.
_PLATEAU = 1e-12


@dataclass(frozen=True)
class StepFunction:
    """MeanCorr of one year as a function of the cutoff: row k holds from `position[k]` up to the next row.

    Positions are cosine distances (or thetas, once standardised), ascending and distinct. Below the first
    row there is no cluster.
    """

    position: np.ndarray
    mean_correlation: np.ndarray
    pair_weighted: np.ndarray
    n_clusters: np.ndarray

    def at(self, cutoffs: np.ndarray) -> np.ndarray:
        """MeanCorr at each cutoff (in the unit of `position`); NaN where no cluster has a pair of returns."""
        row = merges_within(self.position, cutoffs)
        return np.concatenate(([np.nan], self.mean_correlation))[row]


def step_function(tree: Dendrogram, unit_returns: np.ndarray, defined: np.ndarray) -> StepFunction:
    """MeanCorr for every cutoff of one year in one pass over the n - 1 merges.

    A merge replaces two clusters by one, so the sum of the clusters' means changes by three terms, each from a
    vector of returns that is the sum of its children's. Exact: no lattice and no pair list.

    Args:
        tree: single linkage of the year's reports.
        unit_returns, defined: from `normalise_returns`, rows as the tree's points.

    Cost: O(n months) time and memory after the tree.
    """
    sums, count, size = _node_totals(tree, unit_returns, defined)
    pairs = count * (count - 1) // 2
    correlation = (np.einsum("ij,ij->i", sums, sums) - count) / 2
    return steps_of_nodes(tree, correlation, pairs, size)


def steps_of_nodes(tree: Dendrogram, correlation: np.ndarray, pairs: np.ndarray, size: np.ndarray) -> StepFunction:
    """The step function from what every node of the tree holds, points first, then merged clusters.

    Args:
        tree: single linkage, of a connected graph or not.
        correlation, pairs: (n + merges,) sum of the correlations of a node's existing pairs, and number of them.
        size: (n + merges,) reports of the node.

    Cost: O(n) time and memory.
    """
    paired = pairs > 0
    correlation = np.where(paired, correlation, 0.0)
    mean = np.divide(correlation, pairs, out=np.zeros_like(correlation), where=paired)

    mean_total = np.cumsum(_change(mean, tree))
    n_paired = np.cumsum(_change(paired.astype(np.int64), tree))
    pair_total = np.cumsum(_change(correlation, tree))
    n_pairs = np.cumsum(_change(pairs, tree))
    n_clusters = np.cumsum(_change((size >= 2).astype(np.int64), tree))

    last = np.append(np.diff(tree.height) > 0, True)[: len(tree.height)]
    some = n_paired > 0
    return StepFunction(
        position=tree.height[last],
        mean_correlation=np.divide(mean_total, n_paired, out=np.full(len(some), np.nan), where=some)[last],
        pair_weighted=np.divide(pair_total, n_pairs, out=np.full(len(some), np.nan), where=some)[last],
        n_clusters=n_clusters[last],
    )


def _node_totals(
    tree: Dendrogram, unit_returns: np.ndarray, defined: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum of returns, number of reports with returns, and size of every point and merged cluster."""
    n, merges = tree.n_points, len(tree.height)
    sums = np.zeros((n + merges, unit_returns.shape[1]))
    sums[:n] = unit_returns
    count = np.zeros(n + merges, dtype=np.int64)
    count[:n] = defined
    size = np.ones(n + merges, dtype=np.int64)
    # Each merge needs its children's totals, so this part is sequential: O(months) work a merge.
    for node, (left, right) in enumerate(tree.children.tolist(), start=n):
        np.add(sums[left], sums[right], out=sums[node])
        count[node] = count[left] + count[right]
        size[node] = size[left] + size[right]
    return sums, count, size


def _change(value: np.ndarray, tree: Dendrogram) -> np.ndarray:
    """What each merge adds to the total of `value` over the present clusters."""
    return value[tree.n_points :] - value[tree.children].sum(axis=1)


def base_objective(by_year: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The base mode's objective: mean over two folds of the mean MeanCorr of the fold's validation years.

    Args:
        by_year: (years, thetas) MeanCorr, years ascending, NaN where there is none.

    Returns:
        (thetas,) objective and (2, thetas) fold means; minus infinity where a fold is all NaN. Fold 1 validates
        on the years after the first floor(n/2), fold 2 on those after the first floor(3n/4): they overlap, as
        published.
    """
    n_years = len(by_year)
    folds = np.stack([_mean_or_minus_infinity(by_year[start:]) for start in (n_years // 2, 3 * n_years // 4)])
    return folds.mean(axis=0), folds


def choose_base(by_year: np.ndarray) -> int:
    """Index of the smallest theta on the best plateau of the base objective."""
    return _first_best(base_objective(by_year)[0])


def choose_rolling(by_year: np.ndarray, window: int = ROLLING_WINDOW) -> np.ndarray:
    """For each year with `window` years before it, the index of the theta that was best over those years.

    Args:
        by_year: (years, thetas) MeanCorr, years ascending, NaN skipped.

    Returns:
        (max(years - window, 0),) indices, for the years from position `window` on; the first maximum wins.
    """
    return np.array(
        [_first_best(_mean_or_minus_infinity(by_year[year - window : year])) for year in range(window, len(by_year))],
        dtype=np.int64,
    )


def evaluate(curves: Sequence[StepFunction], thetas: np.ndarray) -> np.ndarray:
    """(years, thetas) MeanCorr of each year's step function."""
    return np.stack([curve.at(thetas) for curve in curves]) if curves else np.empty((0, len(thetas)))


def _mean_or_minus_infinity(values: np.ndarray) -> np.ndarray:
    """Column means without NaN; minus infinity for a column that is all NaN."""
    present = ~np.isnan(values)
    count = present.sum(axis=0)
    total = np.where(present, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(values.shape[1], -np.inf), where=count > 0)


def _first_best(objective: np.ndarray) -> int:
    best = objective.max()
    if np.isneginf(best):
        return 0
    return int(np.argmax(objective >= best - _PLATEAU))
