"""From a long table to a panel: order, spelling, prices that are none, and prices that are only repeated."""

import numpy as np
import pytest

from compsim_assets.science.trading.price_panel import PricePanel, price_panel

DAYS = np.arange("2020-01-01", "2020-12-31", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS)]


def test_panel_has_a_row_a_day_and_a_column_a_ticker_in_order() -> None:
    days = np.array(["2020-01-03", "2020-01-02", "2020-01-06", "2020-01-06"], dtype="datetime64[D]")
    panel = price_panel(["B", "A"], np.array([0, 1, 1, 0]), days, np.array([5.0, 7.0, 0.0, -3.0]))
    assert panel.tickers == ["A", "B"]
    assert panel.days.tolist() == sorted(set(days.tolist()))
    # 0 is a total loss; a negative price is none.
    assert np.array_equal(panel.prices, [[7, np.nan], [np.nan, 5], [0, np.nan]], equal_nan=True)
    assert np.array_equal(panel.positive, [[7, np.nan], [np.nan, 5], [np.nan, np.nan]], equal_nan=True)


def test_a_ticker_has_one_price_a_day() -> None:
    days = DAYS[[0, 1, 1]]
    with pytest.raises(ValueError, match=r"two prices on one day.*A on 2020-01-02 has 3 and 3"):
        price_panel(["A"], np.zeros(3, dtype=int), days, np.array([1.0, 3.0, 3.0]))


def test_spellings_of_a_ticker_are_one_column() -> None:
    names, code, days = ["brk.b", " BRK-B", "A"], np.array([0, 0, 1, 2]), DAYS[[0, 1, 1, 2]]
    panel = price_panel(names, code, days, np.array([1.0, 2.0, 2.0, 9.0]))
    assert panel.tickers == ["A", "BRK-B"]
    assert np.array_equal(panel.prices, [[np.nan, 1], [np.nan, 2], [9, np.nan]], equal_nan=True)
    with pytest.raises(ValueError, match=r"BRK-B on 2020-01-02 has 2 and 2\.5"):
        price_panel(names, code, days, np.array([1.0, 2.0, 2.5, 9.0]))


def panel_of(matrix: np.ndarray) -> PricePanel:
    row, column = np.nonzero(np.isfinite(matrix))
    names = [f"T{i}" for i in range(matrix.shape[1])]
    return price_panel(names, column, DAYS[row], matrix[row, column])


def walks(n: int = 5) -> np.ndarray:
    return 20 * np.exp(0.02 * np.random.default_rng(0).normal(size=(len(DAYS), n)).cumsum(axis=0))


def test_a_last_price_that_is_repeated_to_the_end_is_the_last_price() -> None:
    prices = walks()
    # Padded to the end of the table; padded and then taken out of it; with single-precision noise.
    prices[100:, 0] = prices[99, 0]
    prices[100:150, 1], prices[150:, 1] = prices[99, 1], np.nan
    noise = 1 + 6e-8 * np.random.default_rng(1).uniform(-1, 1, len(DAYS) - 100)
    prices[100:, 2] = (prices[99, 2] * noise).astype(np.float32)
    panel = panel_of(prices)
    assert panel.dead == ("T0", "T1", "T2")
    assert np.isfinite(panel.prices[:100]).all()
    assert np.isnan(panel.prices[100:, :3]).all()
    assert np.array_equal(panel.prices[:, 3:], prices[:, 3:])


def test_a_price_that_stands_still_and_moves_again_is_alive() -> None:
    prices = walks()
    prices[50:120, 0] = prices[49, 0]  # suspended
    prices[-11:, 1] = prices[-11, 1]  # repeated ten times, which is no longer than the longest gap
    panel = panel_of(prices)
    assert panel.dead == ()
    assert np.array_equal(panel.prices, prices)
    prices[-12:, 1] = prices[-12, 1]
    assert panel_of(prices).dead == ("T1",)


def test_of_zeros_to_the_end_the_first_is_the_total_loss() -> None:
    prices = walks()
    prices[200:, 0] = 0
    panel = panel_of(prices)
    assert panel.prices[200, 0] == 0
    assert np.isnan(panel.prices[201:, 0]).all()
