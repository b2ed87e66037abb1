"""A text's words, and which of them are no terms: stop words, numbers, dates, legal endings, its company's own name."""

import re
from collections.abc import Sequence

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from compsim_assets.science.words.vocabulary import DATES, LEGAL, NUMBERS

# Words, apostrophes inside them; or one mark, which parts what is before it from what is behind it. Hyphens join.
PARTS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s-]")
_APOSTROPHES = re.compile("['’]")
SHORTEST = 2
START = 4  # letters of a name's word, at least, that others may begin or end like

# What scikit-learn's list lacks.
_PLAIN = frozenset(
    ["near", "also", "including", "include", "includes", "included", "various", "well", "related", "based"]
)
# What companies are about, and that list has.
_BUSINESS = frozenset(["bill", "computer", "fire", "interest", "mill", "system"])
NEVER = (ENGLISH_STOP_WORDS - _BUSINESS) | _PLAIN | DATES | NUMBERS | LEGAL


def stem(word: str) -> str:
    """A word in lower case without the ending of a plural."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def word_of(part: str) -> str:
    """A word without a possessive's ending, or a mark; "" for what is neither."""
    if len(part) == 1 or part.isalpha():
        return part
    head, *tail = _APOSTROPHES.split(part)
    # don't, o'clock and A380 are no terms, and keep what is around them apart.
    return head if head.isalpha() and tail in (["s"], ["S"]) else ""


class OwnName:
    """Tells the words of a company's own names: whole, inflected, run together, cut, and their initials.

    stems: of whole words, in lower case. starts, ends: beginnings and ends, from START letters on, of the words that
    others with a capital may begin or end like: those that have neither are not in the name, unless their stem is.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.stems: set[str] = set()
        self._whole: set[str] = set()
        for name in names:
            # A mark inside a name parts nothing.
            spelled = [part for part in re.findall(r"[^\W_]+", name.lower()) if part != "s"]
            meant = [part for part in spelled if part not in LEGAL]
            for several in (spelled, meant):
                joined = {"".join(several[i:j]) for i in range(len(several)) for j in range(i + 1, len(several) + 1)}
                joined.add("".join(part[0] for part in several))
                self.stems |= {stem(part) for part in joined if len(part) >= SHORTEST}
            self._whole |= {part for part in meant if len(part) >= START}
        self.starts = {whole[:START] for whole in self._whole}
        self.ends = {whole[i:] for whole in self._whole for i in range(len(whole) - START + 1)}

    def __contains__(self, word: str) -> bool:
        """Whether the word, as it is spelled in the text, is one of the name."""
        lower = word.lower()
        if stem(lower) in self.stems:
            return True
        if not word[:1].isupper() or len(lower) < START:
            return False
        return lower in self.ends or any(
            whole.startswith(lower) or (len(whole) > START and lower.startswith(whole)) for whole in self._whole
        )
