"""Returns of month-end closes, against pandas; what has none is counted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import RETURNS
from compsim_assets.universe.prices.month_ends import stamped_first
from compsim_assets_tests.universe.prices.folders import read
from compsim_assets_tests.universes import write_reports

DAYS = pd.bdate_range("2018-11-01", "2020-12-31")


def random_prices(tickers: list[str], seed: int = 0) -> pd.DataFrame:
    steps = np.random.default_rng(seed).normal(0, 0.02, (len(DAYS), len(tickers)))
    return pd.DataFrame(30 * np.exp(steps.cumsum(axis=0)), index=DAYS.rename("Date"), columns=tickers)


def write_universe(folder: Path, wide: pd.DataFrame, tickers: list, years: list[int]) -> tuple[Universe, pd.DataFrame]:
    """Reports without returns beside these prices."""
    n = len(tickers)
    write_reports(folder, n=n, ticker=tickers, year=years, sic_code=None, **{RETURNS: None})
    wide.to_parquet(folder / "prices.parquet")
    universe = Universe(folder)
    return universe, universe.reports()


def by_pandas(wide: pd.DataFrame, ticker: str, year: int) -> np.ndarray:
    """Twelve log returns from the last closes of calendar months."""
    ends = np.log(wide[ticker].resample("ME").last()).diff()
    return ends.reindex(pd.date_range(f"{year}-01-01", periods=12, freq="MS") + pd.offsets.MonthEnd(0)).to_numpy()


def missing(universe: Universe) -> dict[str, tuple[int, str]]:
    prefix = "reports without twelve returns: "
    rows = [row for row in universe.decisions if row.grade == "missing"]
    return {row.what.removeprefix(prefix): (row.count, row.example) for row in rows}


def test_returns_are_those_of_month_ends(tmp_path: Path) -> None:
    wide = random_prices(["A", "BRK-B"])
    universe, reports = write_universe(tmp_path, wide, ["A", "brk.b", "A", "BRK/B"], [2019, 2019, 2020, 2020])
    matrix = universe.returns_from_prices(reports)
    assert matrix is not None
    wanted = [by_pandas(wide, t, y) for t, y in [("A", 2019), ("BRK-B", 2019), ("A", 2020), ("BRK-B", 2020)]]
    np.testing.assert_allclose(matrix, wanted, rtol=0, atol=1e-12)
    assert missing(universe) == {}
    what = "returns are made of month-end closes of the prices, as natural logarithms: the reports have none"
    assert [row.count for row in universe.decisions if row.what == what] == [4]


def test_reports_with_returns_keep_them(tmp_path: Path) -> None:
    wide = random_prices(["T0", "T1"])
    wide.to_parquet(tmp_path / "prices.parquet")
    write_reports(tmp_path)
    assert Universe(tmp_path).returns_from_prices(Universe(tmp_path).reports()) is None
    months = {f"ret_{month}": [0.01] * 4 for month in range(1, 13)}
    write_reports(tmp_path, **{RETURNS: None}, **months)
    assert Universe(tmp_path).returns_from_prices(Universe(tmp_path).reports()) is None
    (tmp_path / "prices.parquet").unlink()
    write_reports(tmp_path, **{RETURNS: None})
    assert Universe(tmp_path).returns_from_prices(Universe(tmp_path).reports()) is None


def test_months_count_where_both_ends_are_there(tmp_path: Path) -> None:
    wide = random_prices(["GONE", "LATE", "HOLE", "ENDS", "FULL"])
    wide.loc["2019-05-31":, "GONE"] = np.nan  # the last close is of the 30th: May counts
    wide.loc[:"2019-02-10", "LATE"] = np.nan
    wide.loc["2019-03-23":"2019-03-31", "HOLE"] = np.nan  # 2019-03-22 is 9 days before the end: no month-end
    wide.loc["2019-06-25":"2019-06-30", "HOLE"] = np.nan  # 2019-06-24 is 6 days before it
    wide.loc["2020-07-01":, "ENDS"] = np.nan
    tickers = ["GONE", "LATE", "HOLE", "ENDS", "FULL", "NONE", None, "GONE"]
    universe, reports = write_universe(tmp_path, wide, tickers, [2019, 2019, 2019, 2020, 2020, 2020, 2020, 2020])
    matrix = universe.returns_from_prices(reports)
    assert matrix is not None
    months = [(np.flatnonzero(np.isfinite(row)) + 1).tolist() for row in matrix]
    assert months[:3] == [[1, 2, 3, 4, 5], list(range(3, 13)), [1, 2, *range(5, 13)]]
    assert months[3:] == [[1, 2, 3, 4, 5, 6], list(range(1, 13)), [], [], []]
    for row, (ticker, year) in enumerate(zip(tickers[:5], [2019, 2019, 2019, 2020, 2020], strict=True)):
        there = np.isfinite(matrix[row])
        np.testing.assert_allclose(matrix[row][there], by_pandas(wide, str(ticker), year)[there], atol=1e-12)
    assert missing(universe) == {
        "months are missing after the ticker's last price: delisted inside the year": (2, "GONE in 2019, ENDS in 2020"),
        "some of the twelve months have no month-end close": (2, "LATE in 2019, HOLE in 2019"),
        "no month of the year has a return": (1, "GONE in 2020"),
        "their ticker has no price": (1, "NONE"),
        "no ticker, so no price": (1, "2020"),
    }


def test_prices_that_end_are_no_delisting(tmp_path: Path) -> None:
    wide = random_prices(["A", "B"]).loc[:"2020-06-15"]
    universe, reports = write_universe(tmp_path, wide, ["A", "B"], [2020, 2020])
    matrix = universe.returns_from_prices(reports)
    assert matrix is not None
    assert np.isfinite(matrix).sum(axis=1).tolist() == [5, 5]
    assert missing(universe) == {"the prices end inside the year": (2, "A in 2020, B in 2020")}


def test_a_total_loss_has_no_return(tmp_path: Path) -> None:
    wide = random_prices(["LOST", "BACK"])
    wide.loc["2019-04-15":, "LOST"] = 0.0
    wide.loc["2019-04-15":"2019-04-16", "BACK"] = 0.0
    universe, reports = write_universe(tmp_path, wide, ["LOST", "BACK", "BACK"], [2019, 2019, 2020])
    matrix = universe.returns_from_prices(reports)
    assert matrix is not None
    for row in (0, 1):
        np.testing.assert_allclose(matrix[row, :3], by_pandas(wide.replace(0, np.nan), ["LOST", "BACK"][row], 2019)[:3])
    assert np.isnan(matrix[:2, 3:]).all()
    assert np.isnan(matrix[2]).all()
    said = [row for row in universe.decisions if row.grade == "suspicious"]
    assert [(row.count, row.example) for row in said] == [(2, "BACK")]


@pytest.mark.parametrize("day", ["first", "last trading day"])
def test_prices_a_month(tmp_path: Path, day: str) -> None:
    closes = random_prices(["A", "B", "C"]).resample("BME").last()
    stamped = closes.set_axis(closes.index.to_period("M").to_timestamp()) if day == "first" else closes
    universe, reports = write_universe(tmp_path, stamped, ["A", "B"], [2019, 2020])
    assert stamped_first(read(tmp_path)).tolist() == [day == "first"] * 3
    matrix = universe.returns_from_prices(reports)
    np.testing.assert_allclose(matrix, [by_pandas(closes, "A", 2019), by_pandas(closes, "B", 2020)], atol=1e-12)


def test_tickers_stamped_first_beside_others(tmp_path: Path) -> None:
    """Each ticker is stamped as its own prices say; a download that ends with the price of today is, too."""
    daily = random_prices(["DAILY", "ENDS", "FIRST"])
    closes = daily.resample("BME").last()
    first = closes[["FIRST"]].set_axis(closes.index.to_period("M").to_timestamp())
    first.loc[pd.Timestamp("2021-01-14"), "FIRST"] = 30.0
    wide = pd.concat([daily[["DAILY"]], closes[["ENDS"]], first], axis=1)
    universe, reports = write_universe(tmp_path, wide, ["DAILY", "ENDS", "FIRST"], [2020, 2020, 2020])
    assert stamped_first(read(tmp_path)).tolist() == [False, False, True]
    matrix = universe.returns_from_prices(reports)
    np.testing.assert_allclose(matrix, [by_pandas(daily, ticker, 2020) for ticker in daily], atol=1e-12)


@pytest.mark.parametrize(("since", "months"), [("2019-12-17", 12), ("2019-12-16", 11)])
def test_a_last_price_repeated_to_the_end_is_a_dead_stock(tmp_path: Path, since: str, months: int) -> None:
    """No month of return 0: a price repeated on more than 10 days is that of the stock's last day."""
    wide = random_prices(["DEAD", "ALIVE"])[:"2019-12-31"]
    wide.loc[since:, "DEAD"] = wide.loc[since, "DEAD"]
    universe, reports = write_universe(tmp_path, wide, ["DEAD", "ALIVE"], [2019, 2019])
    matrix = universe.returns_from_prices(reports)
    assert matrix is not None
    assert np.isfinite(matrix).sum(axis=1).tolist() == [months, 12]
    np.testing.assert_allclose(matrix[0, :months], by_pandas(wide, "DEAD", 2019)[:months], atol=1e-12)
    said = [row.example for row in universe.decisions if "only repeated" in row.what]
    assert said == ["DEAD"] * (months == 11)
