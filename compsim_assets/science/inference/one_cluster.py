"""MeanCorr of one cluster, with an interval over its companies."""

from collections.abc import Sequence

import numpy as np

from compsim_assets.science.inference.intervals import bca

# Fewer companies with returns are drawn without a pair too often, or have no spread at all.
_COMPANIES = 4


def cluster_correlation(
    correlation: np.ndarray, company: np.ndarray, key: Sequence[int], resamples: int = 1000, level: float = 0.95
) -> tuple[float, float, float]:
    """Mean correlation of a cluster's pairs of companies, and the ends of its BCa interval, companies resampled.

    A company makes no pair with itself, nor with a copy of it.

    Args:
        correlation: (n, n) symmetric, NaN where a pair does not exist.
        company: (n,) number of each report's company.
        key: whole numbers >= 0 that name the cluster: seed of the draws.

    Returns:
        NaN where there is no pair; NaN ends where fewer than four companies have one.

    Cost: resamples x n^2 multiply-adds; memory resamples x n numbers.
    """
    _, codes = np.unique(company, return_inverse=True)
    exists = np.isfinite(correlation) & (codes[:, None] != codes[None])
    # Between companies: sums over their reports.
    owner = np.eye(int(codes.max(initial=-1)) + 1)[codes]
    sums = owner.T @ np.where(exists, correlation, 0.0) @ owner
    pairs = owner.T @ exists.astype(np.float64) @ owner
    there = pairs.any(axis=1)
    sums, pairs = sums[there][:, there], pairs[there][:, there]
    if not there.any():
        return np.nan, np.nan, np.nan
    value = sums.sum() / pairs.sum()
    n = len(sums)
    if n < _COMPANIES:
        return float(value), np.nan, np.nan
    drawn = np.random.default_rng(list(key)).multinomial(n, np.full(n, 1 / n), resamples).astype(np.float64)
    left_out = 1.0 - np.eye(n)
    resampled, jackknife = (_means(weights, sums, pairs) for weights in (drawn, left_out))
    low, high = bca(np.asarray(value), resampled, jackknife, level)
    return float(value), float(low), float(high)


def _means(weights: np.ndarray, sums: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    total, count = (np.einsum("bn,bn->b", weights @ of, weights) for of in (sums, pairs))
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
