"""Tests of cointegration of many pairs against pandas and statsmodels, one pair at a time."""

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.tsa.stattools import adfuller, coint
from threadpoolctl import threadpool_limits

from compsim_assets.science.trading.cointegration import (
    benjamini_hochberg,
    engle_granger_tests,
    passes_as_published,
    published_tests,
    shared_pairs,
)
from compsim_assets.science.trading.price_panel import PricePanel, pair_moments, price_panel
from compsim_assets_tests.science.strategies import examples

N = 8


def market(days: int = 500, seed: int = 0) -> PricePanel:
    """Eight stocks: some share a trend, C starts late, D ends early, E has gaps, H moves against the others."""
    rng = np.random.default_rng(seed)
    trend = rng.normal(0.001, 0.02, days).cumsum()
    logs = 3 + trend[:, None] * np.linspace(0.8, 1.4, N) + 0.02 * rng.normal(size=(days, N))
    logs[:, 5] += 0.01 * rng.normal(size=days).cumsum()
    logs[:, 7] = 3 - trend + 0.02 * rng.normal(size=days)
    prices = np.exp(logs)
    prices[:90, 2], prices[-30:, 3], prices[50:80, 4], prices[::17, 4] = (np.nan,) * 4
    calendar = np.datetime64("2010-01-04") + np.arange(days)
    return PricePanel(calendar, list("ABCDEFGH"), prices)


def all_pairs(panel: PricePanel) -> pd.DataFrame:
    return pd.DataFrame(combinations(panel.tickers, 2), columns=["ticker_a", "ticker_b"])


def common(panel: PricePanel, a: str, b: str) -> pd.DataFrame:
    columns = {t: panel.prices[:, panel.tickers.index(t)] for t in (a, b)}
    return pd.DataFrame(columns, index=panel.days).dropna().set_axis(["a", "b"], axis=1)


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.6), st.floats(-6, 6))
@examples(12)
def test_moments_of_pairs_are_those_of_their_common_days(seed: int, missing: float, level: float) -> None:
    rng = np.random.default_rng(seed)
    values = 10**level + rng.normal(size=(40, 6)).cumsum(axis=0)
    values[rng.random(values.shape) < missing] = np.nan
    a, b = np.array(list(combinations(range(6), 2))).T
    moments = pair_moments(values, a, b)
    for row, (x, y) in enumerate(zip(a, b, strict=True)):
        both = values[~np.isnan(values[:, x] + values[:, y])][:, [x, y]]
        assert moments.n[row] == len(both)
        if len(both) > 2:
            assert moments.correlation[row] == pytest.approx(np.corrcoef(both.T)[0, 1], abs=1e-7)
            slope, intercept = np.polyfit(both[:, 1] - both[:, 1].mean(), both[:, 0], 1)
            assert moments.slope[row] == pytest.approx(slope, rel=1e-6, abs=1e-7)
            assert moments.mean_a[row] == pytest.approx(intercept, rel=1e-9)


def test_blocks_of_columns_change_nothing() -> None:
    values = market().prices
    a, b = np.array(list(combinations(range(N), 2))).T
    whole = pair_moments(values, a, b).covariance
    assert pair_moments(values, a, b, block=3).covariance == pytest.approx(whole, rel=1e-12)


def test_a_constant_column_has_no_correlation() -> None:
    values = np.stack([np.full(50, 0.1), np.arange(50.0)], axis=1)
    moments = pair_moments(values, np.array([0, 1]), np.array([1, 0]))
    assert np.isnan(moments.correlation).all()
    assert np.isnan(moments.slope[1])


def test_panel_has_a_row_a_day_and_a_column_a_ticker_in_order() -> None:
    days = np.array(["2020-01-03", "2020-01-02", "2020-01-06"], dtype="datetime64[D]")
    panel = price_panel(["B", "A"], np.array([0, 1, 1]), days, np.array([5.0, 7.0, 0.0]))
    assert panel.tickers == ["A", "B"]
    assert panel.days.tolist() == sorted(days.tolist())
    # No share costs nothing: a price of 0 is a missing one.
    assert np.array_equal(panel.prices, [[7, np.nan], [np.nan, 5], [np.nan, np.nan]], equal_nan=True)
    with pytest.raises(ValueError, match="two prices on one day"):
        price_panel(["A"], np.array([0, 0]), days[[0, 0]], np.ones(2))


def test_a_pair_is_listed_once_with_the_years_it_shares_a_cluster() -> None:
    members = pd.DataFrame(
        [(2010, 1, "A"), (2010, 1, "B"), (2011, 1, "B"), (2011, 1, "A"), (2011, 1, "A"), (2011, 1, "C"),
         (2012, 1, "A"), (2012, 2, "B"), (2012, 2, "C"), (2012, 2, None), (2012, None, "A"), (2013, 9, "A"),
         (2013, 9, "D")],
        columns=["year", "cluster_id", "ticker"],
    )  # fmt: skip
    found = shared_pairs(members, [2010, 2011, 2012])
    assert found.to_numpy().tolist() == [["A", "B", 2], ["A", "C", 1], ["B", "C", 2]]
    assert shared_pairs(members, [1999]).empty


def test_published_tests_are_the_published_loop() -> None:
    panel = market()
    found = published_tests(panel, all_pairs(panel), 0.9).set_index(["ticker_a", "ticker_b"])
    wanted = set()
    for a, b in combinations(panel.tickers, 2):
        prices = common(panel, a, b)
        correlation = prices["a"].corr(prices["b"])
        if abs(correlation) < 0.9:
            continue
        wanted.add((a, b))
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            statistic, p_value, lags = adfuller(prices["a"] - prices["b"])[:3]
        row = found.loc[(a, b)]
        assert (row["n_days"], row["lags"]) == (len(prices), lags)
        assert (row["first_day"], row["last_day"]) == (prices.index[0], prices.index[-1])
        assert row["correlation"] == pytest.approx(correlation, abs=1e-12)
        assert row["adf"] == pytest.approx(statistic, abs=1e-6)
        assert row["p_value"] == pytest.approx(p_value, abs=1e-6)
        assert (row["hedge_ratio"], row["intercept"]) == (1, 0)
        assert row["deviation"] == pytest.approx((prices["a"] - prices["b"]).std(ddof=0))
    assert wanted == set(found.index)
    assert 5 < len(wanted) < 28
    assert (found["correlation"] < -0.9).any()


def test_published_pairs_need_60_days_a_small_p_value_and_a_positive_correlation() -> None:
    panel = market()
    assert published_tests(panel.window(panel.days[0], panel.days[58]), all_pairs(panel), 0).empty
    tests = pd.DataFrame(
        {"p_value": [0.009, 0.01, 0.001, 0.001, np.nan], "correlation": [0.96, 0.99, -0.99, 0.95, 0.99]}
    )
    assert passes_as_published(tests, 0.95).tolist() == [True, False, False, False, False]


def test_engle_granger_is_statsmodels_coint_with_the_alphabetical_direction() -> None:
    panel = market()
    found = engle_granger_tests(panel, all_pairs(panel), 0.9, 252)
    assert len(found) >= 8
    for row in found.itertuples():
        logs = np.log(common(panel, row.ticker_a, row.ticker_b))
        with threadpool_limits(1):
            statistic, p_value, _ = coint(logs["a"], logs["b"], autolag="aic")
        slope, intercept = np.polyfit(logs["b"], logs["a"], 1)
        assert row.ticker_a < row.ticker_b
        assert row.adf == pytest.approx(statistic, abs=1e-6)
        assert row.p_value == pytest.approx(p_value, abs=1e-6)
        assert row.hedge_ratio == pytest.approx(slope, rel=1e-9)
        assert row.intercept == pytest.approx(intercept, abs=1e-9)
        residual = logs["a"] - slope * logs["b"] - intercept
        assert row.deviation == pytest.approx(residual.std(ddof=0), rel=1e-9)


def test_honest_tests_leave_out_ended_short_and_opposite_series() -> None:
    panel = market()
    tickers = engle_granger_tests(panel, all_pairs(panel), 0.9, 252)[["ticker_a", "ticker_b"]]
    tested = set(tickers.to_numpy().ravel())
    assert {"A", "B", "C", "E", "G"} <= tested
    assert not tested & {"D", "H"}
    # C has 410 days, those with gaps fewer.
    longer = engle_granger_tests(panel, all_pairs(panel), 0.9, 411)[["ticker_a", "ticker_b"]]
    assert set(longer.to_numpy().ravel()) == tested - {"C"}


def test_a_pair_of_the_same_series_has_no_test() -> None:
    panel = market()
    twin = PricePanel(panel.days, ["A", "B"], panel.prices[:, [0, 0]] * [1, 2])
    assert engle_granger_tests(twin, all_pairs(twin), 0.9, 252).empty


def test_names_without_any_price_are_no_error() -> None:
    panel = market()
    pairs = pd.DataFrame({"ticker_a": ["A", "A", "X"], "ticker_b": ["B", "ZZZ", "Y"]})
    assert len(published_tests(panel, pairs, 0.0)) == 1
    empty = panel.window(np.datetime64("1999-01-01"), np.datetime64("1999-12-31"))
    assert published_tests(empty, pairs, 0.0).empty
    assert engle_granger_tests(empty, pairs, 0.0, 252).empty


def test_adjusted_p_values_are_benjamini_and_hochbergs() -> None:
    p = np.random.default_rng(0).random(20) ** 2
    order = np.argsort(p)
    wanted = np.empty(20)
    wanted[order] = [min(1, min(p[order[j]] * 20 / (j + 1) for j in range(i, 20))) for i in range(20)]  # fmt: skip
    assert benjamini_hochberg(p) == pytest.approx(wanted)
    assert benjamini_hochberg(np.empty(0)).shape == (0,)
