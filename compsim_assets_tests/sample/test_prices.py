"""Daily prices agree with the monthly returns; planted pairs revert."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets_tests.sample.conftest import Sample


@pytest.fixture(scope="module")
def prices(full: Sample) -> pd.DataFrame:
    return full.prices()


def test_returns_run_from_month_end_to_month_end(full: Sample, prices: pd.DataFrame) -> None:
    by_month = prices.groupby(prices.index.to_period("M"))
    month_end = np.log(by_month.tail(1))
    month_end.index = by_month.size().index
    returns = month_end.diff().iloc[1:]
    assert returns.index[0] == pd.Period("2009-01")
    by_year = returns.to_numpy().reshape(12, 12, -1)
    tickers = returns.columns.get_indexer(full.reports["ticker"])
    np.testing.assert_allclose(full.returns, by_year[full.reports["year"] - 2009, :, tickers], atol=1e-9)


def test_a_few_reports_miss_their_first_or_last_month(full: Sample) -> None:
    missing = np.isnan(full.returns)
    assert (missing.sum(axis=1) <= 1).all()
    months = np.flatnonzero(missing.any(axis=0)).tolist()
    assert months == [0, 11]
    assert 2 <= missing.sum() <= 10
    assert (full.returns[~missing.any(axis=1)].std(axis=1) > 0.01).all()


def test_days_are_business_days_from_the_december_before(prices: pd.DataFrame) -> None:
    days = prices.index.to_numpy().astype("datetime64[D]")
    assert np.is_busday(days).all()
    assert days[0] == np.datetime64("2008-12-01")
    assert days[-1] == np.datetime64("2020-12-31")
    assert 250 * 12 < len(days) < 262 * 12 + 25
    assert prices.min(axis=None) > 0.1
    assert prices.max(axis=None) < 1e5


def test_rows_are_by_ticker_and_day(full: Sample) -> None:
    table = pq.read_table(full.folder / "prices.parquet")
    ticker = table["ticker"].dictionary_encode().combine_chunks().indices.to_numpy()
    day = table["date"].cast(pa.int32()).to_numpy()
    assert (np.diff(ticker) >= 0).all()
    assert (np.diff(day)[np.diff(ticker) == 0] > 0).all()


def test_prices_stop_after_a_company_has_left(full: Sample, prices: pd.DataFrame) -> None:
    last_report = full.reports.groupby("ticker")["year"].max()
    last_price = prices.apply(pd.Series.last_valid_index).dt.year
    gone = last_report[last_report < 2020].index
    assert len(gone) > 20
    assert (last_price[gone] - last_report[gone]).isin([0, 1]).all()
    assert (last_price.drop(gone) == 2020).all()
    listed = prices.notna()
    assert (listed.astype(int).diff().abs().sum() <= 2).all(), "no gaps while listed"


def test_planted_pairs_revert_and_share_a_line(full: Sample, prices: pd.DataFrame) -> None:
    pairs = full.table("truth_pairs")
    line = full.reports.assign(line=full.weights.argmax(axis=1)).groupby("ticker")["line"]
    assert len(pairs) == 8
    assert (pairs["hedge_ratio"] == 1).sum() == 4
    for pair in pairs.itertuples():
        both = np.log(prices[[pair.ticker_a, pair.ticker_b]].dropna())
        spread = both[pair.ticker_b] - pair.hedge_ratio * both[pair.ticker_a]
        assert spread.std() == pytest.approx(pair.spread_deviation, rel=0.3)
        halving = np.log(0.5) / np.log(spread.autocorr())
        assert halving == pytest.approx(pair.half_life_days, rel=0.4)
        for ticker in (pair.ticker_a, pair.ticker_b):
            assert set(line.get_group(ticker)) == {pair.line}


def test_two_companies_that_were_not_planted_do_not_revert(full: Sample, prices: pd.DataFrame) -> None:
    planted = set(full.table("truth_pairs")[["ticker_a", "ticker_b"]].to_numpy().ravel())
    others = prices.drop(columns=list(planted)).dropna(axis=1).columns[:2]
    spread = np.log(prices[others[1]]) - np.log(prices[others[0]])
    assert spread.std() > 0.1
