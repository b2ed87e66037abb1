"""Single linkage of a year whose n^2 distances do not fit: one pass over tiles of the cosines, a spanning tree kept.

A pair can shorten the tree only if it is closer than its bottleneck, the longest edge on the path between its two
points. So the tree of what has been seen is a filter for what comes: nearly every pair falls through it, and the few
that stay are merged into the tree. Tiles are float32 products with a bound on their error; what stays is computed again
in float64. The tree of all pairs is the tree of the trees of parts of the tiles, so processes can share the tiles out.

Tree and moments have the same bits for any number of shares and of threads: what depends on the tiles seen before only
sorts out, and never rounds. (Of two clusters that several pairs join at one distance, which differs by rounding, any of
these may be in the tree: the last digit of such a distance is not settled. Copies and rows of zeros are.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from compsim_assets.science.device import share_out
from compsim_assets.science.linkage.bottlenecks import Bottlenecks
from compsim_assets.science.linkage.dendrogram import Dendrogram, leaves
from compsim_assets.science.linkage.first_tree import free_edges, seed_edges
from compsim_assets.science.linkage.scale import Moments
from compsim_assets.science.linkage.spanning_tree import (
    Edges,
    dendrogram,
    edges,
    joined,
    minimum_spanning_tree,
    with_settled_ties,
)
from compsim_assets.science.linkage.unit_blocks import Block, UnitBlocks, mean_cosine, pair_cosines, products
from compsim_assets.science.ties import TIE

# Rows of a tile: large enough for the product's full speed, small enough for a CPU's tile to stay near its caches.
BLOCK = {"cpu": 1024, "cuda": 4096}
# Where more than one pair in so many stays in a tile, a float64 product of the tile costs less than the pairs.
_DENSE_TILE = 64
# Below this deviation of a tile's cosines the errors of float32 (3e-8, and independent) would be seen in the scale.
_COARSE_DEVIATION = 1e-3
# Exact ties differ by the rounding of float64: an edge must be this much shorter to count as shorter.
_SHORTER = TIE / 10


@dataclass(frozen=True)
class PartialTree:
    """What one share of the tiles knows: a spanning tree of all points, number and moments of its pairs.

    `mean` is the mean cosine of all pairs, whoever's they are; `squares` (tiles,) each tile's sum of squared deviations
    from it, 0 for other shares' tiles. `seen` counts pairs that were computed again in float64, `merges` how often the
    tree was made anew.
    """

    n_points: int
    tree: Edges
    mean: float
    n_pairs: int
    squares: np.ndarray
    seen: int = 0
    merges: int = 0


def blocked_linkage(
    scores: np.ndarray,
    device: str = "cpu",
    block: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Dendrogram, Moments]:
    """Single linkage of all rows by cosine distance, and the moments of the distances.

    Args:
        scores: (n, P), any float type.
        device: torch device of the products.
        block: rows of a tile.
        progress: called with (tiles done, tiles in all) after each tile.

    Cost: n^2 P / 2 multiply-adds in float32 and about 3 n log(n) pairs in float64; memory 4 n P bytes beside the
    scores, 12 block^2 (100 block^2 for a tile of ties), and about 1 kB per point. Growth and seconds:
    `benchmarks.jobs.linkage`. The deviation comes from float32 products, whose errors average out over the pairs (1e-9
    of it at paper scale; 2e-7 where all rows round alike).
    """
    return merge_shares([spanning_tree_of_share(scores, device, block=block, progress=progress)])


def merge_shares(parts: Sequence[PartialTree]) -> tuple[Dendrogram, Moments]:
    """Single linkage and moments of all pairs from the trees of all k shares, in any order. Cost: O(k n log(k n))."""
    n = parts[0].n_points
    tree = minimum_spanning_tree(n, joined([part.tree for part in parts]))
    # A tile is of one share: nothing is rounded before all tiles are added up, in their order.
    squares = np.cumsum(np.sum([part.squares for part in parts], axis=0))
    moments = Moments(sum(part.n_pairs for part in parts), 1.0 - parts[0].mean, float(squares[-1]))
    return dendrogram(n, with_settled_ties(n, tree)), moments


def spanning_tree_of_share(
    scores: np.ndarray,
    device: str = "cpu",
    *,
    share: int = 0,
    n_shares: int = 1,
    block: int | None = None,
    resident: bool | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PartialTree:
    """A minimum spanning tree of the pairs in one share of the tiles (and of some others).

    Args:
        scores: (n, P), the same in every share.
        device: torch device of the products.
        share, n_shares: which part of the tiles; parts have equal areas to within a tile.
        block: rows of a tile, `BLOCK` by default.
        resident: keep all rows on the device; by default where they fit.
        progress: called with (tiles done, tiles in all) after each tile.

    Cost: that of `blocked_linkage` / n_shares, and at most 512 n P multiply-adds in each share.
    """
    where = torch.device(device)
    rows = UnitBlocks(scores, where, resident)
    size = block or BLOCK[where.type]
    if len(rows) < 2:
        return PartialTree(len(rows), joined([]), mean=1.0, n_pairs=0, squares=np.zeros(1))
    mean = mean_cosine(rows, size)
    free, settled = free_edges(rows)
    growing = _GrowingTree(rows, joined([free, seed_edges(rows, size)]), settled)
    n, pairs = len(rows), 0
    out = torch.empty(min(size, n) ** 2, dtype=torch.float32, device=where)
    tiles = _tiles(n, size)
    areas = [min(size, n - start) * min(size, n - other) for start, other in tiles]
    mine, squares = share_out(areas, n_shares)[share], np.zeros(len(tiles))
    left: Block | None = None
    for done, tile in enumerate(mine, start=1):
        start, other = tiles[tile]
        if left is None or left.start != start:
            left = rows.block(start, min(start + size, n))
        right = left if other == start else rows.block(other, min(other + size, n))
        squares[tile] = _work_off(growing, left, right, mean, out)
        pairs += len(left) * (len(left) - 1) // 2 if left is right else len(left) * len(right)
        if progress is not None:
            progress(done, len(mine))
    growing.merge()
    return PartialTree(
        n, growing.exactly(), mean=mean, n_pairs=pairs, squares=squares, seen=growing.seen, merges=growing.merges
    )


class _GrowingTree:
    """A spanning tree of all points, the filter it makes, and a buffer of edges that passed the filter.

    A filter made before the last edges came is weaker than it could be, not wrong: the tree is made anew only once
    the buffer holds as many edges as it has.
    """

    def __init__(self, rows: UnitBlocks, first: Edges, settled: np.ndarray) -> None:
        self.device, self._rows = rows.device, rows
        # Bound on the error of a float32 dot product of unit rows in any order of its sum, and of the comparison.
        self.margin = (rows.n_axes + 16) * 2.0**-24
        self.settled = torch.from_numpy(settled).to(self.device)
        self.seen = self.merges = self._buffered = 0
        self._n = len(rows)
        self._buffer = [first]
        self.merge()

    def merge(self) -> None:
        """Make tree and filter from the tree and the buffer."""
        self.tree = minimum_spanning_tree(self._n, joined(self._buffer))
        self._buffer, self._buffered = [self.tree], 0
        self.merges += 1
        order, merge = leaves(dendrogram(self._n, self.tree))
        self._bottlenecks = Bottlenecks(order, self.tree.distance[merge], self.device)
        level = 1.0 - self._bottlenecks.to_first - self.margin
        self.level = level.masked_fill_(self.settled, np.inf).float()

    def closer(self, cosine: torch.Tensor, row: torch.Tensor, column: torch.Tensor, margin: float) -> torch.Tensor:
        """(m,) bool: whether pairs of points with these cosines, give or take the margin, can shorten the tree."""
        return 1.0 - cosine - margin < self._bottlenecks.between(row, column)

    def add(self, some: Edges) -> None:
        """Put edges into the buffer."""
        self._buffer.append(some)
        self._buffered += len(some)
        if self._buffered >= self._n:
            self.merge()

    def exactly(self) -> Edges:
        """The tree, each distance from its two points alone: in a tile its last bits are also those of the tile."""
        tree, settled = self.tree, self.settled.cpu().numpy()
        # As they were given: copies, and what a zero row joins.
        free = (settled[tree.first] | settled[tree.second]) & np.isin(tree.distance, (0.0, 1.0))
        distance = np.where(free, tree.distance, self._rows.distances(tree.first, tree.second))
        return replace(tree, distance=distance)


def _work_off(growing: _GrowingTree, a: Block, b: Block, mean: float, out: torch.Tensor) -> float:
    """Take what a tile has for the tree; return its pairs' sum of squared deviations from the mean cosine."""
    product = out[: len(a) * len(b)].view(len(a), len(b))
    products(a.single, b.single, product)
    row, column = _candidates(growing, product, a, b)
    squares = _squared_deviation(product, mean, a is b)
    coarse = squares < _COARSE_DEVIATION**2 * product.numel() / 2
    growing.seen += len(row)
    if coarse or len(row) * _DENSE_TILE > product.numel():
        exact = torch.empty(product.shape, dtype=torch.float64, device=product.device)
        products(a.double(), b.double(), exact)
        cosine = exact[row, column]
        squares = _squared_deviation(exact, mean, a is b) if coarse else squares
    else:
        cosine = pair_cosines(a, b, row, column)
    i, j = row + a.start, column + b.start
    shorter = growing.closer(cosine, i, j, -_SHORTER)
    distance = (1.0 - cosine[shorter]).clamp_(0.0, 2.0)
    growing.add(edges(*(part.cpu().numpy() for part in (i[shorter], j[shorter], distance))))
    return squares


def _candidates(growing: _GrowingTree, product: torch.Tensor, a: Block, b: Block) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of a tile (row, column) that the tree cannot rule out."""
    levels = [growing.level[block.start : block.start + len(block)] for block in (a, b)]
    # A bottleneck is at most the larger of its two points' bottlenecks to one fixed point: two cheap comparisons first.
    near = product > levels[0][:, None]
    near |= product > levels[1][None, :]
    if a is b:
        near.triu_(1)
    row, column = near.nonzero(as_tuple=True)
    i, j = row + a.start, column + b.start
    open_pair = growing.closer(product[row, column].double(), i, j, growing.margin)
    open_pair &= ~(growing.settled[i] | growing.settled[j])
    return row[open_pair], column[open_pair]


def _squared_deviation(product: torch.Tensor, mean: float, diagonal: bool) -> float:
    """Sum over a tile's pairs of (cosine - mean)^2, the product overwritten.

    Each row's sum in the product's precision, rows in float64: the errors of float32 (1e-7 of a row's sum, either way)
    average out over the rows.
    """
    product -= mean
    rows = torch.linalg.vector_norm(product, dim=1).double()
    total = float(rows @ rows)
    if not diagonal:
        return total
    itself = product.diagonal().double()
    return (total - float(itself @ itself)) / 2


def _tiles(n: int, size: int) -> list[tuple[int, int]]:
    """Where the rows and columns of the tiles begin, row by row: the upper half of the square."""
    starts = range(0, n, size)
    return [(start, other) for start in starts for other in starts if other >= start]
