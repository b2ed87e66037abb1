"""The n x n Gram or the D x D covariance matrix of standardised features, from blocks, the symmetric half only."""

from collections.abc import Iterable
from itertools import repeat

import torch

from compsim_assets.science.pca.sparse_products import RareColumns
from compsim_assets.science.pca.standardise import StandardisedFeatures
from compsim_assets.science.pca.tiles import TILE, add, add_upper_half, mirror, panels


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

    Cost: about n^2 D / 2 + k n D multiply-adds and one pass over the features, less for sparse features with rare
    columns (`RareColumns`). Memory O(n^2 + k n + (n + k) block).
    """
    matrix = torch.zeros(features.n, features.n, dtype=sums or features.dtype, device=features.device)
    products = matrix.new_zeros(0 if others is None else others.n, features.n)
    of_others: Iterable[tuple[slice, torch.Tensor] | None] = repeat(None) if others is None else others.column_blocks()
    rare = RareColumns(features)
    # The fitted rows first: their block finds the mean and scale of these latents.
    for (where, values), other in zip(features.column_blocks(), of_others, strict=False):
        add_upper_half(matrix, rare.without(where, values), tile)
        if other is not None:
            for rows in panels(len(products), tile):
                add(products[rows], other[1][rows], values)
    rare.add_to(matrix)
    return mirror(matrix, tile), products


def covariance(features: StandardisedFeatures, tile: int = TILE, sums: torch.dtype | None = None) -> torch.Tensor:
    """(D, D) cross products of the columns, accumulated over row blocks after a pass for mean and scale.

    Cost: about n D^2 / 2 multiply-adds and two passes. Memory O(D^2 + n block).
    """
    size = features.n_latents
    matrix = torch.zeros(size, size, dtype=sums or features.dtype, device=features.device)
    rows = max(1, features.n * features.block // max(size, 1))
    for _, values in features.row_blocks(rows):
        add_upper_half(matrix, values.T, tile)
    return mirror(matrix, tile)
