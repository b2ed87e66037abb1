"""Prices with something wrong in them, and returns that contradict them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.check import check_folder
from compsim_assets.universe.layout import RETURNS
from compsim_assets_tests.spellings.damaged import damaged, frame, refusal, row_of
from compsim_assets_tests.spellings.files import Files, small


def price(column: str, row: int, value: Any) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        values = prices[column].astype(object)
        values.iloc[row] = value
        files.frames["prices"] = prices.assign(
            **{column: values.astype(type(value)) if column == "adj_close" else values}
        )

    return change


def test_dates_that_read_two_ways_are_refused_with_both(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        days = pd.to_datetime(prices["date"])
        few = prices[(days.dt.day <= 12).to_numpy()]
        files.frames["prices"] = few.assign(date=pd.to_datetime(few["date"]).dt.strftime("%d/%m/%Y"))

    message = refusal(tmp_path, change)
    assert re.match(r"prices\.parquet: row 0: date '01/12/2009' reads as 2009-12-01 and as 2009-01-12", message)
    assert "date_format" in message


def test_a_date_format_settles_it(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        few = prices[(pd.to_datetime(prices["date"]).dt.day <= 12).to_numpy()]
        files.frames["prices"] = few.assign(date=pd.to_datetime(few["date"]).dt.strftime("%d/%m/%Y"))
        files.rules["prices"] = 'date_format = "%d/%m/%Y"'

    made, _ = damaged(tmp_path, change)
    days = pd.to_datetime(small().frames["prices"]["date"])
    assert sorted(set(made["price_history"]["date"].to_pylist())) == sorted(set(days[days.dt.day <= 12].dt.date))


def text_of_closes(change: Callable[[Files], None]) -> Callable[[Files], None]:
    def write(files: Files) -> None:
        files.frames["prices"]["adj_close"] = files.frames["prices"]["adj_close"].map(str)
        change(files)

    return write


def of_days(change: Callable[[Files], None]) -> Callable[[Files], None]:
    def write(files: Files) -> None:
        files.frames["prices"]["date"] = files.frames["prices"]["date"].map(str)
        change(files)

    return write


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (of_days(price("date", 20, "31/02/2010")), r"prices\.parquet: row 20: date '31/02/2010', expected a date"),
        (of_days(price("date", 20, "yesterday")), r"prices\.parquet: row 20: date 'yesterday', expected a date"),
        (
            text_of_closes(price("adj_close", 9, "12,5")),
            r"prices\.parquet: row 9: adj_close '12,5', which reads as 12\.5 and as 125",
        ),
        (
            text_of_closes(price("adj_close", 9, "$12.50")),
            r"prices\.parquet: row 9: adj_close '\$12\.50', expected a number",
        ),
    ],
)
def test_a_price_that_is_none_is_named(tmp_path: Path, change: Callable[[Files], None], message: str) -> None:
    assert re.match(message, refusal(tmp_path, change))


def test_two_prices_on_a_day_are_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        files.frames["prices"] = pd.concat([prices, prices.iloc[[7]].assign(adj_close=1.5)], ignore_index=True)

    message = refusal(tmp_path, change)
    assert re.match(rf"prices\.parquet: row {len(small().frames['prices'])}: .*T00.*2009-12-10", message)
    assert "1.5" in message


def test_prices_below_zero_are_none_and_zero_is_a_price(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        closes = files.frames["prices"]["adj_close"].to_numpy().copy()
        closes[[5, 6]], closes[-1], closes[8] = -12.5, 0.0, np.inf
        files.frames["prices"]["adj_close"] = closes

    made, decisions = damaged(tmp_path, change)
    prices = small().frames["prices"]
    assert len(made["price_history"]) == len(prices) - 3
    history = frame(made, "price_history").set_index(["ticker", "date"])["adj_close"]
    last = prices.iloc[-1]
    assert history.loc[last["ticker"], last["date"]] == 0.0
    assert sum(row.count for row in decisions if row.grade == "left_out" and row.subject == "adj_close") == 3


def test_prices_of_other_companies_are_refused(tmp_path: Path) -> None:
    files = small()
    files.frames["prices"]["ticker"] = "X" + files.frames["prices"]["ticker"]
    decisions = check_folder(files.write(tmp_path / "universe"))
    assert "no ticker of the reports (BRK-B, T00, T02" in row_of(decisions, "refused", "no ticker").what


def test_tickers_without_a_price_are_named(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        files.frames["prices"] = prices[~prices["ticker"].isin(["T04", "T09"])]

    _, decisions = damaged(tmp_path, change)
    row = row_of(decisions, "missing", "tickers of reports without a price")
    assert (row.count, row.example) == (2, "T04, T09")


def from_prices(files: Files) -> np.ndarray:
    """(48, 12) log returns between month-ends, by pandas."""
    prices = files.frames["prices"].assign(month=pd.to_datetime(files.frames["prices"]["date"]).dt.to_period("M"))
    ends = prices.groupby(["ticker", "month"])["adj_close"].last().unstack("ticker")
    change = np.log(ends).diff()
    reports = files.frames["reports"]
    return np.stack([
        change.loc[f"{year}-01":f"{year}-12", ticker].to_numpy()
        for ticker, year in zip(reports["ticker"], reports["year"], strict=True)
    ])  # fmt: skip


def test_returns_come_from_prices_where_there_are_none(tmp_path: Path) -> None:
    made, decisions = damaged(tmp_path, lambda files: files.frames["reports"].pop(RETURNS))
    lists = np.array(made["returns"]["returns"].to_pylist(), dtype=float)
    np.testing.assert_allclose(lists, from_prices(small()), rtol=1e-12)
    assert any(row.grade == "assumed" and "month-end" in row.what for row in decisions)


def test_a_column_of_returns_that_is_empty_stays_empty(tmp_path: Path) -> None:
    """The check says of it what a run does: nothing is made of the prices."""

    def change(files: Files) -> None:
        files.frames["reports"][RETURNS] = [None] * 48

    made, decisions = damaged(tmp_path, change)
    assert np.isnan(np.array(made["returns"]["returns"].to_pylist(), dtype=float)).all()
    assert [row for row in decisions if "month-end" in row.what] == []


@pytest.mark.parametrize(
    ("shift", "words"), [("year", "year"), ("month", "month"), ("simple", "simple"), ("nothing", "")]
)
def test_returns_that_contradict_the_prices_are_named(tmp_path: Path, shift: str, words: str) -> None:
    def change(files: Files) -> None:
        matrix = from_prices(files)
        years = matrix.reshape(4, 12, 12)
        changed = {
            "year": lambda: np.roll(years, 1, axis=0).reshape(48, 12),
            "month": lambda: np.roll(matrix, 1, axis=1),
            "simple": lambda: np.expm1(matrix),
            "nothing": lambda: matrix,
        }
        files.frames["reports"][RETURNS] = list(changed[shift]())

    _, decisions = damaged(tmp_path, change)
    rows = [row.what for row in decisions if row.grade == "suspicious" and "prices" in row.what]
    assert any(words in what for what in rows) if words else rows == []


def test_a_split_that_nobody_adjusted_for_is_a_warning(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        after = (prices["ticker"] == "T05") & (pd.to_datetime(prices["date"]) >= "2012-06-11")
        files.frames["prices"] = prices.assign(adj_close=prices["adj_close"].where(~after, prices["adj_close"] / 2))

    _, decisions = damaged(tmp_path, change)
    row = row_of(decisions, "suspicious", "split")
    assert row.count == 1
    assert row.example.startswith("T05 on 2012-06-11")


def test_files_of_another_kind_in_a_folder_of_prices_are_named(tmp_path: Path) -> None:
    def write(files: Files, name: str) -> list[tuple[str, int]]:
        rows = files.frames.pop("prices")
        folder = files.write(tmp_path / name)
        (folder / "prices").mkdir()
        for ticker, of_ticker in rows.groupby("ticker"):
            of_ticker.to_csv(folder / "prices" / f"{ticker}.{'csv' if ticker < name else 'txt'}", index=False)
        decisions = [row for row in check_folder(folder) if row.subject == "prices"]
        return [(row.grade, row.count) for row in decisions if row.grade in ("left_out", "missing")]

    assert sorted(write(small(), "A")) == [("left_out", 12), ("missing", 0)]
    assert write(small(), "T06") == [("left_out", 6)]
