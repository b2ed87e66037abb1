"""What the published scripts do with pairs, in plain loops: tests compare the platform with it."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

# Two reports, year, cosine (after `standardised`: the standardised distance), correlation.
PairRow = tuple[int, int, int, float, float]
Clusters = set[frozenset[int]]


def standardised(pairs: Iterable[PairRow]) -> list[PairRow]:
    """Pairs with a correlation, their cosines as distances less the mean over all years, by the deviation."""
    kept = [pair for pair in pairs if not np.isnan(pair[4])]
    distance = np.array([1 - pair[3] for pair in kept])
    delta = (distance - distance.mean()) / (distance.std() or 1.0) if kept else distance
    return [(*pair[:3], float(d), pair[4]) for pair, d in zip(kept, delta, strict=True)]


def clusters_at(edges: list[tuple[int, int, float]], theta: float) -> Clusters:
    """One year's minimum spanning tree, without its edges above theta: the components."""
    ids = sorted({end for a, b, _ in edges for end in (a, b)})
    position = {report: n for n, report in enumerate(ids)}
    # scipy takes an edge of length 0 for none: lengths are moved to be positive.
    lift = 1 - min((delta for *_, delta in edges), default=0.0)
    graph = np.zeros((len(ids), len(ids)))
    for a, b, delta in edges:
        graph[position[a], position[b]] = delta + lift
    if not ids:
        return set()
    tree = minimum_spanning_tree(csr_array(graph)).tocoo()
    kept = tree.data <= theta + lift
    ends = (tree.row[kept], tree.col[kept])
    short = csr_array((np.ones(kept.sum()), ends), shape=graph.shape)
    return partition(ids, connected_components(short, directed=False)[1].tolist())


def partition(ids: Iterable[int], names: Iterable[object]) -> Clusters:
    """The sets of ids with the same name."""
    members = defaultdict(set)
    for report, name in zip(ids, names, strict=True):
        members[name].add(int(report))
    return {frozenset(group) for group in members.values()}


def mean_correlation(clusters: Clusters, pairs: Iterable[PairRow], year: int) -> float:
    """Mean over a year's clusters of two or more of the mean correlation of their existing pairs."""
    known = {frozenset(pair[:2]): pair[4] for pair in pairs if pair[2] == year}
    means = []
    for members in clusters:
        found = [
            known[pair]
            for pair in (frozenset((a, b)) for a in members for b in members if a < b)
            if pair in known and not np.isnan(known[pair])
        ]
        means += [np.mean(found)] if found else []
    return float(np.mean(means)) if means else np.nan
