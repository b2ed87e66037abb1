"""Reports, returns and prices of universes written by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.layout import ID, RETURNS, UniverseError
from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import report_columns, write_reports


@pytest.fixture
def run(tmp_path: Path) -> Local:
    return Local(tmp_path)


def reports(run: Local, **changes: Any) -> pd.DataFrame:
    """The descriptions of a universe with these columns."""
    write_reports(run.folder / "universe", **changes)
    run.run(["descriptions"])
    return run.read("descriptions")


def test_reports_are_ordered_by_id_whatever_their_order(run: Local) -> None:
    table = reports(run, **{ID: [9, 2, 7, 4]})
    assert table["report_id"].tolist() == [2, 4, 7, 9]
    assert table["company_name"].tolist() == [f"Company {i}" for i in (1, 3, 2, 0)]


@pytest.mark.parametrize(
    ("codes", "wanted"),
    [
        (["2834", "100", "7372", None], ["2834", "0100", "7372", None]),
        (["2834.0", "100.0", " 7372 ", ""], ["2834", "0100", "7372", None]),
        ([2834, 100, 7372, None], ["2834", "0100", "7372", None]),
        ([2834, 100, 7372, 900], ["2834", "0100", "7372", "0900"]),
    ],
    ids=["text", "text of floats", "numbers with a null", "numbers"],
)
def test_codes_have_four_digits_and_a_division(run: Local, codes: list, wanted: list) -> None:
    table = reports(run, sic_code=codes)
    assert table["sic_code"].astype(object).where(table["sic_code"].notna(), None).tolist() == wanted
    division = table["industry"].tolist()
    assert division[:3] == ["Manufacturing", "Agriculture, Forestry, And Fishing", "Services"]
    assert table["industry"].isna().tolist() == [False, False, False, wanted[3] is None]


@pytest.mark.parametrize("code", ["software", "12345", "-100", "28.34"])
def test_a_code_that_is_none_is_named_with_its_row(run: Local, code: str) -> None:
    with pytest.raises(UniverseError, match=rf"reports.parquet: row 2: sic_code '{code}' is not a code"):
        reports(run, sic_code=["2834", None, code, "0100"])
    assert not run.results.table("descriptions").exists()


def test_numbers_of_companies_are_text_without_decimals(run: Local) -> None:
    table = reports(run, cik=[320193, None, 789019, 1])
    assert table["cik"].astype(object).where(table["cik"].notna(), None).tolist() == ["320193", None, "789019", "1"]


def test_what_is_missing_is_counted(run: Local) -> None:
    reports(run, section_1=["text", None, None, "text"], cik=["1", "1", "2", "3"])
    said = run.metadata("descriptions")
    assert said["without_description"] == 2
    assert said["without_sic_code"] == 1
    assert said["companies"] == 3
    assert said["years"] == "2015 to 2016"
    assert said["data"] == "local"


def test_a_year_out_of_range_is_refused(run: Local) -> None:
    with pytest.raises(UniverseError, match=r"row 1: year 20, expected a year like 2019"):
        reports(run, year=[2015, 20, 2015, 2016])


def test_one_report_of_a_company_and_year_is_taken(run: Local) -> None:
    """The last row of each year, 2015 and 2016, where nothing says when they were filed."""
    assert reports(run, cik=["1", "1", "1", "1"])["report_id"].tolist() == [114, 121]


def test_returns_follow_their_reports(run: Local) -> None:
    flat = report_columns()[RETURNS]
    flat[1] = [0.0] * 12
    flat[3] = None
    reports(run, **{ID: [9, 2, 7, 4], RETURNS: flat})
    run.run(["returns"])
    table = run.read("returns").set_index("report_id")["returns"]
    assert table.index.tolist() == [2, 4, 7, 9]
    np.testing.assert_array_equal(table[9], flat[0])
    np.testing.assert_array_equal(table[7], flat[2])
    assert np.isnan(table[4]).all()
    assert run.metadata("returns")["without_correlation"] == 2


def prices(run: Local, **columns: Any) -> pd.DataFrame:
    write_reports(run.folder / "universe")
    pd.DataFrame(columns).to_parquet(run.folder / "universe" / "prices.parquet")
    run.run(["price_history"])
    return run.read("price_history")


@pytest.mark.parametrize("kind", ["text", "days", "times"])
def test_prices_are_ordered_by_ticker_and_day(run: Local, kind: str) -> None:
    days: Any = ["2020-01-03", "2020-01-02", "2020-01-02"]
    if kind != "text":
        days = pd.to_datetime(days) if kind == "times" else [pd.Timestamp(d).date() for d in days]
    table = prices(run, ticker=["B", "B", "A"], date=days, adj_close=np.array([3, 2, 1], np.float32))
    assert table["ticker"].tolist() == ["A", "B", "B"]
    assert [str(day) for day in table["date"]] == ["2020-01-02", "2020-01-02", "2020-01-03"]
    assert table["adj_close"].tolist() == [1.0, 2.0, 3.0]
    assert run.metadata("price_history")["tickers"] == 2


def test_two_prices_of_one_day_are_refused(run: Local) -> None:
    where = rf"{run.folder}/universe/prices\.parquet: row "
    message = rf"^{where}1: A on 2020-01-02 has the price 1\.1, and 1\.0 at {where}0, expected one price"
    with pytest.raises(UniverseError, match=message):
        prices(run, ticker=["A", "A"], date=["2020-01-02"] * 2, adj_close=[1.0, 1.1])
    assert not run.results.table("price_history").exists()


def test_what_is_left_out_of_prices_is_in_the_metadata(run: Local) -> None:
    prices(run, ticker=["A", "A"], date=["2020-01-02", "2020-01-03"], adj_close=[1.0, None])
    assert run.metadata("price_history")["left_out"] == {"rows without a price are left out": 1}
    prices(run, ticker=["A", "A"], date=["2020-01-02", "2020-01-03"], adj_close=[1.0, 2.0])
    assert "left_out" not in run.metadata("price_history")


def month_ends() -> pd.DataFrame:
    """Month-end prices of the universe's four tickers, for its two years."""
    days = pd.date_range("2014-12-31", "2016-12-31", freq="BME").rename("Date")
    steps = np.random.default_rng(3).normal(0, 0.1, (len(days), 4))
    return pd.DataFrame(np.exp(3 + steps.cumsum(axis=0)), index=days, columns=[f"T{i}" for i in range(4)])


def by_pandas(closes: pd.DataFrame) -> list[np.ndarray]:
    """The reports' log returns: T0 and T2 of 2015, T1 and T3 of 2016."""
    logs = np.log(closes).diff()
    return [logs.loc[str(2015 + i % 2), f"T{i}"].to_numpy() for i in range(4)]


def test_returns_come_from_prices_where_reports_have_none(run: Local) -> None:
    closes = month_ends()
    reports(run, **{RETURNS: None})
    run.run(["returns"])
    assert np.isnan(np.stack(run.read("returns")["returns"])).all()
    assert "source" not in run.metadata("returns")
    closes.to_csv(run.folder / "universe" / "prices.csv")
    run.run(["returns"])
    np.testing.assert_allclose(np.stack(run.read("returns")["returns"]), by_pandas(closes), atol=1e-12)
    assert run.metadata("returns")["source"] == "month-end closes of the prices: the reports have no returns"


def test_returns_that_contradict_the_prices_are_named(run: Local) -> None:
    closes = month_ends()
    reports(run, **{RETURNS: [row.tolist() for row in by_pandas(closes)]})
    closes.to_csv(run.folder / "universe" / "prices.csv")
    run.run(["returns"])
    assert "contradicts_prices" not in run.metadata("returns")
    reports(run, **{RETURNS: [np.roll(row, 1).tolist() for row in by_pandas(closes)]})
    run.run(["returns"])
    assert "returns of 4 of 4 reports are not those of their prices" in run.metadata("returns")["contradicts_prices"]
