"""Edges for a first spanning tree of a year: those that need no search, and each point to the nearest of a few."""

from hashlib import blake2b

import numpy as np
import torch

from compsim_assets.science.linkage.spanning_tree import Edges, edges, joined
from compsim_assets.science.linkage.unit_blocks import Block, UnitBlocks, pair_cosines

# More seeds cost more products, fewer let more pairs through the first filter: one in 16 points, an eighth of the
# products of all pairs, and no more than 512.
_MAX_SEEDS, _POINTS_A_SEED = 512, 16


def free_edges(rows: UnitBlocks) -> tuple[Edges, np.ndarray]:
    """Edges of zero rows and of copies, and which points (n,) bool need no other edge.

    A zero row is at distance 1 from every point. A copy of an earlier row is at distance 0 from that one, so none of
    its other edges shortens a tree. Left to the search, groups of copies would pass every filter that has a margin.

    Cost: O(n P) to hash the rows; 16 bytes per row.
    """
    n = len(rows)
    seen: dict[bytes, int] = {}
    earlier = np.array(
        [
            seen.setdefault(blake2b(row.tobytes(), digest_size=16).digest(), position)
            for position, row in enumerate(rows.host)
        ],
        dtype=np.int64,
    )
    copies = np.flatnonzero((earlier != np.arange(n)) & ~rows.is_zero)
    settled = rows.is_zero.copy()
    settled[copies] = True
    free = [edges(copies, earlier[copies], np.zeros(len(copies)))]
    for hub in np.flatnonzero(rows.is_zero)[:1]:
        others = np.delete(np.arange(n), hub)
        free.append(edges(np.full(n - 1, hub), others, np.ones(n - 1)))
    return joined(free), settled


def seed_edges(rows: UnitBlocks, size: int) -> Edges:
    """Edges from each point to the nearest of some drawn points, the seeds, and all edges among the seeds.

    Cost: n s P multiply-adds in float32 with s <= 512 seeds; memory s (16 P + 4 size) bytes.
    """
    n = len(rows)
    n_seeds = min(_MAX_SEEDS, 1 + n // _POINTS_A_SEED)
    positions = np.sort(np.random.default_rng(0).permutation(n)[:n_seeds])
    seeds = rows.pick(positions)
    unit = seeds.double()
    a, b = np.triu_indices(len(positions), k=1)
    among = _distances(unit @ unit.T)[a, b]
    parts = [edges(positions[a], positions[b], among)]
    for start in range(0, n, size):
        block = rows.block(start, min(start + size, n))
        nearest, distance = _nearest(seeds, positions, block)
        points = np.arange(start, start + len(block))
        # A year's only seed has itself left.
        apart = positions[nearest] != points
        parts.append(edges(positions[nearest], points, distance).at(apart))
    return joined(parts)


def _nearest(seeds: Block, positions: np.ndarray, block: Block) -> tuple[np.ndarray, np.ndarray]:
    """The seed next to each of a block's points, not the point itself, and the distance."""
    product = block.single @ seeds.single.T
    inside = np.flatnonzero((positions >= block.start) & (positions < block.start + len(block)))
    product[torch.from_numpy(positions[inside] - block.start), torch.from_numpy(inside)] = -np.inf
    nearest = product.argmax(dim=1)
    every = torch.arange(len(block), device=nearest.device)
    return nearest.cpu().numpy(), _distances(pair_cosines(seeds, block, nearest, every))


def _distances(cosine: torch.Tensor) -> np.ndarray:
    distance: np.ndarray = (1.0 - cosine).clamp_(0.0, 2.0).cpu().numpy()
    return distance
