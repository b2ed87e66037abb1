"""Cosines of pairs of reports after latents are removed from them, for many clusters at once (method section 2)."""

from dataclasses import dataclass

import torch

# A smaller change of a cosine is rounding: identical reports stay identical whatever is removed, and no latent of
# theirs is strong.
_NO_CHANGE = 1e-13


@dataclass(frozen=True)
class Removal:
    """Everything needed to remove latents from the reports of K clusters, without any n x P temporary.

    Removing latent j changes the scores by -(x_aj / s_j) W_j, so all cosines afterwards follow from:

    pairs: (K, p, 2) positions in the cluster of the pairs studied
    dots: (K, p) z_a . z_b of each pair
    squares: (K, n) |z_a|^2
    coefficients: (K, n, J) c_aj = x_aj / s_j
    projections: (K, n, J) z_a . W_j
    spread: (K, n, J) (sum_i c_ai W_i) . W_j
    lengths: (J,) |W_j|^2
    rounding: share of its former squared length below which nothing is left of a report
    Pairs int64, everything else float64 and contiguous, on one device. All clusters have the same number of pairs; one
    with fewer than n reports has zeros for the others.
    """

    pairs: torch.Tensor
    dots: torch.Tensor
    squares: torch.Tensor
    coefficients: torch.Tensor
    projections: torch.Tensor
    spread: torch.Tensor
    lengths: torch.Tensor
    rounding: float

    def cosine(self) -> torch.Tensor:
        """(K, p) cosine of each pair with nothing removed."""
        return cosines(self.dots, self.squares, self.squares, self.pairs, self.rounding)

    def mean_changes(self, cached: int = 2 << 20) -> torch.Tensor:
        """(K, J) mean absolute change over a cluster's pairs of the cosine when one latent alone is removed.

        A cluster's numbers do not depend on the clusters beside it. O(K (n + p) J) time; memory O(n J) of one cluster.

        Args:
            cached: bytes of one temporary: several of them stay in the processor's cache between the passes over them.
        """
        n_clusters, n, n_latents = self.coefficients.shape
        n_pairs = self.pairs.shape[1]
        total = self.dots.new_zeros(n_clusters, n_latents)
        before = self.cosine()
        at_once = max(1, cached // (8 * n_latents * max(n, n_pairs)))
        for first in range(0, n_clusters, at_once):
            part = slice(first, first + at_once)
            self._add_changes(part, before[part], total[part], cached)
        return total.div_(n_pairs)

    def _add_changes(self, part: slice, before: torch.Tensor, total: torch.Tensor, cached: int) -> None:
        """Add up the changes of a few clusters, pairs in blocks.

        With q = t - c l / 2 and r the inverse length afterwards: |z_a'|^2 = |z_a|^2 - 2 c_a q_a, and the cosine is
        r_a r_b z_a . z_b - (c_a r_a) (q_b r_b) - (c_b r_b) (q_a r_a).
        """
        n_clusters, n, n_latents = self.coefficients[part].shape
        c, t = self.coefficients[part].flatten(0, 1), self.projections[part].flatten(0, 1)
        squares = self.squares[part].reshape(-1, 1)
        q = torch.addcmul(t, c, self.lengths, value=-0.5)
        inverse = _inverse_lengths(torch.addcmul(squares, c, q, value=-2), squares, self.rounding)
        u, v = c * inverse, q.mul_(inverse)
        first = torch.arange(0, n_clusters * n, n, device=c.device)
        n_pairs = self.pairs.shape[1]
        step = max(1, cached // (8 * n_latents * n_clusters))
        for start in range(0, n_pairs, step):
            block = slice(start, start + step)
            a, b = (self.pairs[part, block] + first[:, None, None]).view(-1, 2).T.contiguous()
            dots = self.dots[part, block].reshape(-1, 1)
            after = inverse.index_select(0, a).mul_(inverse.index_select(0, b)).mul_(dots)
            after.addcmul_(u.index_select(0, a), v.index_select(0, b), value=-1)
            after.addcmul_(u.index_select(0, b), v.index_select(0, a), value=-1)
            change = after.clamp_(-1, 1).sub_(before[:, block].reshape(-1, 1)).abs_()
            torch.threshold_(change, _NO_CHANGE, 0.0)
            total += change.view(n_clusters, -1, n_latents).sum(dim=1)


def cosines(
    dots: torch.Tensor, squares: torch.Tensor, before: torch.Tensor, pairs: torch.Tensor, rounding: float
) -> torch.Tensor:
    """(K, p) cosines from dots (K, p), squared lengths (K, n) and the lengths before a removal; pairs (K, p, 2).

    0 with a report of which nothing is left.
    """
    inverse = _inverse_lengths(squares.clone(), before, rounding)
    a, b = inverse.gather(1, pairs[..., 0]), inverse.gather(1, pairs[..., 1])
    return a.mul_(b).mul_(dots).clamp_(-1, 1)


def mean_change(after: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """(K,) mean absolute change of cosines (K, p)."""
    return torch.threshold_((after - before).abs_(), _NO_CHANGE, 0.0).mean(dim=1)


def _inverse_lengths(squares: torch.Tensor, before: torch.Tensor, rounding: float) -> torch.Tensor:
    """1 / length in place of the squared lengths, 0 where nothing is left."""
    gone = squares <= rounding * before
    return squares.clamp_min_(1e-300).rsqrt_().masked_fill_(gone, 0.0)
