"""Which pairs of stocks move together for good: the published test, and that of Engle and Granger with correction.

In both, `a` is the ticker that comes first in the alphabet, so that a pair has one row and one direction.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from compsim_assets.science.companies import ticker_spelling
from compsim_assets.science.trading.adf import AdfTests, adf_p_values, adf_statistics
from compsim_assets.science.trading.calendar import LONGEST_GAP
from compsim_assets.science.trading.precision import log_error, rounding_error
from compsim_assets.science.trading.price_panel import PairMoments, PricePanel, pair_moments
from compsim_assets.science.trading.series import present_series

PUBLISHED_DAYS, PUBLISHED_P = 60, 0.01
_SPREADS_AT_ONCE = 64 << 20


def shared_pairs(members: pd.DataFrame, years: list[int]) -> pd.DataFrame:
    """Ticker pairs that share a cluster in at least one of the years.

    Args:
        members: year, cluster_id, ticker; a null in either is no member. Tickers in any spelling. With a column
            `company`, two tickers of one company (share classes) are told from others.

    Returns:
        ticker_a, ticker_b, n_years (in how many of the years they share one), in alphabetical order; same_company
        (the two are of one company in some of the years) where the companies are there.

    Cost: O(pairs log pairs) time, 16 bytes per pair and year.
    """
    members = members[members["year"].isin(years)]
    members = members.assign(ticker=ticker_spelling(members["ticker"])).dropna(subset=["cluster_id", "ticker"])
    names, code = np.unique(members["ticker"].to_numpy(dtype=str), return_inverse=True)
    members = members.assign(code=code)
    keys, n_years = _pairs_of(members, "cluster_id", len(names))
    a, b = np.divmod(keys, max(1, len(names)))
    pairs = pd.DataFrame({"ticker_a": names[a], "ticker_b": names[b], "n_years": n_years})
    if "company" in members:
        pairs["same_company"] = np.isin(keys, _pairs_of(members.dropna(subset="company"), "company", len(names))[0])
    return pairs


def _pairs_of(members: pd.DataFrame, group: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of codes below n that are in one group of a year, as a * n + b, and in how many years; ascending."""
    of_years = [np.empty(0, dtype=np.int64)]
    members = members[["year", group, "code"]].drop_duplicates()
    members = members[members.duplicated(["year", group], keep=False)]
    for _, of_year in members.groupby("year"):
        groups = [np.sort(rows["code"]) for _, rows in of_year.groupby(group)]
        of_years.append(np.unique(np.concatenate([of_years[0], *(_pairs_within(codes, n) for codes in groups)])))
    return np.unique(np.concatenate(of_years), return_counts=True)


def _pairs_within(codes: np.ndarray, n: int) -> np.ndarray:
    i, j = np.triu_indices(len(codes), k=1)
    return codes[i].astype(np.int64) * n + codes[j]


def published_tests(panel: PricePanel, pairs: pd.DataFrame, min_correlation: float) -> pd.DataFrame:
    """The published test of pairs, on the days of the panel.

    At least 60 common days, an absolute correlation of the prices of at least `min_correlation`, then an ADF test of
    the plain difference of the prices: no hedge ratio, and no correction for the number of tests. As published, but
    for what is only rounding (see `precision`): prices that do not vary are not tested, and a difference has no test.

    Returns:
        Tickers, common days, correlation, regression (`hedge_ratio` 1, `intercept` 0) and test of the pairs tested;
        p_value NaN where the difference has no test. `passes_as_published` says which of them were traded.

    Cost: as `pair_moments` and `adf_statistics`.
    """
    panel = replace(panel, prices=panel.positive)
    a, b = _columns_of(panel, pairs)
    moments = pair_moments(panel.prices, a, b)
    correlation = moments.correlation
    tested = (moments.n >= PUBLISHED_DAYS) & (np.abs(correlation) >= min_correlation)
    tested &= _vary(moments, rounding_error(panel.prices), a, b)
    a, b = a[tested], b[tested]
    tests = _adf_of_spreads(panel.prices, a, b, np.ones(len(a)), np.zeros(len(a)), constant=True)
    variance = moments.variance_a + moments.variance_b - 2 * moments.covariance
    deviation = np.sqrt(np.maximum(variance, 0.0)[tested])
    table = _table(panel, a, b, moments, tested).assign(hedge_ratio=1.0, intercept=0.0, deviation=deviation)
    none = _differ_by_rounding(panel.prices, a, b)
    tests = AdfTests(np.where(none, np.nan, tests.statistic), np.where(none, -1, tests.lags))
    return _with_tests(table, tests, n_variables=1)


def passes_as_published(tests: pd.DataFrame, min_correlation: float) -> pd.Series:
    """Pairs that the published code trades: p below 0.01 and the correlation, with its sign, above the threshold."""
    return (tests["p_value"] < PUBLISHED_P) & (tests["correlation"] > min_correlation)


def engle_granger_tests(
    panel: PricePanel, pairs: pd.DataFrame, min_correlation: float, min_days: int, longest_gap: int = LONGEST_GAP
) -> pd.DataFrame:
    """Engle and Granger's test of pairs, on log prices and the days of the panel.

    The hedge ratio is the slope of log price a on log price b. Each ticker counts with its last series (see
    `series`): a ticker that was passed on has the prices of the present company. Tested are pairs with at least
    `min_days` common days, a positive hedge ratio, both with a price in the last `longest_gap` days (still listed), a
    spread above what rounding makes, and a correlation of the log prices of at least `min_correlation`: choosing by
    it first keeps the number of tests, which the correction pays for, small.

    Returns:
        Columns as of `published_tests`; a pair whose residuals have no test is left out. p_value is that of two
        variables (MacKinnon), which knows that the hedge ratio was estimated.

    Cost: as `pair_moments` and `adf_statistics`.
    """
    panel = replace(panel, prices=present_series(panel.prices, longest_gap))
    logs = np.log(panel.prices)
    a, b = _columns_of(panel, pairs)
    moments = pair_moments(logs, a, b)
    tested = tradable(panel.prices, moments, a, b, min_days, longest_gap) & (moments.correlation >= min_correlation)
    tested[tested] = ~_differ_by_rounding(panel.prices, a[tested], b[tested])
    a, b = a[tested], b[tested]
    slope, intercept, deviation = (estimate[tested] for estimate in regression(moments))
    tests = _adf_of_spreads(logs, a, b, slope, intercept, constant=False)
    table = _table(panel, a, b, moments, tested).assign(hedge_ratio=slope, intercept=intercept, deviation=deviation)
    table = _with_tests(table, tests, n_variables=2)
    return table[table["p_value"].notna()].reset_index(drop=True)


def tradable(
    prices: np.ndarray, moments: PairMoments, a: np.ndarray, b: np.ndarray, min_days: int, longest_gap: int
) -> np.ndarray:
    """(B,) bool: enough common days, both still listed at the end, a positive hedge ratio, a spread beyond rounding.

    Args:
        prices: (T, N) of the last series of each ticker. moments: of their logarithms, for columns a and b.
    """
    listed = listed_at_the_end(prices, longest_gap)
    error = log_error(prices)
    slope, _, deviation = regression(moments)
    enough = (moments.n >= min_days) & (slope > 0) & (deviation > error[a] + slope * error[b])
    return enough & listed[a] & listed[b] & _vary(moments, error, a, b)


def listed_at_the_end(prices: np.ndarray, longest_gap: int) -> np.ndarray:
    """(N,) bool: has a price on one of the last `longest_gap` of (T, N) days."""
    return np.isfinite(prices[max(0, len(prices) - longest_gap) :]).any(axis=0)


def _vary(moments: PairMoments, error: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(B,) bool: both columns vary by more than their rounding errors."""
    return (moments.variance_a > error[a] ** 2) & (moments.variance_b > error[b] ** 2)


def _differ_by_rounding(prices: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(B,) bool: the difference of the two prices is constant, but for rounding."""
    error = rounding_error(prices)
    deviation = np.empty(len(a))
    for rows in _chunks(len(a), len(prices)):
        deviation[rows] = np.nanstd(prices[:, a[rows]] - prices[:, b[rows]], axis=0)
    return deviation <= error[a] + error[b]


def regression(moments: PairMoments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(B,) slope, intercept and standard deviation of the residual (over n) of a on b."""
    slope = moments.slope
    unexplained = moments.variance_a - slope * moments.covariance
    unexplained[unexplained < 1e-9 * moments.variance_a] = 0.0
    return slope, moments.mean_a - slope * moments.mean_b, np.sqrt(unexplained)


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """(B,) p-values adjusted for the number of tests (false discovery rate)."""
    if len(p_values) == 0:
        return np.empty(0)
    return multipletests(p_values, method="fdr_bh")[1]


def _columns_of(panel: PricePanel, pairs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Columns of the pairs' tickers; pairs with a ticker without any price are left out."""
    names = np.array(panel.tickers, dtype=str)
    places = pd.Index(names)
    a, b = (places.get_indexer(pairs[side].to_numpy(dtype=str)) for side in ("ticker_a", "ticker_b"))
    there = (a >= 0) & (b >= 0)
    return a[there], b[there]


def _table(panel: PricePanel, a: np.ndarray, b: np.ndarray, moments: PairMoments, tested: np.ndarray) -> pd.DataFrame:
    names = np.array(panel.tickers, dtype=object)
    first, last = _common_days(panel, a, b)
    return pd.DataFrame({
        "ticker_a": names[a], "ticker_b": names[b], "first_day": first, "last_day": last,
        "n_days": moments.n[tested], "correlation": moments.correlation[tested],
    })  # fmt: skip


def _common_days(panel: PricePanel, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last day on which both have a price."""
    priced = np.isfinite(panel.prices)
    first, last = np.empty((2, len(a)), dtype="datetime64[D]")
    for rows in _chunks(len(a), len(panel.days)):
        both = priced[:, a[rows]] & priced[:, b[rows]]
        first[rows] = panel.days[both.argmax(axis=0)]
        last[rows] = panel.days[::-1][both[::-1].argmax(axis=0)]
    return first, last


def _adf_of_spreads(
    values: np.ndarray, a: np.ndarray, b: np.ndarray, slope: np.ndarray, intercept: np.ndarray, constant: bool
) -> AdfTests:  # fmt: skip
    statistic, lags = np.empty(len(a)), np.empty(len(a), dtype=np.int64)
    for rows in _chunks(len(a), len(values)):
        spread = values[:, a[rows]] - slope[rows] * values[:, b[rows]] - intercept[rows]
        tests = adf_statistics(spread, constant=constant)
        statistic[rows], lags[rows] = tests.statistic, tests.lags
    return AdfTests(statistic, lags)


def _chunks(n: int, days: int) -> Iterator[slice]:
    step = max(1, _SPREADS_AT_ONCE // (8 * max(1, days)))
    yield from (slice(start, start + step) for start in range(0, n, step))


def _with_tests(table: pd.DataFrame, tests: AdfTests, n_variables: int) -> pd.DataFrame:
    p_value = adf_p_values(tests.statistic, n_variables)
    return table.assign(adf=tests.statistic, lags=tests.lags, p_value=p_value)
