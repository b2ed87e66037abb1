"""What is taken of a judge's answer: a label of one plain line, or a list of 0 and 1; of anything else nothing."""

import re

from compsim_assets.universe.judging.labels import LONGEST, plain

_THOUGHTS = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)
_FENCE = re.compile(r"```[a-z]{0,10}\s*(?P<inside>[^`]*?)\s*```")
_LIST = re.compile(r"\[\s*[01]\s*(?:,\s*[01]\s*)*,?\s*\]")
_LABEL = re.compile(r"[\s*_#]*LABEL[\s*_]*:[\s*_]*(?P<label>.*)", re.IGNORECASE)
_QUOTES = "\"'`*_ “”‘’"


def label_of(text: str) -> str | None:
    """The label behind the last `LABEL:` at the beginning of a line; None without one."""
    lines = [match["label"] for line in _spoken(text).splitlines() if (match := _LABEL.match(line))]
    label = plain(lines[-1], LONGEST).strip(_QUOTES) if lines else ""
    return label if any(letter.isalnum() for letter in label) else None


def flags_of(text: str, wanted: int) -> list[bool] | None:
    """As many flags as wanted; None where the answer is anything but such a list alone."""
    text = _spoken(text).strip()
    if fenced := _FENCE.fullmatch(text):
        text = fenced["inside"].strip()
    if len(text) > 10 * wanted + 10 or not _LIST.fullmatch(text):
        return None
    flags = [letter == "1" for letter in text if letter in "01"]
    return flags if len(flags) == wanted else None


def _spoken(text: str) -> str:
    """An answer without the thoughts that some models write before it."""
    match = _THOUGHTS.match(text)
    return text[match.end() :] if match else text
