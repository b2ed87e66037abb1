"""What is studied of a cluster: its pairs of reports, and the latents that may hold it together (method section 3)."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np


def sample_pairs(n_members: int, key: Sequence[int], most: int = 200) -> np.ndarray:
    """Pairs of a cluster's members, all of them or a seeded sample.

    Args:
        n_members: size of the cluster.
        key: non-negative integers that name the cluster and the seed: the same key gives the same pairs in any process.
        most: largest number of pairs.

    Returns:
        (p, 2) int64 positions a < b, in ascending order.

    Cost: O(n_members + most) time and memory.
    """
    n_pairs = n_members * (n_members - 1) // 2
    if n_pairs > most:
        number = np.random.default_rng(list(key)).choice(n_pairs, size=most, replace=False)
        number.sort()
    else:
        number = np.arange(n_pairs)
    # Pairs are numbered row by row: row a holds the pairs (a, a + 1), ..., (a, n - 1).
    row = np.arange(n_members, dtype=np.int64)
    first = row * (n_members - 1) - row * (row - 1) // 2
    a = np.searchsorted(first, number, side="right") - 1 if n_pairs else number
    return np.stack([a, number - first[a] + a + 1], axis=1).astype(np.int64)


def active_latents(blocks: Callable[[], Iterable[np.ndarray]], scale: np.ndarray, most: int = 1000) -> np.ndarray:
    """Candidates where no latent has a score: active in at least two of the cluster's reports, most variable first.

    Args:
        blocks: gives the cluster's features, (b, D) rows at a time; called twice.
        scale: (D,) standard deviations: variable is what varies most in units of them.
        most: largest number of candidates.

    Returns:
        Latent indices by descending standard deviation of x / s, ties by index. O(n D) time; memory one block and O(D).
    """
    active, total, n = np.zeros(len(scale), dtype=np.int64), np.zeros(len(scale)), 0
    for block in blocks():
        active += (block > 0).sum(axis=0)
        total += block.sum(axis=0, dtype=np.float64)
        n += len(block)
    mean, variance = total / n, np.zeros(len(scale))
    for block in blocks():
        deviation = block - mean
        variance += np.square(deviation, out=deviation).sum(axis=0)
    latents = np.flatnonzero(active >= 2)
    spread = np.sqrt(variance[latents] / n) / scale[latents]
    if len(latents) > most:
        # Only those that can be among the first are put in order.
        enough = np.flatnonzero(spread >= np.partition(spread, -most)[-most])
        latents, spread = latents[enough], spread[enough]
    return latents[np.argsort(-spread, kind="stable")][:most]


def scored_latents(latents: np.ndarray, seed: int, most: int = 1000) -> np.ndarray:
    """Candidates where latents have scores: all of them, or a seeded sample, ascending."""
    latents = np.unique(latents)
    if len(latents) > most:
        latents = np.sort(np.random.default_rng(seed).choice(latents, size=most, replace=False))
    return latents
