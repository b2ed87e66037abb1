import pandas as pd
import pytest

from compsim_assets.science.peers.industries import normalise_sic, sic_division


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("7372", "7372"), (7372, "7372"), (7372.0, "7372"), ("7372.0", "7372"), (" 7372 ", "7372"),
        ("0100", "0100"), ("100", "0100"), (100, "0100"), (100.0, "0100"), ("100.0", "0100"), ("8", "0008"),
        (None, None), (float("nan"), None), ("", None), ("  ", None),
    ],
)  # fmt: skip
def test_codes_become_four_digits(code: object, expected: str | None) -> None:
    found = normalise_sic(pd.Series([code, "1311"], dtype=object)).iloc[0]
    assert pd.isna(found) if expected is None else found == expected


def test_a_numeric_column_with_nulls() -> None:
    found = normalise_sic(pd.Series([100.0, None, 6021.0]))
    assert found.fillna("null").tolist() == ["0100", "null", "6021"]


@pytest.mark.parametrize("code", ["12345", "73a2", "-100", "73.5", "n/a"])
def test_what_is_not_a_code_is_an_error_that_names_it(code: str) -> None:
    with pytest.raises(ValueError, match=f"row 1: sic_code '{code}'"):
        normalise_sic(pd.Series(["7372", code]))


@pytest.mark.parametrize(
    ("code", "division"),
    [
        ("0100", "Agriculture"), ("0999", "Agriculture"), ("1000", "Mining"), ("1499", "Mining"),
        ("1500", "Construction"), ("1799", "Construction"), ("2000", "Manufacturing"), ("3999", "Manufacturing"),
        ("4000", "Transportation"), ("4991", "Transportation"), ("5000", "Wholesale"), ("5199", "Wholesale"),
        ("5200", "Retail"), ("5990", "Retail"), ("6021", "Finance"), ("6799", "Finance"), ("7000", "Services"),
        ("8999", "Services"), ("9111", "Public"), ("9721", "Public"), ("9995", "Nonclassifiable"),
    ],
)  # fmt: skip
def test_division_by_the_first_two_digits(code: str, division: str) -> None:
    assert sic_division(pd.Series([code], dtype="string")).iloc[0].startswith(division)


@pytest.mark.parametrize("code", ["0000", "1800", "1999", "6800", "6999", "9000", "9800"])
def test_groups_between_the_divisions_have_none(code: str) -> None:
    assert sic_division(pd.Series([code], dtype="string")).isna().all()


def test_a_lost_leading_zero_is_agriculture_and_not_mining() -> None:
    codes = normalise_sic(pd.Series(["100", "0700", "1040"]))
    assert [name.split(",")[0] for name in sic_division(codes)] == ["Agriculture", "Agriculture", "Mining"]


def test_nulls_and_index_are_kept() -> None:
    codes = normalise_sic(pd.Series([None, "100"], index=[7, 3], dtype=object))
    division = sic_division(codes)
    assert division.index.tolist() == [7, 3]
    assert division.isna().tolist() == [True, False]
    assert sic_division(normalise_sic(pd.Series([None, None], dtype=object))).isna().all()
    assert sic_division(normalise_sic(pd.Series([], dtype=object))).empty
