"""Descriptions -> tokens, with the special tokens left out of the count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from compsim_assets.science.latents.extraction import Tokens


@dataclass(frozen=True)
class Tokenizer:
    """Cuts texts, or token ids made earlier, to `max_tokens` and marks what is text in them.

    Attributes:
        tokenizer: a transformers tokenizer.
        max_tokens: limit, special tokens included.
        vocabulary: rows of the model's embedding; an id beyond it is an error.
    """

    tokenizer: Any
    max_tokens: int
    vocabulary: int

    def __call__(self, contents: Sequence[str] | Sequence[np.ndarray]) -> list[Tokens]:
        """Tokens of each content, in order.

        Raises:
            ValueError: a token id that the model does not know.
        """
        texts = [content for content in contents if isinstance(content, str)]
        tokens = self._of_texts(texts) if texts else [self._of_ids(ids) for ids in contents]
        for ids, _, _ in tokens:
            if ids.size and not 0 <= ids.min() <= ids.max() < self.vocabulary:
                wrong = ids.min() if ids.min() < 0 else ids.max()
                raise ValueError(
                    f"token id {wrong} is outside the model's vocabulary of {self.vocabulary}: "
                    "were the input_ids made by this model's tokenizer?"
                )
        return tokens

    def _of_texts(self, texts: list[str]) -> list[Tokens]:
        # One token more than the limit tells a text that is too long from one that just fits. Of
        # the former the last token of the text goes: what is left is the tokenizer's truncation.
        encoded = self.tokenizer(
            texts,
            truncation=True,
            max_length=self.max_tokens + 1,
            return_special_tokens_mask=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        tokens = []
        for ids, mask in zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True):
            ids, added = np.array(ids, dtype=np.int64), np.array(mask, dtype=bool)
            truncated = len(ids) > self.max_tokens
            if truncated:
                last = np.flatnonzero(~added)[-1]
                ids, added = np.delete(ids, last), np.delete(added, last)
            tokens.append(Tokens(ids, ~added & ~np.isin(ids, self._special_ids), truncated))
        return tokens

    def _of_ids(self, ids: Any) -> Tokens:
        ids = np.asarray(ids, dtype=np.int64)
        read = ids[: self.max_tokens]
        return Tokens(read, ~np.isin(read, self._special_ids), len(ids) > self.max_tokens)

    @cached_property
    def _special_ids(self) -> list[int]:
        """Ids that frame a text (BOS, EOS, CLS, SEP, pad and the like). An unknown word is text."""
        names = ("bos", "eos", "cls", "sep", "pad")
        framing = {getattr(self.tokenizer, f"{name}_token_id", None) for name in names}
        unknown = self.tokenizer.unk_token_id
        return [i for i in self.tokenizer.all_special_ids if i != unknown or i in framing]
