"""The published elbow between strong and weak latents, for many clusters at once (method section 3)."""

from dataclasses import dataclass, fields

import torch

from compsim_assets.science.strong_features.axis_products import AxisProducts
from compsim_assets.science.strong_features.removal import Removal, cosines, mean_change

QUANTILES = (0.99, 0.95, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50)
_FALLBACK = QUANTILES.index(0.90)


@dataclass(frozen=True)
class Elbow:
    """Of K clusters: the strong sets (K, J bool), the quantile (K,), and the MAE of removing either whole set (K,)."""

    strong: torch.Tensor
    quantile: torch.Tensor
    mae_strong: torch.Tensor
    mae_weak: torch.Tensor


def find_elbows(removal: Removal, mae: torch.Tensor, products: AxisProducts) -> Elbow:
    """Try quantiles of the MAE (K, J) from above until removing the latents beyond one changes more than removing the
    others.

    The sets of one cluster are nested, so each quantile adds only what its new latents change, and only to clusters
    that have not stopped.

    Cost: O(n m (m + n)) time and O(n (J + m)) memory per cluster, m the size of the last set tried.
    """
    ranked, order = mae.sort(dim=1, descending=True, stable=True)
    thresholds = _quantiles(ranked)
    # Latents above each threshold: the first so many of `order`.
    sizes = torch.searchsorted(-ranked, -thresholds)
    n_clusters, n_candidates = mae.shape
    changes = mae.new_full((2, n_clusters, len(QUANTILES)), torch.nan)
    stopped = torch.full((n_clusters,), _FALLBACK, device=mae.device)
    before = removal.cosine()
    state = _Removed.nothing(removal)
    for step in range(len(QUANTILES)):
        size = sizes[state.cluster, step]
        state.add(removal, products, order[state.cluster], size)
        strong, weak = (mean_change(after, before[state.cluster]) for after in state.cosines(removal))
        changes[:, state.cluster, step] = torch.stack([strong, weak])
        stop = (size > 0) & (size < n_candidates) & (strong > weak)
        stopped[state.cluster[stop]] = step
        if stop.all():
            break
        if stop.any():
            state = state.of((~stop).nonzero().squeeze(1))
    threshold = thresholds.gather(1, stopped[:, None])
    mae_strong, mae_weak = changes.gather(2, stopped.expand(2, -1)[..., None]).squeeze(2)
    quantile = mae.new_tensor(QUANTILES)[stopped]
    return Elbow(mae > threshold, quantile, mae_strong, mae_weak)


def _quantiles(ranked: torch.Tensor) -> torch.Tensor:
    """(K, 8) quantiles of descending values (K, J), linearly interpolated as torch.quantile does."""
    last = ranked.shape[1] - 1
    rank = ranked.new_tensor(QUANTILES) * last
    below = rank.long()
    lower, upper = ranked[:, last - below], ranked[:, last - rank.ceil().long()]
    return torch.lerp(lower, upper, rank - below)


@dataclass
class _Removed:
    """The nested sets removed so far from the clusters still searched, K' of them.

    cluster: (K',) position in the batch. size: (K',) latents removed, the first so many in the cluster's order.
    latents: (K', m) the same latents, coefficients: (K', n, m) theirs, 0 where a cluster has fewer than m.
    strong_dots, strong_squares: (K', p), (K', n) dots of pairs and squared lengths without the set; weak_...: with the
    set alone left of the candidates.
    """

    cluster: torch.Tensor
    size: torch.Tensor
    latents: torch.Tensor
    coefficients: torch.Tensor
    strong_dots: torch.Tensor
    strong_squares: torch.Tensor
    weak_dots: torch.Tensor
    weak_squares: torch.Tensor

    @classmethod
    def nothing(cls, removal: Removal) -> "_Removed":
        """Nothing removed; of the weak latents, everything."""
        c = removal.coefficients
        products = c @ (removal.projections - removal.spread / 2).mT
        dots, squares = _both_ways(products, removal.pairs)
        return cls(
            cluster=torch.arange(len(c), device=c.device),
            size=removal.pairs.new_zeros(len(c)),
            latents=removal.pairs.new_empty(len(c), 0),
            coefficients=c[:, :, :0],
            strong_dots=removal.dots,
            strong_squares=removal.squares,
            weak_dots=removal.dots - dots,
            weak_squares=removal.squares - squares,
        )

    def of(self, positions: torch.Tensor) -> "_Removed":
        """These clusters only."""
        return _Removed(*(getattr(self, field.name)[positions] for field in fields(self)))

    def add(self, removal: Removal, products: AxisProducts, order: torch.Tensor, size: torch.Tensor) -> None:
        """Let the sets grow to the first `size` (K',) latents of `order` (K', J).

        With h = spread of the old set and half of the new one: removing a set S takes the products c_S (t - h)_S, both
        ways, from the dots, where h adds up to half of c_S W_S W_S^T c_S^T. What the others leave behind follows from
        removing all candidates: it gets c_S (t - g + h)_S back, both ways, g being the spread of all.
        """
        width = int((size - self.size).max())
        if width == 0:
            return
        position = self.size[:, None] + torch.arange(width, device=size.device)
        new = position < size[:, None]
        latents = order.gather(1, position.clamp(max=order.shape[1] - 1))
        _, n, n_candidates = removal.coefficients.shape
        rows = self.cluster[:, None] * n + torch.arange(n, device=size.device)
        where = rows[:, :, None] * n_candidates + latents[:, None, :]
        c, t, g = (
            values.view(-1).index_select(0, where.view(-1)).view_as(where)
            for values in (removal.coefficients, removal.projections, removal.spread)
        )
        c *= new[:, None, :]
        h = products.spread_of_removed(
            torch.cat([self.coefficients, c / 2], dim=2), torch.cat([self.latents, latents], dim=1), latents
        )
        pairs = removal.pairs[self.cluster]
        dots, squares = _both_ways(c @ (t - h).mT, pairs)
        self.strong_dots = self.strong_dots - dots
        self.strong_squares = self.strong_squares - squares
        dots, squares = _both_ways(c @ (t - g + h).mT, pairs)
        self.weak_dots, self.weak_squares = self.weak_dots + dots, self.weak_squares + squares
        self.size = size
        self.latents = torch.cat([self.latents, latents], dim=1)
        self.coefficients = torch.cat([self.coefficients, c], dim=2)

    def cosines(self, removal: Removal) -> tuple[torch.Tensor, torch.Tensor]:
        """(K', p) cosines without the set, and without the other candidates."""
        lengths, pairs = removal.squares[self.cluster], removal.pairs[self.cluster]
        return (
            cosines(self.strong_dots, self.strong_squares, lengths, pairs, removal.rounding),
            cosines(self.weak_dots, self.weak_squares, lengths, pairs, removal.rounding),
        )


def _both_ways(products: torch.Tensor, pairs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """m_ab + m_ba of each pair (K, p), and of each report with itself (K, n), from products m (K, n, n)."""
    n, flat = products.shape[1], products.flatten(1)
    a, b = pairs[..., 0], pairs[..., 1]
    dots = flat.gather(1, a * n + b) + flat.gather(1, b * n + a)
    return dots, 2 * products.diagonal(dim1=1, dim2=2)
