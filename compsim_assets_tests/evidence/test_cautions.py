"""What a universe's reports say about what it cannot show."""

import pandas as pd
import pytest

from compsim_assets.evidence.cautions import cautions, of_the_encoder


def reports(texts: dict[str, dict[int, str | None]]) -> pd.DataFrame:
    """Descriptions by company and year."""
    rows = [(cik, year, text) for cik, years in texts.items() for year, text in years.items()]
    table = pd.DataFrame(rows, columns=["cik", "year", "description"])
    return table.assign(report_id=range(len(rows)), company_name="Name", ticker="T")


CHANGING = {str(i): {2000: f"a{i}", 2001: f"b{i}"} for i in range(5)}
GONE = {"gone": {2000: "x"}, "left": {2000: "y"}, "new": {2001: "z"}}


def test_a_universe_of_yearly_texts_with_leavers_needs_no_caution() -> None:
    assert cautions(reports({**CHANGING, **GONE}), 0.17, 0.16) == []


def test_one_text_for_all_years_is_hindsight() -> None:
    same = {str(i): {2000: f"a{i}", 2001: f"a{i}"} for i in range(9)}
    (found,) = cautions(reports({**same, **GONE, "changes": {2000: "p", 2001: "q"}}), 0.16, 0.16)
    # Companies with one report cannot change their text: they do not count.
    assert found.startswith("90% of the companies have one and the same description")


def test_survivors_are_named() -> None:
    (found,) = cautions(reports(CHANGING), 0.16, 0.16)
    assert found.startswith("100% of the companies of 2000 are still there in 2001")


def test_companies_that_move_together_more_than_the_papers_are_named() -> None:
    (found,) = cautions(reports({**CHANGING, **GONE}), 0.25, 0.16)
    assert found.startswith("Any two companies correlate by 0.25 here and by 0.16 in the paper")


def test_a_single_year_has_no_survivors() -> None:
    assert cautions(reports({"1": {2000: "a"}, "2": {2000: "b"}}), 0.16, 0.16) == []


def cutoffs(knowledge: dict[int, str | None]) -> pd.DataFrame:
    return pd.DataFrame({"year": list(knowledge), "knowledge": list(knowledge.values())})


@pytest.mark.parametrize(
    ("origin", "begins"),
    [("extracted", "The encoder"), ("imported", "Features came ready-made"), ("none", "Similarities came ready-made")],
)
def test_an_encoder_whose_day_is_not_known_may_have_read_later_texts(origin: str, begins: str) -> None:
    for walked in (cutoffs({}), cutoffs({2006: None})):
        sentence = of_the_encoder(origin, "", walked, {})
        assert sentence.startswith(begins)
        assert "may have read later texts, its knowledge date is unknown" in sentence
        assert "walk-forward included" in sentence


def test_what_is_clean_of_the_encoder_is_named() -> None:
    walked = cutoffs({2006: "2005-12-31", 2007: "2005-12-31", 2008: "2007-12-31"})
    sentence = of_the_encoder("extracted", "2008-12-31", walked, {"minilm": {"2005-12-31": [2006]}})
    assert sentence.startswith("Walk-forward results of 2006 to 2008 are clean of the encoder too")
    assert "(2005-12-31 to 2007-12-31)" in sentence
    assert "All other results from SAE features are read by the vintage of 2008-12-31" in sentence
    assert sentence.endswith("Clusters minilm_kmeans are clean of it as well.")
