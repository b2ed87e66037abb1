"""The method on a tiny universe with every pair listed, in float64: slow, obvious, and none of the package's code."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components

from compsim_assets_tests.runs import Rebuilt

# Distances closer than this tie: the same pair's distance in another order of summation.
TIE = 1e-12
BASE = [k / 100 for k in range(-500, 251)]
ROLLING = [k / 10 for k in range(-45, -9)]


@dataclass(frozen=True)
class Year:
    """All reports of a year: ids, scores, and the matrices of cosine distances and return correlations."""

    year: int
    ids: np.ndarray
    distance: np.ndarray
    rho: np.ndarray

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return np.triu_indices(len(self.ids), 1)

    def labels(self, cutoff: float) -> np.ndarray:
        """Components of the complete graph without the edges beyond the cutoff."""
        return connected_components(self.distance <= cutoff + TIE, directed=False)[1]

    def quality(self, labels: np.ndarray) -> dict[str, float]:
        """MeanCorr of any grouping and its companions; pairs without a correlation and reports without a group (null)
        do not count.
        """
        means, all_pairs, sizes = [], [], []
        for label in set(labels[~pd.isna(labels)]):
            members = np.flatnonzero(labels == label)
            if len(members) < 2:
                continue
            sizes.append(len(members))
            rho = self.rho[np.ix_(members, members)][np.triu_indices(len(members), 1)]
            rho = rho[~np.isnan(rho)].tolist()
            all_pairs += rho
            means += [np.mean(rho)] if rho else []
        return {
            "mean_correlation": float(np.mean(means)) if means else np.nan,
            "pair_weighted": float(np.mean(all_pairs)) if all_pairs else np.nan,
            "n_clusters": len(sizes),
            "n_reports": sum(sizes),
            "largest_cluster": max(sizes, default=0),
            "n_pairs": len(all_pairs),
            "coverage": sum(sizes) / len(labels),
        }


def correlations(returns: np.ndarray) -> np.ndarray:
    """Pearson correlation of every two rows; NaN with a missing month or constant returns."""
    rho = np.full((len(returns), len(returns)), np.nan)
    for a, first in enumerate(returns):
        for b, second in enumerate(returns[: a + 1]):
            both = np.concatenate([first, second])
            if np.isfinite(both).all() and np.ptp(first) > 0 and np.ptp(second) > 0:
                rho[a, b] = rho[b, a] = np.corrcoef(first, second)[0, 1]
    return rho


def cosine_distances(rows: np.ndarray) -> np.ndarray:
    """1 - cosine of every two rows; cosine 0 with a row of zeros."""
    rows = rows.astype(float)
    length = np.sqrt((rows**2).sum(axis=1))
    unit = np.divide(rows, length[:, None], out=np.zeros_like(rows), where=length[:, None] > 0)
    return 1 - np.einsum("ip,jp->ij", unit, unit)


def years_of(rebuilt: Rebuilt) -> list[Year]:
    """Every year's pairs from the stored scores and returns."""
    scores, returns = rebuilt.read("pca_scores"), rebuilt.read("returns")
    monthly = returns.set_index("report_id")["returns"]
    found = []
    for year, rows in scores.groupby("year"):
        rows = rows.sort_values("report_id")
        ids = rows["report_id"].to_numpy()
        found.append(
            Year(
                int(str(year)),
                ids,
                cosine_distances(np.stack(rows["scores"].to_list())),
                correlations(np.stack(monthly.loc[ids].to_list())),
            )
        )
    return found


@dataclass(frozen=True)
class Scale:
    """Mean and population deviation of the distances of all pairs of all years."""

    mean: float
    deviation: float
    n_pairs: int

    def cutoff(self, theta: float) -> float:
        return theta * self.deviation + self.mean


def scale_of(years: list[Year]) -> Scale:
    distances = np.concatenate([year.distance[year.pairs] for year in years])
    return Scale(float(distances.mean()), float(distances.std()), len(distances))


def mean_correlations(years: list[Year], thetas: list[float]) -> np.ndarray:
    """(years, thetas) MeanCorr; a partition is judged once, however many thetas lead to it."""
    scale, table = scale_of(years), np.empty((len(years), len(thetas)))
    for y, year in enumerate(years):
        known: dict[int, float] = {}
        for t, theta in enumerate(thetas):
            cutoff = scale.cutoff(theta)
            n_edges = int((year.distance[year.pairs] <= cutoff + TIE).sum())
            if n_edges not in known:
                known[n_edges] = year.quality(year.labels(cutoff))["mean_correlation"]
            table[y, t] = known[n_edges]
    return table


def mean_of(values: np.ndarray) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else -np.inf


def base_theta(table: np.ndarray) -> float:
    """The smallest theta with the best mean of two folds."""
    n = len(table)
    folds = [[mean_of(column[k:]) for k in (n // 2, 3 * n // 4)] for column in table.T]
    objective = np.array([np.mean(pair) for pair in folds])
    return BASE[int(np.flatnonzero(objective >= objective.max() - 1e-12)[0])]


def rolling_thetas(table: np.ndarray) -> list[float]:
    """For every year from the sixth, the first theta that was best over the five years before."""
    chosen = []
    for y in range(5, len(table)):
        objective = np.array([mean_of(column[y - 5 : y]) for column in table.T])
        chosen.append(ROLLING[int(np.flatnonzero(objective >= objective.max() - 1e-12)[0])])
    return chosen


def partition(ids: np.ndarray, labels: np.ndarray) -> set[frozenset[int]]:
    groups = pd.Series(ids).groupby(np.asarray(labels))
    return {frozenset(int(i) for i in members) for _, members in groups}
