"""Who is meant: by ticker, CIK, name or a part of it; typing errors, several, other years."""

import dataclasses

import pytest

from compsim_assets.explore.companies import Companies
from compsim_assets.explore.questions import Unanswerable, few, ranges
from compsim_assets.explore.tables import Tables


@pytest.mark.parametrize(
    "text", ["KO", "ko", " Ko ", "21344", "CIK0000021344", "Coca-Cola Co", "coca-cola co.", "coca", "COLA co"]
)
def test_a_company_is_found_however_it_is_spelled(tables: Tables, text: str) -> None:
    company = Companies(tables).find(text, 2015)
    assert (company.ticker, company.cik, company.report_id, company.year) == ("KO", "21344", 2015000, 2015)
    assert (company.industry, company.sector) == ("20", "Consumer Staples")


def test_without_a_year_it_is_the_newest(tables: Tables) -> None:
    assert Companies(tables).find("KO").year == 2016


def test_a_ticker_comes_before_a_name(tables: Tables) -> None:
    """C is Citigroup, though Coca-Cola begins with one."""
    assert Companies(tables).find("c").name == "Citigroup Inc"


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("KOO", "KO (Coca-Cola Co)"), ("pepsy", "PEP (PepsiCo, Inc.)"), ("microsft", "MSFT (Microsoft Corp)")],
)
def test_a_typing_error_gets_suggestions(tables: Tables, text: str, suggestion: str) -> None:
    with pytest.raises(Unanswerable) as problem:
        Companies(tables).find(text)
    assert str(problem.value).startswith(f"there is no company {text!r}: did you mean ")
    assert suggestion in str(problem.value)


@pytest.mark.parametrize("text", ["qqqqqqqqqqqq", "", "   ", "99999999", ".", "\x1b[31m"])
def test_nobody_is_meant(tables: Tables, text: str) -> None:
    with pytest.raises(Unanswerable, match="there is no company") as problem:
        Companies(tables).find(text)
    assert "\x1b" not in str(problem.value)


def test_several_are_named_with_what_tells_them_apart(tables: Tables) -> None:
    with pytest.raises(Unanswerable) as problem:
        Companies(tables).find("corp")
    told = str(problem.value)
    assert told.startswith("'corp' may be MNST Monster Beverage Corp (CIK 21347, 2014-2016), ")
    assert told.count("CIK") == 5  # four companies, and what to do
    assert "MSFT" in told


def test_a_year_without_a_report_says_which_there_are(tables: Tables) -> None:
    with pytest.raises(Unanswerable, match="KO Coca-Cola Co has no report of 1990; there are: 2014-2016"):
        Companies(tables).find("KO", 1990)


def test_a_ticker_that_another_company_had_before_is_told_by_the_year(tables: Tables) -> None:
    everybody = Companies(tables)
    of_2014 = everybody.reports["year"] == 2014
    everybody.reports.loc[of_2014 & (everybody.reports["ticker"] == "C"), "ticker"] = "KO"
    everybody.reports.loc[of_2014 & (everybody.reports["ticker"] == "KO"), "ticker"] = ["KO0", "KO"]
    assert everybody.find("KO", 2014).name == "Citigroup Inc"
    assert everybody.find("KO", 2015).name == "Coca-Cola Co"
    with pytest.raises(Unanswerable, match="may be"):
        everybody.find("KO")


def test_two_companies_share_a_year(tables: Tables) -> None:
    everybody = Companies(tables)
    assert [each.year for each in everybody.both("KO", "PEP")] == [2016, 2016]
    everybody = Companies(tables)
    gone = everybody.reports[(everybody.reports["ticker"] == "PEP") & (everybody.reports["year"] == 2016)].index
    everybody.reports = everybody.reports.drop(gone)
    assert [each.year for each in everybody.both("KO", "PEP")] == [2015, 2015]
    with pytest.raises(Unanswerable, match="are one company: KO Coca-Cola Co"):
        everybody.both("KO", "coca")


def test_titles_hold_nothing_but_text(tables: Tables) -> None:
    company = dataclasses.replace(Companies(tables).find("KO"), name="a\x1b[2Jb\u202ec", ticker="K\nO")
    assert company.title == "K O a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c"


def test_years_and_lists_are_short() -> None:
    assert ranges([2003, 2001, 2002, 2001, 2007]) == "2001-2003, 2007"
    assert few("abc", most=2) == "a, b and 1 more"
