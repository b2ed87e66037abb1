"""Distribution of feature values (the paper's Figure 1)."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

CLIP = 7.5
N_BINS = 300


def value_distribution(parts: Iterable[np.ndarray]) -> pd.DataFrame:
    """Count feature values: exact zeros, 300 equal bins over (0, 7.5], everything above.

    Args:
        parts: (b, D) blocks of non-negative features; one block is in memory at a time.

    Returns:
        bin_left (exclusive), bin_right (inclusive), count, share. The first row, from 0 to 0, counts zeros, the last,
        from 7.5 to infinity, the values above the clip.

    Raises:
        ValueError: a negative value: not a sum of TopK activations.
    """
    edges = np.linspace(0.0, CLIP, N_BINS + 1)
    counts = np.zeros(N_BINS + 2, dtype=np.int64)
    for part in parts:
        if part.min(initial=0.0) < 0:
            raise ValueError(f"a feature value is negative ({part.min()}): sums of activations are not")
        # A right-closed bin k holds edges[k] < x <= edges[k + 1]; zeros fall on position 0.
        counts += np.bincount(np.searchsorted(edges, part.ravel(), side="left"), minlength=N_BINS + 2)
    return pd.DataFrame(
        {
            "bin_left": np.concatenate(([0.0], edges)),
            "bin_right": np.concatenate((edges, [np.inf])),
            "count": counts,
            "share": counts / max(counts.sum(), 1),
        }
    )
