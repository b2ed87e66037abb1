"""How sure a peer is: whether it stays among the nearest where other latents are drawn (method section 8)."""

import zlib
from collections.abc import Sequence

import numpy as np
import torch

from compsim_assets.science.device import map_on_all_cores

N_GROUPS, N_DRAWS, N_NEAREST = 256, 1000, 10
# Cosines of a draw that differ by less are equal, as those of identical reports are.
_EQUAL = {torch.float32: 1e-6, torch.float64: 1e-12}


def _generator(name: str, *key: int) -> np.random.Generator:
    """Draws by name: the same in every process, whatever else has been drawn."""
    return np.random.default_rng([zlib.crc32(name.encode()), *key])


def random_groups(n_latents: int, n_groups: int = N_GROUPS) -> np.ndarray:
    """(D,) numbers of groups of equal size, latents at random: the units that are drawn."""
    count = min(n_groups, n_latents)
    return (_generator("groups of latents").permutation(n_latents) % max(count, 1)).astype(np.int64)


def draw_groups(n_groups: int, n_draws: int, key: Sequence[int]) -> np.ndarray:
    """(n_groups, n_draws) float64: how often each group is drawn, half as many as there are, with replacement.

    Half, since both vary: the latents that the peers are ranked by, and those of a fresh draw. As many draws as there
    are groups would say how sure the ranking of all conceivable latents is; a fresh draw of latents differs from this
    one by twice the variance, and half the draws have twice the variance. Simulated, a peer that full draws call 90 %
    sure stays in 82 % of fresh draws of latents, and with half of them in 90 %.
    """
    count = max(1, round(n_groups / 2))
    generator = _generator("draws of latents", *key)
    return generator.multinomial(count, np.full(n_groups, 1 / n_groups), n_draws).T.astype(np.float64)


def stays_near(
    pair_sums: np.ndarray,
    report_sums: np.ndarray,
    pair: np.ndarray,
    peer: np.ndarray,
    drawn: np.ndarray,
    *,
    nearest: int = N_NEAREST,
    device: str = "cpu",
    block_bytes: int = 1 << 25,
    dtype: torch.dtype = torch.float32,
) -> np.ndarray:
    """Share of the draws in which a peer is among the `nearest` of its list, or in the nearer half of a list of fewer
    than twice as many; equal cosines are equally near.

    With weights w, the cosine of a and b is sum w_g S_abg / sqrt(sum w_g S_aag . sum w_g S_bbg); the sum of a itself
    does not change the order. A peer whose own sum is not positive in a draw is near nobody there.

    Args:
        pair_sums: (m, G) sums of contributions over groups of latents, of pairs. report_sums: (n, G) of each report
            with itself.
        pair: (r, k) pair of each report's peers, -1 where it has fewer. peer: (r, k) positions of the peers.
        drawn: (G, draws) weights.

    Returns:
        (r, k) shares, NaN where there is no peer.

    Cost: r k G draws multiply-adds; memory `block_bytes` for each core.
    """
    weights = torch.from_numpy(drawn).to(device, dtype)
    sums, alone = (torch.from_numpy(values).to(device, dtype) for values in (pair_sums, report_sums))
    length = alone @ weights
    # A factor that is not a number would be the largest of all: such a cosine is set apart below.
    inverse, undefined = length.clamp_min(1e-30).rsqrt_(), length <= 0
    shares = np.full(pair.shape, np.nan)
    listed = (pair >= 0).sum(axis=1)
    order = np.argsort(listed, kind="stable")
    step = max(1, block_bytes // (weights.element_size() * 4 * max(pair.shape[1], 1) * weights.shape[1]))
    # Of a list of fewer than twenty the nearer half: all of ten would always be among the ten nearest.
    counts = np.minimum(nearest, (listed[order] + 1) // 2)
    alike = np.split(order, np.flatnonzero(np.diff(counts)) + 1)
    blocks = [rows[start : start + step] for rows in alike for start in range(0, len(rows), step)]

    def of_block(rows: np.ndarray) -> None:
        count = int(min(nearest, (listed[rows[0]] + 1) // 2))
        # Lists of nearly one length: no more places than the longest of them has.
        k = int(listed[rows].max(initial=0))
        where, to = (torch.from_numpy(np.maximum(of[rows, :k], 0)).to(device) for of in (pair, peer))
        missing = torch.from_numpy(pair[rows, :k] < 0).to(device)
        cosine = (sums[where] @ weights).mul_(inverse[to])
        if bool(missing.any()) or bool(undefined.any()):
            cosine.masked_fill_(missing[:, :, None] | undefined[to], -torch.inf)
        near = cosine > -torch.inf
        if k > count > 0:
            last = _nth_largest(cosine, count)
            near &= cosine >= last - _EQUAL[dtype] * last.abs()
        share = near.sum(dim=2).double() / weights.shape[1]
        shares[rows, :k] = share.masked_fill_(missing, torch.nan).cpu().numpy()

    list(map_on_all_cores(of_block, blocks, device=weights.device))
    return shares


def _nth_largest(values: torch.Tensor, n: int) -> torch.Tensor:
    """(b, 1, draws) of (b, k, draws); on a CPU numpy selects several times faster than torch."""
    if values.device.type != "cpu":
        return values.topk(n, dim=1).values[:, -1:]
    place = values.shape[1] - n
    ordered = np.ascontiguousarray(values.numpy().swapaxes(1, 2))
    ordered.partition(place, axis=2)
    return torch.from_numpy(ordered[:, :, place].copy())[:, None]
