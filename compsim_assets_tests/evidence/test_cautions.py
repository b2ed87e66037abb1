"""What a universe's reports say about what it cannot show."""

import pandas as pd

from compsim_assets.evidence.cautions import cautions


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
