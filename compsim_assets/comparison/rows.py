"""Rows of two versions of a table, held against each other by the table's key.

A row is known by a 64-bit hash of its key, its values by one hash per column: eight bytes for each stay in memory,
whatever the table's width. Of 25 million rows two would be taken for one with a chance of 1 in 50,000.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from compsim_assets.storage.matrices import matrix_of

_BLOCK = 1 << 20  # values of a matrix that are widened at once
_NULL = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Rows:
    """A table's rows as hashes, ordered by that of the key; keys: (n,) uint64, columns: the same by name."""

    keys: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class RowChanges:
    """How many rows there were and are, and how many are gone, new, or in both with another value.

    columns: by name, in how many of the rows that are in both this column is another.
    """

    before: int
    after: int
    gone: int
    added: int
    changed: int
    columns: dict[str, int] = field(default_factory=dict)

    @property
    def both(self) -> int:
        """Rows that are in both versions."""
        return self.before - self.gone


def rows_of(batches: Iterable[pa.RecordBatch], key: Sequence[str]) -> Rows:
    """The rows of a table that is read a batch at a time; columns that are not of the key are values."""
    keys: list[np.ndarray] = []
    columns: dict[str, list[np.ndarray]] = {}
    for batch in batches:
        hashed = {name: column_hashes(batch.column(name)) for name in batch.schema.names}
        keys.append(_combined([hashed.pop(name) for name in key], batch.num_rows))
        for name, values in hashed.items():
            columns.setdefault(name, []).append(values)
    joined = _joined(keys)
    order = np.argsort(joined, kind="stable")
    return Rows(joined[order], {name: _joined(parts)[order] for name, parts in columns.items()})


def changes(before: Rows, after: Rows) -> RowChanges:
    """What became of the rows; columns that one of the two lacks are not compared."""
    _, first, second = np.intersect1d(before.keys, after.keys, return_indices=True)
    other = np.zeros(len(first), dtype=bool)
    columns = {}
    for name in [name for name in after.columns if name in before.columns]:
        differs = before.columns[name][first] != after.columns[name][second]
        if number := int(differs.sum()):
            columns[name] = number
            other |= differs
    gone, added = len(before) - len(first), len(after) - len(second)
    return RowChanges(len(before), len(after), gone, added, int(other.sum()), columns)


def column_hashes(column: pa.Array) -> np.ndarray:
    """(n,) uint64: equal for equal values; of numbers 0 and -0 are equal, NaN is equal to NaN, and null to null."""
    if pa.types.is_fixed_size_list(column.type):
        return matrix_hashes(matrix_of(column))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        encoded = column.dictionary_encode()
        words = np.append(pd.util.hash_array(encoded.dictionary.to_numpy(zero_copy_only=False)), _NULL)
        return words.astype(np.uint64)[encoded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)]
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    nulls = column.is_null().to_numpy(zero_copy_only=False)
    values = pc.fill_null(column, pa.scalar(False if pa.types.is_boolean(column.type) else 0, column.type))
    plain = values.to_numpy(zero_copy_only=False)
    if plain.dtype.kind == "f":
        plain = _one_zero_one_nan(plain)
    return np.where(nulls, _NULL, pd.util.hash_array(plain))


def matrix_hashes(matrix: np.ndarray) -> np.ndarray:
    """(n,) uint64 of the rows of an (n, k) matrix of floats: sums of the values' bits times fixed odd numbers."""
    bits = np.dtype(f"u{matrix.dtype.itemsize}")
    weights = np.random.default_rng(0).integers(1, 1 << 63, matrix.shape[1], dtype=np.uint64) * np.uint64(
        2
    ) + np.uint64(1)
    hashes = np.empty(len(matrix), dtype=np.uint64)
    step = max(1, _BLOCK // max(1, matrix.shape[1]))
    for start in range(0, len(matrix), step):
        block = _one_zero_one_nan(matrix[start : start + step])
        hashes[start : start + step] = np.ascontiguousarray(block).view(bits).astype(np.uint64) @ weights
    return hashes


def _one_zero_one_nan(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), values.dtype.type(np.nan), values + values.dtype.type(0))


def _combined(hashed: list[np.ndarray], n: int) -> np.ndarray:
    """(n,) uint64 of several columns."""
    frame = pd.DataFrame(dict(enumerate(hashed)), index=range(n))
    return pd.util.hash_pandas_object(frame, index=False).to_numpy(dtype=np.uint64)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)
