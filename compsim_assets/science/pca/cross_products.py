"""The n x n Gram or the D x D covariance matrix of standardised features, from blocks, the symmetric half only."""

from collections.abc import Iterable, Iterator
from itertools import repeat

import torch

from compsim_assets.science.pca.standardise import StandardisedFeatures

# Rows of a tile of the result. Small enough that little of the lower half is computed along the diagonal, large enough
# that each product runs at full speed.
TILE = 512
# Columns of a tile: what is added to float64 sums has just been made, and is still in the cache.
_WIDE = 2048


def gram(
    features: StandardisedFeatures,
    tile: int = TILE,
    others: StandardisedFeatures | None = None,
    sums: torch.dtype | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, n) Gram matrix of the rows and (k, n) products of other rows with them, accumulated over column blocks.

    Finds mean and scale on the way; the others are standardised as they are, `alike`. None: k is 0.

    Args:
        sums: type that blocks of products are added up in; the products' own by default. Float64 sums of float32
            products are off by the rounding of a block, not of all latents.

    Cost: about n^2 D / 2 + k n D multiply-adds and one pass over the features. Memory O(n^2 + k n + (n + k) block).
    """
    matrix = torch.zeros(features.n, features.n, dtype=sums or features.dtype, device=features.device)
    products = matrix.new_zeros(0 if others is None else others.n, features.n)
    of_others: Iterable[tuple[slice, torch.Tensor] | None] = repeat(None) if others is None else others.column_blocks()
    # The fitted rows first: their block finds the mean and scale of these latents.
    for (_, values), other in zip(features.column_blocks(), of_others, strict=False):
        _add_upper_half(matrix, values, tile)
        if other is not None:
            for rows in _panels(len(products), tile):
                _add(products[rows], other[1][rows], values)
    return _mirror(matrix, tile), products


def covariance(features: StandardisedFeatures, tile: int = TILE, sums: torch.dtype | None = None) -> torch.Tensor:
    """(D, D) cross products of the columns, accumulated over row blocks after a pass for mean and scale.

    Cost: about n D^2 / 2 multiply-adds and two passes. Memory O(D^2 + n block).
    """
    size = features.n_latents
    matrix = torch.zeros(size, size, dtype=sums or features.dtype, device=features.device)
    rows = max(1, features.n * features.block // max(size, 1))
    for _, values in features.row_blocks(rows):
        _add_upper_half(matrix, values.T, tile)
    return _mirror(matrix, tile)


def _add_upper_half(matrix: torch.Tensor, left: torch.Tensor, tile: int) -> None:
    """matrix += left @ left.T on the tiles on and above the diagonal."""
    for rows in _panels(len(matrix), tile):
        _add(matrix[rows, rows.start :], left[rows], left[rows.start :])


def _add(target: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> None:
    """target += left @ right.T, the product in the factors' own type."""
    for columns in _panels(len(right), _WIDE):
        if target.dtype is left.dtype:
            target[:, columns].addmm_(left, right[columns].T)
        else:
            target[:, columns].add_(left @ right[columns].T)


def _panels(size: int, tile: int) -> Iterator[slice]:
    for start in range(0, size, tile):
        yield slice(start, min(start + tile, size))


def _mirror(matrix: torch.Tensor, tile: int) -> torch.Tensor:
    """Copy the upper half into the lower one, in place."""
    for start in range(0, len(matrix), tile):
        rows = slice(start, start + tile)
        matrix[start + tile :, rows] = matrix[rows, start + tile :].T
        # Inside the diagonal tile a product is symmetric only to rounding.
        diagonal = matrix[rows, rows]
        upper = diagonal.triu(1)
        diagonal.copy_(upper + upper.T + torch.diag(diagonal.diagonal()))
    return matrix
