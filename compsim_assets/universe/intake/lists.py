"""Lists of numbers as text, as a round trip through CSV leaves them."""

import re
from typing import Any

_SIGNS = re.compile(r"[\[\](){},;'\"\s]+|array|dtype=\w+|np\.float\d+")
# The letters are CRSP's codes of a return that is missing.
_NONE = {"nan", "none", "null", "na", "n/a", ".", "b", "c", "d", "e"}


def numbers_of(text: str) -> list[float] | None:
    """The numbers of "[0.1, -0.2]", "(0.1, None)", "[0.1 -0.2]" (numpy) or nested lists, flat; None for any other text.

    A shortened array ("[0.1 ... 0.2]") is not a list of numbers: what is left out is lost.
    """
    text = text.strip()
    if not text or text[0] not in "[(a" or "..." in text:
        return None
    numbers = []
    for part in _SIGNS.split(text):
        if not part:
            continue
        try:
            numbers.append(float("nan") if part.lower() in _NONE else float(part))
        except ValueError:
            return None
    return numbers


def flat(value: Any) -> list[Any]:
    """The items of nested lists, arrays and tuples, one after the other."""
    import numpy as np

    items: list[Any] = []
    for item in value:
        items.extend(flat(item) if isinstance(item, list | tuple | np.ndarray) else [item])
    return items
