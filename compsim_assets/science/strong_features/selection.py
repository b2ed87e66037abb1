"""Which clusters' strong features are searched: all, a seeded sample, or named ones."""

from collections.abc import Sequence

import numpy as np


def select_clusters(
    names: np.ndarray, sizes: np.ndarray, only: np.ndarray | None, n_sample: int, key: Sequence[int]
) -> np.ndarray:
    """(s,) positions, ascending, of the clusters to study; singletons never are.

    Args:
        names: (k, 2) year and number of each cluster, distinct, ascending.
        sizes: (k,) reports in it.
        only: (m, 2) names of those to keep, in any order and number; None keeps all.
        n_sample: clusters drawn without replacement; 0 keeps all.
        key: non-negative integers that seed the draw.

    Raises:
        ValueError: a named cluster that does not exist or has one member.
    """
    studied = np.flatnonzero(sizes >= 2)
    if only is not None:
        position = dict(zip(map(tuple, names[studied].tolist()), studied.tolist(), strict=True))
        named = list(dict.fromkeys(map(tuple, only.tolist())))
        if unknown := [name for name in named if name not in position]:
            year, number = unknown[0]
            raise ValueError(
                f"cluster {number} of {year} is not a cluster of at least two reports ({len(unknown)} such names)"
            )
        studied = np.array(sorted(position[name] for name in named), dtype=np.int64)
    if 0 < n_sample < len(studied):
        drawn = np.random.default_rng(list(key)).choice(len(studied), size=n_sample, replace=False)
        studied = studied[np.sort(drawn)]
    return studied
