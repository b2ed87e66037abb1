"""Numbers as other people's files hold them: as numbers, as numpy's, or as text."""

import re
from typing import Any

_WHOLE = re.compile(r"\s*-?[0-9]{1,18}(\.0*)?\s*")


def whole(value: Any) -> int | None:
    """A whole number of 64 bits, written as a number or as text; None for anything else."""
    import numpy as np

    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value.partition(".")[0])
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return None
    return int(value) if abs(int(value)) < 2**63 else None


def year_of(value: Any) -> int | None:
    year = whole(value)
    return year if year is not None and 1000 <= year <= 9999 else None


def short(value: Any) -> str:
    # Not the repr of a container: a pickle of a few bytes can hold one that is written out in gigabytes.
    # Nor of a number of thousands of digits, which Python refuses to write.
    simple = value is None or isinstance(value, str | float)
    simple |= isinstance(value, int) and value.bit_length() < 64
    text = repr(value[:60] if isinstance(value, str) else value) if simple else type(value).__name__
    return text[:80]
