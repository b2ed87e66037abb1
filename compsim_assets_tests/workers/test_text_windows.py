"""Tokens as text: joined they are the text again, and hostile ones are data."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from compsim_assets.workers.text_windows import Pieces

HOSTILE = ["<b>", "\x1b[2J", "\ud800", '"', "\\", "\u2028"]


def tokenizer(pieces: list[str], decoded: list[str] | None = None) -> Any:
    return SimpleNamespace(
        get_vocab=lambda: {piece: number for number, piece in enumerate(pieces)},
        convert_ids_to_tokens=lambda number: pieces[number],
        decode=lambda numbers, clean_up_tokenization_spaces: (decoded or pieces)[numbers[0]],
    )


@pytest.mark.parametrize(
    ("pieces", "decoded", "text"),
    [
        (["bank", "##ing", "gold"], None, " banking gold"),
        (["▁bank", "ing", "▁gold"], None, " banking gold"),
        (["Ġbank", "ing", "Ġgold"], [" bank", "ing", " gold"], " banking gold"),
    ],
)
def test_joined_tokens_are_the_text(pieces: list[str], decoded: list[str] | None, text: str) -> None:
    assert "".join(json.loads(Pieces(tokenizer(pieces, decoded)).spell([0, 1, 2]))) == text


def test_hostile_tokens_are_data() -> None:
    spelled = Pieces(tokenizer(HOSTILE)).spell(list(range(len(HOSTILE))))
    assert json.loads(spelled) == HOSTILE
    assert spelled.isascii()
    assert spelled.isprintable()
