"""The published trading loop against a literal one, day by day, and what each of its mistakes does."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.trading.as_published import START_CASH, trade_as_published
from compsim_assets.science.trading.price_panel import PricePanel
from compsim_assets.science.trading.sharpe import sharpe_ratio
from compsim_assets_tests.science.strategies import examples


@dataclass
class Position:
    side: int
    units: tuple[float, float]
    paid: tuple[float, float]

    def gain(self, a: float, b: float) -> float:
        return self.units[0] * (a - self.paid[0]) + self.units[1] * (b - self.paid[1])


@dataclass
class Loop:
    """The published loop; `clear` makes it forget a position that it has closed."""

    clear: bool = False
    cash: float = 100_000.0
    held: list[Position] = field(default_factory=list)
    value: dict[int, float] = field(default_factory=dict)
    n_open: dict[int, int] = field(default_factory=dict)
    closings: int = 0
    positions: int = 0

    def trade(self, days: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
        design = np.stack([np.ones(len(b)), b], axis=1)
        residual = a - design @ np.linalg.lstsq(design, a, rcond=None)[0]
        z = (residual - residual.mean()) / residual.std(ddof=1)
        position, before = None, None
        for day, score, pa, pb in zip(days, z, a, b, strict=True):
            if position is None:
                side = 0
                if before is not None and before < 1 < score:
                    side = -1
                elif before is not None and before > -1 > score:
                    side = 1
                if side:
                    position = Position(side, (side * 5000 / pa, -side * 5000 / pb), (pa, pb))
                    self.cash += position.units[0] * pa + position.units[1] * pb
                    self.held.append(position)
                    self.positions += 1
            elif position.side * score >= 0 or abs(score) >= 2:
                self.closings += 1
                if position in self.held:
                    self.held.remove(position)
                self.cash += position.units[0] * pa + position.units[1] * pb
                if self.clear:
                    position = None
            before = score
            self.value[day] = self.cash + sum(p.gain(pa, pb) for p in self.held)
            self.n_open[day] = len(self.held)


def looped(panel: PricePanel, pairs: list[tuple[str, str, int]], clear: bool = False) -> Loop:
    loop = Loop(clear)
    for first, second, times in pairs:
        a, b = (panel.prices[:, panel.tickers.index(ticker)] for ticker in (first, second))
        days = np.flatnonzero(~np.isnan(a + b))
        for _ in range(times):
            loop.trade(days, a[days], b[days])
    return loop


def traded(panel: PricePanel, pairs: list[tuple[str, str, int]]):
    table = pd.DataFrame(pairs, columns=["ticker_a", "ticker_b", "n_years"])
    return trade_as_published(panel, table.assign(p_value=np.arange(len(pairs)) / 1000))


def market(seed: int, days: int = 200, n: int = 6, missing: float = 0.05) -> PricePanel:
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 0.02, days).cumsum()[:, None]
    prices = 40 * np.exp(common + 0.02 * rng.normal(size=(days, n)).cumsum(axis=0))
    prices[rng.random(prices.shape) < missing] = np.nan
    prices[-1] = 40.0
    calendar = np.datetime64("2020-12-31") - np.arange(days)[::-1]
    return PricePanel(calendar, list("ABCDEF")[:n], prices)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.05, 0.3]))
@examples(15)
def test_the_portfolio_is_that_of_the_literal_loop(seed: int, missing: float) -> None:
    panel = market(seed, missing=missing)
    pairs = [("A", "B", 2), ("A", "C", 1), ("D", "E", 3), ("E", "F", 1), ("B", "F", 1)]
    ours, loop = traded(panel, pairs), looped(panel, pairs)
    days = np.flatnonzero(~np.isnan(ours.value))
    assert days.tolist() == sorted(loop.value)
    assert ours.value[days] == pytest.approx([loop.value[day] for day in days], rel=1e-9)
    assert ours.n_open[days].tolist() == [loop.n_open[day] for day in days]
    assert ours.n_closings == loop.closings


def wave(days: int = 700) -> PricePanel:
    """Two stocks whose spread swings: above its mean, and back below it for most of the time."""
    day = np.arange(days)
    b = 50 + 0.01 * day + np.sin(day / 90)
    a = b + np.where(day < 60, 2 * np.sin(day * np.pi / 60), -0.3 + 0.05 * np.sin(day / 3))
    calendar = np.datetime64("2020-12-31") - np.arange(days)[::-1]
    return PricePanel(calendar, ["A", "B"], np.stack([a, b], axis=1))


def test_one_position_is_booked_closed_again_and_again_and_cash_explodes() -> None:
    panel = wave()
    ours = traded(panel, [("A", "B", 1)])
    assert np.count_nonzero(np.diff(ours.n_open) > 0) == 1
    assert ours.n_closings > 500
    assert ours.value[-1] > 1.4 * START_CASH
    honest = looped(panel, [("A", "B", 1)], clear=True)
    assert honest.closings == honest.positions
    values = np.array(list(honest.value.values()))
    assert abs(values / START_CASH - 1).max() < 0.02
    returns = [np.diff(v) / v[:-1] for v in (ours.value, values)]
    assert sharpe_ratio(returns[0]) > 8
    assert sharpe_ratio(returns[1]) < 2


def test_the_first_day_knows_the_last() -> None:
    panel = wave()
    later = panel.prices.copy()
    later[-100:, 0] *= 3
    other = traded(PricePanel(panel.days, panel.tickers, later), [("A", "B", 1)])
    assert other.value[:100].tolist() != traded(panel, [("A", "B", 1)]).value[:100].tolist()


def test_the_last_pair_overwrites_the_days_of_all_before_it() -> None:
    panel = market(3, missing=0)
    both, alone = traded(panel, [("A", "B", 1), ("C", "D", 1)]), traded(panel, [("C", "D", 1)])
    first = traded(panel, [("A", "B", 1)])
    assert first.n_open[-1] == 0
    carried = first.value[-1] - START_CASH
    assert abs(carried) > 100
    assert both.value == pytest.approx(alone.value + carried)


def test_pairs_are_traded_by_rising_p_value() -> None:
    panel = market(3, missing=0)
    table = pd.DataFrame({"ticker_a": ["A", "C"], "ticker_b": ["B", "D"], "n_years": 1, "p_value": [0.009, 0.001]})
    wanted = looped(panel, [("C", "D", 1), ("A", "B", 1)])
    assert trade_as_published(panel, table).value == pytest.approx(list(wanted.value.values()))


def test_names_without_a_price_in_the_last_month_and_short_histories_are_skipped() -> None:
    panel = market(4, days=400, missing=0)
    panel.prices[panel.days >= np.datetime64("2020-12-01"), 0] = np.nan
    panel.prices[:-59, 1] = np.nan
    skipped = traded(panel, [("A", "C", 1), ("B", "C", 1)])
    assert np.isnan(skipped.value).all()
    panel.prices[panel.days == np.datetime64("2020-12-01"), 0] = 40.0
    panel.prices[-60, 1] = 40.0
    assert np.isfinite(traded(panel, [("A", "C", 1)]).value).any()
    assert np.isfinite(traded(panel, [("B", "C", 1)]).value).sum() == 60


def test_without_pairs_or_days_nothing_is_written() -> None:
    panel = market(0)
    assert np.isnan(traded(panel, []).value).all()
    empty = panel.window(np.datetime64("1990-01-01"), np.datetime64("1990-12-31"))
    assert traded(empty, [("A", "B", 1)]).value.shape == (0,)
