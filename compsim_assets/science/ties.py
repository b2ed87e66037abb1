"""Cosines and distances that are equal but for the rounding of their products, as those of identical reports are.

Two computations of one cosine differ in its last bits. A comparison to a tolerance is blind to that. Numbers rounded to
so many digits are not: one cosine in some thousand lies where its last bits decide between two of them.
"""

import numpy as np

# Numbers closer than this are equal. A tie must not be split, or miss a cutoff, by 1e-16.
TIE = 1e-12


def tie_groups(values: np.ndarray) -> np.ndarray:
    """(m,) numbers of the groups of equal values, 0 the smallest: each member is within `TIE` of the next.

    Cost: one sort.
    """
    order = np.argsort(values, kind="stable")
    groups = np.zeros(len(values), dtype=np.int64)
    groups[order[1:]] = np.cumsum(np.diff(values[order]) > TIE)
    return groups


def largest(values: np.ndarray, count: int) -> np.ndarray:
    """(b, count) positions of each row's largest values, largest first, equal ones in the order of their positions.

    Cost: O(b n) for (b, n) values, which may be -inf, and a sort of `count` in each row.
    """
    last = np.partition(values, values.shape[1] - count, axis=1)[:, -count, None]
    near = values >= last - TIE
    for row in np.flatnonzero(near.sum(axis=1) > count):
        candidates = np.flatnonzero(near[row])
        near[row] = False
        near[row, candidates[largest_first(values[row : row + 1, candidates])[0, :count]]] = True
    positions = np.nonzero(near)[1].reshape(len(values), count)
    return np.take_along_axis(positions, largest_first(np.take_along_axis(values, positions, axis=1)), axis=1)


def largest_first(values: np.ndarray) -> np.ndarray:
    """(b, n) positions in each row of (b, n) values, largest first, equal ones in the order of their positions."""
    order = np.argsort(-values, axis=1, kind="stable")
    with np.errstate(invalid="ignore"):  # of two that are -inf
        falls = -np.diff(np.take_along_axis(values, order, axis=1), axis=1) > TIE
    mixed = np.flatnonzero(((np.diff(order, axis=1) < 0) & ~falls).any(axis=1))
    group = np.zeros((len(mixed), order.shape[1]), dtype=np.int64)
    np.cumsum(falls[mixed], axis=1, out=group[:, 1:])
    order[mixed] = np.take_along_axis(order[mixed], np.lexsort((order[mixed], group), axis=1), axis=1)
    return order
