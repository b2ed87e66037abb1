"""What the page's scripts are told: texts without controls, numbers in base64, JSON that is no markup anywhere."""

import json
import re
from base64 import b64encode
from typing import Any

import numpy as np

# Line ends and control characters become blanks; what turns the direction of text around, or is not seen, goes.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+"
)
_HALVES = re.compile("[\ud800-\udfff]")
_NAMES = {"u1": "u8", "i1": "i8", "u2": "u16", "i2": "i16", "u4": "u32", "i4": "i32", "f4": "f32"}
_MARKUP = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027", "`": "\\u0060"})


def clean(text: Any) -> str:
    """A text of the data as it may be shown; empty for a missing one."""
    if not isinstance(text, str):
        return ""
    if text.isascii() and text.isprintable():
        return text
    return _HALVES.sub("\ufffd", _UNSEEN.sub("", _CONTROLS.sub(" ", text)))


def short(text: Any, most: int) -> str:
    """Its beginning, up to the end of a word."""
    # Annual reports are long: what is shown of them is in the first part, however much of it is blank.
    text = " ".join(clean(text[: 8 * most] if isinstance(text, str) else text).split())
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(",;:.") + " …"


def packed(values: Any, kind: str) -> dict[str, str]:
    """An array as the page reads it: `kind` is numpy's name of the type, two characters.

    Raises:
        OverflowError: a value is not of that type.
    """
    array = np.asarray(values)
    limits = np.iinfo(kind) if kind[0] in "iu" else None
    if limits is not None and array.size and not (limits.min <= array.min() and array.max() <= limits.max):
        raise OverflowError(f"values of {array.min()} to {array.max()} in {kind}")
    return {"$": _NAMES[kind], "b": b64encode(np.ascontiguousarray(array, dtype=f"<{kind}").tobytes()).decode()}


def scaled(values: Any, factor: float, kind: str, nothing: int) -> dict[str, str]:
    """Numbers as whole multiples of 1 / `factor`, the nearest that the type holds; `nothing` where there is none."""
    limits, array = np.iinfo(kind), np.asarray(values, dtype=np.float64)
    missing = np.isnan(array)
    low, high = limits.min + (nothing == limits.min), limits.max - (nothing == limits.max)
    whole = np.clip(np.rint(np.where(missing, 0, array) * factor), low, high)
    return packed(np.where(missing, nothing, whole).astype(np.int64), kind)


def starts(position: np.ndarray, n: int) -> np.ndarray:
    """(n + 1,) where the rows of each position begin, of rows in the order of their positions."""
    return np.concatenate([[0], np.cumsum(np.bincount(position, minlength=n))]).astype(np.int64)


def script(name: str, value: Any) -> str:
    """A part of the data, as the script that hands it to the page.

    ASCII alone, and none of the characters that end a script, open a comment or stand for something in markup.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return f"compsim.take({json.dumps(name)},{text.translate(_MARKUP)});\n"
