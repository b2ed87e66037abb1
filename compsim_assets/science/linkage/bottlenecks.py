"""The longest edge on the path between two points of a spanning tree, for many pairs at once."""

import numpy as np
import torch

from compsim_assets.science.linkage.dendrogram import range_maxima


class Bottlenecks:
    """The longest edge on the path between two points of a spanning tree: the largest gap between their leaves.

    Args:
        order: (n,) points in the order of the leaves.
        gap: (n - 1,) what neighbours in that order are joined by, ascending as the merges are.

    Cost: O(n log n) to make, 8 n log2(n) bytes; O(1) per pair.
    """

    def __init__(self, order: np.ndarray, gap: np.ndarray, device: torch.device) -> None:
        self._position = torch.from_numpy(np.argsort(order)).to(device)
        self._n_gaps, self._table = len(gap), torch.from_numpy(range_maxima(gap)).flatten().to(device)
        to_first = np.zeros(len(order))
        to_first[order[1:]] = np.maximum.accumulate(gap)
        self.to_first = torch.from_numpy(to_first).to(device)

    def between(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """(m,) bottlenecks of the pairs of different points a, b. Never above the larger of their `to_first`."""
        low, high = self._position[a], self._position[b]
        low, high = torch.minimum(low, high), torch.maximum(low, high)
        level = torch.frexp((high - low).double()).exponent.long() - 1
        row = level * self._n_gaps
        return torch.maximum(self._table[row + low], self._table[row + high - (1 << level)])
