"""What an endpoint sends back: of a chat completion what is of use, how many tokens it took, how long to wait."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from compsim_assets.judge.prompts import Messages
from compsim_assets.universe.judging.labels import plain

_LONGEST = 20_000  # characters of what the judge itself says
_CHARACTERS = 4  # per token, where nobody counts


@dataclass(frozen=True)
class Answer:
    """What the judge said.

    Attributes:
        text: empty where it said nothing.
        cut: it was longer than allowed.
        tokens_in, tokens_out: as the endpoint counts them, else by characters.
        counted: whether the endpoint did.
        model: what the endpoint calls the one that answered.
    """

    text: str
    cut: bool
    tokens_in: int
    tokens_out: int
    counted: bool
    model: str


def answer_of(content: bytes, messages: Messages, without_key: Callable[[str], str]) -> Answer:
    """A chat completion, untrusted.

    Raises:
        ValueError: it is none.
    """
    try:
        body = json.loads(content)
        choice = body["choices"][0]
        text, cut = choice["message"].get("content"), choice.get("finish_reason") == "length"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError("no chat completion") from None
    text = without_key(text[:_LONGEST]) if isinstance(text, str) else ""
    model = body.get("model")
    model = plain(without_key(model)) if isinstance(model, str) else ""
    usage = body.get("usage")
    tokens_in, tokens_out = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    if tokens_in is None or tokens_out is None:
        return Answer(text, cut, tokens_of(messages), math.ceil(len(text) / _CHARACTERS), False, model)
    return Answer(text, cut, tokens_in, tokens_out, True, model)


def tokens_of(messages: Messages) -> int:
    """About how many tokens a question has."""
    return sum(4 + math.ceil(len(message["content"]) / _CHARACTERS) for message in messages)


def seconds_to_wait(value: str) -> float | None:
    """What `Retry-After` says: a number, or a date; None where it is neither."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _count(usage: Any, name: str) -> int | None:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and 0 <= count < 1 << 31 else None
