"""Days that look wrong are named: of another zone, of weekends, of the future; ordinary ones are not."""

import datetime

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.intake.decisions import Decisions
from compsim_assets.universe.prices.days import say_days, say_slips
from compsim_assets.universe.prices.files import Prices

DAYS = pd.bdate_range("2019-01-01", "2019-12-31")


def said(days: pd.DatetimeIndex, close: np.ndarray | None = None) -> list[tuple[str, str, int]]:
    close = np.arange(1.0, len(days) + 1) if close is None else close
    prices = Prices(["A"], np.zeros(len(days), np.int32), days.to_numpy().astype("M8[D]"), close)
    decisions = Decisions()
    say_days(prices, decisions.of("prices"))
    return [(row.grade, row.what.split(":")[0].split(",")[0], row.count) for row in decisions]


def test_midnights_of_tokyo_in_utc_are_days_too_early() -> None:
    utc = DAYS.tz_localize("Asia/Tokyo").tz_convert("UTC").tz_localize(None)
    assert said(utc) == [("suspicious", "prices are of Sundays and of no Friday", (DAYS.dayofweek == 0).sum())]


def test_weekends_filled_with_fridays() -> None:
    filled = pd.Series(np.arange(len(DAYS), dtype=float), index=DAYS).resample("D").ffill()
    n = int((filled.index.dayofweek >= 5).sum())
    what = "prices of Saturdays and Sundays repeat the day before"
    assert said(pd.DatetimeIndex(filled.index), filled.to_numpy()) == [("suspicious", what, n)]


def test_weeks_stamped_with_their_monday_and_days_to_come() -> None:
    mondays = DAYS[DAYS.dayofweek == 0]
    assert said(mondays) == [("assumed", "prices a week are of Mondays", len(mondays))]
    tomorrow = pd.Timestamp(datetime.date.today()) + pd.Timedelta(days=1)
    rows = said(DAYS.append(pd.DatetimeIndex([tomorrow])))
    assert rows == [("suspicious", "prices are of days that are still to come", 1)]


@pytest.mark.parametrize(
    "days", [DAYS, DAYS[DAYS.dayofweek == 4], pd.date_range("2019-01-01", "2019-12-31"), DAYS[:0], DAYS[4:6]]
)
def test_ordinary_days(days: pd.DatetimeIndex) -> None:
    """Days, Fridays, seven days with prices of their own, nothing, and a Monday beside a Friday."""
    assert said(days) == []


def test_a_price_far_from_those_around_it_is_a_slip() -> None:
    close = np.linspace(20, 30, len(DAYS))
    close[[7, 90]] *= [100, 0.01]
    close[150:] *= 8  # stays there: no slip
    close[200] = 0  # a loss
    prices = Prices(["A"], np.zeros(len(DAYS), np.int32), DAYS.to_numpy().astype("M8[D]"), close)
    decisions = Decisions()
    say_slips(prices, decisions.of("prices"))
    assert [(row.count, row.example[:15]) for row in decisions] == [(2, f"A on {DAYS[7]:%Y-%m-%d}")]
