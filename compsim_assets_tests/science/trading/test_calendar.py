"""Calendars of panels: rows a year, rules in rows, and days that are none of the panel's."""

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.holiday import USFederalHolidayCalendar
from pandas.tseries.offsets import CustomBusinessDay

from compsim_assets.science.trading.calendar import DAILY, Calendar
from compsim_assets.science.trading.price_panel import PricePanel, price_panel

FIRST, LAST = "2014-01-01", "2017-12-31"


def days_of(freq: object) -> np.ndarray:
    return pd.date_range(FIRST, LAST, freq=freq).to_numpy().astype("datetime64[D]")


WEEKDAYS = days_of("B")
EXCHANGE = days_of(CustomBusinessDay(calendar=USFederalHolidayCalendar()))
SUNDAY_TO_THURSDAY = days_of(CustomBusinessDay(weekmask="Sun Mon Tue Wed Thu"))
# 2016 is not in the file.
WITH_HOLE = EXCHANGE[EXCHANGE.astype("datetime64[Y]") != np.datetime64("2016")]


@pytest.mark.parametrize("days", [WEEKDAYS, EXCHANGE, SUNDAY_TO_THURSDAY, WITH_HOLE, EXCHANGE[:90], EXCHANGE[:1]])
def test_five_days_a_week_are_252_whatever_the_holidays(days: np.ndarray) -> None:
    assert Calendar.of(days) == DAILY
    assert (DAILY.rows_a_year, DAILY.longest_gap) == (252, 10)
    assert [DAILY.rows_in(days) for days in (60, 252, 400, 10_000)] == [60, 252, 400, 10_000]


@pytest.mark.parametrize(
    ("freq", "rows", "gap", "a_year"),
    [("W-FRI", 365.25 / 7, 2, 60), ("BME", 12, 1, 60), ("MS", 12, 1, 60), ("QE", 4, 1, 60), ("D", 365.25, 14, 365),
     ("2W-WED", 365.25 / 14, 1, 60)],
)  # fmt: skip
def test_other_rows_are_counted_and_rules_are_as_long(freq: str, rows: float, gap: int, a_year: int) -> None:
    calendar = Calendar.of(days_of(freq))
    assert calendar.rows_a_year == pytest.approx(rows, rel=1e-9)
    assert calendar.longest_gap == gap
    # A year of rows, and no fewer than a test needs.
    assert calendar.rows_in(252) == a_year


def test_fewer_days_than_a_test_needs_may_be_asked_for() -> None:
    assert Calendar.of(days_of("W-FRI")).rows_in(40) == 40
    assert Calendar.of(days_of("W-FRI")).rows_in(504) == round(504 * 365.25 / 7 / 252)


def long_table(**days: np.ndarray) -> pd.DataFrame:
    rows = [pd.DataFrame({"ticker": ticker, "date": of_ticker}) for ticker, of_ticker in days.items()]
    table = pd.concat(rows, ignore_index=True)
    return table.assign(price=10 + np.random.default_rng(0).random(len(table)))


def panel_of(table: pd.DataFrame) -> PricePanel:
    code, names = pd.factorize(table["ticker"])
    return price_panel(list(names), code, table["date"].to_numpy(), table["price"].to_numpy())


FIVE = {f"T{i}": EXCHANGE for i in range(5)}


def test_a_ticker_of_seven_days_does_not_stretch_a_panel_of_five() -> None:
    # It begins before the others and outlives them.
    panel = panel_of(long_table(**dict.fromkeys(FIVE, EXCHANGE[20:-20]), BTC=days_of("D")))
    week = (panel.days.astype(int) + 3) % 7
    assert (week < 5).all()
    wanted = [day for day in EXCHANGE[20:-20] if day in set(panel.days)]
    assert len(wanted) == len(EXCHANGE) - 40
    # Holidays between are out too; before and after only the one ticker trades, on all its weekdays.
    between = (panel.days >= EXCHANGE[20]) & (panel.days <= EXCHANGE[-21])
    assert panel.days[between].tolist() == EXCHANGE[20:-20].tolist()
    assert panel.off_tickers == ("BTC",)
    assert sorted([*panel.days, *panel.left_out]) == sorted(days_of("D"))
    assert Calendar.of(panel.days) == DAILY


@pytest.mark.parametrize(
    "days",
    [
        FIVE,
        # Two exchanges with holidays of their own.
        {"A": EXCHANGE, "B": EXCHANGE, "C": WEEKDAYS, "D": WEEKDAYS},
        # Every ticker on a weekday of its own.
        {f"T{i}": days_of(f"W-{day}") for i, day in enumerate(("MON", "TUE", "WED", "THU", "FRI"))},
        # One after the other.
        {f"T{i}": EXCHANGE[100 * i : 100 * i + 100] for i in range(8)},
        {"A": days_of("D")},
    ],
)
def test_ordinary_panels_keep_all_their_days(days: dict[str, np.ndarray]) -> None:
    panel = panel_of(long_table(**days))
    assert panel.days.tolist() == sorted({day for of_ticker in days.values() for day in of_ticker.tolist()})
    assert len(panel.left_out) == 0


def test_a_day_without_any_price_is_no_trading_day() -> None:
    table = long_table(**FIVE)
    table.loc[table["date"] == EXCHANGE[7], "price"] = np.nan
    panel = panel_of(table)
    assert panel.left_out.tolist() == [EXCHANGE[7].item()]
    assert panel.off_tickers == ()
    assert len(panel.days) == len(EXCHANGE) - 1
