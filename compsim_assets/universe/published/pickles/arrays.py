"""Arrays in foreign pickles, put together from their bytes without a call of what the pickle names."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

import numpy as np

MAX_BYTES = 16 * 2**30
"""The most that is read from one file, uncompressed: four times the largest published file."""

BYTES = (bytes, memoryview)
"""How bytes come: as bytes where they are few, else as a buffer of our own."""

_CODE = re.compile(r"b1|[iu][1248]|f[248]|O8?|[SU][1-9][0-9]{0,5}")


class Refusal(Exception):
    """Something that is not admitted; the message completes "refused: it ..."."""


class Unfinished:
    """An object between its making and its state; `places` are the memo's entries that hold it."""

    def __init__(self) -> None:
        self.places: list[int] = []

    def finish(self, state: Any, stream: BufferedReader) -> object:
        """What takes its place, once the pickle has told its state."""
        raise NotImplementedError


@dataclass(frozen=True)
class Name:
    """An admitted name: what calling it does, and what making it without arguments gives. Neither: a marker."""

    text: str
    call: Callable[..., object] | None = None
    blank: Callable[[], Unfinished] | None = None


NDARRAY = Name("numpy.ndarray")


class Dtype(Unfinished):
    """What `numpy.dtype` starts; only the code and the order of the bytes count."""

    def __init__(self, code: Any, *_: object) -> None:
        super().__init__()
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            # No repr of a container: of lists in lists, a few bytes of a pickle, it takes gigabytes.
            named = repr(code[:20]) if isinstance(code, str) else type(code).__name__
            raise Refusal(f"holds an array of type {named}")
        self.code = code

    def finish(self, state: Any, stream: BufferedReader) -> np.dtype:
        # (version, byte order, base, names, fields, size, alignment, flags): of these only the order counts, since the
        # code says the rest.
        order = state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise Refusal("holds an array of a structured type")
        return np.dtype(self.code if order == "|" else order + self.code)


def scalar(dtype: np.dtype, raw: bytes) -> object:
    return array_of(raw, dtype, (), "C")[()]


def array_of(raw: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> np.ndarray:
    """An array over these bytes (no copy), or of the objects in this list.

    Raises:
        Refusal, ValueError: a dtype that is none of ours, or bytes or objects of another number than the shape's.
    """
    count = _count(dtype, shape)
    if dtype.hasobject:
        if type(raw) is not list or len(raw) != count:
            raise ValueError(f"an array of {count} objects without them")
        array = np.fromiter(raw, dtype=object, count=count)
    else:
        if not isinstance(raw, BYTES) or len(raw) != count * dtype.itemsize:
            raise ValueError(f"an array of {count} numbers without their bytes")
        array = np.ndarray((count,), dtype, raw)
    array = array.reshape(shape, order="F" if order == "F" else "C")
    return array if axes is None else array.transpose(axes)


def _count(dtype: Any, shape: Any) -> int:
    if not isinstance(dtype, np.dtype):
        raise ValueError("an array without a type")
    if type(shape) is not tuple or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError("an array without a shape")
    count = math.prod(shape)
    if count * dtype.itemsize > MAX_BYTES:
        raise Refusal(f"holds an array of {count * dtype.itemsize:,} bytes, more than {MAX_BYTES:,}")
    return count


class Array(Unfinished):
    """What numpy's `_reconstruct` starts: an empty array, of which only the state counts."""

    def __init__(self, cls: object = None, *_: object) -> None:
        super().__init__()
        if cls is not NDARRAY:
            raise Refusal("holds an array of a foreign class")

    def finish(self, state: Any, stream: BufferedReader) -> np.ndarray:
        _version, shape, dtype, is_fortran, raw = state
        return array_of(raw, dtype, shape, "F" if is_fortran else "C")


class JoblibArray(Unfinished):
    """joblib's note "the array's bytes follow in the file"; only its shape, order and type count.

    An array of objects would be a pickle of its own in the middle of the file. No model needs one.
    """

    def finish(self, state: Any, stream: BufferedReader) -> np.ndarray:
        dtype, shape = state["dtype"], state["shape"]
        count = _count(dtype, shape)
        if dtype.hasobject or state["subclass"] is not NDARRAY:
            raise Refusal("holds a joblib array of Python objects or of a foreign class")
        if state.get("numpy_array_alignment_bytes") is not None:
            stream.read(stream.read(1)[0])
        flat = np.empty(count, dtype)
        if flat.nbytes:
            fill(memoryview(flat.view(np.uint8)), stream.readinto)  # type: ignore[arg-type]
        return flat.reshape(shape, order="F" if state["order"] == "F" else "C")


def fill(buffer: memoryview, readinto: Callable[[memoryview], int | None]) -> None:
    """A stream's next bytes into this buffer.

    Raises:
        EOFError: it ends before the buffer is full.
    """
    # In pieces: zlib and gzip cannot take 4 GB at once.
    done = 0
    while done < len(buffer):
        got = readinto(buffer[done : done + 2**26])
        if not got:
            raise EOFError("the file ends in the middle of its bytes")
        done += got
