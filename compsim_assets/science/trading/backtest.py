"""Pairs trading of several cluster methods side by side: the same prices, windows and rules, in both variants."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from compsim_assets.science.trading import cointegration
from compsim_assets.science.trading.as_published import START_CASH, trade_as_published
from compsim_assets.science.trading.calendar import DAILY, Calendar
from compsim_assets.science.trading.cointegration import benjamini_hochberg, shared_pairs
from compsim_assets.science.trading.honest import Spreads, trade_pairs
from compsim_assets.science.trading.placebo import Placebo, random_spreads
from compsim_assets.science.trading.portfolio import Portfolio, equity_of, max_drawdown, trade_portfolios
from compsim_assets.science.trading.price_panel import PricePanel
from compsim_assets.science.trading.series import passed_on_between
from compsim_assets.science.trading.sharpe import deflated_sharpe, sharpe_intervals, sharpe_ratio

PUBLISHED, HONEST = "as_published", "honest"
_YEAR = np.timedelta64(365, "D")


@dataclass(frozen=True)
class Rules:
    """How pairs are chosen and traded; distances in standard deviations, costs in basis points of the value traded.

    min_days: trading days; of a panel with other rows (weeks) as many rows as cover that time, and 60 at least.
    """

    min_correlation: float = 0.95
    min_days: int = 252
    max_q: float = 0.05
    entry: float = 1.0
    stop: float = 2.0
    costs: tuple[float, ...] = (0.0, 10.0, 25.0, 50.0)
    placebo_pool: int = 4000
    placebo_draws: int = 200
    bootstrap_draws: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError where the rules cannot be traded by."""
        if not 0 < self.entry < self.stop:
            raise ValueError(f"stop must be above entry, not {self.stop:g} and {self.entry:g}")
        if not self.costs or min(self.costs) < 0 or len(set(self.costs)) < len(self.costs):
            raise ValueError(f"costs must be different numbers from 0 up, not {list(self.costs)}")


@dataclass(frozen=True)
class Tables:
    """pairs: traded pairs by variant and method. backtest: a row per variant, method and cost. daily: the same by day.

    Columns are what was computed: a figure that nothing was traded for is NaN, or its column is not there. calendar:
    of trading, by which figures are annual.
    """

    pairs: pd.DataFrame
    backtest: pd.DataFrame
    daily: pd.DataFrame
    calendar: Calendar = DAILY


def compare_methods(
    estimation: PricePanel, trading: PricePanel, members: Mapping[str, pd.DataFrame], years: list[int], rules: Rules
) -> Tables:
    """Choose pairs on the estimation window and trade them in the trading window, for every method, in both variants.

    Args:
        estimation, trading: windows of one panel. members: by method year, cluster_id, ticker, and maybe company: two
            tickers of one company are then no candidates of the honest variant. years: of the clusters.

    A pair is tested once, whatever methods propose it; the correction for many tests is each method's own. Each window
    has its own calendar; one of less than a year has that of both.

    Cost: the tests of all different pairs; then products of days, pairs and methods.
    """
    candidates = {method: shared_pairs(table, years) for method, table in members.items()}
    before, during = _calendar(estimation, trading), _calendar(trading, estimation)
    rules = replace(rules, min_days=before.rows_in(rules.min_days))
    choices = _choose(estimation, candidates, rules, before)
    published, honest = ([one for one in choices if one.variant == variant] for variant in (PUBLISHED, HONEST))
    rows, daily = _trade_published(trading, published, during)
    honest_rows, honest_daily = _trade_honest(estimation, trading, honest, rules, (before, during))
    pairs = [one.pairs.assign(variant=one.variant, method=one.method) for one in choices]
    days = pd.concat([*daily, *honest_daily] or [pd.DataFrame()], ignore_index=True)
    return Tables(pd.concat(pairs, ignore_index=True), pd.DataFrame(rows + honest_rows), days, during)


def _calendar(window: PricePanel, other: PricePanel) -> Calendar:
    days = window.days
    if not len(days) or days[-1] - days[0] < _YEAR:
        days = np.union1d(days, other.days)
    return Calendar.of(days)


def _choose(
    estimation: PricePanel, candidates: Mapping[str, pd.DataFrame], rules: Rules, calendar: Calendar
) -> list["_Choice"]:
    """Pairs of every method in both variants."""
    every = pd.concat([*candidates.values()], ignore_index=True).drop_duplicates(_PAIR)[_PAIR]
    published = cointegration.published_tests(estimation, every, rules.min_correlation)
    honest = cointegration.engle_granger_tests(
        estimation, every, rules.min_correlation, rules.min_days, calendar.longest_gap
    )
    choices: list[_Choice] = []
    for method, pairs in candidates.items():
        shared = pairs.drop(columns="same_company", errors="ignore")
        tested = published.merge(shared, on=_PAIR, validate="one_to_one")
        passes = cointegration.passes_as_published(tested, rules.min_correlation)
        choices.append(_Choice(PUBLISHED, method, len(shared), len(tested), tested[passes]))
        if "same_company" in pairs:
            shared = shared[~pairs["same_company"]]
        tested = honest.merge(shared, on=_PAIR, validate="one_to_one")
        tested["p_adjusted"] = benjamini_hochberg(tested["p_value"].to_numpy())
        passes = tested["p_adjusted"] < rules.max_q
        choices.append(_Choice(HONEST, method, len(shared), len(tested), tested[passes]))
    return choices


_PAIR = ["ticker_a", "ticker_b"]


@dataclass(frozen=True)
class _Choice:
    """Pairs of one method in one variant, and how many there were before."""

    variant: str
    method: str
    n_candidates: int
    n_tested: int
    pairs: pd.DataFrame

    def row(self, panel: PricePanel, cost_bp: float) -> dict:
        """A row of the backtest without figures yet."""
        days = panel.days
        return {
            "variant": self.variant, "method": self.method, "cost_bp": cost_bp,
            "first_day": days[0] if len(days) else None, "last_day": days[-1] if len(days) else None,
            "n_candidates": self.n_candidates, "n_tested": self.n_tested, "n_pairs": len(self.pairs),
            "n_trades": 0, "n_delisted": 0,
        }  # fmt: skip

    def daily(self, days: np.ndarray, cost_bp: float, **columns: np.ndarray) -> pd.DataFrame:
        """Rows by day."""
        names = {"variant": self.variant, "method": self.method, "cost_bp": cost_bp}
        return pd.DataFrame({**names, "date": days, **columns})


def _returns_figures(returns: np.ndarray, equity: np.ndarray, rows_a_year: float) -> dict[str, float]:
    many = len(returns) > 1
    return {
        "annual_return": float(returns.mean() * rows_a_year) if many else np.nan,
        "annual_volatility": float(returns.std(ddof=1) * np.sqrt(rows_a_year)) if many else np.nan,
        "sharpe": float(sharpe_ratio(returns, rows_a_year)),
        "max_drawdown": max_drawdown(equity),
    }


def _trade_published(
    trading: PricePanel, choices: list[_Choice], calendar: Calendar
) -> tuple[list[dict], list[pd.DataFrame]]:
    rows, daily = [], []
    for one in choices:
        row = one.row(trading, 0.0)
        rows.append(row)
        run = trade_as_published(trading, one.pairs)
        written = np.isfinite(run.value)
        if not written.any():
            continue
        equity = run.value[written] / START_CASH
        returns = equity[1:] / equity[:-1] - 1.0
        row.update(_returns_figures(returns, equity, calendar.rows_a_year), n_trades=run.n_closings)
        columns = {"daily_return": np.r_[np.nan, returns], "equity": equity, "n_open": run.n_open[written]}
        daily.append(one.daily(trading.days[written], 0.0, **columns))
    return rows, daily


def _trade_honest(
    estimation: PricePanel,
    trading: PricePanel,
    choices: list[_Choice],
    rules: Rules,
    calendars: tuple[Calendar, Calendar],
) -> tuple[list[dict], list[pd.DataFrame]]:
    before, during = calendars
    a_year = during.rows_a_year
    rows: list[dict] = []
    daily: list[pd.DataFrame] = []
    traded = [one for one in choices if len(one.pairs) and len(trading.days)]
    portfolios: dict[str, Portfolio] = {}
    if traded:
        other = passed_on_between(estimation.prices, trading.prices, during.longest_gap)
        if other.any():
            trading = replace(trading, prices=np.where(other, np.nan, trading.prices))
        portfolios = dict(zip((one.method for one in traded), _portfolios(trading, traded, rules, during), strict=True))
        spreads = random_spreads(estimation, rules.placebo_pool, rules.min_days, rules.seed, before.longest_gap)
        pool = trade_pairs(trading, spreads, entry=rules.entry, stop=rules.stop, longest_gap=during.longest_gap)
    tried = {
        cost: np.array([sharpe_ratio(p.returns(cost), a_year) for p in portfolios.values()]) for cost in rules.costs
    }
    for one in choices:
        if one.method not in portfolios:
            rows += [one.row(trading, cost) for cost in rules.costs]
            continue
        portfolio = portfolios[one.method]
        placebo = Placebo.draw(pool, len(one.pairs), rules.placebo_draws, rules.seed, a_year)
        returns = np.stack([portfolio.returns(cost) for cost in rules.costs], axis=1)
        ends = sharpe_intervals(returns, draws=rules.bootstrap_draws, seed=rules.seed, rows_a_year=a_year)
        for column, cost in enumerate(rules.costs):
            low, high = ends[:, column]
            deflated = deflated_sharpe(returns[:, column], tried[cost], a_year)
            interval = {"sharpe_low": low, "sharpe_high": high, "sharpe_deflated": deflated}
            figures, by_day = _after_costs(portfolio, placebo, cost)
            rows.append(one.row(trading, cost) | interval | figures)
            daily.append(one.daily(trading.days, cost, **by_day))
    return rows, daily


def _portfolios(trading: PricePanel, traded: list[_Choice], rules: Rules, calendar: Calendar) -> list[Portfolio]:
    """One portfolio per method, pairs that several methods chose traded once."""
    pairs = pd.concat([one.pairs for one in traded], ignore_index=True).drop_duplicates(_PAIR)
    index = pd.MultiIndex.from_frame(pairs[_PAIR])
    column = pd.Series(range(len(trading.tickers)), index=trading.tickers)
    a, b = (column.loc[pairs[side]].to_numpy() for side in _PAIR)
    estimates = {name: pairs[name].to_numpy() for name in ("hedge_ratio", "intercept", "deviation")}
    spreads = Spreads(a, b, **estimates)
    held = np.stack([index.isin(pd.MultiIndex.from_frame(one.pairs[_PAIR])) for one in traded])
    return trade_portfolios(trading, spreads, held, entry=rules.entry, stop=rules.stop, calendar=calendar)


def _after_costs(portfolio: Portfolio, placebo: Placebo, cost_bp: float) -> tuple[dict, dict[str, np.ndarray]]:
    """Figures of the backtest, and columns by day."""
    net = portfolio.returns(cost_bp)
    mean, low, high = placebo.sharpe(cost_bp)
    figures = {
        **_returns_figures(net, equity_of(net), portfolio.rows_a_year),
        "n_trades": portfolio.n_trades, "n_delisted": portfolio.n_delisted, "n_halted": portfolio.n_halted,
        "turnover": portfolio.turnover,
        "placebo_sharpe": mean, "placebo_low": low, "placebo_high": high,
    }  # fmt: skip
    by_day = {"daily_return": net, "equity": equity_of(net), "n_open": portfolio.n_open}
    low, median, high = placebo.band(cost_bp)
    return figures, {**by_day, "placebo_low": low, "placebo_median": median, "placebo_high": high}
