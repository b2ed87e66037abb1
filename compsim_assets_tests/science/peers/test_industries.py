import pandas as pd
import pytest

from compsim_assets.science.peers.industries import normalise_sic, not_sic, sic_division


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("7372", "7372"), (7372, "7372"), (7372.0, "7372"), ("7372.0", "7372"), (" 7372 ", "7372"),
        ("0100", "0100"), ("100", "0100"), (100, "0100"), (100.0, "0100"), ("100.0", "0100"),
        ("131", "0131"), ("0131", "0131"), ("971", "0971"), ("170", "0170"),
        ("283", "283"), ("737", "737"), ("28", "28"), ("10", "10"), ("1", "01"), ("8", "08"),
        ("0", None), (0, None), ("0000", None), (9999, None), ("9995", None), ("999", None), ("99", None),
        (None, None), (float("nan"), None), ("", None), ("  ", None), ("nan", None), ("None", None), ("n/a", None),
    ],
)  # fmt: skip
def test_codes_get_their_zero_back_and_groups_stay_groups(code: object, expected: str | None) -> None:
    found = normalise_sic(pd.Series([code, "1311"], dtype=object)).iloc[0]
    assert pd.isna(found) if expected is None else found == expected


def test_a_numeric_column_with_nulls() -> None:
    found = normalise_sic(pd.Series([100.0, None, 6021.0]))
    assert found.fillna("null").tolist() == ["0100", "null", "6021"]


@pytest.mark.parametrize("code", ["12345", "73a2", "-100", "73.5", "28AB", "2834-2836", "541511"])
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


@pytest.mark.parametrize(
    ("codes", "expected", "divisions"),
    [
        (["283", "737", "602", "131"], ["283", "737", "602", "131"], ["Manu", "Serv", "Fina", "Mini"]),
        ([283, 737, 602, 131], ["283", "737", "602", "131"], ["Manu", "Serv", "Fina", "Mini"]),
        (["28", "73", "60", "13"], ["28", "73", "60", "13"], ["Manu", "Serv", "Fina", "Mini"]),
        ([28.0, 1.0, 60.0, 7.0], ["28", "01", "60", "07"], ["Manu", "Agri", "Fina", "Agri"]),
        # 016 is vegetables; 073 and 028 are nothing, so 73 and 28 are groups.
        ([283, 16, 73, 28], ["283", "016", "73", "28"], ["Manu", "Agri", "Serv", "Manu"]),
    ],
)
def test_the_longest_code_says_what_a_code_is(codes: list, expected: list[str], divisions: list[str]) -> None:
    spelled = normalise_sic(pd.Series(codes))
    assert spelled.tolist() == expected
    assert sic_division(spelled).str[:4].tolist() == divisions


def test_digits_that_are_said_go_before_what_the_column_says() -> None:
    assert normalise_sic(pd.Series(["100", "283"]), digits=4).tolist() == ["0100", "0283"]
    assert normalise_sic(pd.Series([16, 283]), digits=3).tolist() == ["016", "283"]
    with pytest.raises(ValueError, match="row 1: sic_code '7372' is not a code of up to 3 digits"):
        normalise_sic(pd.Series([283, 7372]), digits=3)
    assert not_sic(pd.Series(["28", None, "737"]), digits=2).tolist() == [False, False, True]


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
