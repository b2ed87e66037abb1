"""The n x n Gram or the D x D covariance matrix of standardised features, from blocks, the symmetric half only."""

import torch

from compsim_assets.science.pca.standardise import StandardisedFeatures

# Side of the square tiles of the result. Small enough that little of the lower half is computed along the diagonal,
# large enough that each product runs at full speed.
_TILE = 2048


def gram(features: StandardisedFeatures) -> torch.Tensor:
    """(n, n) Gram matrix of the rows, accumulated over column blocks; finds mean and scale on the way.

    Cost: about n^2 D / 2 multiply-adds and one pass over the features. Memory O(n^2 + n block).
    """
    matrix = torch.zeros(features.n, features.n, dtype=features.dtype, device=features.device)
    for _, values in features.column_blocks():
        _add_upper_half(matrix, values)
    return _mirror(matrix)


def covariance(features: StandardisedFeatures) -> torch.Tensor:
    """(D, D) cross products of the columns, accumulated over row blocks after a pass for mean and scale.

    Cost: about n D^2 / 2 multiply-adds and two passes. Memory O(D^2 + n block).
    """
    size = features.n_latents
    matrix = torch.zeros(size, size, dtype=features.dtype, device=features.device)
    rows = max(1, features.n * features.block // max(size, 1))
    for _, values in features.row_blocks(rows):
        _add_upper_half(matrix, values.T)
    return _mirror(matrix)


def _add_upper_half(matrix: torch.Tensor, left: torch.Tensor) -> None:
    """matrix += left @ left.T on the tiles on and above the diagonal."""
    for start in range(0, len(matrix), _TILE):
        rows = slice(start, start + _TILE)
        matrix[rows, start:].addmm_(left[rows], left[start:].T)


def _mirror(matrix: torch.Tensor) -> torch.Tensor:
    """Copy the upper half into the lower one, in place."""
    for start in range(0, len(matrix), _TILE):
        rows = slice(start, start + _TILE)
        matrix[start + _TILE :, rows] = matrix[rows, start + _TILE :].T
        # Inside the diagonal tile a product is symmetric only to rounding.
        tile = matrix[rows, rows]
        upper = tile.triu(1)
        tile.copy_(upper + upper.T + torch.diag(tile.diagonal()))
    return matrix
