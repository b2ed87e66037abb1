"""Products of sparse rows: a column that few rows have costs the square of these few, not of all rows."""

import numpy as np
import torch
from scipy import sparse

from compsim_assets.science.pca.arrays import SparseFeatures
from compsim_assets.science.pca.standardise import StandardisedFeatures
from compsim_assets.science.pca.tiles import TILE, add_upper_half, mirror, panels

# Share of rows that have a column. Below it a sparse product costs less than a dense one, which runs at full speed.
RARE = 1 / 16
_ROWS = 1024  # of a product at a time; 12 bytes for each value of it that is not zero, and 8 for each value
_COLUMNS = 4096  # dense at a time


class RareColumns:
    """Columns of sparse features that few rows have, standardised. Of other features there are none.

    Their values less the mean are in every row; the products follow from those of the values alone, which are sparse,
    and two vectors, the more exactly the rarer a column.

    Memory: 24 bytes for each value.
    """

    def __init__(self, features: StandardisedFeatures) -> None:
        self._features = features
        self._values: list[sparse.csc_array] = []
        self._means: list[np.ndarray] = []

    def without(self, where: slice, values: torch.Tensor) -> torch.Tensor:
        """The (n, b) standardised values of these columns without the rare ones, which are left to `add_to`."""
        source = self._features.features
        if not isinstance(source, SparseFeatures):
            return values
        columns = source.by_column[:, where]
        rare = _rare(columns)
        if not rare.any():
            return values
        # A column that is constant here has no scale, and stands for nothing.
        inverse = (self._features.varying[where] / self._features.scale[where])[rare]
        self._values.append(columns[:, rare].astype(np.float64) @ sparse.diags_array(inverse))
        self._means.append(self._features.mean[where][rare] * inverse)
        return values[:, torch.from_numpy(~rare).to(values.device)]

    def add_to(self, matrix: torch.Tensor) -> None:
        """Add all their products to the tiles on and above the diagonal of the (n, n) matrix.

        Cost: for each column half of the square of its rows, one after the other, and O(n^2).
        """
        if not self._values:
            return
        weight = self._features.root_weight.cpu().numpy()[:, 0]
        means, values = np.concatenate(self._means), sparse.hstack(self._values, format="csr")
        self._values.clear()
        both = weight * (values @ means - means @ means / 2), weight
        values = sparse.diags_array(weight) @ values
        _add_sparse(matrix, values)
        left, root = (torch.from_numpy(each).to(matrix) for each in both)
        for rows in panels(len(matrix), TILE):
            target = matrix[rows, rows.start :]
            target.addr_(left[rows], root[rows.start :], alpha=-1).addr_(root[rows], left[rows.start :], alpha=-1)


def row_products(values: sparse.csr_array, device: str) -> torch.Tensor:
    """(n, n) float32 products of all rows of an (n, D) array.

    Cost: n^2 / 2 multiply-adds for a column that is not rare, the square of its rows for one that is. Memory: the
    matrix, n x _COLUMNS values and twice the array's own.
    """
    matrix = torch.zeros(values.shape[0], values.shape[0], device=device)
    columns = values.tocsc()
    rare = _rare(columns)
    others = columns[:, ~rare]
    for where in panels(others.shape[1], _COLUMNS):
        add_upper_half(matrix, torch.from_numpy(others[:, where].toarray()).to(matrix), TILE)
    _add_sparse(matrix, columns[:, rare].astype(np.float64).tocsr())
    return mirror(matrix, TILE)


def _rare(columns: sparse.csc_array) -> np.ndarray:
    """(b,) bool: which columns few rows have."""
    return np.diff(columns.indptr) < RARE * columns.shape[0]


def _add_sparse(matrix: torch.Tensor, values: sparse.csr_array) -> None:
    """matrix += values @ values.T on the tiles on and above the diagonal."""
    for rows in panels(len(matrix), _ROWS):
        product = values[rows] @ values[rows.start :].T
        matrix[rows, rows.start :] += torch.from_numpy(product.toarray()).to(matrix)
