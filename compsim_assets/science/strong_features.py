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


@dataclass(frozen=True)
class Removal:
    """Everything needed to remove latents from the reports of one cluster, without any n x P temporary.

    Removing latent j changes the scores by -(x_aj / s_j) W_j, so all cosines afterwards follow from:

    dots: (n, n) z_a . z_b
    coefficients: (n, J) x_aj / s_j
    projections: (n, J) z_a . W_j
    gram: (J, J) W_i . W_j
    spread: (n, J) coefficients @ gram, from one product for many clusters
    All float64, on one device.

    rounding: share of its former squared length below which nothing is left of a report; `FLOAT32_ROUNDING` where
    `projections` or `gram` were computed in float32.
    """

    dots: torch.Tensor
    coefficients: torch.Tensor
    projections: torch.Tensor
    gram: torch.Tensor
    spread: torch.Tensor
    rounding: float = FLOAT64_ROUNDING

    def cosine(self, pairs: torch.Tensor) -> torch.Tensor:
        """(pairs,) cosine of each pair with nothing removed."""
        return self._pair_cosines(self.dots, pairs)

    def cosine_after_each(self, pairs: torch.Tensor) -> torch.Tensor:
        """(pairs, J) cosine of each pair when one latent alone is removed. O((n + pairs) J) time and memory."""
        a, b = pairs[:, 0], pairs[:, 1]
        c, t, length = self.coefficients, self.projections, self.gram.diagonal()
        before = self.dots.diagonal()[:, None]
        square = before - 2 * c * t + c.square() * length
        inverse = self._inverse_length(square, before)
        dot = self.dots[a, b][:, None] - c[a] * t[b] - c[b] * t[a] + c[a] * c[b] * length
        return (dot * inverse[a] * inverse[b]).clamp_(-1, 1)

    def cosine_after_split(
        self, pairs: torch.Tensor, strong: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(pairs,) cosines when the whole set `strong` (J bool) is removed, and when all the others are.

        Only the strong rows of the Gram matrix are read: the rest of the product is what `spread` has besides.
        O(n J |strong| + n^2 J) time.
        """
        chosen = strong.nonzero().squeeze(1)
        strong_spread = self.coefficients[:, chosen] @ self.gram[chosen]
        without_strong = self._dots_after(strong, strong_spread)
        without_weak = self._dots_after(~strong, self.spread - strong_spread)
        return self._pair_cosines(without_strong, pairs), self._pair_cosines(without_weak, pairs)

    def _dots_after(self, removed: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
        c = self.coefficients * removed
        cross = c @ self.projections.T
        return self.dots - cross - cross.T + spread @ c.T

    def _pair_cosines(self, dots: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
        inverse = self._inverse_length(dots.diagonal(), self.dots.diagonal())
        a, b = pairs[:, 0], pairs[:, 1]
        return (dots[a, b] * inverse[a] * inverse[b]).clamp_(-1, 1)

    def _inverse_length(self, square: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """1 / length, and 0 for a vector that is zero: its cosine with anything is zero."""
        gone = square <= self.rounding * before
        return torch.where(gone, torch.zeros_like(square), square.clamp_min(1e-300).rsqrt())


@dataclass(frozen=True)
class StrongFeatures:
    """MAE of every candidate (J,), the strong set (J bool), and the elbow: quantile, MAE of removing either whole set."""

    mae: np.ndarray
    strong: np.ndarray
    quantile: float
    mae_strong: float
    mae_weak: float


def find_strong_features(removal: Removal, pairs: np.ndarray) -> StrongFeatures:
    """Mean absolute change of cosine per latent and the published elbow between strong and weak ones.

    Args:
        removal: products of the cluster's reports with J candidate latents.
        pairs: (p, 2) positions of the pairs within the cluster.

    Returns:
        NaN quantile and MAEs, and no strong feature, where there is no candidate.

    Cost: O(p J) time and memory, and O(n J |strong| + n^2 J) time a quantile tried.
    """
    n_candidates = removal.coefficients.shape[1]
    if n_candidates == 0 or len(pairs) == 0:
        return StrongFeatures(
            np.zeros(n_candidates), np.zeros(n_candidates, bool), np.nan, np.nan, np.nan
        )
    where = torch.from_numpy(np.ascontiguousarray(pairs)).to(removal.dots.device)
    before = removal.cosine(where)
    mae = (removal.cosine_after_each(where) - before[:, None]).abs().mean(dim=0)

    def changes(strong: torch.Tensor) -> tuple[float, float]:
        after_strong, after_weak = removal.cosine_after_split(where, strong)
        return float((after_strong - before).abs().mean()), float(
            (after_weak - before).abs().mean()
        )

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


def sample_pairs(n_members: int, key: Sequence[int], most: int = 200) -> np.ndarray:
    """Pairs of a cluster's members, all of them or a seeded sample.

    Args:
        n_members: size of the cluster.
        key: non-negative integers that name the cluster and the seed: the same key gives the same pairs in any process.
        most: largest number of pairs.

    Returns:
        (p, 2) int64 positions a < b, in ascending order.

    Cost: O(n_members^2) once.
    """
    a, b = np.triu_indices(n_members, k=1)
    if len(a) > most:
        chosen = np.random.default_rng(list(key)).choice(len(a), size=most, replace=False)
        chosen.sort()
        a, b = a[chosen], b[chosen]
    return np.stack([a, b], axis=1).astype(np.int64)


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
