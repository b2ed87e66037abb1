"""Themes that the members of a cluster share: means over its pairs, without a list of them."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import csr_array

from compsim_assets.science.companies import own_pairs
from compsim_assets.science.reasons.parts import ScoredReports


def shared_themes(
    reports: ScoredReports,
    rows: np.ndarray,
    cluster: np.ndarray,
    theme: np.ndarray,
    company: np.ndarray | None = None,
    *,
    block_bytes: int = 1 << 28,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """(K, T) mean contribution of each theme to the cosines of a cluster's pairs of companies; NaN without a pair.

    Over ordered pairs, u_a v_b sums to (sum of u)(sum of v) - sum of u v.

    Args:
        rows: (m,) positions of the members of K clusters. cluster: (m,) numbers 0 to K - 1.
        theme: (D,) of each latent, -1 for none.
        company: (m,) numbers of the members' companies; None: all are different.

    Cost: m D P multiply-adds, and one reading of the members' features; memory `block_bytes` and K T numbers.
    """
    n_clusters, n_themes = int(cluster.max(initial=-1)) + 1, int(theme.max(initial=-1)) + 1
    members = csr_array((np.ones(len(rows), dtype=np.float32), (cluster, np.arange(len(rows)))))
    # Of one company in one cluster.
    first, second = own_pairs(None if company is None else company * n_clusters + cluster)
    of_company = csr_array(
        (np.ones(len(first), dtype=np.float32), (cluster[first], np.arange(len(first)))), (n_clusters, len(first))
    )
    sums = np.zeros((n_clusters, n_themes))
    block = max(64, block_bytes // (4 * (5 * len(rows) + reports.scores.shape[1] + 1)))
    for start in range(0, reports.n_latents, block):
        latents = slice(start, min(start + block, reports.n_latents))
        axes = torch.from_numpy(np.ascontiguousarray(reports.axes.block(latents.start, latents.stop)))
        u, v = (part.numpy() for part in reports.parts(rows, latents, axes))
        totals = (members @ u).astype(np.float64) * (members @ v) - members @ (u * v)
        if len(first):
            totals -= of_company @ (u[first] * v[second] + u[second] * v[first])
        there = np.flatnonzero(theme[latents] >= 0)
        inside = csr_array((np.ones(len(there)), (there, theme[latents][there])), (latents.stop - start, n_themes))
        sums += totals @ inside
        if progress is not None:
            progress(latents.stop, reports.n_latents)
    size = np.bincount(cluster, minlength=n_clusters)
    pairs = size * (size - 1) - 2 * np.bincount(cluster[first], minlength=n_clusters)
    return np.divide(sums, pairs[:, None], out=np.full_like(sums, np.nan), where=pairs[:, None] > 0)
