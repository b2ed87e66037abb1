"""Clusters of embeddings: cut single linkage as for our own similarity, and KMeans, year by year."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from compsim_assets.science.cutoffs.tables import base_cutoffs, curves_of_years, rolling_cutoffs, standardised
from compsim_assets.science.linkage.dendrogram import cut, order_labels
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.linkage.years import YearTrees, rows_by_year

_N_INIT = 10
_CHOICES: Mapping[str, Callable[..., pd.DataFrame]] = {"base": base_cutoffs, "rolling": rolling_cutoffs}


def cut_clusters(
    linked: YearTrees, unit_returns: np.ndarray, defined: np.ndarray, report_id: np.ndarray
) -> dict[str, pd.DataFrame]:
    """Single linkage of every year, cut where MeanCorr is best, by both ways to choose a cutoff.

    Args:
        linked: from `link_years`.
        unit_returns, defined: (n, 12), (n,), from `normalise_returns`; rows as the linked reports'.
        report_id: (n,) ascending within a year, so that clusters of one size are numbered as `clusters` numbers them.

    Returns:
        "base" and "rolling": year, cluster_id (from 1, the largest), report_id; singletons included. `rolling` has no
        year without five years before it.

    Cost: O(n months) after the trees.
    """
    years = [int(year) for year in linked.years]
    curves = curves_of_years(linked, unit_returns, defined)
    steps = [standardised(curves[year], linked.scale) for year in years]
    of_year = dict(zip(years, zip(linked.rows, linked.trees, strict=True), strict=True))
    clusters = {}
    for mode, choose in _CHOICES.items():
        cutoffs = choose(steps, years, linked.scale.mean, linked.scale.deviation)
        found = []
        for year, distance in zip(cutoffs["year"].tolist(), cutoffs["distance"], strict=True):
            rows, tree = of_year[year]
            found.append(_year_table(year, cut(tree, distance), report_id[rows]))
        clusters[mode] = _joined(found)
    return clusters


def kmeans_clusters(
    vectors: np.ndarray, year: np.ndarray, report_id: np.ndarray, n_clusters: int, seed: int
) -> pd.DataFrame:
    """KMeans of each year's vectors, scaled to length one.

    Args:
        vectors: (n, width) any float type.
        year, report_id: (n,) each; ids ascending within a year.
        n_clusters: of every year, at most its different vectors; 0 takes round(sqrt(reports of the year)).
        seed: with the year, of the starts: a year's clusters do not depend on which other years there are.

    Returns:
        year, cluster_id (from 1, the largest), report_id.

    Cost of a year: 10 starts x iterations x n_y k width multiply-adds, on one thread.
    """
    years, rows = rows_by_year(year)
    tables = []
    for label, members in zip(years.tolist(), rows, strict=True):
        wanted = n_clusters or round(np.sqrt(len(members)))
        found = kmeans_labels(unit_rows(vectors[members]), wanted, (seed, label))
        tables.append(_year_table(label, found, report_id[members]))
    return _joined(tables)


def kmeans_labels(vectors: np.ndarray, n_clusters: int, seed: tuple[int, ...]) -> np.ndarray:
    """(n,) cluster numbers from 1, the largest first, of equal ones that with the earliest row.

    Equal rows are one point that weighs as much as they do together: they share a cluster, and neither the order of
    the rows nor the number of threads matters.

    Args:
        vectors: (n, width) float64, n >= 1.
        n_clusters: at least 1; at most the number of different rows is made.
        seed: whole numbers >= 0.
    """
    distinct, inverse, copies = np.unique(vectors, axis=0, return_inverse=True, return_counts=True)
    start = int(np.random.SeedSequence(seed).generate_state(1)[0])
    model = KMeans(min(n_clusters, len(distinct)), n_init=_N_INIT, random_state=start)
    # Threads would add their parts of a centre in any order, and the last bits decide ties.
    with threadpool_limits(1):
        found = model.fit(distinct, sample_weight=copies.astype(np.float64)).labels_
    return order_labels(found[inverse])


def _year_table(year: int, cluster_id: np.ndarray, report_id: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"year": year, "cluster_id": cluster_id, "report_id": report_id})


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """All years, ordered by year, cluster and report."""
    nothing = pd.DataFrame({c: pd.Series(dtype="int64") for c in ("year", "cluster_id", "report_id")})
    table = pd.concat(tables, ignore_index=True) if tables else nothing
    return table.sort_values(["year", "cluster_id", "report_id"], ignore_index=True)
