"""A symmetric matrix of products in tiles: its upper half is computed, the lower one is a copy."""

from collections.abc import Iterator

import torch

# Rows of a tile of the result. Small enough that little of the lower half is computed along the diagonal, large enough
# that each product runs at full speed.
TILE = 512
# Columns of a tile: what is added to float64 sums has just been made, and is still in the cache.
_WIDE = 2048


def add_upper_half(matrix: torch.Tensor, left: torch.Tensor, tile: int) -> None:
    """matrix += left @ left.T on the tiles on and above the diagonal."""
    for rows in panels(len(matrix), tile):
        add(matrix[rows, rows.start :], left[rows], left[rows.start :])


def add(target: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> None:
    """target += left @ right.T, the product in the factors' own type."""
    for columns in panels(len(right), _WIDE):
        if target.dtype is left.dtype:
            target[:, columns].addmm_(left, right[columns].T)
        else:
            target[:, columns].add_(left @ right[columns].T)


def panels(size: int, tile: int) -> Iterator[slice]:
    """0 to size in parts."""
    for start in range(0, size, tile):
        yield slice(start, min(start + tile, size))


def mirror(matrix: torch.Tensor, tile: int) -> torch.Tensor:
    """Copy the upper half into the lower one, in place."""
    for start in range(0, len(matrix), tile):
        rows = slice(start, start + tile)
        matrix[start + tile :, rows] = matrix[rows, start + tile :].T
        # Inside the diagonal tile a product is symmetric only to rounding.
        diagonal = matrix[rows, rows]
        upper = diagonal.triu(1)
        diagonal.copy_(upper + upper.T + torch.diag(diagonal.diagonal()))
    return matrix
