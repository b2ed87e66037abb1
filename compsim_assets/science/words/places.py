"""Which words of texts are places: by name, or because the texts speak of being in them."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

from compsim_assets.science.words.text import stem
from compsim_assets.science.words.vocabulary import COUNTRIES, PEOPLES, STATES

# america-n, canad-ian, chin-ese, austral-asian: most of a country's or continent's name, and one of these.
_OF_A_PEOPLE = re.compile(r"(an|ans|ian|ians|ean|ese|asian)$")
_BEFORE_A_PLACE = frozenset(["in", "near", "at", "from", "throughout", "across", "outside", "within", "into", "around"])
_AMONG_PLACES = frozenset(["the", "and", "or", "of", ","])
_CAPITAL = 0.8  # share of a place's occurrences with a capital, at least
_PLACED = 0.5  # share of them where the text says that something is there


class Places:
    """Reads texts, and tells then which words are places: names that are given, where they are written with a capital,
    and words with a capital that follow "in", "near" and the like.

    A text without any lower case, or without any capital, shows nothing. Memory: three numbers for each word.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        spelled = [name.lower().replace("-", " ").split() for name in names]
        self._given = COUNTRIES | STATES | PEOPLES | {word for name in spelled for word in name}
        self._roots = {name[: max(4, len(name) - 2)] for name in COUNTRIES if len(name) >= 4}
        self._all = Counter[str]()
        self._capital = Counter[str]()
        self._placed = Counter[str]()

    def read(self, spelled: Sequence[str]) -> None:
        """Take account of a text's words, as they are spelled, and of the marks between them."""
        capital = [word.lower() for word in spelled if word[:1].isupper()]
        lower = [word for word in spelled if word[:1].islower()]
        if not lower or not capital or len(capital) > len(lower):
            return
        self._capital.update(capital)
        self._all.update(capital)
        self._all.update(lower)
        there = False
        for word in spelled:
            if word[:1].isupper():
                if there and not word[1:].isupper():  # capitals alone are an abbreviation of anything
                    self._placed[word.lower()] += 1
            else:
                there = word in _BEFORE_A_PLACE or (there and word in _AMONG_PLACES)

    def has(self, word: str) -> bool:
        """Whether a word, in lower case, is a place or part of its name."""
        total = self._all[word]
        given = word in self._given or stem(word) in self._given or self._is_of_a_people(word)
        if not total:
            return given
        if self._capital[word] < _CAPITAL * total:
            return False
        return given or self._placed[word] >= _PLACED * total

    def are_in(self, term: str) -> bool:
        """Whether one of a term's words is a place."""
        return any(self.has(word) for word in term.split(" "))

    def _is_of_a_people(self, word: str) -> bool:
        return bool(_OF_A_PEOPLE.search(word)) and word[: max(4, len(word) - 3)].startswith(tuple(self._roots))
