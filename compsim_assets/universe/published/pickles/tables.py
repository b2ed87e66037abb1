"""Frames, series, indexes and text in foreign pickles, put together from their arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

import numpy as np

from compsim_assets.universe.published.pickles.arrays import Name, Refusal, Unfinished

# A range index of any length takes a few bytes in a pickle.
_MAX_COLUMNS = 100_000

INDEX = Name("pandas.Index")
RANGE_INDEX = Name("pandas.RangeIndex")


@dataclass(frozen=True)
class Block:
    """Some columns of a frame: values (n_columns, n_rows), or (n_rows,) for text; their positions."""

    values: Any
    positions: Any


@dataclass(frozen=True)
class Manager:
    """All columns of a frame or the one of a series; axes are indexes, the columns' before the rows'."""

    blocks: list[Block]
    axes: list[Any]


class Blank(Unfinished):
    """An object that is made of its state by a function."""

    def __init__(self, make: Callable[[Any], object]) -> None:
        super().__init__()
        self.make = make

    def finish(self, state: Any, stream: BufferedReader) -> object:
        return self.make(state)


def manager(blocks: Any, axes: Any) -> Manager:
    return Manager(listed(blocks), listed(axes))


def listed(values: Any) -> list:
    # Not of anything that can be counted through: a range of 10^18 numbers is a few bytes in a pickle.
    if type(values) not in (list, tuple):
        raise ValueError("expected a list")
    return list(values)


def manager_of_series(state: Any) -> Manager:
    # The last entry holds the part that all versions of pandas read.
    parts = state[-1]["0.14.1"]
    blocks = [Block(part["values"], part["mgr_locs"]) for part in listed(parts["blocks"])]
    return Manager(blocks, listed(parts["axes"]))


def frame(state: Any) -> object:
    """A frame of its blocks; a column that no block holds is an error."""
    import pandas as pd

    held = state["_mgr"]
    names, rows = held.axes
    if len(names) > _MAX_COLUMNS:
        raise Refusal(f"holds a table of {len(names):,} columns, more than {_MAX_COLUMNS:,}")
    columns: dict[int, Any] = {}
    for block in held.blocks:
        if not isinstance(block.positions, slice | np.ndarray):
            raise ValueError("columns without their positions")
        positions = np.arange(len(names))[block.positions].tolist()
        # Text is one column without the axis of columns.
        values = [block.values] if np.ndim(block.values) == 1 else block.values
        columns.update(zip(positions, values, strict=True))
    if len(columns) != len(names) or any(len(values) != len(rows) for values in columns.values()):
        raise ValueError("columns that do not fit their table")
    frame = pd.DataFrame({n: _native(columns[n]) for n in range(len(names))}, index=rows)
    frame.columns = names
    return frame


def series(state: Any) -> object:
    import pandas as pd

    held = state["_mgr"]
    (block,), (rows,) = held.blocks, held.axes
    # pandas 1.5 calls it by the other name.
    return pd.Series(_native(block.values), index=rows, name=state.get("_name", state.get("name")))


def index(kind: Any, parts: Any) -> object:
    import pandas as pd

    if kind is RANGE_INDEX:
        numbers = (parts["start"], parts["stop"], parts["step"])
        return pd.RangeIndex(*numbers, name=parts["name"])
    if kind is not INDEX:
        raise Refusal("holds an index of a foreign class")
    return pd.Index(_native(parts["data"]), name=parts["name"])


def _native(values: Any) -> np.ndarray:
    """An array's values in this machine's byte order, without which pandas does not work."""
    if not isinstance(values, np.ndarray):
        raise ValueError("a table or an index without its values")
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def text(state: Any) -> np.ndarray:
    if isinstance(state, dict):
        return state["_pa_array"] if "_pa_array" in state else state["_data"]
    # pandas' text without pyarrow: (type, array of text).
    return next(part for part in state if isinstance(part, np.ndarray))


def arrow_array(parts: Any) -> np.ndarray:
    """pyarrow's array of text as an array of text and None."""
    import pyarrow as pa

    kind, length, _null_count, offset, buffers, children, dictionary = parts
    if kind not in ("string", "large_string") or children or dictionary is not None:
        raise Refusal("holds a pyarrow array of something other than text")
    checked = [part if part is None else pa.py_buffer(part) for part in buffers]
    array = pa.Array.from_buffers(pa.type_for_alias(kind), length, checked, offset=offset)
    array.validate(full=True)
    return np.fromiter(array.to_pylist(), dtype=object, count=len(array))


def arrow_chunks(chunks: Any, _kind: object = None) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=object), *listed(chunks)])
