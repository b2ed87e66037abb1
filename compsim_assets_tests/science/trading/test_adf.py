"""ADF tests in batches against statsmodels, one series at a time."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.tsa.adfvalues import mackinnonp
from statsmodels.tsa.stattools import adfuller
from threadpoolctl import threadpool_limits

from compsim_assets.science.trading.adf import adf_p_values, adf_statistics
from compsim_assets_tests.science.strategies import examples

KINDS = ("walk", "ar", "near unit root", "trend", "prices", "difference", "seasonal", "noise")


def series_of(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(size=n)
    walk = noise.cumsum()
    if kind in ("ar", "near unit root"):
        root = 0.6 if kind == "ar" else 0.998
        for day in range(1, n):
            noise[day] += root * noise[day - 1]
        return 50 + noise
    if kind == "prices":
        return 40 * np.exp(0.01 * walk)
    if kind == "difference":
        return series_of("prices", n, rng) - series_of("prices", n, rng)
    day = np.arange(n)
    return {
        "walk": walk, "noise": 1e4 + noise, "trend": 3 + 0.2 * day + noise,
        "seasonal": np.sin(day / 5) + 0.1 * walk,
    }[kind]  # fmt: skip


def one_by_one(series: np.ndarray, constant: bool) -> tuple[float, float, int]:
    # Threads that share products this small wait for each other.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        found = adfuller(series, autolag="AIC", regression="c" if constant else "n")
    return found[0], found[1], found[2]


def check(series: list[np.ndarray], constant: bool = True) -> None:
    tests = adf_statistics(series, constant=constant)
    p_values = adf_p_values(tests.statistic)
    for row, one in enumerate(series):
        statistic, p_value, lags = one_by_one(one, constant)
        assert tests.lags[row] == lags
        assert tests.statistic[row] == pytest.approx(statistic, abs=1e-6)
        if constant:
            assert p_values[row] == pytest.approx(p_value, abs=1e-6)


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(24, 160)), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
@examples(12)
def test_statistic_p_value_and_lags_are_statsmodels_own(
    drawn: list[tuple[str, int]], seed: int, constant: bool
) -> None:
    rng = np.random.default_rng(seed)
    check([series_of(kind, n, rng) for kind, n in drawn], constant)


@pytest.mark.parametrize("constant", [True, False])
def test_long_series_of_every_kind_and_different_lengths(constant: bool) -> None:
    rng = np.random.default_rng(1)
    check([series_of(kind, 1200 - 110 * i, rng) for i, kind in enumerate(KINDS)], constant)


def test_the_shortest_series_that_statsmodels_takes() -> None:
    rng = np.random.default_rng(2)
    check([rng.normal(size=n).cumsum() for n in (4, 5, 6, 7, 8, 9, 10, 11, 12)])


def test_days_without_a_value_are_left_out_wherever_they_are() -> None:
    matrix = np.random.default_rng(3).normal(size=(300, 4)).cumsum(axis=0)
    matrix[:40, 0], matrix[100:130, 1], matrix[280:, 2], matrix[::7, 3] = (np.nan,) * 4
    tests = adf_statistics(matrix)
    for column, series in enumerate(matrix.T):
        statistic, _, lags = one_by_one(series[~np.isnan(series)], True)
        assert tests.lags[column] == lags
        assert tests.statistic[column] == pytest.approx(statistic, abs=1e-9)


def test_small_batches_give_the_same_bytes() -> None:
    matrix = np.random.default_rng(4).normal(size=(200, 70)).cumsum(axis=0)
    matrix[:50, ::3] = np.nan
    whole, single = adf_statistics(matrix), adf_statistics(matrix, batch_bytes=1)
    assert single.lags.tobytes() == whole.lags.tobytes()
    assert single.statistic == pytest.approx(whole.statistic, abs=1e-9)
    again = adf_statistics(matrix)
    assert again.statistic.tobytes() == whole.statistic.tobytes()


DEGENERATE = {
    "constant": np.full(100, 0.1),
    "no difference at all": np.zeros(100),
    "straight line": 5 + 0.1 * np.arange(100),
    "period of two": np.tile([1.0, 2.0], 50),
    "too short": np.array([1.0, 3.0, 2.0]),
    "empty": np.array([]),
    "never there": np.full(100, np.nan),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_a_series_without_a_test_is_nan_and_leaves_others_alone(name: str) -> None:
    good = np.random.default_rng(5).normal(size=100).cumsum()
    tests = adf_statistics([good, DEGENERATE[name], good])
    assert np.isnan(tests.statistic[1])
    assert tests.lags[1] == -1
    assert np.isnan(adf_p_values(tests.statistic)[1])
    assert tests.statistic[[0, 2]] == pytest.approx(one_by_one(good, True)[0], abs=1e-9)


def test_no_series_at_all() -> None:
    assert adf_statistics(np.empty((100, 0))).statistic.shape == (0,)
    assert adf_statistics([]).lags.shape == (0,)


@pytest.mark.parametrize("n_variables", [1, 2])
def test_p_values_are_mackinnons(n_variables: int) -> None:
    grid = np.r_[-40, np.linspace(-20, 4, 97), -18.83, -18.86, -1.61, -2.62, 2.74, 0.92]
    wanted = [mackinnonp(value, "c", n_variables) for value in grid]
    assert adf_p_values(grid, n_variables) == pytest.approx(wanted, abs=1e-12)
