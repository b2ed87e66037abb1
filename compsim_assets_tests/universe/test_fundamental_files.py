"""Accounting metrics: a table of any usual form, and what is refused with file and row."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.check import check_folder
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.intake.decisions import Decision
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.universe.decided import graded

ROWS = {
    "cik": ["0000320193", "320193", "789019"],
    "year": [2019, 2020, 2019],
    "metric": ["margin", "margin", "growth"],
    "value": [0.25, 0.5, -1.5],
}


def read(folder: Path, rules: str = "") -> tuple[pd.DataFrame, list[Decision]]:
    (folder / "universe.toml").write_text(rules)
    universe = Universe(folder)
    table = universe.fundamentals()
    assert table is not None
    return table, list(universe.decisions)


def written(folder: Path, **columns: Any) -> Path:
    path = folder / "fundamentals.parquet"
    pd.DataFrame(ROWS | columns).to_parquet(path)
    return path


def test_rows_are_read_in_one_spelling(tmp_path: Path) -> None:
    written(tmp_path)
    table, decisions = read(tmp_path)
    assert list(table.columns) == ["cik", "ticker", "year", "metric", "value"]
    assert table["cik"].tolist() == ["320193", "320193", "789019"]
    assert table["ticker"].isna().all()
    assert table["value"].tolist() == ROWS["value"]
    assert graded(decisions, "fine") == {"fundamentals": 3}
    assert {decision.grade for decision in decisions} == {"fine"}


@pytest.mark.parametrize(
    ("columns", "rules"),
    [
        ({"ticker": "TIC", "year": "fyear", "value": "Amount"}, ""),
        ({"ticker": "Symbol", "metric": "tag", "value": "val"}, ""),
        ({"ticker": "who"}, '[fundamentals]\ncolumns = {ticker = "who"}'),
    ],
)
def test_usual_names_of_columns_tickers_and_csv(tmp_path: Path, columns: dict[str, str], rules: str) -> None:
    plain = (
        pd.DataFrame(ROWS).drop(columns="cik").assign(ticker=["brk.b", "BRK/B", "msft"], value=["0.25", "1,234.5", ""])
    )
    plain.rename(columns=columns).to_csv(tmp_path / "fundamentals.csv", index=False)
    table, decisions = read(tmp_path, rules)
    assert table["ticker"].tolist() == ["BRK-B", "BRK-B"]
    assert table["value"].tolist() == [0.25, 1234.5]
    assert graded(decisions, "left_out") == {"value": 1}


def test_a_universe_without_them_has_none(tmp_path: Path) -> None:
    assert Universe(tmp_path).fundamentals() is None


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"year": [2019, "19", 2020]}, "row 1: year '19', expected a year"),
        ({"value": ["1", "much", "2"]}, "row 1: value 'much', expected a number"),
        ({"value": [1.0, np.inf, 2.0]}, "row 1: value inf, expected a finite number"),
        (
            {"year": [2019, 2019, 2019]},
            "row 1: margin of cik 320193 in 2019 is 0.5, and 0.25 before: expected one value",
        ),
    ],
)
def test_what_is_refused_is_named_with_its_row(tmp_path: Path, columns: dict[str, Any], problem: str) -> None:
    pd.DataFrame({name: [str(value) for value in values] for name, values in (ROWS | columns).items()}).to_parquet(
        tmp_path / "fundamentals.parquet"
    )
    with pytest.raises(UniverseError) as refused:
        read(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path}/fundamentals.parquet: {problem}")


@pytest.mark.parametrize(
    ("left", "lacks"), [(["metric", "value"], "metric, value"), (["cik"], "cik or ticker"), (["year"], "year")]
)
def test_a_missing_column_is_named_with_what_is_there(tmp_path: Path, left: list[str], lacks: str) -> None:
    pd.DataFrame(ROWS).drop(columns=left).assign(revenue=1.0).to_parquet(tmp_path / "fundamentals.parquet")
    with pytest.raises(UniverseError, match=rf"fundamentals\.parquet: no column {lacks}; found .*one row per company"):
        read(tmp_path)


def test_rows_that_say_nothing_or_the_same_again_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = pd.DataFrame(ROWS)
    again = rows.iloc[[0]].assign(cik="CIK0000320193")
    without = pd.concat(
        [rows.iloc[[1]].assign(cik=None), rows.iloc[[1]].assign(metric=" "), rows.iloc[[1]].assign(value=None)]
    )
    pd.concat([rows, again, without]).to_parquet(tmp_path / "fundamentals.parquet", index=False)
    table, decisions = read(tmp_path)
    assert table["value"].tolist() == ROWS["value"]
    assert graded(decisions, "left_out") == {"company": 1, "metric": 1, "value": 1, "fundamentals": 1}


def of_reports(folder: Path, **columns: Any) -> dict[str, list[str]]:
    """What the check of a universe says of its fundamentals, by grade."""
    reports = {
        "cik": ["320193", "789019"],
        "company_name": ["A", "B"],
        "year": [2019, 2019],
        "ticker": ["AAPL", "MSFT"],
    }
    pd.DataFrame(reports | columns).to_parquet(folder / "reports.parquet")
    said: dict[str, list[str]] = {}
    for decision in check_folder(folder):
        if decision.file.startswith("fundamentals"):
            said.setdefault(decision.grade, []).append(decision.what)
    return said


def test_the_check_holds_them_against_the_reports(tmp_path: Path) -> None:
    assert of_reports(tmp_path)["missing"] == [
        "not there: without it no fundamentals_explained: what peers explain of accounts"
    ]
    written(tmp_path)
    assert of_reports(tmp_path) == {"fine": ["3 values of 2 metrics, 2019 to 2020"]}
    assert of_reports(tmp_path, cik=["320193", "1"])["left_out"] == ["values of companies without a report"]
    (refused,) = of_reports(tmp_path, cik=["2", "1"])["refused"]
    assert "no company of it (cik 320193, ..) is one of the reports (2, AAPL, ..), expected the same cik" in refused
