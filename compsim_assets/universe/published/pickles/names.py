"""The names a foreign pickle may use, each with a harmless stand-in of our own.

Nothing here is the function or class that the pickle names: each entry of `NAMES` is a stand-in, and what a pickle
passes to it is plain data by then (numbers, text, bytes, lists, dicts, or what another stand-in returned). So the
question "what could these arguments do?" is asked of this file, `pickled_arrays` and `pickled_tables`, and not of all
of pandas, numpy and scikit-learn:

- `numpy.dtype` and its state make the dtype of a single number, text or object, from a short code. The real one takes
  any state, with which raw bytes can be passed off as pointers to objects.
- arrays are looked at as bytes of such a dtype, of the size that the shape asks for; object arrays are made from a list.
- frames, series and indexes are put together from arrays by pandas' public constructors.
- pyarrow's text is checked by pyarrow in full before a letter of it is read: the offsets are the file's own.
- PCA models stay a dict of what they hold. No method of theirs is called, of this or another version.
- sets, slices and bytes are Python's own, of lists, numbers and bytes.
- markers (`numpy.ndarray`, `builtins.list`) can be handed to the functions above and do nothing.
"""

from dataclasses import dataclass
from typing import Any

from compsim_assets.universe.published.pickles.arrays import (
    BYTES,
    NDARRAY,
    Array,
    Dtype,
    JoblibArray,
    Name,
    Refusal,
    Unfinished,
    array_of,
    scalar,
)
from compsim_assets.universe.published.pickles.tables import (
    INDEX,
    RANGE_INDEX,
    Blank,
    Block,
    alias,
    arrow_array,
    arrow_chunks,
    frame,
    index,
    listed,
    manager,
    manager_of_state,
    series,
    text,
)

OBJECT = Name("builtins.object")


@dataclass(frozen=True)
class Model:
    """What a fitted PCA held: attribute name -> value."""

    attributes: dict[str, Any]


def _buffer(raw: Any = b"") -> Any:
    if not isinstance(raw, BYTES):
        raise ValueError("a buffer without its bytes")
    return raw


def _model(state: Any) -> Model:
    if type(state) is not dict:
        raise ValueError("a model without its attributes")
    return Model(state)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    # How protocols 0 to 2 write bytes.
    if encoding not in ("latin1", "latin-1"):
        raise Refusal("encodes text in another way than protocols 0 to 2 do")
    return text.encode("latin1")


def _of_old_protocol(cls: Any, base: Any, state: Any) -> Unfinished:
    # How protocols 0 and 1 make an object of a class.
    if base is not OBJECT or state is not None or not isinstance(cls, Name) or not cls.blank:
        raise Refusal("makes an object of a foreign class")
    return cls.blank()


def _plain_dict(*_: object) -> dict:
    # Ordered and default dicts: their entries follow one by one. A default dict's factory is not kept.
    return {}


_FRAME = Name("pandas.DataFrame", blank=lambda: Blank(frame))
_SERIES = Name("pandas.Series", blank=lambda: Blank(series))
_MANAGER = Name("BlockManager", call=manager, blank=lambda: Blank(manager_of_state))
_TEXT = Name("pandas text", blank=lambda: Blank(text))
_TEXT_TYPE = Name("pandas.StringDtype", call=lambda *_: None)
_DTYPE = Name("numpy.dtype", call=Dtype)
_RECONSTRUCT = Name("numpy reconstruct", call=Array)
_SCALAR = Name("numpy scalar", call=scalar)
_FROM_BUFFER = Name("numpy frombuffer", call=array_of)
_PCA = Name("sklearn PCA", blank=lambda: Blank(_model))
_SET = Name("set", call=lambda values=(): set(listed(values)))
_FROZENSET = Name("frozenset", call=lambda values=(): frozenset(listed(values)))
_SLICE = Name("slice", call=slice)
_DICT = Name("dict", call=_plain_dict)
_LIST = Name("list")
_BYTES = Name("bytes", call=_buffer)

NAMES: dict[tuple[str, str], Name | None] = {
    # Python itself; protocols 0 to 2 write the names of Python 2.
    ("builtins", "slice"): _SLICE,
    ("__builtin__", "slice"): _SLICE,
    ("builtins", "set"): _SET,
    ("__builtin__", "set"): _SET,
    ("builtins", "frozenset"): _FROZENSET,
    ("__builtin__", "frozenset"): _FROZENSET,
    ("builtins", "list"): _LIST,
    ("__builtin__", "list"): _LIST,
    ("collections", "OrderedDict"): _DICT,
    ("collections", "defaultdict"): _DICT,
    ("__builtin__", "object"): OBJECT,
    ("copy_reg", "_reconstructor"): Name("reconstructor", call=_of_old_protocol),
    ("_codecs", "encode"): Name("encode", call=_encode),
    ("__builtin__", "bytes"): _BYTES,
    ("builtins", "bytearray"): _BYTES,
    ("__builtin__", "bytearray"): _BYTES,
    # numpy 1 and 2.
    ("numpy", "ndarray"): NDARRAY,
    ("numpy", "dtype"): _DTYPE,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,
    ("numpy.core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy._core.numeric", "_frombuffer"): _FROM_BUFFER,
    # pandas 1 and 2, then 3.
    ("pandas.core.frame", "DataFrame"): _FRAME,
    ("pandas", "DataFrame"): _FRAME,
    ("pandas.core.series", "Series"): _SERIES,
    ("pandas", "Series"): _SERIES,
    ("pandas.core.internals.managers", "BlockManager"): _MANAGER,
    ("pandas.core.internals.managers", "SingleBlockManager"): _MANAGER,
    ("pandas._libs.internals", "_unpickle_block"): Name("block", call=lambda v, p, _: Block(v, p)),
    ("pandas.core.indexes.base", "_new_Index"): Name("new index", call=index),
    ("pandas.core.indexes.base", "Index"): INDEX,
    ("pandas", "Index"): INDEX,
    ("pandas.core.indexes.numeric", "Int64Index"): INDEX,
    ("pandas.core.indexes.numeric", "UInt64Index"): INDEX,
    ("pandas.core.indexes.numeric", "Float64Index"): INDEX,
    ("pandas.core.indexes.range", "RangeIndex"): RANGE_INDEX,
    ("pandas", "RangeIndex"): RANGE_INDEX,
    # Text of pandas 2 and 3, with and without pyarrow.
    ("pandas._libs.missing", "NA"): None,
    ("pandas", "NA"): None,
    ("pandas.core.arrays.string_", "StringDtype"): _TEXT_TYPE,
    ("pandas", "StringDtype"): _TEXT_TYPE,
    ("pandas.core.arrays.string_", "StringArray"): _TEXT,
    ("pandas.arrays", "StringArray"): _TEXT,
    ("pandas.core.arrays.string_arrow", "ArrowStringArray"): _TEXT,
    ("pandas.arrays", "ArrowStringArray"): _TEXT,
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"): Name("text array", call=lambda *_: Blank(text)),
    ("pyarrow.lib", "_restore_array"): Name("arrow array", call=arrow_array),
    ("pyarrow.lib", "chunked_array"): Name("arrow chunks", call=arrow_chunks),
    ("pyarrow.lib", "type_for_alias"): Name("arrow type", call=alias),
    ("pyarrow.lib", "py_buffer"): Name("arrow buffer", call=_buffer),
    # Models, and the way in which joblib writes their arrays.
    ("sklearn.decomposition.pca", "PCA"): _PCA,
    ("sklearn.decomposition._pca", "PCA"): _PCA,
    ("sklearn.decomposition.incremental_pca", "IncrementalPCA"): _PCA,
    ("sklearn.decomposition._incremental_pca", "IncrementalPCA"): _PCA,
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): Name("joblib array", blank=JoblibArray),
}
"""(module, name) as a pickle writes them -> the stand-in. Exact pairs: nothing is reached through a dot."""
