"""Which words of texts are places: by name, or because the texts speak of being in them."""

import re
from collections.abc import Collection, Sequence

import numpy as np

from compsim_assets.science.words.lexicon import (
    AMONG_PLACES,
    BEFORE_A_PLACE,
    CAPITAL,
    CAPITALS_FOLLOW,
    SMALL,
    Lexicon,
    Tokens,
    Words,
)
from compsim_assets.science.words.text import stem
from compsim_assets.science.words.vocabulary import COUNTRIES, PEOPLES, STATES

# america-n, canad-ian, chin-ese, austral-asian: most of a country's or continent's name, and one of these.
_OF_A_PEOPLE = re.compile(r"(an|ans|ian|ians|ean|ese|asian)$")
_CAPITAL = 0.8  # share of a place's occurrences with a capital, at least
_PLACED = 0.5  # share of them where the text says that something is there


class Places:
    """Reads texts, and tells then which words are places: names that are given, where they are written with a capital,
    and words with a capital that follow "in", "near" and the like.

    A text without any lower case, or without any capital, shows nothing. Memory: three numbers for each word.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self.lexicon = Lexicon()
        spelled = [name.lower().replace("-", " ").split() for name in names]
        self._given = COUNTRIES | STATES | PEOPLES | {word for name in spelled for word in name}
        self._roots = {name[: max(4, len(name) - 2)] for name in COUNTRIES if len(name) >= 4}
        # By word: how often it occurs, with a capital, and where the text says that something is there.
        self._all, self._capital, self._placed = (np.zeros(0, dtype=np.int64) for _ in range(3))

    def read(self, texts: Sequence[str]) -> None:
        """Take account of texts."""
        for _, tokens in self.lexicon.read(texts):
            self.take(tokens, self.lexicon.words())

    def take(self, tokens: Tokens, words: Words) -> None:
        """Take account of texts that the lexicon has read."""
        kind, n_texts = words.kind[tokens.word], len(tokens.bounds) - 1
        capital, small = kind & CAPITAL > 0, kind & SMALL > 0
        n_capital, n_small = (np.bincount(tokens.text[those], minlength=n_texts) for those in (capital, small))
        shows = ((n_capital > 0) & (n_capital <= n_small))[tokens.text]
        lower = words.lower[tokens.word]
        # Whether something is there stays as it is over capitals, and over "the", "and" and the like.
        says = ~capital & (kind & AMONG_PLACES == 0)
        last = np.maximum.accumulate(np.where(says, np.arange(len(kind)), -1))
        there = (last >= tokens.bounds[tokens.text]) & (kind[last] & BEFORE_A_PLACE > 0)
        # Capitals alone are an abbreviation of anything.
        placed = capital & there & (kind & CAPITALS_FOLLOW == 0)
        n = len(words.kind)
        of_capital = np.bincount(lower[shows & capital], minlength=n)
        self._all = _added(self._all, of_capital + np.bincount(tokens.word[shows & small], minlength=n))
        self._capital = _added(self._capital, of_capital)
        self._placed = _added(self._placed, np.bincount(lower[shows & placed], minlength=n))

    def among(self, numbers: np.ndarray) -> np.ndarray:
        """Which of the words with these numbers, in lower case, are places or part of their names."""
        total, capital, placed = (each[numbers] for each in (self._all, self._capital, self._placed))
        may_be = np.flatnonzero(capital >= _CAPITAL * total)
        are = np.zeros(len(numbers), dtype=bool)
        are[may_be] = (total[may_be] > 0) & (placed[may_be] >= _PLACED * total[may_be])
        for at in may_be[~are[may_be]].tolist():
            are[at] = self._is_given(self.lexicon.spelled[numbers[at]])
        return are

    def _is_given(self, word: str) -> bool:
        return word in self._given or stem(word) in self._given or self._is_of_a_people(word)

    def _is_of_a_people(self, word: str) -> bool:
        return bool(_OF_A_PEOPLE.search(word)) and word[: max(4, len(word) - 3)].startswith(tuple(self._roots))


def _added(counts: np.ndarray, more: np.ndarray) -> np.ndarray:
    more[: len(counts)] += counts
    return more
