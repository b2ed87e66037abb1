"""Honest pairs trading against a plain loop over one pair, and the rules one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.trading.backtest import Rules
from compsim_assets.science.trading.honest import PairTrades, Spreads, trade_pairs
from compsim_assets.science.trading.placebo import Placebo, random_spreads
from compsim_assets.science.trading.portfolio import equity_of, max_drawdown, trade_portfolios
from compsim_assets.science.trading.price_panel import PricePanel
from compsim_assets.science.trading.sharpe import sharpe_ratio
from compsim_assets.science.trading.windows import trading_windows
from compsim_assets_tests.science.strategies import examples

RULES = {"entry": 1.0, "stop": 2.0}


def panel_of(a: np.ndarray, b: np.ndarray) -> PricePanel:
    calendar = np.datetime64("2014-01-02") + np.arange(len(a))
    return PricePanel(calendar, ["A", "B"], np.stack([a, b], axis=1))


def spread(z: list[float], b: float = 20.0, deviation: float = 0.05) -> PricePanel:
    """Prices whose spread, by `PAIR`, is `z` deviations; NaN is a day without a price of A."""
    return panel_of(b * np.exp(deviation * np.array(z)), np.full(len(z), b))


PAIR = Spreads(np.array([0]), np.array([1]), np.ones(1), np.zeros(1), np.full(1, 0.05))


def plainly(panel: PricePanel, pairs: Spreads, row: int, entry: float, stop: float) -> dict:
    """One pair with floats and ifs. A series that has ended was halted where it is back within 120 days after its last
    price, at between half and twice of it; a price of 0 ends it at once.
    """
    prices = panel.prices[:, [pairs.a[row], pairs.b[row]]]
    h = pairs.hedge_ratio[row]
    weights = np.array([1, -h]) / (1 + abs(h))
    side, units, order, leave, before, over = 0, np.zeros(2), 0, False, None, False
    known, gap, out = np.zeros(2), np.zeros(2), {"profit": [], "traded": [], "is_open": []}
    trades = delisted = halted = 0
    lost = np.zeros(2, dtype=bool)
    for day, today in enumerate(prices):
        there = ~np.isnan(today)
        gap = np.where(there, 0, gap + 1)
        now = np.where(there, today, known)
        lost |= today == 0
        seen = there & (today > 0)
        out["profit"].append(float(units @ (now - known)))
        known, last, value = now, day == len(prices) - 1, 0.0
        ended = gap.max() > 10 or lost.any()
        gone = lost.any() or any(gap[leg] > 10 and not back(prices[:, leg], day, int(gap[leg])) for leg in (0, 1))
        if side and ((leave and seen.all()) or ended or last):
            value += float(np.abs(units) @ now)
            delisted += gone
            halted += ended and not gone
            side, units, leave = 0, np.zeros(2), False
        over = over or ended
        if order and not over and seen.all() and not last:
            side, units, value, trades = order, order * weights / now, value + 1, trades + 1
            order = 0
        out["traded"].append(value)
        out["is_open"].append(side != 0)
        if seen.all():
            z = (np.log(today[0]) - h * np.log(today[1]) - pairs.intercept[row]) / pairs.deviation[row]  # fmt: skip
            if side:
                leave = leave or side * z >= 0 or abs(z) >= stop
            elif not order and not over and before is not None and abs(z) < stop:
                order = -1 if before < entry < z else 1 if before > -entry > z else 0
            before = z
    return {**out, "n_trades": trades, "n_delisted": delisted, "n_halted": halted}


def back(prices: np.ndarray, day: int, gap: int) -> bool:
    later = [row for row in range(day, len(prices)) if not np.isnan(prices[row])]
    if not later or gap > day:
        return False
    return later[0] - (day - gap) <= 121 and 0.5 <= prices[later[0]] / prices[day - gap] <= 2


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.sampled_from(["goes on", "ends", "halted", "other company", "lost", "lost and back"]),
)
@examples(40)
def test_every_pair_is_traded_as_by_a_plain_loop(seed: int, missing: float, end: str) -> None:
    rng = np.random.default_rng(seed)
    prices = 30 * np.exp(0.03 * rng.normal(size=(150, 5)).cumsum(axis=0))
    prices[rng.random(prices.shape) < missing] = np.nan
    start, days = rng.integers(10, 150), rng.integers(5, 40)
    if end in ("ends", "lost"):
        prices[start:, 0] = np.nan
    if end in ("halted", "other company"):
        prices[start : start + days, 0] = np.nan
    if end == "other company":
        prices[start + days :, 0] *= 3
    if end in ("lost", "lost and back"):
        prices[start, 0] = 0
    panel = PricePanel(np.datetime64("2014-01-02") + np.arange(150), list("ABCDE"), prices)
    a, b = np.array([0, 0, 1, 2, 3]), np.array([1, 2, 3, 4, 4])
    hedge = rng.uniform(0.3, 2, 5)
    pairs = Spreads(a, b, hedge, (1 - hedge) * np.log(30), rng.uniform(0.02, 0.2, 5))
    ours = trade_pairs(panel, pairs, **RULES)
    for row in range(5):
        wanted = plainly(panel, pairs, row, 1.0, 2.0)
        assert ours.profit[:, row] == pytest.approx(wanted["profit"], abs=1e-12)
        assert ours.traded[:, row] == pytest.approx(wanted["traded"], abs=1e-12)
        assert ours.is_open[:, row].tolist() == wanted["is_open"]
        assert ours.n_trades[row] == wanted["n_trades"]
        assert ours.n_delisted[row] == wanted["n_delisted"]
        assert ours.n_halted[row] == wanted["n_halted"]


def test_a_signal_is_traded_at_the_next_close_and_not_at_its_own() -> None:
    trades = trade_pairs(spread([0, 0, 1.5, 1.2, 0.5, -0.1, -0.2, 0, 0]), PAIR, **RULES)
    assert np.flatnonzero(trades.is_open[:, 0]).tolist() == [3, 4, 5]
    # Short of the spread from 1.2 to -0.2, half of the capital in each leg.
    wanted = -0.5 * (np.exp(0.05 * -0.2) / np.exp(0.05 * 1.2) - 1)
    assert trades.profit.sum() == pytest.approx(wanted)
    assert trades.n_trades.tolist() == [1]


def test_a_position_is_closed_once() -> None:
    """The mistake of the published loop: the exit rule holds for many more days here."""
    trades = trade_pairs(spread([0, 1.5, 1.2, -0.1, -0.2, -0.3] + [-0.5] * 50), PAIR, **RULES)
    assert np.count_nonzero(trades.traded) == 2
    assert np.count_nonzero(trades.profit[5:]) == 0


def test_a_stop_ends_the_position_and_a_jump_beyond_it_opens_none() -> None:
    stopped = trade_pairs(spread([0, -1.5, -1.5, -2.1, -1.9, -1.7, -1.5]), PAIR, **RULES)
    assert np.flatnonzero(stopped.is_open[:, 0]).tolist() == [2, 3]
    assert trade_pairs(spread([0, 2.5, 2.4, 1.5, 1.4, 1.2]), PAIR, **RULES).n_trades[0] == 0


def test_the_last_day_closes_and_opens_nothing() -> None:
    still_open = trade_pairs(spread([0, 1.5, 1.4, 1.3]), PAIR, **RULES)
    assert not still_open.is_open[-1, 0]
    assert still_open.traded[-1, 0] > 0
    assert trade_pairs(spread([0, 0, 0, 1.5, 1.4]), PAIR, **RULES).n_trades[0] == 0


@pytest.mark.parametrize(
    ("then", "delisted", "halted"),
    [
        ([np.nan] * 5, 1, 0),
        # A halted stock comes back, and the pair does not.
        ([1.2, 0, 1.5, 1.5, 1.5], 0, 1),
        # The ticker comes back for another company: 60 deviations are twenty times the price.
        ([61.2, 60, 61.5, 61.5, 61.5], 1, 0),
    ],
)
def test_an_ended_series_is_known_after_the_gap_and_closed_at_the_last_price(
    then: list[float], delisted: int, halted: int
) -> None:
    z = [0, 1.5, 1.4, 1.2] + [np.nan] * 14
    trades = trade_pairs(spread(z + then), PAIR, **RULES)
    # The last price is of day 3; day 14 is the eleventh without one.
    assert np.flatnonzero(trades.is_open[:, 0]).tolist() == list(range(2, 14))
    assert (trades.n_delisted.tolist(), trades.n_halted.tolist()) == ([delisted], [halted])
    assert trades.profit[4:].any() == np.False_
    assert trades.n_trades.tolist() == [1]
    assert trades.traded[14, 0] == pytest.approx(0.5 * np.exp(0.05 * (1.2 - 1.4)) + 0.5)
    short_gap = trade_pairs(spread(z[:4] + [np.nan] * 10 + [1.2, 1.1]), PAIR, **RULES)
    assert (short_gap.n_delisted.tolist(), short_gap.n_halted.tolist()) == ([0], [0])
    # Of weeks, two without a price are no end, and three are one.
    for gap, ends in ((2, 0), (3, 1)):
        weeks = trade_pairs(spread(z[:4] + [np.nan] * gap + [1.2, 1.3]), PAIR, **RULES, longest_gap=2)
        assert weeks.n_halted.tolist() == [ends]


@pytest.mark.parametrize(("z", "profit"), [(1.4, 0.5), (-1.4, -0.5)])
def test_a_price_of_0_loses_the_leg_that_is_owned_and_wins_the_one_that_is_sold(z: float, profit: float) -> None:
    """At +1.4 deviations A is sold, at -1.4 it is bought, half of the capital each; B does not move."""
    panel = spread([0, 1.1 * z, z, z, 0, 0, 1.1 * z, z, z, 0])
    panel.prices[4, 0] = 0
    trades = trade_pairs(panel, PAIR, **RULES)
    assert trades.profit[:, 0].tolist() == pytest.approx([0, 0, 0, 0, profit, 0, 0, 0, 0, 0])
    assert np.flatnonzero(trades.is_open[:, 0]).tolist() == [2, 3]
    # Only B is left to be closed, and the pair is over although prices come back.
    assert trades.traded[4, 0] == pytest.approx(0.5)
    assert (trades.n_trades.tolist(), trades.n_delisted.tolist(), trades.n_halted.tolist()) == ([1], [1], [0])
    panel.prices[5:, 0] = np.nan
    assert trade_pairs(panel, PAIR, **RULES).profit.tobytes() == trades.profit.tobytes()


def test_no_day_knows_a_later_one() -> None:
    rng = np.random.default_rng(0)
    prices = 30 * np.exp(0.03 * rng.normal(size=(200, 20)).cumsum(axis=0))
    prices[90:, 3] = np.nan
    calendar = np.datetime64("2014-01-02") + np.arange(200)
    names = [f"T{i:02d}" for i in range(20)]
    pairs = Spreads(np.arange(10), np.arange(10, 20), np.ones(10), np.zeros(10), np.full(10, 0.1))
    whole = trade_pairs(PricePanel(calendar, names, prices), pairs, **RULES)
    for day in (1, 60, 95, 120):
        later = prices.copy()
        later[day + 1 :] = np.where(rng.random(later[day + 1 :].shape) < 0.2, np.nan, 7.0)
        other = trade_pairs(PricePanel(calendar, names, later), pairs, **RULES)
        for name in ("profit", "traded", "is_open"):
            ours, theirs = getattr(whole, name), getattr(other, name)
            assert ours[: day + 1].tobytes() == theirs[: day + 1].tobytes()
            assert ours[day + 2 :].tobytes() != theirs[day + 2 :].tobytes()


def test_portfolios_share_pairs_and_weigh_them_equally() -> None:
    rng = np.random.default_rng(1)
    prices = 30 * np.exp(0.03 * rng.normal(size=(200, 6)).cumsum(axis=0))
    prices[100:, 0] = np.nan
    panel = PricePanel(np.datetime64("2014-01-02") + np.arange(200), list("ABCDEF"), prices)
    pairs = Spreads(
        np.array([0, 0, 1, 2, 3]), np.array([1, 2, 3, 4, 5]), np.ones(5), np.zeros(5), np.full(5, 0.1)
    )  # fmt: skip
    held = np.array([[1, 1, 0, 0, 1], [0, 0, 1, 1, 1]], dtype=bool)
    portfolios = trade_portfolios(panel, pairs, held, **RULES, at_once=2)
    trades = trade_pairs(panel, pairs, **RULES)
    for portfolio, mask in zip(portfolios, held, strict=True):
        net = trades.profit[:, mask].mean(axis=1) - 0.0025 * trades.traded[:, mask].mean(axis=1)
        assert portfolio.returns(25) == pytest.approx(net, abs=1e-15)
        assert portfolio.n_open.tolist() == trades.is_open[:, mask].sum(axis=1).tolist()
        assert portfolio.n_trades == trades.n_trades[mask].sum()
        assert portfolio.n_delisted == trades.n_delisted[mask].sum()
        assert portfolio.turnover == pytest.approx(trades.traded[:, mask].mean() * 252)
    assert portfolios[0].n_delisted > 0


def test_drawdown_is_the_largest_loss_from_a_peak_and_from_the_start() -> None:
    assert max_drawdown(equity_of(np.array([0.5, -0.3, 0.2, -0.6]))) == pytest.approx(0.7 / 1.5)
    assert max_drawdown(np.array([0.9, 0.95])) == pytest.approx(0.1)
    assert max_drawdown(np.array([1.1, 1.2])) == 0


def estimation(days: int = 300) -> PricePanel:
    rng = np.random.default_rng(2)
    logs = 3 + 0.01 * rng.normal(size=(days, 12)).cumsum(axis=0)
    prices = np.exp(logs)
    prices[:60, 0], prices[-11:, 1] = np.nan, np.nan
    names = [f"T{i:02d}" for i in range(12)]
    return PricePanel(np.datetime64("2010-01-04") + np.arange(days), names, prices)


def test_random_pairs_are_different_tradable_and_estimated_as_the_chosen_ones() -> None:
    panel = estimation()
    pairs = random_spreads(panel, 20, 252, seed=3)
    assert len({tuple(pair) for pair in zip(pairs.a, pairs.b, strict=True)}) == len(pairs) == 20
    assert (pairs.a < pairs.b).all()
    # T00 has too few days, T01 is no longer listed.
    assert min(pairs.a) >= 2
    for a, b, hedge, intercept, deviation in zip(
        pairs.a, pairs.b, pairs.hedge_ratio, pairs.intercept, pairs.deviation, strict=True
    ):
        logs = np.log(panel.prices[:, [a, b]])
        slope, constant = np.polyfit(logs[:, 1], logs[:, 0], 1)
        assert hedge > 0
        assert (hedge, intercept) == pytest.approx((slope, constant), rel=1e-6)
        residual = logs[:, 0] - slope * logs[:, 1] - constant
        assert deviation == pytest.approx(residual.std(), rel=1e-6)
    assert random_spreads(panel, 20, 252, 3).a.tolist() == pairs.a.tolist()
    assert random_spreads(panel, 20, 252, 4).a.tolist() != pairs.a.tolist()
    assert len(random_spreads(panel, 20, 10_000, 3)) == 0


def test_every_pair_can_be_drawn() -> None:
    panel = estimation()
    both = random_spreads(panel, 10**6, 252, seed=0)
    slopes = np.corrcoef(np.log(panel.prices[:, 2:].T))
    assert len(both) == np.count_nonzero(np.triu(slopes > 0, k=1))


def pool_of(pairs: int = 50, days: int = 300) -> PairTrades:
    rng = np.random.default_rng(5)
    profit = rng.normal(0.0002, 0.01, (days, pairs))
    none = np.zeros(pairs, dtype=np.int64)
    return PairTrades(profit, np.abs(profit), profit > 0, none, none)


def test_placebo_portfolios_are_means_of_pairs_of_the_pool() -> None:
    pool = pool_of()
    single = Placebo.draw(pool, 1, 800, seed=1)
    # Each pair of the pool is drawn, and nothing else.
    drawn, columns = ({column.tobytes() for column in table.T} for table in (single.gross, pool.profit))  # fmt: skip
    assert drawn == columns
    placebo = Placebo.draw(pool, 25, 400, seed=1)
    assert placebo.gross.shape == (300, 400)
    assert placebo.gross.mean() == pytest.approx(pool.profit.mean(), abs=2e-5)
    # The mean of 25 independent draws varies as the pool does, over 25.
    wanted = pool.profit.mean(axis=0).var() / 25
    assert placebo.gross.mean(axis=0).var() == pytest.approx(wanted, rel=0.2)
    mean, low, high = placebo.sharpe(10)
    ratios = sharpe_ratio(placebo.gross - 0.001 * placebo.traded)
    assert (mean, low, high) == pytest.approx((ratios.mean(), *np.quantile(ratios, [0.025, 0.975])))


def test_placebo_band_of_a_day_is_of_the_equity_on_it() -> None:
    placebo = Placebo.draw(pool_of(), 5, 60, seed=2)
    low, median, high = placebo.band(25)
    equity = 1 + (placebo.gross - 0.0025 * placebo.traded)[:100].sum(axis=0)
    wanted = np.quantile(equity, [0.025, 0.5, 0.975])
    assert (low[99], median[99], high[99]) == pytest.approx(tuple(wanted))


def test_windows_are_the_papers_where_the_universe_has_them_else_its_last_third() -> None:
    paper = trading_windows(list(range(1996, 2021)), 2002)
    assert (paper.estimation, paper.trading) == ((2002, 2013), (2014, 2020))
    assert (paper.cluster_years, paper.rule) == ([2011, 2012, 2013], "published")
    assert trading_windows(list(range(2011, 2016)), 2002).trading == (2014, 2015)
    third = trading_windows(list(range(2012, 2020)), 2002)
    assert (third.estimation, third.trading, third.rule) == ((2002, 2016), (2017, 2019), "last third")
    early = trading_windows(list(range(1995, 2002)), 2002)
    assert (early.estimation, early.trading) == ((1995, 1998), (1999, 2001))
    asked = trading_windows(list(range(1996, 2021)), 2005, 2010, 2012)
    assert (asked.estimation, asked.trading, asked.rule) == ((2005, 2009), (2010, 2012), "asked")
    assert trading_windows([2020], 2002).trading == (2020, 2020)
    with pytest.raises(ValueError, match="before it starts in 2019"):
        trading_windows([2018, 2019], 2002, 2019, 2018)


@pytest.mark.parametrize(
    "wrong", [{"entry": 2.0}, {"stop": 0.5}, {"costs": ()}, {"costs": (-1.0,)}, {"costs": (5.0, 5.0)}]
)  # fmt: skip
def test_rules_that_nobody_can_trade_by_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        Rules(**wrong)
