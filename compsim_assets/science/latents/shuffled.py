"""Features dealt out anew: which report has which latent is gone, how often and how strongly a latent fires stays."""

from collections.abc import Iterator

import numpy as np

from compsim_assets.science.pca.standardise import FeatureMatrix

# Latents of one generator: whatever the block that is asked for, a latent is dealt out in the same way.
_STRIP = 256


def shuffled_columns(features: FeatureMatrix, seed: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    """(first latent, (n, b) values) of consecutive latents, each latent's values permuted over the rows on its own.

    Cost: one pass over the features and n D draws. Memory: n x 256 values.
    """
    n_latents = features.shape[1]
    for start in range(0, n_latents, _STRIP):
        values = features.columns(start, min(start + _STRIP, n_latents))
        yield start, np.random.default_rng([*seed, start // _STRIP]).permuted(values, axis=0)
