"""Descriptions as long as those of annual reports: a paragraph of the sample's phrases, then words of the company.

Words are made up, frequent and rare ones as in texts; a line of business has words of its own, which its reports use. A
company writes nearly the same every year, and the companies of a planted cluster copy from one another.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.universe.companies import Companies
from benchmarks.universe.shape import Shape
from compsim_assets.sample.lines import LINES
from compsim_assets.sample.texts import describe

_STREAM, _VOCABULARY, _CLUSTERS = 4, 5, 6
_WORDS, _LINE_WORDS = 30_000, 400
_LENGTH, _SPREAD = 2_600, 0.5  # words of a text: the median, and the deviation of the logarithm
_MOST = 12_000
_OF_LINES = 0.15  # share of words that are a line's
_SENTENCE = 18
_REWRITTEN, _COPY_REWRITTEN = 0.08, 0.12  # share of words that are new, of a year and of a copy
_LETTERS = np.array(list("etaoinshrdlucmfwypvbgkqjxz"))


@dataclass(frozen=True)
class Vocabulary:
    """Words as they are, as a sentence begins and as it ends: (V,) each. The lines' words follow the common ones."""

    words: np.ndarray
    first: np.ndarray
    last: np.ndarray
    chance: np.ndarray

    def draw(self, rng: np.random.Generator, n: int, weights: np.ndarray) -> np.ndarray:
        """(n,) numbers of words, of a company in these lines."""
        numbers = np.searchsorted(self.chance, rng.random(n, dtype=np.float32)).clip(max=_WORDS - 1)
        at = np.flatnonzero(rng.random(n, dtype=np.float32) < _OF_LINES)
        line = rng.choice(len(weights), len(at), p=weights)
        numbers[at] = _WORDS + line * _LINE_WORDS + (_LINE_WORDS * rng.random(len(at)) ** 3).astype(np.int64)
        return numbers

    def text(self, numbers: np.ndarray) -> str:
        """Sentences of as many words each."""
        written = self.words[numbers]
        written[::_SENTENCE] = self.first[numbers[::_SENTENCE]]
        written[_SENTENCE - 1 :: _SENTENCE] = self.last[numbers[_SENTENCE - 1 :: _SENTENCE]]
        return " ".join(written.tolist())


def make_vocabulary(shape: Shape) -> Vocabulary:
    """Common words by Zipf's law, and some of each line, with those that its phrases use."""
    rng = shape.stream(_VOCABULARY)
    n = _WORDS + shape.lines * _LINE_WORDS
    lengths = rng.integers(3, 11, n)
    letters = "".join(_LETTERS[(len(_LETTERS) * rng.random(lengths.sum()) ** 1.7).astype(int)])
    starts = np.cumsum(lengths) - lengths
    words = [letters[a : a + k] for a, k in zip(starts, lengths, strict=True)]
    for number, line in enumerate(LINES[: shape.lines]):
        phrases = sorted({word.lower() for word in " ".join(line.offers + line.sentences).split() if word.isalpha()})
        at = _WORDS + number * _LINE_WORDS
        words[at : at + len(phrases)] = phrases[:_LINE_WORDS]
    chance = np.cumsum(1 / np.arange(1, _WORDS + 1))
    forms = (words, [word.capitalize() for word in words], [f"{word}." for word in words])
    return Vocabulary(*(np.array(form, dtype=object) for form in forms), (chance / chance[-1]).astype(np.float32))


def texts_of(shape: Shape, companies: Companies, vocabulary: Vocabulary, block: np.ndarray) -> list[str]:
    """The texts of a block of companies, by company, then year."""
    reports = np.flatnonzero(np.isin(companies.company, block))
    company, year = companies.company[reports], companies.year[reports]
    openings = describe(
        shape.stream(_STREAM, 0, int(block[0])),
        [companies.name(int(c)) for c in block],
        company - block[0],
        shape.first_year + year,
        companies.weights[company],
    )
    texts = []
    for c in block:
        rng = shape.stream(_STREAM, 1, int(c))
        weights, years = companies.weights[c], year[company == c]
        base = _base(shape, companies, vocabulary, rng, int(c))
        for _ in years:
            at = np.flatnonzero(rng.random(len(base), dtype=np.float32) < _REWRITTEN)
            base[at] = vocabulary.draw(rng, len(at), weights)
            texts.append(f"{openings[len(texts)]} {vocabulary.text(base)}")
    return texts


def _base(
    shape: Shape, companies: Companies, vocabulary: Vocabulary, rng: np.random.Generator, company: int
) -> np.ndarray:
    """Words of a company before its first report: its own, or a copy of its cluster's with some words rewritten."""
    weights, family = companies.weights[company], int(companies.family[company])
    source = rng if family < 0 else shape.stream(_CLUSTERS, family)
    shared = weights if family < 0 else np.eye(len(weights))[weights.argmax()]
    n = int(np.clip(_LENGTH * np.exp(source.normal(0, _SPREAD)), 100, _MOST))
    base = vocabulary.draw(source, n, shared)
    if family >= 0:
        at = np.flatnonzero(rng.random(n, dtype=np.float32) < _COPY_REWRITTEN)
        base[at] = vocabulary.draw(rng, len(at), weights)
    return base
