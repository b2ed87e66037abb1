"""Matrices as columns of fixed-size lists, without a copy where there is one chunk."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def list_column(matrix: "np.ndarray") -> "pa.FixedSizeListArray":
    """An (n, k) matrix as n lists of k, without a copy."""
    import pyarrow as pa

    if matrix.shape[1] == 0:
        raise ValueError("a list column needs at least one value a row")
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def matrix_of(column: "pa.ChunkedArray | pa.Array") -> "np.ndarray":
    """The (n, k) matrix of a fixed-size list column; one copy where the column has several chunks."""
    import numpy as np
    import pyarrow as pa

    width = column.type.list_size
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, width) for chunk in chunks]
    if not parts:
        return np.empty((0, width), dtype=column.type.value_type.to_pandas_dtype())
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
