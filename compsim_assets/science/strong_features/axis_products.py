"""Products with the candidates' principal axes: projections of reports, and what removed latents have in common."""

from dataclasses import dataclass

import torch

# After a removal a report may have nothing left but rounding: below this share of its former squared length it is
# zero. The first fits products in float64 (of float32 scores), the second products in float32.
FLOAT64_ROUNDING = 1e-12
FLOAT32_ROUNDING = 1e-6
# Gram entries copied at once where each cluster needs others.
_GATHERED = 1 << 21


@dataclass(frozen=True)
class AxisProducts:
    """The axes W_j of J candidate latents and their products.

    axes: (J, P) in the precision of the large products.
    gram: (J, J) float64 W_i . W_j, or None where it costs more than the products that need it.
    lengths: (J,) float64 |W_j|^2.
    """

    axes: torch.Tensor
    gram: torch.Tensor | None
    lengths: torch.Tensor

    @classmethod
    def of(cls, axes: torch.Tensor, products: torch.dtype, n_reports: int) -> "AxisProducts":
        """Products of `axes` (J, P), in float32 or float64, for `n_reports` reports in all.

        The Gram matrix, J^2 P multiply-adds, is made where it is the cheaper way: without it each report costs about
        2 J P more than J^2. Memory O(J P + J^2).
        """
        axes = axes.to(products)
        gram = (axes @ axes.T).double() if 4 * n_reports >= len(axes) else None
        lengths = gram.diagonal() if gram is not None else axes.square().sum(dim=1).double()
        return cls(axes, gram, lengths)

    @property
    def rounding(self) -> float:
        """Share of a report's former squared length below which nothing is left of it."""
        return FLOAT64_ROUNDING if self.axes.dtype == torch.float64 else FLOAT32_ROUNDING

    def project(self, scores: torch.Tensor) -> torch.Tensor:
        """(n, J) float64 z_a . W_j of scores (n, P)."""
        return (scores.to(self.axes.dtype) @ self.axes.T).double()

    def spread(self, coefficients: torch.Tensor) -> torch.Tensor:
        """(n, J) float64 (sum_i c_ai W_i) . W_j of coefficients (n, J)."""
        if self.gram is not None:
            return coefficients @ self.gram
        return self.project(coefficients.to(self.axes.dtype) @ self.axes)

    def spread_of_removed(self, coefficients: torch.Tensor, removed: torch.Tensor, onto: torch.Tensor) -> torch.Tensor:
        """Products of a few latents with a few others, different ones in each of K clusters.

        Args:
            coefficients: (K, n, m) of the latents `removed`.
            removed: (K, m) candidates. onto: (K, d) candidates.

        Returns:
            (K, n, d) sum over the m removed latents of c_ai W_i . W_j for the d others.

        Cost: O(K m (n + d)) time with the Gram matrix, O(K n (m + d) P) without; memory O(K n d) and a constant, or one
        cluster's m d (or (m + d) P) numbers where that is more.
        """
        (n_clusters, m), d = removed.shape, onto.shape[1]
        each = m * d if self.gram is not None else (m + d) * self.axes.shape[1]
        at_once = max(1, _GATHERED // max(each, 1))
        parts = [
            self._spread_of_removed(coefficients[part], removed[part], onto[part])
            for part in (slice(k, k + at_once) for k in range(0, n_clusters, at_once))
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _spread_of_removed(self, coefficients: torch.Tensor, removed: torch.Tensor, onto: torch.Tensor) -> torch.Tensor:
        if self.gram is not None:
            where = removed[:, :, None] * len(self.gram) + onto[:, None, :]
            return coefficients @ self.gram.view(-1).index_select(0, where.view(-1)).view_as(where)
        moved = coefficients.to(self.axes.dtype) @ self.axes[removed]
        return (moved @ self.axes[onto].mT).double()
