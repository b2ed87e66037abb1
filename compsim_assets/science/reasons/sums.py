"""Contributions summed over groups of latents, for many pairs of one year, as products of reports with reports."""

import numpy as np
import torch


class GroupSums:
    """Sums of the contributions c_j of each group of latents, for some pairs of n reports, over blocks of latents.

    The sum over a group is half of u_a . v_b + v_a . u_b over its latents: one (n, n) product per group and block, of
    which the pairs are picked. No latent of a pair is ever listed.

    Args:
        group: (D,) numbers of groups, 0 to n_groups - 1; -1: the latent is in none.
        a, b: (m,) positions of the pairs' reports, a ascending.
        n: reports.
        itself: whether the sums of each report with itself are made too.
        product_bytes: of the product that is held at once.

    Cost: n^2 D multiply-adds; memory (m + n) n_groups numbers and two copies of a block's u and v.
    """

    def __init__(
        self,
        group: np.ndarray,
        n_groups: int,
        a: np.ndarray,
        b: np.ndarray,
        n: int,
        *,
        dtype: torch.dtype,
        device: str = "cpu",
        itself: bool = False,
        product_bytes: int = 1 << 27,
    ) -> None:
        self._group, self._n, self._itself = group, n, itself
        self._step = max(1, product_bytes // (8 * max(n, 1)))
        by_b = np.argsort(b, kind="stable")
        # First ends by rows of the product, second ends by rows, too: where the latter belong is `_back`.
        self._ends = [(a, b), (b[by_b], a[by_b])]
        self._back = torch.from_numpy(np.argsort(by_b, kind="stable")).to(device)
        self.pairs = torch.zeros(len(a), n_groups, dtype=dtype, device=device)
        self.reports = torch.zeros(n if itself else 0, n_groups, dtype=dtype, device=device)

    def add(self, latents: slice, u: torch.Tensor, v: torch.Tensor) -> None:
        """Add the block of these latents: u, v (n, b)."""
        group = self._group[latents]
        order = np.argsort(group, kind="stable")
        numbers, starts = np.unique(group[order], return_index=True)
        where = torch.from_numpy(order).to(u.device)
        u, v = u.index_select(1, where), v.index_select(1, where)
        for number, first, last in zip(numbers.tolist(), starts, [*starts[1:], len(order)], strict=True):
            if number < 0:
                continue
            inside_u, inside_v = u[:, first:last], v[:, first:last]
            if len(self.pairs):
                self.pairs[:, number] += self._of_pairs(inside_u, inside_v)
            if self._itself:
                self.reports[:, number] += torch.einsum("nb,nb->n", inside_u, inside_v)

    def _of_pairs(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """(m,) half of u_a . v_b + v_a . u_b."""
        sums: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
        for start in range(0, self._n, self._step):
            stop = min(start + self._step, self._n)
            product = (u[start:stop] @ v.T).view(-1)
            for (rows, columns), parts in zip(self._ends, sums, strict=True):
                inside = slice(*np.searchsorted(rows, [start, stop]))
                at = (rows[inside] - start) * self._n + columns[inside]
                parts.append(product.index_select(0, torch.from_numpy(at).to(product.device)))
        first, second = map(torch.cat, sums)
        return (first + second[self._back]) / 2
