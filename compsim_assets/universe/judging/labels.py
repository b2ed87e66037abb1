"""Labels of latents by a language model: `fuzz_scores/explanations/`, as delphi writes them, one JSON text per latent.

They are a stranger's texts: one line of plain characters is taken of them and nothing else.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 200  # characters of a label
COLUMNS = ("hookpoint", "latent", "judge_label", "judge", "prompt_version")
_NAME = re.compile(r"(?P<hookpoint>.+)_latent(?P<latent>\d{1,12})\.(txt|json)")
# What delphi writes for a label where it has none, and then scores as if it were one.
_NO_LABEL = {"Explanation could not be parsed.", "No explanation found"}
_LARGEST = 1 << 20  # bytes of a file
# Control characters, invisible ones and those that turn the direction of what follows, halves of characters.
_NEVER = {"Cc", "Cf", "Cs", "Co", "Cn"}


def plain(text: str, longest: int = LONGEST) -> str:
    """One line without control characters, of bounded length: what a stranger's text may be at most."""
    text = "".join(" " if letter.isspace() else letter for letter in text[: 50 * longest])
    text = "".join(letter for letter in text if unicodedata.category(letter) not in _NEVER)
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def whole(tokens: Iterable[str]) -> tuple[str, ...]:
    """Tokens without halves of characters, which no file could hold."""
    return tuple(token.encode("utf-8", "replace").decode() for token in tokens)


def are_tokens(value: Any) -> bool:
    """Whether it is a list of texts."""
    return isinstance(value, list) and all(isinstance(token, str) for token in value)


def file_stem(hookpoint: str, latent: int) -> str:
    """What a latent's files are called, as delphi spells it."""
    return f"{hookpoint.replace('/', '--')}_latent{latent}"


def read_labels(folder: Path) -> "pd.DataFrame":
    """hookpoint, latent, judge_label, judge, prompt_version: one row per labelled latent, ascending.

    `judge` is the model that said so, and `prompt_version` which words it was asked with, where a record of ours is
    beside it; else empty and null.

    Args:
        folder: the universe's `fuzz_scores`; it need not exist.

    Raises:
        UniverseError: a file that holds no JSON text, or a second label for a latent.
    """
    import pandas as pd

    rows: dict[tuple[str, int], tuple[str, str, int | None]] = {}
    for path in sorted(folder.glob("explanations/*_latent*")):
        if not (name := _NAME.fullmatch(path.name)):
            continue
        key = name["hookpoint"], int(name["latent"])
        if key in rows:
            raise UniverseError(f"{path}: a second label for latent {key[1]} of {key[0]}, expected one")
        if label := _label(path):
            rows[key] = label, *_judge(folder / "judge" / f"{path.stem}.json")
    table = pd.DataFrame([(*key, *row) for key, row in sorted(rows.items())], columns=list(COLUMNS))
    return table.astype({"hookpoint": object, "latent": "int64", "judge": object, "prompt_version": "Int64"})


def read_record(path: Path) -> dict[str, Any] | None:
    """What is written of one judged latent; None where there is nothing that can be read."""
    try:
        record = json.loads(_text(path))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _label(path: Path) -> str:
    try:
        label = json.loads(_text(path))
        if not isinstance(label, str):
            raise ValueError("expected a JSON text, the label")
    except ValueError as problem:
        raise UniverseError(f"{path}: {problem}") from None
    return "" if label.strip() in _NO_LABEL else plain(label)


def _judge(path: Path) -> tuple[str, int | None]:
    record = read_record(path) or {}
    version = record.get("prompt_version")
    return plain(str(record.get("model", "")), 100), version if isinstance(version, int) else None


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("expected a label of a few words, not a megabyte")
    return content.decode("utf-8")
