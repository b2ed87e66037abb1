"""Series of a ticker: what a halt, a delisting, a total loss and another company are, before trading and in it."""

import numpy as np
import pytest

from compsim_assets.science.trading.series import Listing, last_series, passed_on_between, present_series

NONE = np.nan


def column(*parts: tuple[int, float]) -> np.ndarray:
    """(T, 1) prices: so many rows of each."""
    return np.concatenate([np.full(rows, price) for rows, price in parts])[:, None]


@pytest.mark.parametrize(
    ("prices", "first"),
    [
        (column((60, 20.0), (10, NONE), (60, 90.0)), 0),  # no longer than the longest gap
        (column((60, 20.0), (11, NONE), (60, 90.0)), 71),  # another level: another company
        (column((60, 20.0), (11, NONE), (60, 9.0)), 71),
        (column((60, 20.0), (11, NONE), (60, 30.0)), 0),  # halted
        (column((60, 20.0), (40, NONE), (60, 30.0)), 0),
        (column((60, 20.0), (41, NONE), (60, 20.0)), 101),  # too long for a halt
        (column((60, 20.0), (41, NONE), (60, 20.0), (50, NONE), (60, 20.0)), 211),
        (column((60, 20.0), (1, 0.0)), 61),  # a total loss
        (column((60, 20.0), (1, 0.0), (60, 20.0)), 61),
        (column((30, NONE), (60, 20.0)), 0),
        (column((30, NONE)), 0),
    ],
)
def test_the_last_series_of_a_ticker_is_that_of_the_present_company(prices: np.ndarray, first: int) -> None:
    assert last_series(prices, 10).tolist() == [first]
    wanted = prices.copy()
    wanted[:first] = np.nan
    assert np.array_equal(present_series(prices, 10), wanted, equal_nan=True)


def test_without_breaks_nothing_is_copied() -> None:
    prices = np.random.default_rng(0).random((50, 3)) + 1
    assert present_series(prices, 10) is prices


def seen(prices: np.ndarray) -> tuple[list[int], list[int]]:
    """Rows on which the series counts as ended, and rows on which it counts as gone."""
    listing = Listing.of(prices, 10)
    ended = np.flatnonzero(listing.ended[:, 0])
    return ended.tolist(), np.flatnonzero(listing.gone[:, 0]).tolist()


def test_a_halt_and_a_delisting_end_alike_and_are_told_apart_afterwards() -> None:
    halted = column((20, 20.0), (60, NONE), (20, 25.0))
    assert seen(halted) == ([*range(30, 80)], [])
    delisted = column((20, 20.0), (80, NONE))
    assert seen(delisted) == ([*range(30, 100)], [*range(30, 100)])
    # The ticker comes back with another company: at another level, or after more than half a year.
    assert seen(column((20, 20.0), (60, NONE), (20, 55.0))) == ([*range(30, 80)], [*range(30, 80)])
    assert seen(column((20, 20.0), (121, NONE), (20, 20.0))) == ([*range(30, 141)], [*range(30, 141)])
    assert seen(column((20, 20.0), (10, NONE), (20, 20.0))) == ([], [])


def test_a_price_of_0_ends_the_series_on_its_day() -> None:
    ended = [*range(20, 50)]
    assert seen(column((20, 20.0), (1, 0.0), (29, NONE))) == (ended, ended)
    assert seen(column((20, 20.0), (1, 0.0), (29, 20.0))) == (ended, ended)
    # Halted, back, and lost: a price of 0 is near the 0 before it, and no way back.
    halted_before = column((20, 20.0), (15, NONE), (5, 20.0), (10, 0.0))
    assert seen(halted_before) == ([*range(30, 35), *range(40, 50)], [*range(40, 50)])
    listing = Listing.of(column((20, 20.0), (1, 0.0), (29, NONE)), 10)
    assert listing.price[[19, 20, 30], 0].tolist() == [20, 0, 0]
    assert not listing.priced[20:].any()


def test_a_gap_between_windows_counts_whole() -> None:
    before, after = column((50, 20.0), (6, NONE)), column((5, NONE), (50, 20.0))
    assert passed_on_between(before, after, 10).tolist() == [True]
    assert passed_on_between(before[:-1], after, 10).tolist() == [False]
    # Listed in the second window only.
    assert passed_on_between(np.full((50, 1), NONE), column((30, NONE), (50, 20.0)), 10).tolist() == [False]
