"""Contributions summed over groups of latents, for many pairs of one year, as products of reports with reports."""

import numpy as np
import torch

from compsim_assets.science.device import map_on_all_cores


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
        self._group, self._itself = group, itself
        by_b = np.argsort(b, kind="stable")
        # First ends by rows of the product, second ends by rows, too: where the latter belong is `_back`.
        self._back = torch.from_numpy(np.argsort(by_b, kind="stable")).to(device)
        self._parts = []
        step = max(1, product_bytes // (8 * max(n, 1)))
        for start in range(0, n, step):
            stop, picked = min(start + step, n), []
            for rows, columns in ((a, b), (b[by_b], a[by_b])):
                inside = slice(*np.searchsorted(rows, [start, stop]))
                picked.append(torch.from_numpy((rows[inside] - start) * n + columns[inside]).to(device))
            self._parts.append((slice(start, stop), picked))
        self.pairs = torch.zeros(n_groups, len(a), dtype=dtype, device=device)
        self.reports = torch.zeros(n_groups, n if itself else 0, dtype=dtype, device=device)

    def add(self, latents: slice, u: torch.Tensor, v: torch.Tensor) -> None:
        """Add the block of these latents: u, v (n, b)."""
        group = self._group[latents]
        order = np.argsort(group, kind="stable")
        order = order[np.searchsorted(group[order], 0) :]  # of the latents that are in a group
        if len(order) == 0:
            return
        numbers, starts = np.unique(group[order], return_index=True)
        u, v = map_on_all_cores(_columns, (u, v), (order, order), device=u.device)

        def of_group(number: int, first: int, last: int) -> None:
            inside_u, inside_v = u[:, first:last], v[:, first:last]
            if len(self._back):
                self.pairs[number] += self._of_pairs(inside_u, inside_v)
            if self._itself:
                self.reports[number] += torch.einsum("nb,nb->n", inside_u, inside_v)

        jobs = numbers.tolist(), starts.tolist(), [*starts[1:].tolist(), len(order)]
        list(map_on_all_cores(of_group, *jobs, device=u.device))

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """(m, n_groups) and (n, n_groups) float64."""
        pairs, reports = (np.ascontiguousarray(sums.double().cpu().numpy().T) for sums in (self.pairs, self.reports))
        return pairs, reports

    def _of_pairs(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """(m,) half of u_a . v_b + v_a . u_b."""
        sums: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
        for rows, picked in self._parts:
            product = (u[rows] @ v.T).view(-1)
            for at, parts in zip(picked, sums, strict=True):
                parts.append(product.index_select(0, at))
        first, second = map(torch.cat, sums)
        return (first + second[self._back]) / 2


def _columns(values: torch.Tensor, order: np.ndarray) -> torch.Tensor:
    """(n, len(order)) these columns, in this order; numpy takes them in half of the time of torch on a CPU."""
    if values.device.type != "cpu":
        return values.index_select(1, torch.from_numpy(order).to(values.device))
    # Told to clip it writes at once where it is to; every position is valid.
    out = np.empty((len(values), len(order)), dtype=values.numpy().dtype)
    return torch.from_numpy(np.take(values.numpy(), order, axis=1, out=out, mode="clip"))
