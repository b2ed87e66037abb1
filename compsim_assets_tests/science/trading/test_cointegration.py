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
from compsim_assets.science.trading.price_panel import PricePanel, pair_moments
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


def test_tickers_are_the_same_in_any_spelling_and_share_classes_are_of_one_company() -> None:
    members = pd.DataFrame(
        [(2010, 1, "brk.a ", "cik 1"), (2010, 1, "BRK/B", "cik 1"), (2010, 1, "KO", "cik 2"), (2010, 2, "X", None),
         (2010, 2, "Y", None), (2011, 1, "BRK-A", "cik 1"), (2011, 1, "BRK B", "cik 3"), (2012, 1, "KO", "cik 1"),
         (2012, 1, "BRK-B", "cik 1")],
        columns=["year", "cluster_id", "ticker", "company"],
    )  # fmt: skip
    pairs = shared_pairs(members, [2010, 2011])
    assert pairs.to_numpy().tolist() == [
        ["BRK-A", "BRK-B", 2, True], ["BRK-A", "KO", 1, False], ["BRK-B", "KO", 1, False], ["X", "Y", 1, False],
    ]  # fmt: skip
    assert shared_pairs(members.drop(columns="company"), [2010, 2011]).equals(pairs.drop(columns="same_company"))


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


def pair_of(a: np.ndarray, b: np.ndarray) -> PricePanel:
    return PricePanel(np.datetime64("2010-01-04") + np.arange(len(a)), ["A", "B"], np.stack([a, b], axis=1))


def walk(days: int = 1200, seed: int = 6) -> np.ndarray:
    return 20 * np.exp(0.015 * np.random.default_rng(seed).normal(size=days).cumsum())


CENTS = np.round(walk(), 2)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (CENTS, CENTS + 0.1),
        (CENTS, np.round(CENTS + 0.1, 2)),
        (CENTS.astype(np.float32), (CENTS + 0.1).astype(np.float32)),
        (walk().astype(np.float32), (walk() + 0.1).astype(np.float32)),
        # Ten cents up to the cent: each price is rounded on its own.
        (CENTS, np.round(walk() + 0.103, 2)),
        (np.round(walk()), np.round(walk() + 2)),
    ],
)
def test_two_prices_a_constant_apart_have_no_test_on_what_rounding_leaves(a: np.ndarray, b: np.ndarray) -> None:
    panel = pair_of(a.astype(float), b.astype(float))
    tests = published_tests(panel, all_pairs(panel), 0.9)
    assert tests["correlation"].item() > 0.99
    assert tests[["adf", "p_value"]].isna().all(axis=None)
    assert tests["lags"].item() == -1
    assert not passes_as_published(tests, 0.95).any()
    assert engle_granger_tests(panel, all_pairs(panel), 0.9, 252).empty


def test_a_spread_of_a_few_cents_is_tested() -> None:
    spread = np.round(0.1 + 0.03 * np.random.default_rng(7).normal(size=len(CENTS)), 2)
    panel = pair_of(CENTS, CENTS + spread)
    tests = published_tests(panel, all_pairs(panel), 0.9)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        wanted = adfuller(panel.prices[:, 0] - panel.prices[:, 1])[:3]
    assert (tests["adf"].item(), tests["lags"].item()) == pytest.approx((wanted[0], wanted[2]), abs=1e-6)
    assert len(engle_granger_tests(panel, all_pairs(panel), 0.9, 252)) == 1


def test_prices_a_constant_factor_apart_up_to_the_cent_have_no_honest_test() -> None:
    panel = pair_of(CENTS, np.round(2 * walk(), 2))
    assert engle_granger_tests(panel, all_pairs(panel), 0.9, 252).empty
    # With full precision on one side and half a cent of noise there is nothing either.
    finer = pair_of(walk(), np.round(2 * walk(), 2))
    assert engle_granger_tests(finer, all_pairs(finer), 0.9, 252).empty


@pytest.mark.parametrize("step", [0.0, 6e-8])
def test_prices_that_do_not_vary_beyond_single_precision_are_not_tested(step: float) -> None:
    noise = 1 + step * np.random.default_rng(8).uniform(-1, 1, len(CENTS))
    standing = (np.float32(17.3) * noise).astype(np.float32).astype(float)
    for panel in (pair_of(standing, CENTS), pair_of(CENTS, standing), pair_of(standing, standing[::-1])):
        assert published_tests(panel, all_pairs(panel), 0.0).empty
        assert engle_granger_tests(panel, all_pairs(panel), -1.0, 252).empty


def test_a_ticker_that_was_passed_on_is_tested_on_the_present_company() -> None:
    panel = market(days=900)
    reused = panel.prices.copy()
    reused[:300, 0] = 3 * walk(300)
    reused[300:360, 0] = np.nan
    present = panel.prices.copy()
    present[:360, 0] = np.nan
    both = (engle_granger_tests(PricePanel(panel.days, panel.tickers, p), all_pairs(panel), 0.9, 252)
            for p in (reused, present))  # fmt: skip
    ours, wanted = both
    pd.testing.assert_frame_equal(ours, wanted, check_exact=True)
    assert (ours["ticker_a"] == "A").sum() >= 4
    row = ours[ours["ticker_a"] == "A"].iloc[0]
    logs = np.log(common(PricePanel(panel.days, panel.tickers, present), "A", row["ticker_b"]))
    with threadpool_limits(1):
        assert row["adf"] == pytest.approx(coint(logs["a"], logs["b"], autolag="aic")[0], abs=1e-6)
    assert row["first_day"] >= panel.days[360]


def test_a_total_loss_before_trading_leaves_no_pair_and_no_infinite_number() -> None:
    panel = market()
    lost = panel.prices.copy()
    lost[-1, 0] = 0
    tested = engle_granger_tests(PricePanel(panel.days, panel.tickers, lost), all_pairs(panel), 0.9, 252)
    assert "A" not in set(tested["ticker_a"])
    assert {"B", "C", "E", "G"} <= set(tested[["ticker_a", "ticker_b"]].to_numpy().ravel())
    published = published_tests(PricePanel(panel.days, panel.tickers, lost), all_pairs(panel), 0.9)
    without = panel.prices.copy()
    without[-1, 0] = np.nan
    wanted = published_tests(PricePanel(panel.days, panel.tickers, without), all_pairs(panel), 0.9)
    pd.testing.assert_frame_equal(published, wanted, check_exact=True)
