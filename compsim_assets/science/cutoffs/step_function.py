"""The exact MeanCorr of every cutoff of a year: a step function, from the year's tree (method section 2)."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from compsim_assets.science.companies import own_pairs
from compsim_assets.science.linkage.cut import merges_within
from compsim_assets.science.linkage.dendrogram import Dendrogram, joining_merges
from compsim_assets.science.linkage.scale import DistanceScale
from compsim_assets.science.linkage.trees import YearTrees


@dataclass(frozen=True)
class StepFunction:
    """MeanCorr of one year as a function of the cutoff: row k holds from `position[k]` up to the next row.

    Positions are cosine distances (or thetas, once standardised), ascending and distinct. Below the first row there is
    no cluster.
    """

    position: np.ndarray
    mean_correlation: np.ndarray
    pair_weighted_mean_correlation: np.ndarray
    n_clusters: np.ndarray

    def at(self, cutoffs: np.ndarray) -> np.ndarray:
        """MeanCorr at each cutoff (in the unit of `position`); NaN where no cluster has a pair of returns."""
        row = merges_within(self.position, cutoffs)
        return np.concatenate(([np.nan], self.mean_correlation))[row]

    def standardised(self, scale: DistanceScale) -> "StepFunction":
        """The same step function by standardised distance."""
        return replace(self, position=scale.standardise(self.position))


def step_function(
    tree: Dendrogram, unit_returns: np.ndarray, defined: np.ndarray, company: np.ndarray | None = None
) -> StepFunction:
    """MeanCorr for every cutoff of one year in one pass over the n - 1 merges.

    A merge replaces two clusters by one, so the sum of the clusters' means changes by three terms, each from a
    vector of returns that is the sum of its children's. Exact: no lattice and no pair list.

    Args:
        tree: single linkage of the year's reports.
        unit_returns, defined: from `normalise_returns`, rows as the tree's points.
        company: (n,) numbers of the reports' companies: reports of one company are no pair. None: all are different.

    Cost: O(n months) time and memory after the tree.
    """
    sums, count, size = _node_totals(tree, unit_returns, defined)
    pairs = count * (count - 1) // 2
    correlation = (np.einsum("ij,ij->i", sums, sums) - count) / 2
    a, b = own_pairs(company)
    if company is not None and len(a):
        size = companies_of_nodes(tree, company)
        a, b = (ends[defined[a] & defined[b]] for ends in (a, b))
        rho = np.einsum("ij,ij->i", unit_returns[a], unit_returns[b])
        n_own, of_own = pairs_of_nodes(tree, a, b, rho)
        pairs, correlation = pairs - n_own, correlation - of_own
    return steps_of_nodes(tree, correlation, pairs, size)


def curves_of_years(
    linked: YearTrees, unit_returns: np.ndarray, defined: np.ndarray, company: np.ndarray | None = None
) -> dict[int, StepFunction]:
    """Step function of each linked year, by cosine distance; arguments as of `step_function`, rows as linked."""
    return {
        year: step_function(tree, unit_returns[rows], defined[rows], None if company is None else company[rows])
        for year, rows, tree in linked
    }


def read_curves(curve: pd.DataFrame, years: list[int]) -> list[StepFunction]:
    """Step functions of these years, by theta, from a row per step; a year without rows has no cluster ever."""
    curve = curve.rename(columns={"theta": "position"})
    by_year, nothing = dict(iter(curve.groupby("year"))), curve.iloc[:0]
    return [
        StepFunction(**{name: rows[name].to_numpy() for name in StepFunction.__dataclass_fields__})
        for rows in (by_year.get(year, nothing) for year in years)
    ]


def steps_of_nodes(tree: Dendrogram, correlation: np.ndarray, pairs: np.ndarray, size: np.ndarray) -> StepFunction:
    """The step function from what every node of the tree holds, points first, then merged clusters.

    Args:
        tree: single linkage, of a connected graph or not.
        correlation, pairs: (n + merges,) sum of the correlations of a node's existing pairs, and number of them.
        size: (n + merges,) reports of the node, or companies; from two on it is a cluster.

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
        pair_weighted_mean_correlation=np.divide(pair_total, n_pairs, out=np.full(len(some), np.nan), where=some)[last],
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
    # Each merge needs its children's totals, so this part is sequential: O(months) work per merge.
    for node, (left, right) in enumerate(tree.children.tolist(), start=n):
        np.add(sums[left], sums[right], out=sums[node])
        count[node] = count[left] + count[right]
        size[node] = size[left] + size[right]
    return sums, count, size


def pairs_of_nodes(
    tree: Dendrogram, a: np.ndarray, b: np.ndarray, correlation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n + merges,) number of some pairs that every node holds, and sum of their correlations.

    A pair lies inside a cluster from the merge on that joins its ends: their lowest common ancestor. What a node of the
    tree holds is what its children hold and the pairs of its own merge. A pair that no merge joins is in none.

    Args:
        a, b, correlation: (m,) positions of the ends, never the same, and correlation of each pair.

    Cost: O(n log n + m) time.
    """
    n, merges = tree.n_points, len(tree.height)
    merge = joining_merges(tree, a, b)
    node, joined = n + merge, merge < merges
    pairs = np.bincount(node[joined], minlength=n + merges)
    total = np.bincount(node[joined], weights=correlation[joined], minlength=n + merges)
    # Each merge needs its children's totals, so this part is sequential.
    for parent, (left, right) in enumerate(tree.children.tolist(), start=n):
        pairs[parent] += pairs[left] + pairs[right]
        total[parent] += total[left] + total[right]
    return pairs, total


def companies_of_nodes(tree: Dendrogram, company: np.ndarray) -> np.ndarray:
    """(n + merges,) 1 for a node that holds reports of one company alone, 2 for one of several."""
    owner = company.tolist()
    for left, right in tree.children.tolist():
        owner.append(owner[left] if owner[left] == owner[right] else None)
    return np.array([1 if number is not None else 2 for number in owner], dtype=np.int64)


def _change(value: np.ndarray, tree: Dendrogram) -> np.ndarray:
    """What each merge adds to the total of `value` over the present clusters."""
    return value[tree.n_points :] - value[tree.children].sum(axis=1)
