"""Matrices as columns of lists, and back."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.storage.matrices import list_column, matrix_of


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_a_matrix_as_a_column_and_back(tmp_path: Path, dtype: type) -> None:
    matrix = np.arange(12).reshape(4, 3).astype(dtype)
    column = list_column(matrix)
    assert column.type == pa.list_(pa.from_numpy_dtype(dtype), 3)
    assert column.to_pylist() == matrix.tolist()
    pq.write_table(pa.table({"m": column}), tmp_path / "m.parquet", row_group_size=3)
    read = pq.read_table(tmp_path / "m.parquet")["m"]
    for back in (matrix_of(column), matrix_of(pa.chunked_array([column[:1], column[1:]])), matrix_of(read)):
        np.testing.assert_array_equal(back, matrix)
        assert back.dtype == matrix.dtype
    np.testing.assert_array_equal(matrix_of(column[1:3]), matrix[1:3])
    np.testing.assert_array_equal(matrix_of(read.slice(2, 2)), matrix[2:])


def test_a_column_without_rows_keeps_its_width_and_type() -> None:
    empty = pa.chunked_array([], pa.list_(pa.float32(), 3))
    assert matrix_of(empty).shape == (0, 3)
    assert matrix_of(empty).dtype == np.float32


def test_lists_of_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        list_column(np.zeros((3, 0)))


def test_a_transposed_matrix_is_written_row_by_row() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    assert list_column(matrix.T).to_pylist() == matrix.T.tolist()
