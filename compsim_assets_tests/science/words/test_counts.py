"""Terms of texts: what is one, and what never is."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compsim_assets.science.words import Places, count_terms
from compsim_assets.science.words.text import NEVER, PARTS, OwnName, stem, word_of
from compsim_assets.science.words.vocabulary import COUNTRIES, PEOPLES, STATES


def terms_of(*texts: str, names: list[str] | None = None, places: tuple[str, ...] = ()) -> set[str]:
    """Terms that two companies of these texts each leave over."""
    given = names or [f"company {i}" for i in range(len(texts))]
    return set(count_terms(texts, given, places=places, companies_at_least=1).terms)


def test_terms_are_words_and_two_that_stand_together() -> None:
    text = "Cloud-based software; it's sold to retail banks' customers and the 5G networks of Banks."
    assert terms_of(text) == {"cloud", "software", "sold", "retail", "retail banks", "banks", "customers", "networks"}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (
            "Agilent Technologies, Inc.",
            "Agilent agilent's AGILENT Technologies Technology technologies AgilentTechnologies",
        ),
        ("McDonald's Corporation", "McDonald McDonalds McDonald's MCDONALD’S"),
        ("The Coca-Cola Company", "Coca Cola Coca-Cola CocaCola"),
        ("Exxon Mobil Corp", "ExxonMobil Exxon Mobil Exxons"),
        ("International Business Machines", "IBM ibm Machines machine"),
        ("Microsoft Corp", "Microsofts Microsoft Micro"),
        ("JPMorgan Chase & Co.", "JPMorgan Morgan Chase"),
    ],
)
def test_no_form_of_its_name_is_a_companys_term(name: str, written: str) -> None:
    assert terms_of(f"the widgets: {written}", names=[name]) == {"widgets"}


def test_tickers_are_names() -> None:
    counts = count_terms(["KO's syrup (NYSE: KO)"], [("Coca-Cola", "KO")], companies_at_least=1)
    assert counts.terms == ["nyse", "syrup"]


def test_numbers_dates_and_legal_endings_are_no_terms() -> None:
    text = "On March 31, 2009 the first Company Inc. sold 3.5 million 747s in Q4 of Fiscal Year MMIX, Ltd, LLC, percent"
    assert terms_of(text) == {"sold", "mmix"}


def test_places_are_no_terms() -> None:
    plain = "The miller grinds flour in Texas, New Mexico and Nether Wallop. "
    plain += "European bakers buy Mexican wheat near Dunmere."
    assert terms_of(plain) == {
        "miller", "grinds", "flour", "miller grinds", "grinds flour", "bakers", "buy", "bakers buy", "wheat",
    }  # fmt: skip
    assert "dunmere" not in terms_of("The Dunmere mill grinds flour.", places=("Old Dunmere",))
    assert "mobile" in terms_of("She sells mobile phones, a mobile network and mobile data.", places=("Mobile",))


def test_what_one_company_alone_writes_is_no_term() -> None:
    texts = ["alpha grain", "alpha grain", "grain silo"]
    assert count_terms(texts, ["one", "one", "two"]).terms == ["grain"]


def test_each_different_text_is_counted_once_and_a_blank_one_never() -> None:
    texts = ["mill flour", None, "mill bread", "mill flour", "  "]
    counts = count_terms(texts, ["a", "b", "c", "a", "d"], companies_at_least=1)
    assert counts.row.tolist() == [0, -1, 1, 0, -1]
    assert counts.terms == ["bread", "flour", "mill", "mill bread", "mill flour"]
    dense = counts.documents.toarray()
    assert dense.tolist() == [[0, 1, 1, 0, 1], [0] * 5, [1, 0, 1, 1, 0], [0, 1, 1, 0, 1], [0] * 5]
    assert np.array_equal(counts.stems[:, 0] == counts.stems[:, 1], [True, True, True, False, False])


@pytest.mark.parametrize("texts", [[], [None, None], ["the of and", "12 34"]])
def test_texts_without_terms(texts: list[str | None]) -> None:
    counts = count_terms(texts, ["a"] * len(texts))
    assert counts.terms == []
    assert counts.documents.shape == (len(texts), 0)


NAMES = ["Alpha Inc.", "Beta Millers Co", "Flour & Bread", "İstanbul Straße AG"]
BEFORE = ["in", "near", "at", "from", "throughout", "across", "outside", "within", "into", "around"]
WORDS = [
    *("mill", "Mill", "MILL", "mills", "Miller's", "flour", "bread", "Bread", "don't", "12", "A380", "iPhone"),
    *("in", "In", "near", "the", "of", "and", ",", ".", "(", "Texas", "texas", "Oslo", "oslo", "Norway", "ab", "Ab"),
    *("İstanbul", "straße", "Straße", "Alpha", "alphas", "ALPHA", "Alph", "betaware", "Beta", "Betaware", "iphone"),
]


def plainly(texts: list[str], names: list[str]) -> tuple[list[str], list[list[int]]]:
    """Terms and which text has which, word by word and text by text."""
    every, capital, placed = Counter[str](), Counter[str](), Counter[str]()
    of_texts = []
    for text, name in zip(texts, names, strict=True):
        spelled, own = [word_of(part) for part in PARTS.findall(text)], OwnName([name])
        large = [word.lower() for word in spelled if word[:1].isupper()]
        small = [word for word in spelled if word[:1].islower()]
        if small and large and len(large) <= len(small):
            capital.update(large)
            every.update(large + small)
            there = False
            for word in spelled:
                if word[:1].isupper():
                    placed[word.lower()] += there and not word[1:].isupper()
                else:
                    there = word in BEFORE or (there and word in ("the", "and", "or", "of", ","))
        lower = [word.lower() for word in spelled]
        single = [
            "" if len(low) < 2 or low in NEVER or word in own else low for low, word in zip(lower, spelled, strict=True)
        ]
        of_texts.append({*filter(None, single), *(f"{a} {b}" for a, b in pairwise(single) if a and b)})

    def is_place(word: str) -> bool:
        by_name = any({word, stem(word)} & names for names in (COUNTRIES, STATES, PEOPLES))
        if not every[word]:
            return by_name
        return capital[word] >= 0.8 * every[word] and (by_name or placed[word] >= 0.5 * every[word])

    seen = sorted(term for term in set().union(*of_texts) if not any(is_place(word) for word in term.split()))
    kept = [t for t in seen if len({n for n, terms in zip(names, of_texts, strict=True) if t in terms}) >= 2]
    return kept, [[int(term in terms) for term in kept] for terms in of_texts]


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.sampled_from(WORDS), max_size=30), st.sampled_from(NAMES)), max_size=8))
def test_terms_are_those_found_word_by_word(drawn: list[tuple[list[str], str]]) -> None:
    different = dict.fromkeys((" ".join(words), name) for words, name in drawn if words)
    texts, names = [text for text, _ in different], [name for _, name in different]
    expected = plainly(texts, names) if texts else ([], [])
    for places in (Places(), ()):
        counts = count_terms(texts, names, places=places)
        assert (counts.terms, counts.matrix.toarray().tolist()) == expected
    # What it has read before does not change what is a word.
    again = Places()
    count_terms(["Zulu flour of Mills"], ["x"], places=again)
    assert count_terms(texts, names, places=again).terms == counts.terms
    stems = {
        tuple(stem(word) for word in (term.split()[0], term.split()[-1])): i for i, term in enumerate(counts.terms)
    }
    by_number = {tuple(both): i for i, both in enumerate(counts.stems.tolist())}
    assert list(stems.values()) == list(by_number.values())


def test_blocks_of_texts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        f"The mill number{'x' * (i % 7)} grinds flour in Dunmere and near Oslo, {'a' * (i % 5 + 2)}" for i in range(40)
    ]
    names = [f"company {i}" for i in range(40)]
    at_once = count_terms(texts, names)
    monkeypatch.setattr("compsim_assets.science.words.lexicon._CHARACTERS", 100)
    in_blocks = count_terms(texts, names)
    assert in_blocks.terms == at_once.terms
    assert (in_blocks.matrix != at_once.matrix).nnz == 0
