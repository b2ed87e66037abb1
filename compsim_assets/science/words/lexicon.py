"""Words by number: each is looked at once, however often texts have it."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from compsim_assets.science.words.text import NEVER, PARTS, SHORTEST, START, OwnName, stem, word_of

# Kinds of words, a bit each.
TERM, CAPITAL, SMALL, CAPITALS_FOLLOW, BEFORE_A_PLACE, AMONG_PLACES = (1 << i for i in range(6))
_BEFORE_A_PLACE = frozenset(["in", "near", "at", "from", "throughout", "across", "outside", "within", "into", "around"])
_AMONG_PLACES = frozenset(["the", "and", "or", "of", ","])
# Of texts read at once: they take about thirty bytes a character.
_CHARACTERS, TEXTS = 1 << 22, 1 << 12


class Words(NamedTuple):
    """What is known of v words, by their numbers.

    lower: (v,) int32 number of the word in lower case. stem, start: (v,) int32 numbers of its stem and of its first
    four letters, in lower case; these are no words' numbers. kind: (v,) uint8.
    """

    lower: np.ndarray
    stem: np.ndarray
    start: np.ndarray
    kind: np.ndarray


@dataclass(frozen=True)
class Tokens:
    """Some texts, one after the other: (t,) int32 words and, of each, the position of its text; (n + 1,) bounds."""

    word: np.ndarray
    text: np.ndarray
    bounds: np.ndarray


class Lexicon:
    """Words as texts spell them, numbered in the order of their first appearance.

    Memory: about 300 bytes for each spelling.
    """

    def __init__(self) -> None:
        self.spelled: list[str] = []
        self._lower, self._stem, self._start, self._kind = array("i"), array("i"), array("i"), array("B")
        self._stems, self._starts = dict[str, int](), dict[str, int]()
        self._word, self._part = _Numbers(self._add), _Numbers(lambda part: self._word[word_of(part)])

    def _add(self, word: str) -> int:
        lower = word.lower()
        # The lower case first: its number is asked for while this one has none yet.
        of_lower = self._word[lower] if lower != word else len(self.spelled)
        self.spelled.append(word)
        self._lower.append(of_lower)
        self._stem.append(self._stems.setdefault(stem(lower), len(self._stems)))
        self._start.append(self._starts.setdefault(lower[:START], len(self._starts)))
        self._kind.append(
            TERM * (len(lower) >= SHORTEST and lower not in NEVER)
            | CAPITAL * word[:1].isupper()
            | SMALL * word[:1].islower()
            | CAPITALS_FOLLOW * word[1:].isupper()
            | BEFORE_A_PLACE * (word in _BEFORE_A_PLACE)
            | AMONG_PLACES * (word in _AMONG_PLACES)
        )
        return len(self.spelled) - 1

    def words(self) -> Words:
        """All that were read so far."""
        return Words(*(np.array(each) for each in (self._lower, self._stem, self._start, self._kind)))

    def read(self, texts: Sequence[str]) -> Iterator[tuple[int, Tokens]]:
        """The texts as numbers, some thousands at a time, each time with the position of the first of them."""
        start = 0
        while start < len(texts):
            stop, characters = start, 0
            while stop < len(texts) and stop - start < TEXTS and (stop == start or characters < _CHARACTERS):
                characters += len(texts[stop])
                stop += 1
            numbers = [list(map(self._part.__getitem__, PARTS.findall(text))) for text in texts[start:stop]]
            lengths = np.fromiter(map(len, numbers), dtype=np.int64, count=len(numbers))
            word = np.fromiter((number for of_text in numbers for number in of_text), np.int32, count=lengths.sum())
            yield start, Tokens(word, np.repeat(np.arange(len(numbers)), lengths), np.append(0, lengths.cumsum()))
            start = stop

    def of_name(self, name: OwnName, numbers: np.ndarray, words: Words) -> np.ndarray:
        """Which of the words with these numbers are of a company's own name."""
        are = _among(words.stem[numbers], self._stems, name.stems)
        # Else only the beginning or the end of a name's word, or what begins with one, may be.
        may_be = _among(words.lower[numbers], self._word, name.ends)
        may_be |= _among(words.start[numbers], self._starts, name.starts)
        may_be &= ~are & (words.kind[numbers] & CAPITAL > 0)
        for at in np.flatnonzero(may_be).tolist():
            are[at] = self.spelled[numbers[at]] in name
        return are


def _among(numbers: np.ndarray, of: dict[str, int], strings: set[str]) -> np.ndarray:
    """Which of the numbers are those of the strings; one that has none is not asked for."""
    return np.isin(numbers, [of[each] for each in strings if each in of])


class _Numbers(dict[str, int]):
    """Numbers of strings; one that has none gets it when it is asked for."""

    def __init__(self, make: Callable[[str], int]) -> None:
        self._make = make

    def __missing__(self, key: str) -> int:
        number = self[key] = self._make(key)
        return number
