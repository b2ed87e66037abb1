"""Which texts have which terms: a sparse matrix of the different texts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from compsim_assets.science.words.lexicon import TERM, Lexicon, Tokens, Words
from compsim_assets.science.words.places import Places
from compsim_assets.science.words.text import OwnName

_BITS = 25  # of a word's number; twice as many of a term, and twelve are left for the position of a text
_WORDS = (1 << _BITS) - 1


@dataclass(frozen=True)
class TermCounts:
    """Which texts have which terms.

    Attributes:
        matrix: (m, t) int32, 1 where a text has a term; a row for each different text with its company's names.
        row: (n,) int64, row of each document's text; -1 where it has none.
        terms: t terms in alphabetical order: a word, or two with a blank between.
        stems: (t, 2) int64, number of the stem of a term's first word and of its last.
    """

    matrix: sparse.csr_array
    row: np.ndarray
    terms: list[str]
    stems: np.ndarray

    @property
    def documents(self) -> sparse.csr_array:
        """(n, t): the row of each document, empty without a text. Memory: that of all documents."""
        empty = sparse.csr_array((1, self.matrix.shape[1]), dtype=self.matrix.dtype)
        return sparse.vstack([self.matrix, empty], format="csr")[self.row]


def count_terms(
    texts: Sequence[str | None],
    names: Sequence[str | Sequence[str]],
    *,
    places: Collection[str] | Places = (),
    companies_at_least: int = 2,
) -> TermCounts:
    """Find the terms of texts: words, and two words that stand together.

    Never a term: stop words, numbers, dates, legal endings, places, and what only one company writes. Words of a
    company's own names are not counted in its texts.

    Args:
        texts: of n documents; None or blank: none.
        names: name, or names (a ticker is one), of the company of each.
        places: names of places, besides those that the texts show to be places; or `Places` that have read other
            texts: windows of texts in lower case show none.
        companies_at_least: companies, by their names, that must write a term.

    Cost: O(words of the different texts), each spelling looked at once, and a sort of the terms of all texts. Memory:
    20 bytes for each term of each different text, and about 50 for each different term.
    """
    first = dict[tuple[str, tuple[str, ...]], int]()
    row = np.full(len(texts), -1, dtype=np.int64)
    for i, (text, name) in enumerate(zip(texts, names, strict=True)):
        if text and not text.isspace():
            key = text, (name,) if isinstance(name, str) else tuple(name)
            row[i] = first.setdefault(key, len(first))
    seen = places if isinstance(places, Places) else Places(places)
    keys, bounds = _keys(list(first), seen)
    words, column = _alphabetical(keys, seen.lexicon)
    companies = _companies(column, bounds, len(words), [key[1] for key in first])
    ends = np.stack([words[:, 0], np.where(words[:, 1] < 0, words[:, 0], words[:, 1])], axis=1)
    numbers, parts = np.unique(ends, return_inverse=True)
    usable = (companies >= companies_at_least) & ~seen.among(numbers)[parts].any(axis=1)
    # Positions among the usable ones, where there is none: -1.
    column = np.where(usable, np.cumsum(usable) - 1, -1).astype(np.int32)[column]
    bounds = np.append(0, np.cumsum(column >= 0))[bounds]
    matrix = _matrix(column[column >= 0], bounds, int(usable.sum()))
    stems = seen.lexicon.words().stem.astype(np.int64)
    return TermCounts(matrix, row, _spelled(words[usable], seen.lexicon), stems[ends[usable]])


def _keys(documents: list[tuple[str, tuple[str, ...]]], places: Places) -> tuple[np.ndarray, np.ndarray]:
    """(k,) int64 different terms of each text, one text after the other, and (m + 1,) where each begins.

    A term is the number of its first word, and one more than that of its second one or 0. All that is read goes by
    `places`.
    """
    parts, counts = list[np.ndarray](), list[np.ndarray]()
    for start, tokens in places.lexicon.read([text for text, _ in documents]):
        words = places.lexicon.words()
        places.take(tokens, words)
        names = [names for _, names in documents[start : start + len(tokens.bounds) - 1]]
        single = _single(tokens, words, names, places.lexicon)
        two = np.flatnonzero((single[:-1] >= 0) & (single[1:] >= 0) & (tokens.text[:-1] == tokens.text[1:]))
        one = np.flatnonzero(single >= 0)
        first, second = single[np.append(one, two)], np.append(np.zeros(len(one), np.int64), single[two + 1] + 1)
        text = tokens.text[np.append(one, two)]
        different = _different((text << 2 * _BITS) | (first << _BITS) | second)
        counts.append(np.bincount(different >> 2 * _BITS, minlength=len(names)))
        parts.append(different & ((1 << 2 * _BITS) - 1))
    bounds = np.cumsum(np.concatenate([np.zeros(1, np.int64), *counts]))
    return np.concatenate([np.empty(0, np.int64), *parts]), bounds


def _single(tokens: Tokens, words: Words, names: list[tuple[str, ...]], lexicon: Lexicon) -> np.ndarray:
    """(t,) int64 lower case of each word that is a term of its text; -1 of the others."""
    single = np.where(words.kind[tokens.word] & TERM > 0, words.lower[tokens.word], -1).astype(np.int64)
    last: tuple[str, ...] = ()
    name = OwnName(last)
    for text, of_text in enumerate(names):
        if of_text != last:
            last, name = of_text, OwnName(of_text)
        inside = slice(tokens.bounds[text], tokens.bounds[text + 1])
        single[inside][lexicon.of_name(name, tokens.word[inside], words)] = -1
    return single


def _alphabetical(keys: np.ndarray, lexicon: Lexicon) -> tuple[np.ndarray, np.ndarray]:
    """(t, 2) int64 words of the different terms, -1 where there is no second one, in alphabetical order; and (k,) int32
    which of them each key is.
    """
    code, different = pd.factorize(keys)
    words = np.stack([different >> _BITS, (different & _WORDS) - 1], axis=1)
    numbers = _different(words[words >= 0])
    numbers = np.array(sorted(numbers, key=lexicon.spelled.__getitem__), dtype=np.int64)
    rank = np.full(int(numbers.max(initial=-1)) + 2, -1, dtype=np.int64)
    rank[numbers] = np.arange(len(numbers))
    # The blank between two words comes before all letters: by their words' ranks, terms are in alphabetical order.
    order = np.lexsort((rank[words[:, 1]], rank[words[:, 0]]))
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return words[order], place[code]


def _different(values: np.ndarray) -> np.ndarray:
    """As `np.unique`, which hashes first: where most of millions differ, sorting takes a fifth of its time."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]


def _matrix(column: np.ndarray, bounds: np.ndarray, n_columns: int) -> sparse.csr_array:
    """(m, n_columns) int32, 1 where a row has a column."""
    ones, shape = np.ones(len(column), dtype=np.int32), (len(bounds) - 1, n_columns)
    index = np.int32 if len(column) < np.iinfo(np.int32).max else np.int64
    matrix = sparse.csr_array((ones, column.astype(index), bounds.astype(index)), shape)
    matrix.sort_indices()
    return matrix


def _companies(column: np.ndarray, bounds: np.ndarray, n_columns: int, names: Sequence[tuple[str, ...]]) -> np.ndarray:
    """(t,) int64: how many different names the texts with a term have."""
    number = {name: i for i, name in enumerate(dict.fromkeys(names))}
    code = np.array([number[name] for name in names], dtype=np.int64)
    companies, last = np.zeros(n_columns, dtype=np.int64), np.full(n_columns, -1, dtype=np.int64)
    for text in np.argsort(code, kind="stable").tolist():
        terms = column[bounds[text] : bounds[text + 1]]
        companies[terms[last[terms] != code[text]]] += 1
        last[terms] = code[text]
    return companies


def _spelled(words: np.ndarray, lexicon: Lexicon) -> list[str]:
    spelled = lexicon.spelled
    return [spelled[a] if b < 0 else f"{spelled[a]} {spelled[b]}" for a, b in words.tolist()]
