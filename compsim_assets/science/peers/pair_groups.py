"""Groups of companies from a list of scored pairs, as text-based networks of peers are published."""

import numpy as np


def pair_groups(
    first: np.ndarray, second: np.ndarray, score: np.ndarray, cut: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The companies of one year's pairs, ascending, and the group of each: 1, 2, .. by its smallest company.

    Groups are the connected components of a graph: of the pairs that score at least `cut`, or, without a cut, of every
    company's pair with its nearest peer (the best score; of equal ones the smallest company). A company without such a
    pair is in no group.

    Args:
        first, second: (n,) companies as numbers from 0 on. A pair may be listed once or in both orders.
        score: (n,), the higher the nearer.

    Cost: O(n + largest number) time; memory about 60 n bytes.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if cut is not None:
        enough = score >= cut
        first, second, score = first[enough], second[enough], score[enough]
    there = np.zeros(max(first.max(initial=-1), second.max(initial=-1)) + 1, dtype=bool)
    there[first] = there[second] = True
    companies, position = np.flatnonzero(there), np.cumsum(there, dtype=np.int32) - 1
    source, target = position[first], position[second]
    if cut is None:
        source, target = _nearest(
            np.concatenate([source, target]), np.concatenate([target, source]), np.concatenate([score, score])
        )
    shape = (len(companies), len(companies))
    # Ones, not scores: a score of 0 is a pair all the same.
    graph = coo_array((np.ones(len(source), dtype=np.int8), (source, target)), shape=shape)
    component = connected_components(graph, directed=False)[1]
    _, smallest, inverse = np.unique(component, return_index=True, return_inverse=True)
    return companies, smallest.argsort().argsort()[inverse] + 1


def _nearest(source: np.ndarray, target: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every source once, with the target of its best score. Sources are 0, 1, .., each at least once."""
    n = source.max(initial=-1) + 1
    best, nearest = np.full(n, -np.inf), np.full(n, n)
    np.maximum.at(best, source, score)
    equal = score == best[source]
    np.minimum.at(nearest, source[equal], target[equal])
    return np.arange(n), nearest
