"""Features dealt out anew: which report has which latent is gone, how often and how strongly a latent fires stays."""

from collections.abc import Sequence

import numpy as np

from compsim_assets.science.pca.standardise import FeatureMatrix

# Latents of one generator: whatever the block that is asked for, a latent is dealt out in the same way.
_STRIP = 256


def shuffled(features: FeatureMatrix, seed: Sequence[int], start: int, stop: int) -> np.ndarray:
    """(n, stop - start) values of these latents, each latent's values permuted over the rows on its own.

    Cost: a draw for each value that is read. Memory: the values of the latents, and of up to 510 more.
    """
    strips = range(start // _STRIP, -(-stop // _STRIP))
    first = strips.start * _STRIP
    values = features.columns(first, min(strips.stop * _STRIP, features.shape[1]))
    dealt = np.empty_like(values)
    for strip in strips:
        inside = slice(strip * _STRIP - first, (strip + 1) * _STRIP - first)
        dealt[:, inside] = np.random.default_rng([*seed, strip]).permuted(
            np.ascontiguousarray(values[:, inside]), axis=0
        )
    return dealt[:, start - first : stop - first]
