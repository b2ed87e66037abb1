"""An array as a feature matrix: what is in memory, or mapped from disk, goes through the same PCA."""

import numpy as np
from scipy import sparse


class ArrayFeatures:
    """The rows of an (n, D) array, mapped or not; what is asked for is copied as float32."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    @property
    def shape(self) -> tuple[int, int]:
        """(n, D)."""
        return self._values.shape[0], self._values.shape[1]

    def columns(self, start: int, stop: int, positions: np.ndarray | None = None) -> np.ndarray:
        """(n, stop - start) values of these columns, or (k, stop - start) of the rows at these positions."""
        rows = slice(None) if positions is None else positions
        return np.array(self._values[rows, start:stop], dtype=np.float32, order="C")

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """(k, D) values of the rows at these positions."""
        return np.array(self._values[positions], dtype=np.float32)


class SparseFeatures:
    """A sparse array, `values`, as a feature matrix: blocks of it are dense. by_column: the same, by columns."""

    def __init__(self, values: sparse.csr_array) -> None:
        self.values, self.by_column = values, values.tocsc()

    @property
    def shape(self) -> tuple[int, int]:
        """(n, D)."""
        return int(self.values.shape[0]), int(self.values.shape[1])

    def columns(self, start: int, stop: int, positions: np.ndarray | None = None) -> np.ndarray:
        """(n, stop - start) values of these columns, or (k, stop - start) of the rows at these positions."""
        block = np.ascontiguousarray(self.by_column[:, start:stop].toarray(), dtype=np.float32)
        return block if positions is None else block[positions]

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """(k, D) values of the rows at these positions."""
        return np.ascontiguousarray(self.values[positions].toarray(), dtype=np.float32)
