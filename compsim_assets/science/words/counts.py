"""Which texts have which terms: a sparse matrix of the different texts."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from compsim_assets.science.words.places import Places
from compsim_assets.science.words.text import OwnName, stem, terms, words


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

    Cost: O(words of the different texts). Memory: their terms, and 8 bytes for each term of each different text.
    """
    first = dict[tuple[str, tuple[str, ...]], int]()
    row = np.full(len(texts), -1, dtype=np.int64)
    for i, (text, name) in enumerate(zip(texts, names, strict=True)):
        if text and not text.isspace():
            key = text, (name,) if isinstance(name, str) else tuple(name)
            row[i] = first.setdefault(key, len(first))
    seen = places if isinstance(places, Places) else Places(places)
    vectorizer = CountVectorizer(analyzer=_Analyzer(seen), binary=True, dtype=np.int32)
    if not first:
        return _counts(sparse.csr_array((0, 0), dtype=np.int32), row, [])
    try:
        matrix = sparse.csr_array(vectorizer.fit_transform(first))
    except ValueError:  # not one term in all texts
        return _counts(sparse.csr_array((len(first), 0), dtype=np.int32), row, [])
    vocabulary = vectorizer.get_feature_names_out().tolist()
    usable = np.flatnonzero(_companies(matrix, [key[1] for key in first]) >= companies_at_least)
    usable = usable[[not seen.are_in(vocabulary[i]) for i in usable]] if len(usable) else usable
    return _counts(matrix[:, usable], row, [vocabulary[i] for i in usable])


class _Analyzer:
    """From a text and its company's names to its terms; all that it reads goes by `places`."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._names: tuple[tuple[str, ...], OwnName] = (), OwnName(())

    def __call__(self, document: tuple[str, tuple[str, ...]]) -> Iterator[str]:
        text, names = document
        if names != self._names[0]:
            self._names = names, OwnName(names)
        spelled = words(text)
        self._places.read(spelled)
        return terms(spelled, self._names[1])


def _companies(matrix: sparse.csr_array, names: Sequence[tuple[str, ...]]) -> np.ndarray:
    """(t,) int64: how many different names the texts with a term have."""
    code = {name: i for i, name in enumerate(Counter(names))}
    rows = np.array([code[name] for name in names])
    several = sparse.csr_array((np.ones(len(rows), np.int32), (rows, np.arange(len(rows)))), (len(code), len(rows)))
    return np.bincount((several @ matrix).indices, minlength=matrix.shape[1])


def _counts(matrix: sparse.csr_array, row: np.ndarray, vocabulary: list[str]) -> TermCounts:
    """With the columns' terms and their stems."""
    number = dict[str, int]()
    parts = [term.split(" ") for term in vocabulary]
    stems = [[number.setdefault(stem(part), len(number)) for part in (both[0], both[-1])] for both in parts]
    return TermCounts(matrix, row, vocabulary, np.array(stems, dtype=np.int64).reshape(-1, 2))
