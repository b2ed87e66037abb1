"""KMeans of embeddings, year by year: the clusters that single linkage is compared with."""

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from compsim_assets.science.linkage.cut import cluster_frame, order_labels
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.linkage.trees import rows_by_year

_N_INIT = 10


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
        See `cluster_frame`; cluster 1 is the year's largest.

    Cost of a year: 10 starts x iterations x n_y k width multiply-adds, on one thread.
    """
    years, rows = rows_by_year(year)
    parts = []
    for label, members in zip(years.tolist(), rows, strict=True):
        count = n_clusters or round(np.sqrt(len(members)))
        numbers = kmeans_labels(unit_rows(vectors[members]), count, (seed, label))
        parts.append((label, numbers, report_id[members]))
    return cluster_frame(parts)


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
        labels = model.fit(distinct, sample_weight=copies.astype(np.float64)).labels_
    return order_labels(labels[inverse])
