"""Reading pickles of others without running what they say.

A pickle is a program: it names functions and calls them. Here a name is looked up in a list of stand-ins of our own
(`names.py`) and nowhere else, calls go to these alone, and only those steps are taken that tables, arrays and models
need: no extension codes, persistent ids, or items set on anything but lists, dicts and sets.
"""

import contextlib
import io
import pickle
import pickletools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published.pickles.arrays import MAX_BYTES, Name, Refusal, Unfinished, fill
from compsim_assets.universe.published.pickles.names import NAMES

_PROTOCOLS = (3, 4, 5)
_STEPS = {ord(step.code): step.name for step in pickletools.opcodes}
_ADVICE = "only tables, arrays and PCA models are read. Ask whoever made it for Parquet or safetensors"


def load_pickle(path: Path, max_bytes: int = MAX_BYTES) -> object:
    """What a file of pickle, pandas' `to_pickle` or `joblib.dump` holds; a PCA as a `Model` of its attributes.

    Protocols 3 to 5, plain or compressed with gzip, bz2 or zlib, up to `max_bytes` uncompressed. Frames as pandas 1.5,
    2 and 3 write them; ordered and default dicts come back as dicts. Memory: an array is held once.

    Raises:
        UniverseError: the file cannot be opened, is cut short, is no such pickle, or asks for anything but tables,
            arrays, PCA models and Python's numbers, text, lists and dicts.
    """
    try:
        with _opened(path, max_bytes) as stream:
            return _Reader(stream).load()
    except Refusal as refusal:
        raise UniverseError(f"{path}: refused: it {refusal}; {_ADVICE}") from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as problem:
        raise UniverseError(f"{path}: {problem.strerror}, expected a pickle") from None
    except MemoryError:
        raise UniverseError(f"{path}: asks for more memory than there is") from None
    # A broken pickle can stop anywhere, with any error.
    except Exception as problem:
        raise UniverseError(
            f"{path}: not a whole pickle ({type(problem).__name__}: {str(problem)[:200]}), expected one as pandas, "
            "joblib or pickle write it. Fetch it again, or ask whoever made it for Parquet or safetensors"
        ) from None


@contextlib.contextmanager
def _opened(path: Path, max_bytes: int) -> Iterator[io.BufferedReader]:
    """The pickle's uncompressed bytes, whatever the file's name says."""
    with contextlib.ExitStack() as stack:
        source = _uncompressed(stack.enter_context(path.open("rb")), stack)
        limited: Any = _Limited(source, max_bytes)
        stream = stack.enter_context(io.BufferedReader(limited, 2**20))
        start = stream.peek(2)[:2]
        if start and (start[:1] != pickle.PROTO or start[-1] not in _PROTOCOLS):
            raise Refusal(
                f"begins with {start!r}: no pickle of protocol 3, 4 or 5, plain or compressed by gzip, bz2 or zlib"
            )
        yield stream


def _uncompressed(file: io.BufferedReader, stack: contextlib.ExitStack) -> Any:
    start = file.peek(3)
    if start.startswith(b"\x1f\x8b"):
        import gzip

        return stack.enter_context(gzip.GzipFile(fileobj=file))
    if start.startswith(b"BZh"):
        import bz2

        return stack.enter_context(bz2.open(file))
    if start.startswith(b"x"):
        from joblib.compressor import BinaryZlibFile  # type: ignore[import-untyped]

        return stack.enter_context(BinaryZlibFile(file))
    return file


class _Limited(io.RawIOBase):
    """Bytes of another stream, up to so many: a small file can unpack to any size."""

    def __init__(self, source: Any, max_bytes: int) -> None:
        self._source, self._most, self._left = source, max_bytes, max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = self._source.readinto(buffer)
        self._left -= got
        if self._left < 0:
            raise Refusal(f"unpacks to more than {self._most:,} bytes")
        return got


_Step = Callable[[Any], None]

# Steps that are taken as Python takes them.
_PLAIN = """
    PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT
    SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
    EMPTY_LIST EMPTY_DICT EMPTY_SET FROZENSET GLOBAL STACK_GLOBAL BINGET LONG_BINGET
"""


def _remembering(step: _Step) -> _Step:
    """A step that puts the top of the stack into the memo, which an unfinished object has to know."""

    def remember(reader: Any) -> None:
        before = len(reader.memo)
        step(reader)
        if isinstance(top := reader.stack[-1], Unfinished) and len(reader.memo) > before:
            top.places.append(next(reversed(reader.memo)))

    return remember


def _only_on(kind: type, target: Callable[[Any], object], step: _Step) -> _Step:
    """A step that adds to something, only where that is a list, dict or set itself: `append` may be any method."""

    def add(reader: Any) -> None:
        if type(target(reader)) is not kind:
            raise Refusal(f"adds to something that is no {kind.__name__}")
        step(reader)

    return add


class _Steps(dict[int, _Step]):
    """Opcode -> step, for the steps that tables, arrays and models need."""

    def __init__(self) -> None:
        theirs = pickle._Unpickler.dispatch
        super().__init__((code, theirs[code]) for code in (getattr(pickle, name)[0] for name in _PLAIN.split()))
        for (code,) in (pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE):
            self[code] = _remembering(theirs[code])
        for (code,), kind, target in (
            (pickle.APPEND, list, lambda reader: reader.stack[-2]),
            (pickle.APPENDS, list, lambda reader: reader.metastack[-1][-1]),
            (pickle.SETITEM, dict, lambda reader: reader.stack[-3]),
            (pickle.SETITEMS, dict, lambda reader: reader.metastack[-1][-1]),
            (pickle.ADDITEMS, set, lambda reader: reader.metastack[-1][-1]),
        ):
            self[code] = _only_on(kind, target, theirs[code])

    def __missing__(self, code: int) -> NoReturn:
        raise Refusal(f"uses {_STEPS.get(code, code)}, a step that no table, array or model needs")


class _Reader(pickle._Unpickler):
    """The unpickler written in Python, whose every step can be replaced: `dispatch` is opcode -> step."""

    dispatch: ClassVar[dict[int, Any]] = _Steps()
    stack: list[Any]
    metastack: list[list[Any]]
    memo: dict[int, Any]
    read: Callable[[int], bytes]
    readinto: Callable[[memoryview], int]

    def __init__(self, stream: io.BufferedReader) -> None:
        super().__init__(stream)
        self._stream = stream

    def find_class(self, module: str, name: str) -> Name | None:
        try:
            return NAMES[module, name]
        except KeyError:
            wanted = f"{module}.{name}"[:200].encode("unicode_escape").decode()
            raise Refusal(f"tried to load {wanted}") from None

    def call(self) -> None:
        """REDUCE: the function below its arguments on the stack."""
        arguments = self.stack.pop()
        function = self.stack[-1]
        if not isinstance(function, Name) or not function.call or type(arguments) is not tuple:
            raise Refusal("calls what is no function")
        self.stack[-1] = function.call(*arguments)

    def make(self) -> None:
        """NEWOBJ: an object of a class, without a call of its `__init__`."""
        arguments = self.stack.pop()
        cls = self.stack[-1]
        if not isinstance(cls, Name) or not cls.blank or arguments != ():
            raise Refusal("makes an object of what is no class")
        self.stack[-1] = cls.blank()

    def finish(self) -> None:
        """BUILD: an object's state. What it makes takes the object's place on the stack and in the memo."""
        state = self.stack.pop()
        unfinished = self.stack[-1]
        if not isinstance(unfinished, Unfinished):
            raise Refusal("sets the state of something that has none")
        self.stack[-1] = unfinished.finish(state, self._stream)
        for place in unfinished.places:
            self.memo[place] = self.stack[-1]

    def short_of_4_gb(self) -> None:
        """BINBYTES."""
        self._bytes(int.from_bytes(self.read(4), "little"))

    def any_bytes(self) -> None:
        """BINBYTES8 and BYTEARRAY8."""
        self._bytes(int.from_bytes(self.read(8), "little"))

    def _bytes(self, length: int) -> None:
        # As a buffer that an array over it can write to, and whose memory is only used as far as the file goes.
        if length > MAX_BYTES:
            raise Refusal(f"holds {length:,} bytes in one piece, more than {MAX_BYTES:,}")
        buffer = memoryview(np.empty(length, np.uint8))  # type: ignore[arg-type]
        fill(buffer, self.readinto)
        self.stack.append(buffer)

    dispatch[pickle.BINBYTES[0]] = short_of_4_gb
    dispatch[pickle.BINBYTES8[0]] = any_bytes
    dispatch[pickle.BYTEARRAY8[0]] = any_bytes
    dispatch[pickle.REDUCE[0]] = call
    dispatch[pickle.NEWOBJ[0]] = make
    dispatch[pickle.BUILD[0]] = finish
