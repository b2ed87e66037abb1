"""Names, labels and snippets as text that only says something: nothing in it moves a cursor or turns a line around."""

import unicodedata
from typing import Any

_SPACES = {"Zl", "Zp", "Zs"}


def plain(value: Any) -> str:
    """A text of a universe for a terminal: on one line, each run of blanks one blank, and U+FFFD for every character
    that is none to be seen: escape sequences begin with one, and marks that reverse a line's direction are such.
    """
    if value is None or value != value:
        return ""
    return " ".join("".join(map(_seen, str(value))).split())


def _seen(character: str) -> str:
    category = unicodedata.category(character)
    if character in "\t\n\r\v\f\x85" or category in _SPACES:
        return " "
    return "\N{REPLACEMENT CHARACTER}" if category.startswith("C") else character
