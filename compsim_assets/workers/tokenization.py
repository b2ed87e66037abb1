"""Descriptions -> tokens, with the special tokens left out of the count; long ones are cut, or read in windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from compsim_assets.science.latents.extraction import Tokens


@dataclass(frozen=True)
class Tokenizer:
    """Cuts texts, or token ids made earlier, to `max_tokens`, or into windows of so many, and marks what is text.

    Attributes:
        tokenizer: a transformers tokenizer. Which side it pads on does not matter: nothing is padded here.
        max_tokens: limit of a window, special tokens included.
        vocabulary: rows of the model's embedding; an id beyond it is an error.
        chunk: a longer text is read in consecutive windows, each framed as the whole text would be; else it is cut.
        prefix: tokens before each text that the tokenizer does not put there.
    """

    tokenizer: Any
    max_tokens: int
    vocabulary: int
    chunk: bool = False
    prefix: tuple[int, ...] = ()

    def __call__(self, contents: Sequence[str] | Sequence[np.ndarray]) -> list[Tokens]:
        """Tokens of each content, in order.

        Raises:
            ValueError: a token id that the model does not know.
        """
        texts = [content for content in contents if isinstance(content, str)]
        tokens = self._of_texts(texts) if texts else [self._of_ids(ids) for ids in contents]
        for ids in (of_one.ids for of_one in tokens):
            if ids.size and not 0 <= ids.min() <= ids.max() < self.vocabulary:
                wrong = ids.min() if ids.min() < 0 else ids.max()
                raise ValueError(
                    f"token id {wrong} is outside the model's vocabulary of {self.vocabulary}: "
                    "were the input_ids made by this model's tokenizer?"
                )
        return tokens

    def check_room(self) -> None:
        """Raise ValueError where nothing of a text fits between the tokens that frame it."""
        added = self.tokenizer.num_special_tokens_to_add() + len(self.prefix)
        if self.max_tokens <= added:
            raise ValueError(
                f"max_tokens = {self.max_tokens} leaves no room for text: the tokenizer adds {added} special tokens"
            )

    def _of_texts(self, texts: list[str]) -> list[Tokens]:
        # One token more than the limit tells a text that is too long from one that just fits.
        limits = {} if self.chunk else {"truncation": True, "max_length": self.max_tokens - len(self.prefix) + 1}
        encoded = self.tokenizer(
            texts,
            **limits,
            return_special_tokens_mask=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        tokens = []
        for ids, mask in zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True):
            ids, added = np.array(ids, dtype=np.int64), np.array(mask, dtype=bool)
            before, after = _runs(added)
            lead = np.concatenate([np.array(self.prefix, dtype=np.int64), ids[:before]])
            tokens.append(self._framed(lead, ids[before : len(ids) - after], ids[len(ids) - after :]))
        return tokens

    def _of_ids(self, ids: Any) -> Tokens:
        ids = self._without_padding(np.asarray(ids, dtype=np.int64))
        before, after = _runs(np.isin(ids, self._special_ids))
        lead, body = ids[:before], ids[before : len(ids) - after]
        if self.prefix and not before:
            lead = np.array(self.prefix, dtype=np.int64)
        return self._framed(lead, body, ids[len(ids) - after :])

    def _framed(self, lead: np.ndarray, body: np.ndarray, end: np.ndarray) -> Tokens:
        """A text between the tokens that frame it: cut, or as windows framed alike."""
        room = max(1, self.max_tokens - len(lead) - len(end))
        counted = ~np.isin(body, self._special_ids)
        if len(body) <= room or not self.chunk:
            cut = len(body) > room
            parts = [(body[:room], counted[:room])]
        else:
            cut = False
            parts = [(body[at : at + room], counted[at : at + room]) for at in range(0, len(body), room)]
        framed = [np.concatenate([lead, part, end]) for part, _ in parts]
        marks = [np.pad(mark, (len(lead), len(end))) for _, mark in parts]
        starts = np.cumsum([len(window) for window in framed])[:-1]
        return Tokens(np.concatenate(framed), np.concatenate(marks), cut, tuple(starts.tolist()))

    def _without_padding(self, ids: np.ndarray) -> np.ndarray:
        """Token ids without what filled them up, on either side: the padding token, or a special one repeated."""
        special = np.isin(ids, self._special_ids)
        before, after = _runs(special)
        again = np.zeros(len(ids), dtype=bool)
        again[1:] = ids[1:] == ids[:-1]
        ends = np.ones(len(ids), dtype=bool)
        ends[before : len(ids) - after] = False
        return ids[~(ends & (again | (ids == self._padding)))]

    @cached_property
    def _padding(self) -> int:
        """The id of padding and of nothing else; -1 where there is none."""
        names = ("bos", "eos", "cls", "sep", "unk")
        others = {getattr(self.tokenizer, f"{name}_token_id", None) for name in names}
        pad = self.tokenizer.pad_token_id
        return -1 if pad is None or pad in others else int(pad)

    @cached_property
    def _special_ids(self) -> list[int]:
        """Ids that frame a text (BOS, EOS, CLS, SEP, pad and the like). An unknown word is text."""
        names = ("bos", "eos", "cls", "sep", "pad")
        framing = {getattr(self.tokenizer, f"{name}_token_id", None) for name in names}
        unknown = self.tokenizer.unk_token_id
        return [i for i in self.tokenizer.all_special_ids if i != unknown or i in framing]


def _runs(special: np.ndarray) -> tuple[int, int]:
    """How many of these stand at the beginning, and at the end; where there are no others, all at the beginning."""
    others = np.flatnonzero(~special)
    return (len(special), 0) if not len(others) else (int(others[0]), len(special) - 1 - int(others[-1]))
