"""Which latents hold a cluster together: mean absolute change of cosine when they are removed (method section 3)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

QUANTILES = (0.99, 0.95, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50)
_FALLBACK_QUANTILE = 0.90

# After a removal a report may have nothing left but rounding: below this share of its former squared length it is
# zero. The first fits products in float64 (of float32 scores), the second products in float32.
FLOAT64_ROUNDING = 1e-12
FLOAT32_ROUNDING = 1e-6
# A smaller change of a cosine is rounding: identical reports stay identical whatever is removed, and no latent of
# theirs is strong.
_NO_CHANGE = 1e-13


@dataclass(frozen=True)
class Removal:
    """Everything needed to remove latents from the reports of one cluster, without any n x P temporary.

    Removing latent j changes the scores by -(x_aj / s_j) W_j, so all cosines afterwards follow from:

    pairs: (p, 2) positions of the pairs studied
    dots: (p,) z_a . z_b of each pair
    squares: (n,) |z_a|^2
    coefficients: (n, J) x_aj / s_j
    projections: (n, J) z_a . W_j
    gram: (J, J) W_i . W_j
    spread: (n, J) coefficients @ gram, from one product for many clusters
    Pairs int64, everything else float64, on one device.

    rounding: share of its former squared length below which nothing is left of a report; `FLOAT32_ROUNDING` where
    `projections` or `gram` were computed in float32.
    """

    pairs: torch.Tensor
    dots: torch.Tensor
    squares: torch.Tensor
    coefficients: torch.Tensor
    projections: torch.Tensor
    gram: torch.Tensor
    spread: torch.Tensor
    rounding: float = FLOAT64_ROUNDING

    def cosine(self) -> torch.Tensor:
        """(p,) cosine of each pair with nothing removed."""
        return self._cosine(self.dots, self.squares)

    def cosine_after_each(self) -> torch.Tensor:
        """(p, J) cosine of each pair when one latent alone is removed. O((n + p) J) time and memory."""
        a, b = self.pairs.T
        c, t, length = self.coefficients, self.projections, self.gram.diagonal()
        squares = self.squares[:, None] - 2 * c * t + c.square() * length
        dots = self.dots[:, None] - c[a] * t[b] - c[b] * t[a] + c[a] * c[b] * length
        return self._cosine(dots, squares)

    def cosine_after_split(self, strong: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(p,) cosines when the whole set `strong` (J bool) is removed, and when all the others are.

        Only the strong rows of the Gram matrix are read: the rest of the product is what `spread` has besides.
        O(n J |strong| + p J) time, O((n + p) J) memory.
        """
        chosen = strong.nonzero().squeeze(1)
        strong_spread = self.coefficients[:, chosen] @ self.gram[chosen]
        without_strong = self._cosine_without(strong, strong_spread)
        return without_strong, self._cosine_without(~strong, self.spread - strong_spread)

    def _cosine_without(self, removed: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
        a, b = self.pairs.T
        c, t = self.coefficients * removed, self.projections
        squares = self.squares + (c * (spread - 2 * t)).sum(dim=1)
        dots = self.dots + (c[b] * (spread - t)[a]).sum(dim=1) - (c[a] * t[b]).sum(dim=1)
        return self._cosine(dots, squares)

    def _cosine(self, dots: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
        """Cosines from dots (p, ...) and squared lengths (n, ...); 0 with a report of which nothing is left."""
        a, b = self.pairs.T
        before = self.squares.reshape(-1, *[1] * (squares.dim() - 1))
        gone = squares <= self.rounding * before
        inverse = torch.where(gone, torch.zeros_like(squares), squares.clamp_min(1e-300).rsqrt())
        return (dots * inverse[a] * inverse[b]).clamp_(-1, 1)


@dataclass(frozen=True)
class StrongFeatures:
    """MAE of every candidate (J,), the strong set (J bool), and the elbow: quantile, MAE of removing either whole set."""

    mae: np.ndarray
    strong: np.ndarray
    quantile: float
    mae_strong: float
    mae_weak: float


def find_strong_features(removal: Removal) -> StrongFeatures:
    """Mean absolute change of cosine per latent and the published elbow between strong and weak ones.

    Args:
        removal: p pairs of the cluster's reports, and the reports' products with J candidate latents.

    Returns:
        NaN quantile and MAEs, and no strong feature, where there is no candidate.

    Cost: O((n + p) J) time and memory, and O(n J |strong|) time a quantile tried.
    """
    n_candidates = removal.coefficients.shape[1]
    if n_candidates == 0 or len(removal.pairs) == 0:
        nothing = np.zeros(n_candidates)
        return StrongFeatures(nothing, nothing.astype(bool), np.nan, np.nan, np.nan)
    before = removal.cosine()
    mae = _mean_change(removal.cosine_after_each(), before[:, None])

    def changes(strong: torch.Tensor) -> tuple[float, float]:
        after_strong, after_weak = removal.cosine_after_split(strong)
        return float(_mean_change(after_strong, before)), float(_mean_change(after_weak, before))

    for quantile in QUANTILES:
        strong = mae > torch.quantile(mae, quantile)
        if not strong.any() or strong.all():
            continue
        both = changes(strong)
        if both[0] > both[1]:
            break
    else:
        quantile = _FALLBACK_QUANTILE
        strong = mae > torch.quantile(mae, quantile)
        both = changes(strong)
    return StrongFeatures(mae.cpu().numpy(), strong.cpu().numpy(), quantile, *both)


def _mean_change(after: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """Mean absolute change over the pairs, the first dimension."""
    change = (after - before).abs()
    return change.masked_fill(change < _NO_CHANGE, 0.0).mean(dim=0)


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


def active_latents(coefficients: np.ndarray, most: int = 1000) -> np.ndarray:
    """Candidates where no latent has a score: active in at least two of the cluster's reports, most variable first.

    Args:
        coefficients: (n, D) x_aj / s_j of the cluster's reports.
        most: largest number of candidates.

    Returns:
        Latent indices by descending standard deviation of the coefficients, ties by index. O(n D) time.
    """
    active = np.flatnonzero((coefficients > 0).sum(axis=0) >= 2)
    spread = coefficients[:, active].std(axis=0)
    return active[np.argsort(-spread, kind="stable")][:most]


def scored_latents(latents: np.ndarray, seed: int, most: int = 1000) -> np.ndarray:
    """Candidates where latents have scores: all of them, or a seeded sample, ascending."""
    latents = np.unique(latents)
    if len(latents) > most:
        latents = np.sort(np.random.default_rng(seed).choice(latents, size=most, replace=False))
    return latents
