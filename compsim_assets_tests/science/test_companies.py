"""Who is the same company, as files of the field spell it."""

import itertools

import numpy as np
import pandas as pd
import pytest

from compsim_assets.science.companies import company_codes, company_of, own_pairs


def reports(**columns: list) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    nothing = dict.fromkeys(("cik", "ticker", "company_name"), [None] * n)
    return pd.DataFrame({"report_id": range(100, 100 + n), **nothing, **columns})


@pytest.mark.parametrize("missing", [None, "", "nan", "None", "  ", "NaN", "<NA>", "null", np.nan, "0", "0000000000"])
def test_what_is_missing_is_no_company(missing: object) -> None:
    """30 of 40 registrant numbers are missing: the tickers tell the companies apart."""
    cik = [missing if k % 4 else str(1000 + k) for k in range(40)]
    found = company_of(reports(cik=cik, ticker=[f"T{k}" for k in range(40)]))
    assert found.nunique() == 40
    assert found.index.tolist() == list(range(100, 140))


@pytest.mark.parametrize(
    ("column", "spellings"),
    [
        ("cik", ["320193", "0000320193", "320193.0", " 320193 "]),
        ("cik", [320193.0, 320193.0]),
        ("ticker", ["BRK.B", "BRK-B", "brk/b", " BRK B"]),
        ("company_name", ["Apple Inc.", "APPLE INC.", " Apple   Inc. "]),
    ],
)
def test_spellings_of_one_company(column: str, spellings: list) -> None:
    found = company_of(reports(**{column: [*spellings, "another"] if isinstance(spellings[0], str) else spellings}))
    of_one = found.iloc[: len(spellings)]
    assert of_one.nunique() == 1
    # As its first report spells it.
    assert of_one.iloc[0] == f"{column} {spellings[0]}"
    assert found.nunique() == 1 + (len(found) > len(spellings))


def test_a_number_is_no_ticker_and_no_name() -> None:
    found = company_of(reports(cik=["1", None, None, None], ticker=["A", "1", None, None], company_name=[*"bb1", None]))
    assert found.tolist() == ["cik 1", "ticker 1", "company_name 1", "report_id 103"]


def test_na_is_a_ticker_and_no_registrant_number() -> None:
    found = company_of(reports(cik=["NA", "n/a"], ticker=["NA", "NAN"]))
    assert found.tolist() == ["ticker NA", "ticker NAN"]


def test_every_two_reports_of_one_company() -> None:
    company = np.random.default_rng(0).integers(9, size=40)
    a, b = own_pairs(company)
    wanted = {(i, j) for i, j in itertools.combinations(range(40), 2) if company[i] == company[j]}
    assert {(min(pair), max(pair)) for pair in zip(a.tolist(), b.tolist(), strict=True)} == wanted
    assert len(a) == len(wanted)
    assert [len(ends) for ends in own_pairs(None)] == [0, 0]
    assert [len(ends) for ends in own_pairs(np.arange(5))] == [0, 0]


def test_numbers_of_companies_follow_the_reports() -> None:
    company = pd.Series({7: "a", 3: "b", 5: "a"})
    codes = company_codes(company, np.array([3, 5, 7, 8, 9]))
    assert codes is not None
    assert codes[1] == codes[2]
    assert len(set(codes.tolist())) == 4  # reports that nobody named are companies of their own
    assert company_codes(None, np.array([3])) is None
