"""Splits that prices were not adjusted for, planted into walks; crashes, jumps and market moves are none."""

import numpy as np
import pytest

from compsim_assets.science.trading.price_panel import PricePanel
from compsim_assets.science.trading.splits import likely_splits

DAYS, N = 900, 20
CALENDAR = np.datetime64("2012-01-02") + np.arange(DAYS)
NAMES = [f"T{i:02d}" for i in range(N)]


def market(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    steps = 0.008 * rng.normal(size=(DAYS, 1)) + 0.012 * rng.normal(size=(DAYS, N))
    return 40 * np.exp(steps.cumsum(axis=0))


def splits_of(prices: np.ndarray) -> list[tuple[str, int, float]]:
    table = likely_splits(PricePanel(CALENDAR, NAMES[: prices.shape[1]], prices))
    place = (table["day"].to_numpy().astype("datetime64[D]") - CALENDAR[0]).astype(int)
    return list(zip(table["ticker"], place.tolist(), table["ratio"].round(4), strict=True))


@pytest.mark.parametrize("ratio", [2, 3, 4, 5, 7, 10, 20, 1.5])
@pytest.mark.parametrize("inverse", [True, False])
def test_a_planted_split_is_seen_on_its_day(ratio: float, inverse: bool) -> None:
    step = 1 / ratio if inverse else ratio
    hits = 0
    for seed in range(20):
        prices = market(seed)
        day = 100 + 30 * seed
        prices[day:, seed] *= step
        seen = splits_of(prices)
        hits += seen == [(NAMES[seed], day, round(step, 4))]
        assert len(seen) <= 1
    # The stock's own move of the day hides some; 3/2 must be hit within 2 %.
    assert hits >= (12 if ratio == 1.5 else 16)


def test_walks_crashes_wild_times_and_market_moves_are_no_splits() -> None:
    prices = market()
    assert splits_of(prices) == []
    crash = prices.copy()
    crash[400:, 3] *= 0.62
    wild = prices.copy()
    wild[300:, 4] *= 0.5
    wild[302:, 4] *= 1.3
    all_at_once = prices.copy()
    all_at_once[500:] *= 0.5
    for other in (crash, wild, all_at_once):
        assert splits_of(other) == []


def test_gaps_losses_standing_and_few_tickers_do_no_harm() -> None:
    prices = market()[:, :2]
    prices[200:, 0] *= 0.5
    assert splits_of(prices) == [("T00", 200, 0.5)]
    prices[100:150, 1], prices[700:, 1] = np.nan, 0
    standing = np.concatenate([prices, np.full((DAYS, 1), 7.0), np.full((DAYS, 1), np.nan)], axis=1)
    assert splits_of(standing) == [("T00", 200, 0.5)]
    assert splits_of(prices[:1]) == []
