"""Cosine distances between all reports of one year, listed."""

from functools import partial
from queue import Empty, SimpleQueue

import numpy as np
import torch

from compsim_assets.science.device import map_on_all_cores


def unit_rows(scores: np.ndarray) -> np.ndarray:
    """Scale rows to length one in float64; a zero row stays zero, so its cosine with everything is zero."""
    rows = np.array(scores, dtype=np.float64)
    _normalise(torch.from_numpy(rows))
    return rows


def _normalise(rows: torch.Tensor) -> None:
    length = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    rows.div_(length.masked_fill_(length == 0, 1.0))


class YearDistances:
    """Cosine distances 1 - cos of all pairs of rows, one year after another in the same memory.

    Fresh memory would cost more than it holds: every page of it is zeroed before its first use.

    Float64 throughout: a cutoff decides by comparison, and a float32 product would move edges that lie within 1e-7 of
    it. A CPU's threads take whole panels: threads that share a small product share its sums, and every number of them
    rounds in its own way.

    Args:
        device: torch device of the products.
        panel: rows of the square of products that are computed at once.

    Cost of a year: n^2 P / 2 multiply-adds, for the upper half in panels of rows. Memory, for the largest year: 8 n P
    bytes of unit rows, 4 n^2 of distances, 8 n `panel` of products for each thread.
    """

    def __init__(self, device: str = "cpu", panel: int = 256) -> None:
        self._device, self._rows = torch.device(device), panel
        self._unit = torch.empty(0, dtype=torch.float64, device=self._device)
        self._panels: SimpleQueue[torch.Tensor] = SimpleQueue()
        self._condensed = np.empty(0)

    def of(self, scores: np.ndarray) -> np.ndarray:
        """(n (n - 1) / 2,) distances of the rows of (n, P) scores in `pdist` order, valid until the next call."""
        n, n_axes = scores.shape
        self._unit = _at_least(self._unit, n * n_axes)
        unit = self._unit[: n * n_axes].view(n, n_axes)
        unit.copy_(torch.from_numpy(np.require(scores, requirements=("C", "W"))))
        _normalise(unit)
        if len(self._condensed) < n * (n - 1) // 2:
            self._condensed = np.empty(n * (n - 1) // 2)
        condensed = self._condensed[: n * (n - 1) // 2]
        fill = partial(self._fill, condensed, unit)
        list(map_on_all_cores(fill, range(0, n, self._rows), device=self._device))
        return condensed

    def _fill(self, condensed: np.ndarray, unit: torch.Tensor, start: int) -> None:
        """Distances of a panel of rows, from `start` on, to all later rows."""
        n, stop = len(unit), min(start + self._rows, len(unit))
        try:
            free = self._panels.get_nowait()
        except Empty:
            free = self._unit[:0]
        memory = _at_least(free, (stop - start) * (n - start))
        panel = memory[: (stop - start) * (n - start)].view(stop - start, n - start)
        torch.mm(unit[start:stop], unit[start:].T, out=panel)
        cosines = panel.neg_().add_(1.0).clamp_(0.0, 2.0).cpu().numpy()
        filled = start * n - start * (start + 1) // 2
        for row, distances in enumerate(cosines):
            size = n - start - row - 1
            condensed[filled : filled + size] = distances[row + 1 :]
            filled += size
        self._panels.put(memory)


def _at_least(pool: torch.Tensor, size: int) -> torch.Tensor:
    return pool if len(pool) >= size else torch.empty(size, dtype=pool.dtype, device=pool.device)
