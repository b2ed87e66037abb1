"""The latents that speak most for a pair and most against it, found while blocks of latents go by."""

import numpy as np
import torch

from compsim_assets.science.device import map_on_all_cores

# Contributions whose largest one is looked at first: only the strips that can hold one of the largest are looked into.
_STRIP = 32


class TopLatents:
    """The `most_for` largest and `most_against` smallest contributions of each of m pairs, over blocks of latents.

    Args:
        a, b: (m,) positions of the pairs' reports.
        cached: bytes of the contributions held at once.

    Cost: about a dozen passes over m D numbers that stay in the processor's cache; memory O(m).
    """

    def __init__(
        self,
        a: np.ndarray,
        b: np.ndarray,
        *,
        most_for: int,
        most_against: int,
        dtype: torch.dtype,
        device: str = "cpu",
        cached: int = 1 << 21,
    ) -> None:
        self._a, self._b = (torch.from_numpy(np.ascontiguousarray(ends)).to(device) for ends in (a, b))
        self._cached = cached
        self._best = [_Best(len(a), most, sign, dtype, device) for most, sign in ((most_for, 1), (most_against, -1))]

    def add(self, latents: slice, u: torch.Tensor, v: torch.Tensor) -> None:
        """Look at the block of these latents: u, v (n, b)."""
        step = max(1, self._cached // (u.element_size() * u.shape[1]))

        def look(start: int) -> None:
            pairs = slice(start, start + step)
            a, b = self._a[pairs], self._b[pairs]
            values = u.index_select(0, a).mul_(v.index_select(0, b))
            values.addcmul_(v.index_select(0, a), u.index_select(0, b))
            for best in self._best:
                best.update(pairs, values, latents.start)

        list(map_on_all_cores(look, range(0, len(self._a), step), device=u.device))

    def result(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Latents and contributions for, and against: (m, most) each, the strongest first; -1 and 0 where fewer than
        so many are positive, or negative.
        """
        speaking_for, against = (best.ranked() for best in self._best)
        return speaking_for, against


class _Best:
    """The largest values so far, times `sign`."""

    def __init__(self, m: int, most: int, sign: int, dtype: torch.dtype, device: str) -> None:
        self._sign = sign
        self._values = torch.zeros(m, most, dtype=dtype, device=device)
        self._latents = torch.full((m, most), -1, dtype=torch.int64, device=device)

    def update(self, pairs: slice, values: torch.Tensor, first: int) -> None:
        """Let half of the values (k, b) of latents from `first` on compete for the places of these pairs."""
        most = self._values.shape[1]
        where = self._candidates(values, most)
        latents = torch.cat([self._latents[pairs], where + first], dim=1)
        every = torch.cat([self._values[pairs], values.gather(1, where) * (self._sign / 2)], dim=1)
        best = every.topk(most, dim=1)
        # A contribution of 0 speaks neither for nor against: such places stay empty.
        self._values[pairs] = best.values.clamp_min(0)
        self._latents[pairs] = latents.gather(1, best.indices).masked_fill(best.values <= 0, -1)

    def _candidates(self, values: torch.Tensor, most: int) -> torch.Tensor:
        """(k, c) columns among which each row's `most` largest are."""
        n_rows, width = values.shape
        n_strips = width // _STRIP
        rest = torch.arange(n_strips * _STRIP, width, device=values.device).expand(n_rows, -1)
        if n_strips == 0:
            return rest
        # Strip s has the columns s, s + n_strips, ...: its largest one is found by comparing whole rows.
        strips = values[:, : n_strips * _STRIP].view(n_rows, _STRIP, n_strips)
        highest = strips.amax(dim=1) if self._sign > 0 else strips.amin(dim=1).neg_()
        best = highest.topk(min(most, n_strips), dim=1, sorted=False).indices
        inside = best[:, :, None] + n_strips * torch.arange(_STRIP, device=values.device)
        return torch.cat([inside.flatten(1), rest], dim=1)

    def ranked(self) -> tuple[np.ndarray, np.ndarray]:
        """Strongest first, of equal ones the first latent."""
        values, latents = self._values.cpu().numpy(), self._latents.cpu().numpy()
        order = np.lexsort((latents, -values), axis=1)
        values, latents = (np.take_along_axis(array, order, axis=1) for array in (values, latents))
        return latents, values * self._sign
