"""The names a foreign pickle may use, each with a harmless stand-in of our own.

Nothing here is the function or class that the pickle names: each entry of `NAMES` is a stand-in, and what a pickle
passes to it is plain data by then (numbers, text, bytes, lists, dicts, or what another stand-in returned). So the
question "what could these arguments do?" is asked of this folder, and not of all of pandas, numpy and scikit-learn:

- `numpy.dtype` and its state make the dtype of a single number, text or object, from a short code. The real one takes
  any state, with which raw bytes can be passed off as pointers to objects.
- arrays are looked at as bytes of such a dtype, of the size that the shape asks for; object arrays are made of a list.
- frames, series and indexes are put together from arrays by pandas' public constructors.
- pyarrow's text is checked by pyarrow in full before a letter of it is read: the offsets are the file's own.
- PCA models, scalers and pipelines of both stay a dict of what they hold. No method of theirs is called, of this or
  another version.
- sets, slices and bytes are Python's own, of lists, numbers and bytes.
- markers (`numpy.ndarray`, `builtins.list`) can be handed to the functions above and do nothing.
"""

from dataclasses import dataclass
from typing import Any

from compsim_assets.universe.published.pickles import arrays, tables
from compsim_assets.universe.published.pickles.arrays import Name
from compsim_assets.universe.published.pickles.tables import Blank


@dataclass(frozen=True)
class Model:
    """What a fitted PCA, or a scaler before it, held: attribute name -> value. kind: the class's name."""

    attributes: dict[str, Any]
    kind: str = "PCA"


def _buffer(raw: Any = b"") -> Any:
    if not isinstance(raw, arrays.BYTES):
        raise ValueError("a buffer without its bytes")
    return raw


def _model(kind: str) -> Name:
    def made(state: Any) -> Model:
        if type(state) is not dict:
            raise ValueError("a model without its attributes")
        return Model(state, kind)

    return Name(f"sklearn {kind}", blank=lambda: Blank(made))


def _plain_dict(*_: object) -> dict:
    # Ordered and default dicts: their entries follow one by one. A default dict's factory is not kept.
    return {}


_DICT = Name("dict", call=_plain_dict)
_BYTES = Name("bytes", call=_buffer)
_MANAGER = Name("BlockManager", call=tables.manager, blank=lambda: Blank(tables.manager_of_series))
_TEXT = Name("pandas text", blank=lambda: Blank(tables.text))
_PCA = _model("PCA")

# Modules -> member -> the stand-in. What moved is listed with all its homes.
_STAND_INS: dict[str, dict[str, Name | None]] = {
    "builtins": {
        "slice": Name("slice", call=slice),
        "set": Name("set", call=lambda values=(): set(tables.listed(values))),
        "frozenset": Name("frozenset", call=lambda values=(): frozenset(tables.listed(values))),
        "list": Name("list"),
        "bytearray": _BYTES,
    },
    "collections": {"OrderedDict": _DICT, "defaultdict": _DICT},
    "numpy": {"ndarray": arrays.NDARRAY, "dtype": Name("numpy.dtype", call=arrays.Dtype)},
    # numpy 1 and 2.
    "numpy.core.multiarray numpy._core.multiarray": {
        "_reconstruct": Name("numpy reconstruct", call=arrays.Array),
        "scalar": Name("numpy scalar", call=arrays.scalar),
    },
    "numpy.core.numeric numpy._core.numeric": {"_frombuffer": Name("numpy frombuffer", call=arrays.array_of)},
    # pandas 1.5 and 2, then 3.
    "pandas.core.frame pandas": {"DataFrame": Name("pandas.DataFrame", blank=lambda: Blank(tables.frame))},
    "pandas.core.series pandas": {"Series": Name("pandas.Series", blank=lambda: Blank(tables.series))},
    "pandas.core.internals.managers": {"BlockManager": _MANAGER, "SingleBlockManager": _MANAGER},
    "pandas._libs.internals": {"_unpickle_block": Name("block", call=lambda v, p, _: tables.Block(v, p))},
    "pandas.core.indexes.base": {"_new_Index": Name("new index", call=tables.index)},
    "pandas.core.indexes.base pandas": {"Index": tables.INDEX},
    "pandas.core.indexes.numeric": {
        "Int64Index": tables.INDEX,
        "UInt64Index": tables.INDEX,
        "Float64Index": tables.INDEX,
    },
    "pandas.core.indexes.range pandas": {"RangeIndex": tables.RANGE_INDEX},
    # Text of pandas 2 and 3, with and without pyarrow.
    "pandas._libs.missing pandas": {"NA": None},
    "pandas.core.arrays.string_ pandas": {"StringDtype": Name("pandas.StringDtype", call=lambda *_: None)},
    "pandas.core.arrays.string_ pandas.arrays": {"StringArray": _TEXT},
    "pandas.core.arrays.string_arrow pandas.arrays": {"ArrowStringArray": _TEXT},
    "pandas._libs.arrays": {"__pyx_unpickle_NDArrayBacked": Name("text array", call=lambda *_: Blank(tables.text))},
    "pyarrow.lib": {
        "_restore_array": Name("arrow array", call=tables.arrow_array),
        "chunked_array": Name("arrow chunks", call=tables.arrow_chunks),
        "type_for_alias": Name("arrow type", call=lambda name: name),
        "py_buffer": Name("arrow buffer", call=_buffer),
    },
    # Models, and the way in which joblib writes their arrays.
    "sklearn.decomposition._pca": {"PCA": _PCA},
    "sklearn.decomposition._incremental_pca": {"IncrementalPCA": _PCA},
    "sklearn.preprocessing._data": {"StandardScaler": _model("StandardScaler")},
    "sklearn.pipeline": {"Pipeline": _model("Pipeline")},
    "joblib.numpy_pickle": {"NumpyArrayWrapper": Name("joblib array", blank=arrays.JoblibArray)},
}

NAMES = {
    (module, name): stand_in
    for modules, members in _STAND_INS.items()
    for module in modules.split()
    for name, stand_in in members.items()
}
"""(module, name) as a pickle writes them -> the stand-in. Exact pairs: nothing is reached through a dot."""
