"""Latents that say nearly the same: the nearest decoder directions."""

from collections.abc import Callable

import numpy as np
import torch

_BLOCK_BYTES = 256 * 2**20


def twins(
    directions: torch.Tensor, device: str = "cpu", progress: Callable[[int, int], None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(D,) int64 latent whose direction has the largest cosine with each one's, and (D,) float64 cosines.

    -1 and NaN for a direction of length zero, and where there is no other. Of equal cosines the lower latent.

    Args:
        directions: (D, width), any dtype.
        device: where to compute.

    Cost: D^2 width multiply-adds in float32, and the winners' cosines again in float64. Memory: the directions twice,
    and a block of D float32 rows of 256 MiB at most.
    """
    n = len(directions)
    nearest, cosine = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
    length = torch.linalg.vector_norm(directions.double(), dim=1)
    there = (length > 0).numpy()
    if there.sum() < 2:
        return nearest, cosine
    unit = (directions / length.clamp_min(torch.finfo(torch.float64).tiny)[:, None]).float().to(device)
    zero = torch.from_numpy(~there).to(device)
    rows = max(1, _BLOCK_BYTES // (4 * n))
    for start in range(0, n, rows):
        block = unit[start : start + rows] @ unit.T
        here = torch.arange(len(block), device=device)
        block[here, start + here] = -torch.inf
        block[:, zero] = -torch.inf
        # A maximum over equal values may be any of them; the first one is told by its place.
        first = (block == block.max(dim=1, keepdim=True).values).to(torch.uint8).argmax(dim=1)
        nearest[start : start + len(block)] = first.cpu().numpy()
        if progress:
            progress(min(start + rows, n), n)
    nearest[~there] = -1
    exact = unit.cpu().double().numpy()
    for start in range(0, n, rows):
        some = np.arange(start, min(start + rows, n))[there[start : start + rows]]
        cosine[some] = np.clip((exact[some] * exact[nearest[some]]).sum(axis=1), -1.0, 1.0)
    return nearest, cosine
