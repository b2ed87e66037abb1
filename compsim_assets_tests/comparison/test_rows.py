"""Rows gone, added and changed, against dictionaries that hold every row."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compsim_assets.comparison.rows import RowChanges, changes, column_hashes, matrix_hashes, rows_of

NAN = math.nan
VALUES = st.tuples(
    st.none() | st.sampled_from([0.0, -0.0, NAN, 1.5, 1e300]),
    st.none() | st.sampled_from(["", "a", "<script>", "ä", "None"]),
    st.none() | st.booleans(),
    st.none() | st.integers(-2, 2),
    st.lists(st.sampled_from([0.0, -0.0, 1.0, NAN]), min_size=2, max_size=2),
)
KEYS = st.tuples(st.integers(0, 6), st.sampled_from(["", "x", "y"]))
TABLES = st.dictionaries(KEYS, VALUES, max_size=12)
NAMES = ["number", "text", "flag", "count", "list"]
TYPES = [pa.float64(), pa.string(), pa.bool_(), pa.int64(), pa.list_(pa.float32(), 2)]
Table = dict[tuple[int, str], tuple[Any, ...]]


def batches(table: Table, sizes: Sequence[int]) -> list[pa.RecordBatch]:
    """The table's rows, cut at these places."""
    rows = [(*key, *values) for key, values in table.items()]
    columns = list(zip(*rows, strict=True)) or [()] * 7
    types = [pa.int64(), pa.string(), *TYPES]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    whole = pa.record_batch(arrays, names=["year", "name", *NAMES])
    places = sorted({0, len(rows), *(size for size in sizes if size < len(rows))})
    return [whole.slice(start, stop - start) for start, stop in pairwise(places)] or [whole]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other


def by_hand(before: Table, after: Table) -> RowChanges:
    both = [key for key in before if key in after]
    pairs = {key: [same(a, b) for a, b in zip(before[key], after[key], strict=True)] for key in both}
    columns = {name: sum(not equal[i] for equal in pairs.values()) for i, name in enumerate(NAMES)}
    gone, added = len(before) - len(both), len(after) - len(both)
    changed = sum(not all(equal) for equal in pairs.values())
    return RowChanges(len(before), len(after), gone, added, changed, {name: n for name, n in columns.items() if n})


@settings(deadline=None, max_examples=50)
@given(before=TABLES, after=TABLES, cuts=st.tuples(st.lists(st.integers(1, 9)), st.lists(st.integers(1, 9))))
def test_changes_are_those_found_row_by_row(before: Table, after: Table, cuts: tuple[list[int], list[int]]) -> None:
    rows = [
        rows_of(batches(table, places), ["year", "name"]) for table, places in zip((before, after), cuts, strict=True)
    ]
    assert changes(*rows) == by_hand(before, after)


def test_the_same_rows_in_another_order_are_the_same() -> None:
    table = {(i % 5, "xyz"[i % 3]): (i / 7, str(i), True, i, [float(i), 0.0]) for i in range(15)}
    turned = dict(reversed(table.items()))
    assert changes(*(rows_of(batches(each, [4]), ["year", "name"]) for each in (table, turned))) == RowChanges(
        15, 15, 0, 0, 0
    )


def test_a_column_that_one_version_lacks_is_not_compared() -> None:
    before, after = ({"id": [1, 2], "value": [1.0, 2.0]}, {"id": [1, 2], "value": [1.0, 3.0], "later": ["a", "b"]})
    rows = [rows_of([pa.RecordBatch.from_pydict(table)], ["id"]) for table in (before, after)]
    assert changes(*rows) == RowChanges(2, 2, 0, 0, 1, {"value": 1})


def test_a_table_without_a_batch_has_no_rows() -> None:
    rows = rows_of([pa.RecordBatch.from_pydict({"id": [1, 2], "value": [1.0, 2.0]})], ["id"])
    assert changes(rows_of([], ["id"]), rows) == RowChanges(0, 2, 0, 2, 0)
    assert changes(rows, rows_of([], ["id"])) == RowChanges(2, 0, 2, 0, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hashes_of_a_matrix_do_not_depend_on_its_blocks_and_see_every_bit(dtype: type) -> None:
    matrix = np.random.default_rng(3).normal(size=(40, 30_000)).astype(dtype)  # more than one block
    hashes = matrix_hashes(matrix)
    assert len(set(hashes.tolist())) == 40
    np.testing.assert_array_equal(hashes, np.concatenate([matrix_hashes(row[None]) for row in matrix]))
    for column in (0, 17, 29_999):
        other = matrix.copy()
        other[5, column] = np.nextafter(other[5, column], dtype(9))
        assert (matrix_hashes(other) != hashes).nonzero()[0].tolist() == [5]


def test_swapped_values_are_another_row() -> None:
    assert len(set(matrix_hashes(np.array([[1.0, 2.0], [2.0, 1.0], [0.0, 3.0]])).tolist())) == 3


def test_a_null_is_neither_zero_nor_empty_nor_nan() -> None:
    for kind, empty in (
        (pa.int64(), 0),
        (pa.bool_(), False),
        (pa.string(), ""),
        (pa.float64(), 0.0),
        (pa.float64(), NAN),
    ):
        hashes = column_hashes(pa.array([None, empty, None], kind, from_pandas=False))
        assert hashes[0] == hashes[2] != hashes[1]


def test_dates_are_compared() -> None:
    days = pa.array([19_000, 19_001, None], pa.int32()).cast(pa.date32())
    assert len(set(column_hashes(days).tolist())) == 3
