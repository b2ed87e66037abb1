"""The published algorithms, written again from their description (method.md of the paper's scripts), as fast as their
shape allows: pair tables, one pass a cutoff, one removal a latent."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def pair_table(scores: np.ndarray, returns: np.ndarray) -> Pairs:
    """Every pair of one year: two positions, cosine distance, return correlation."""
    unit = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    a, b = np.triu_indices(len(scores), k=1)
    return a, b, 1.0 - (unit @ unit.T)[a, b].astype(float), np.corrcoef(returns)[a, b]


def spanning_tree(pairs: Pairs, n: int) -> coo_array:
    """Minimum spanning tree of one year; its edges are 1e-9 too long, because scipy drops those of length 0."""
    a, b, distance, _ = pairs
    return minimum_spanning_tree(coo_array((distance + 1e-9, (a, b)), shape=(n, n)).tocsr()).tocoo()


def mean_correlation(pairs: Pairs, n: int, cutoff: float) -> float:
    """MeanCorr of one year at one cutoff: spanning tree, drop long edges, components, mean over each one's pairs."""
    a, b, _, correlation = pairs
    tree = spanning_tree(pairs, n)
    short = tree.data <= cutoff + 1e-9
    edges = coo_array((tree.data[short], (tree.row[short], tree.col[short])), shape=(n, n))
    label = connected_components(edges, directed=False)[1]
    inside = label[a] == label[b]
    count = np.bincount(label[a[inside]], minlength=n)
    total = np.bincount(label[a[inside]], weights=correlation[inside], minlength=n)
    return float((total[count > 0] / count[count > 0]).mean()) if inside.any() else np.nan


def strong_latents(
    scores: np.ndarray, coefficients: np.ndarray, axes: np.ndarray, pairs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """MAE of every candidate of one cluster, and the strong ones.

    Remove it, or a set, from all scores, then the cosine of every pair. Sets go through one matrix product.
    """
    coefficients = coefficients.astype(scores.dtype)

    def cosines(moved: np.ndarray) -> np.ndarray:
        unit = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        return (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(axis=1)

    before = cosines(scores)

    def mae_of(removed: np.ndarray) -> float:
        moved = scores - coefficients[:, removed] @ axes[removed]
        return float(np.abs(cosines(moved) - before).mean())

    mae = np.array([np.abs(cosines(scores - coefficients[:, [j]] * axes[j]) - before).mean() for j in range(len(axes))])
    for quantile in (0.99, 0.95, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50):
        strong = mae > np.quantile(mae, quantile)
        if strong.any() and not strong.all() and mae_of(strong) > mae_of(~strong):
            return mae, strong
    return mae, mae > np.quantile(mae, 0.90)
