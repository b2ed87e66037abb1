"""Terms of texts: what is one, and what never is."""

import numpy as np
import pytest

from compsim_assets.science.words import count_terms
from compsim_assets.science.words.text import OwnName, terms, words

NOBODY = OwnName(())


def terms_of(*texts: str, names: list[str] | None = None, places: tuple[str, ...] = ()) -> set[str]:
    """Terms that two companies of these texts each leave over."""
    given = names or [f"company {i}" for i in range(len(texts))]
    return set(count_terms(texts, given, places=places, companies_at_least=1).terms)


def test_terms_are_words_and_two_that_stand_together() -> None:
    spelled = words("Cloud-based software; it's sold to retail banks' customers and the 5G networks of Banks.")
    expected = ["cloud", "software", "sold", "retail", "retail banks", "banks", "customers", "networks", "banks"]
    assert sorted(terms(spelled, NOBODY)) == sorted(expected)


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
    assert list(terms(words(written), OwnName([name]))) == []
    assert "widgets" in list(terms(words("widgets"), OwnName([name])))


def test_tickers_are_names() -> None:
    assert list(terms(words("KO's syrup (NYSE: KO)"), OwnName(["Coca-Cola", "KO"]))) == ["syrup", "nyse"]


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
