"""Factors: a table of any usual form, and what is refused with file and row."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.folder import Universe
from compsim_assets.universe.intake.decisions import Decision
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.universe.decided import graded


def written(folder: Path, **columns: Any) -> Path:
    path = folder / "factors.parquet"
    pd.DataFrame(columns).to_parquet(path)
    return path


def read(folder: Path, rules: str = "") -> tuple[pd.DataFrame, list[Decision]]:
    (folder / "universe.toml").write_text(rules)
    universe = Universe(folder)
    factors = universe.factors()
    assert factors is not None
    return factors, list(universe.decisions)


@pytest.mark.parametrize(
    "dates",
    [
        ["2003-02", "2003-01"],
        list(pd.to_datetime(["2003-02-28", "2003-01-31"])),
        list(pd.to_datetime(["2003-02-01", "2003-01-01"]).date),
        ["200302", "200301"],
        [200302, 200301],
        [200302.0, 200301.0],
        [20030228, 20030131],
        ["2003/02/28", "2003/01/31"],
        ["28FEB2003", "31JAN2003"],
        ["Feb 2003", "January 2003"],
        list(pd.to_datetime(["2003-02-01", "2003-01-01"]).tz_localize("Asia/Tokyo")),
    ],
)
def test_months_in_order_and_factors_as_they_are(tmp_path: Path, dates: list[Any]) -> None:
    written(tmp_path, market=[0.02, -0.01], date=dates, size=[0, 1])
    table, decisions = read(tmp_path)
    assert table.to_dict("list") == {"year": [2003, 2003], "month": [1, 2], "market": [-0.01, 0.02], "size": [1.0, 0.0]}
    assert decisions == []


def test_year_and_month_are_a_date(tmp_path: Path) -> None:
    written(tmp_path, year=[2003, 2002], month=["1", "12"], market=[0.02, -0.01])
    table, _ = read(tmp_path)
    assert table.to_dict("list") == {"year": [2002, 2003], "month": [12, 1], "market": [-0.01, 0.02]}
    written(tmp_path, year=[2003, 2002], month=[1, 13], market=[0.02, -0.01])
    with pytest.raises(UniverseError, match=r"row 1: month 13, expected a month, 1 to 12"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"date": ["2003-01"]}, "found date, expected date and one factor"),
        ({"date": ["2003-01"], "RF": [0.1]}, "found date, RF, expected date and one factor"),
        ({"market": [0.1]}, "found market, expected date and one factor"),
        ({"date": ["2003-01", "May"], "market": [0.1, 0.1]}, "row 1: date 'May', expected a date"),
        ({"date": ["2003-01", "200113"], "market": [0.1, 0.1]}, "row 1: date '200113', expected a date"),
        ({"date": ["2003-01", None], "market": [0.1, 0.1]}, "row 1: date is missing, expected a date"),
        ({"date": ["03/04/2003"], "market": [0.1]}, "row 0: date '03/04/2003' reads as 2003-04-03 and as 2003-03-04"),
        ({"date": ["2003-01-01", "2003-01-31"], "market": [0.1, 0.1]}, "row 1: 2003-01 is there before"),
        ({"date": ["2003-01", "2003-02"], "market": [0.1, 5.2]}, "row 0: market 0.1 where market is typically 2.65"),
        ({"date": ["2003-01", "2003-02", "2003-03"], "market": [0.1, 5.2, 0.1]}, "row 1: market 5.2, expected"),
        ({"date": ["2003-01"], "market": ["much"]}, "row 0: market 'much', expected a number"),
        ({"date": ["2003-01"], "market": [None]}, "market has no value"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, columns: dict[str, list[Any]], problem: str) -> None:
    path = written(tmp_path, **columns)
    with pytest.raises(UniverseError) as error:
        read(tmp_path)
    assert str(error.value).startswith(f"{path}: {problem}")


def test_a_universe_may_have_none(tmp_path: Path) -> None:
    assert Universe(tmp_path).factors() is None


# 24 months in per cent with two digits, as the library prints them.
MONTHS = pd.period_range("2001-11", periods=24, freq="M")
PRINTED = np.random.default_rng(3).normal(0.6, [[4.5, 3.0, 2.8]], (24, 3)).round(2)
NAMES = ["Mkt-RF", "SMB", "HML"]


def library(months: Any = None, values: np.ndarray = PRINTED, names: list[str] = NAMES, risk_free: bool = True) -> str:
    """A file of Kenneth French's library, as one downloads it."""
    months = MONTHS.strftime("%Y%m") if months is None else months
    rows = [
        f"{month}," + ",".join(f"{value:8.2f}" for value in row) + (",    0.12" if risk_free else "")
        for month, row in zip(months, values, strict=True)
    ]
    header = "," + ",".join(names) + (",RF" if risk_free else "")
    words = "This file was created by CMPT_ME_BEME_RETS using the 202312 CRSP database.\nThe 1-month TBill, and more.\n"
    years = f"\n Annual Factors: January-December \n{header}\n  2001,   14.86,   -0.95,    0.01,    1.20\n"
    years += "  2002,  -22.76,    4.39,    8.09,    1.63\n\nCopyright 2024 Eugene F. Fama and Kenneth R. French\n"
    return f"{words}\n{header}\n" + "\n".join(rows) + "\n" + years


@pytest.fixture
def right() -> pd.DataFrame:
    """The same as fractions, by the digits that are printed."""
    values = [[float(f"{value:.2f}e-2") for value in row] for row in PRINTED]
    months = {"year": MONTHS.year.astype("int64"), "month": MONTHS.month.astype("int64")}
    return pd.DataFrame(months).join(pd.DataFrame(values, columns=NAMES))


@pytest.mark.parametrize("name", ["F-F_Research_Data_Factors.CSV", "F-F_Research_Data_Factors.csv", "factors.csv"])
def test_kenneth_french_as_downloaded(tmp_path: Path, right: pd.DataFrame, name: str) -> None:
    (tmp_path / name).write_text(library().replace("\n", "\r\n"), newline="")
    table, decisions = read(tmp_path)
    pd.testing.assert_frame_equal(table, right, check_exact=True)
    assert graded(decisions, "left_out") == {"layout": 2, "RF": 24}
    assert graded(decisions, "assumed") == {"unit": 3}
    assert {decision.file for decision in decisions} == {name}
    years = next(decision for decision in decisions if decision.grade == "left_out" and decision.subject == "layout")
    assert years.example == f"line {4 + 24 + 4}"


def test_packed_as_the_library_packs_it(tmp_path: Path, right: pd.DataFrame) -> None:
    import gzip
    import zipfile

    path = tmp_path / "F-F_Research_Data_Factors_CSV.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("F-F_Research_Data_Factors.CSV", library())
    pd.testing.assert_frame_equal(read(tmp_path)[0], right, check_exact=True)
    path.unlink()
    (tmp_path / "factors.csv.gz").write_bytes(gzip.compress(library().encode()))
    pd.testing.assert_frame_equal(read(tmp_path)[0], right, check_exact=True)


def test_other_spellings_of_the_same_table(tmp_path: Path, right: pd.DataFrame) -> None:
    path = tmp_path / "factors.csv"
    months = MONTHS.strftime("%Y-%m")
    plain = pd.DataFrame(PRINTED, columns=NAMES).assign(dateff=months)
    fractions = right[NAMES].assign(date=months)
    for text, rules in (
        (plain.to_csv(index=False), ""),
        (plain.to_csv(index=False, sep=";"), '[factors]\nunit = "percent"'),
        (pd.DataFrame(PRINTED, columns=NAMES, index=MONTHS.strftime("%Y%m")).to_csv(), ""),
        (plain.drop(columns="dateff").assign(when=months).to_csv(), '[factors]\ncolumns = {date = "when"}'),
        (fractions[["SMB", "HML", "date", "Mkt-RF"]].to_csv(index=False), ""),
        (fractions.iloc[::-1].to_csv(index=False), '[factors]\nunit = "fraction"'),
    ):
        path.write_text(text)
        table, _ = read(tmp_path, rules)
        pd.testing.assert_frame_equal(table[right.columns], right, check_exact=True)
        assert table.columns[2] == "Mkt-RF"
        assert set(table.columns) == set(right.columns)


def test_days_and_row_numbers_are_no_factors(tmp_path: Path, right: pd.DataFrame) -> None:
    parts = {"Year": MONTHS.year, "Month": MONTHS.month, "Day": 1}
    (tmp_path / "factors.csv").write_text(right[NAMES].assign(**parts).to_csv())
    table, decisions = read(tmp_path)
    pd.testing.assert_frame_equal(table, right, check_exact=True)
    assert [row.count for row in decisions if "numbers the rows" in row.what] == [len(right)]


def test_codes_of_missing_values_are_missing(tmp_path: Path, right: pd.DataFrame) -> None:
    values = PRINTED.copy()
    values[3, 1], values[5, 2], values[7, 2] = -99.99, -999, -99.99
    (tmp_path / "F-F_Factors.csv").write_text(library(values=values))
    table, decisions = read(tmp_path)
    wanted = right.copy()
    wanted.loc[3, "SMB"] = wanted.loc[[5, 7], "HML"] = np.nan
    pd.testing.assert_frame_equal(table, wanted, check_exact=True)
    assert graded(decisions, "left_out") == {"layout": 2, "RF": 24, "SMB": 1, "HML": 2}
    assert graded(decisions, "missing") == {"factors": 3}


def test_files_are_put_together_by_month(tmp_path: Path, right: pd.DataFrame) -> None:
    (tmp_path / "F-F_Momentum_Factor.CSV").write_text(
        library(MONTHS[6:].strftime("%Y%m"), PRINTED[6:, :1], ["Mom   "], risk_free=False)
    )
    (tmp_path / "F-F_Research_Data_Factors.CSV").write_text(library())
    table, decisions = read(tmp_path)
    assert list(table) == ["year", "month", "Mkt-RF", "Mom", "SMB", "HML"]
    pd.testing.assert_frame_equal(table[right.columns], right, check_exact=True)
    assert table["Mom"].isna().tolist() == [True] * 6 + [False] * 18
    assert table["Mom"][6:].tolist() == right["Mkt-RF"][6:].tolist()
    assert graded(decisions, "missing") == {"factors": 6}
    (tmp_path / "F-F_Research_Data_5_Factors_2x3.csv").write_text(library())
    with pytest.raises(UniverseError, match=r"Mkt-RF is in F-F_Research_Data_5_Factors_2x3\.csv, too"):
        read(tmp_path)


def test_a_table_of_ones_own_goes_before_the_library(tmp_path: Path) -> None:
    written(tmp_path, date=["2003-01"], market=[0.1])
    (tmp_path / "F-F_Research_Data_Factors.CSV").write_text(library())
    table, decisions = read(tmp_path)
    assert table["market"].tolist() == [0.1]
    assert graded(decisions, "left_out") == {"F-F_Research_Data_Factors.CSV": 1}


@pytest.mark.parametrize("size", [1.0, 0.01])
def test_days_are_compounded(tmp_path: Path, size: float) -> None:
    days = pd.bdate_range("2001-01-02", "2001-04-06")
    values = np.random.default_rng(0).normal(0.03, 1.0, (len(days), 2)).round(3)
    values[30, 1] = np.nan
    frame = pd.DataFrame(values * size, columns=["Mkt-RF", "SMB"]).assign(date=days.strftime("%Y%m%d"))
    frame.to_csv(tmp_path / "factors.csv", index=False)
    table, decisions = read(tmp_path)
    assert table[["year", "month"]].to_numpy().tolist() == [[2001, 1], [2001, 2], [2001, 3]]
    for column, name in enumerate(("Mkt-RF", "SMB")):
        wanted = [np.prod(1 + values[days.month == month, column] / 100) - 1 for month in (1, 2, 3)]
        assert table[name].to_numpy() == pytest.approx(np.array(wanted), abs=1e-12, nan_ok=True)
    assert table["SMB"].isna().tolist() == [False, True, False]
    # Five days of April.
    assert graded(decisions, "left_out") == {"date": 1}
    assert graded(decisions, "assumed")["date"] == len(days)


def test_weeks_are_no_months(tmp_path: Path) -> None:
    written(tmp_path, date=pd.date_range("2001-01-05", periods=30, freq="W-FRI"), market=np.full(30, 0.01))
    with pytest.raises(UniverseError, match="row 1: 2001-01 is there before, expected each month once, or every"):
        read(tmp_path)


@pytest.mark.parametrize("wrong", [(slice(None), 1), (slice(0, 10), slice(None))], ids=["a column", "some months"])
def test_two_units_are_refused(tmp_path: Path, wrong: Any) -> None:
    values = PRINTED.copy()
    values[wrong] /= 100
    path = written(tmp_path, date=MONTHS.strftime("%Y-%m"), **dict(zip(NAMES, values.T, strict=True)))
    with pytest.raises(UniverseError) as error:
        read(tmp_path)
    assert str(error.value).startswith(f"{path}: row 0: {'SMB' if wrong[1] == 1 else 'Mkt-RF'} ")
    assert "[factors] unit" in str(error.value)


def test_a_broken_row_of_the_library_is_named(tmp_path: Path) -> None:
    path = tmp_path / "F-F_Research_Data_Factors.CSV"
    path.write_text(library().replace(MONTHS[4].strftime("%Y%m") + ",", MONTHS[4].strftime("%Y%m") + ",1.0,"))
    with pytest.raises(UniverseError, match=f"^{path}: line 9: 6 values, expected 5: date, Mkt-RF"):
        read(tmp_path)
