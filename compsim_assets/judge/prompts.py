"""The questions to a judge, out of `prompts.toml`."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from compsim_assets.judge.examples import Example
from compsim_assets.judge.windows import Window
from compsim_assets.universe.judging.labels import plain

Messages = list[dict[str, str]]

_OPENS, _CLOSES = "⟪", "⟫"  # where marks begin and end, until the text is plain
_LONGEST = 4_000  # characters of a window


@cache
def _prompts() -> dict[str, Any]:
    return tomllib.loads((files("compsim_assets.judge") / "prompts.toml").read_text(encoding="utf-8"))


def version() -> int:
    """Which words judges are asked with."""
    return int(_prompts()["version"])


def label_question(active: Sequence[Window], silent: Sequence[Window]) -> Messages:
    """Asks for a name of what the first windows have and the second lack."""
    lists = {
        "active": _numbered([marked(window, window.marks()) for window in active]),
        "silent": _numbered([marked(window, frozenset()) for window in silent]),
    }
    return _messages("label", lists)


def score_question(kind: str, label: str, examples: Sequence[Example]) -> Messages:
    """Asks of each example whether the label holds: of its marked words (fuzz), or of its text (detection)."""
    windows = [marked(each.window, each.marks if kind == "fuzz" else frozenset()) for each in examples]
    return _messages(kind, {"label": label, "windows": _numbered(windows)})


def marked(window: Window, marks: frozenset[int]) -> str:
    """A window's text in one line, the tokens at these positions between << and >>."""
    parts = []
    for i, token in enumerate(window.tokens):
        text = token.replace(_OPENS, "<").replace(_CLOSES, ">")
        if i in marks and i - 1 not in marks:
            space = text[: len(text) - len(text.lstrip())]
            text = f"{space}{_OPENS}{text.lstrip()}"
        if i in marks and i + 1 not in marks:
            text += _CLOSES
        parts.append(text)
    # Tokens that make << or >> together are set apart, before the marks are put in.
    text = re.sub(r"<(?=<)|>(?=>)", r"\g<0> ", plain("".join(parts), _LONGEST))
    return text.replace(_OPENS, "<<").replace(_CLOSES, ">>")


def _numbered(windows: Sequence[str]) -> str:
    return "\n".join(f"Window {i}: {text}" for i, text in enumerate(windows))


def _messages(kind: str, values: dict[str, str]) -> Messages:
    prompt = _prompts()[kind]
    messages = [{"role": "system", "content": prompt["system"].strip()}]
    for shown in prompt["shown"]:
        messages.append({"role": "user", "content": shown["question"].strip()})
        messages.append({"role": "assistant", "content": shown["answer"]})
    # One after the other, as a text that holds braces must stay as it is.
    question = prompt["question"].strip()
    before, *parts = question.split("{")
    for part in parts:
        name, _, after = part.partition("}")
        before += values[name] + after
    return [*messages, {"role": "user", "content": before}]
