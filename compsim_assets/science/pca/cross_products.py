"""The n x n Gram or the D x D covariance matrix of standardised features, from blocks, the symmetric half only."""

import torch

from compsim_assets.science.pca.standardise import StandardisedFeatures

# Side of the square tiles of the result. Small enough that little of the lower half is computed along the diagonal,
# large enough that each product runs at full speed.
TILE = 768


def gram(features: StandardisedFeatures, tile: int = TILE) -> torch.Tensor:
    """(n, n) Gram matrix of the rows, accumulated over column blocks; finds mean and scale on the way.

    Cost: about n^2 D / 2 multiply-adds and one pass over the features. Memory O(n^2 + n block).
    """
    matrix = torch.zeros(features.n, features.n, dtype=features.dtype, device=features.device)
    for _, values in features.column_blocks():
        _add_upper_half(matrix, values, tile)
    return _mirror(matrix, tile)


def covariance(features: StandardisedFeatures, tile: int = TILE) -> torch.Tensor:
    """(D, D) cross products of the columns, accumulated over row blocks after a pass for mean and scale.

    Cost: about n D^2 / 2 multiply-adds and two passes. Memory O(D^2 + n block).
    """
    size = features.n_latents
    matrix = torch.zeros(size, size, dtype=features.dtype, device=features.device)
    rows = max(1, features.n * features.block // max(size, 1))
    for _, values in features.row_blocks(rows):
        _add_upper_half(matrix, values.T, tile)
    return _mirror(matrix, tile)


def _add_upper_half(matrix: torch.Tensor, left: torch.Tensor, tile: int) -> None:
    """matrix += left @ left.T on the tiles on and above the diagonal."""
    for start in range(0, len(matrix), tile):
        rows = slice(start, start + tile)
        matrix[rows, start:].addmm_(left[rows], left[start:].T)


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
