"""Rows of W for a few latents, from the scores, where the whole of W was never made (method section 2)."""

import numpy as np
import torch


class AxesFromScores:
    """W_j = (1 / lambda) sum over the reports r of ((x_rj - mean_j) / s_j) z_r, for J latents, reports in blocks.

    `add` every report of the PCA's sample once (identical reports each), then ask for `axes`. Sums over disjoint sets
    of reports may be added up: `total` is what has been summed so far.

    Args:
        mean, scale: (J,) of these latents.
        device: torch device of the products.

    Cost: n J P multiply-adds in float64. Memory O(block (J + P) + J P).
    """

    def __init__(self, mean: np.ndarray, scale: np.ndarray, n_axes: int, device: torch.device):
        self.mean = torch.from_numpy(mean).to(device).double()
        self.scale = torch.from_numpy(scale).to(device).double()
        self.total = torch.zeros(len(mean), n_axes, dtype=torch.float64, device=device)

    def add(self, features: np.ndarray, scores: np.ndarray) -> None:
        """(b, J) features and (b, P) scores of the same reports."""
        standardised = torch.from_numpy(features).to(self.total.device).double()
        standardised.sub_(self.mean).div_(self.scale)
        self.total.addmm_(standardised.T, torch.from_numpy(scores).to(self.total.device).double())

    def axes(self, explained_variance: np.ndarray, n_reports: int) -> torch.Tensor:
        """(J, P) float64 rows W_j, given the PCA's eigenvalues (P,) and its number of reports."""
        eigenvalues = torch.from_numpy(explained_variance).to(self.total) * (n_reports - 1)
        return self.total / eigenvalues
