"""Portfolios of random pairs: what the same rules earn without any cluster or test of cointegration."""

from dataclasses import dataclass

import numpy as np

from compsim_assets.science.trading.calendar import DAYS_A_YEAR, LONGEST_GAP
from compsim_assets.science.trading.cointegration import listed_at_the_end, regression, tradable
from compsim_assets.science.trading.honest import PairTrades, Spreads
from compsim_assets.science.trading.portfolio import equity_of
from compsim_assets.science.trading.price_panel import PricePanel, pair_moments
from compsim_assets.science.trading.series import present_series
from compsim_assets.science.trading.sharpe import sharpe_ratio


def random_spreads(panel: PricePanel, n: int, min_days: int, seed: int, longest_gap: int = LONGEST_GAP) -> Spreads:
    """Up to `n` different random pairs of all tickers, estimated as the honest test does, on the days of the panel.

    The conditions of a trade hold (enough common days, both still listed, a positive hedge ratio); those of a choice do
    not: no common cluster, no correlation, no cointegration.

    Cost: as `pair_moments` of up to 4 n + 1,000 pairs.
    """
    prices = present_series(panel.prices, longest_gap)
    enough = np.isfinite(prices).sum(axis=0) >= min_days
    tickers = np.flatnonzero(enough & listed_at_the_end(prices, longest_gap))
    possible = len(tickers) * (len(tickers) - 1) // 2
    rng = np.random.default_rng(seed)
    drawn = rng.choice(possible, size=min(4 * n + 1000, possible), replace=False)
    # Pair k is (j, i), j < i, of all such pairs in the order of i: those before i are i (i - 1) / 2.
    places = np.arange(len(tickers))
    before = places * (places - 1) // 2
    i = np.searchsorted(before, drawn, side="right") - 1
    a, b = tickers[drawn - before[i]], tickers[i]
    moments = pair_moments(np.log(prices), a, b)
    slope, intercept, deviation = regression(moments)
    spreads = Spreads(a, b, hedge_ratio=slope, intercept=intercept, deviation=deviation)
    return spreads.of(tradable(prices, moments, a, b, min_days, longest_gap)).of(slice(n))


@dataclass(frozen=True)
class Placebo:
    """Portfolios of random pairs, as large as a method's; (T, draws) each.

    gross: daily returns before costs. traded: value traded, over the capital. rows_a_year: of the days.
    """

    gross: np.ndarray
    traded: np.ndarray
    rows_a_year: float = DAYS_A_YEAR

    @classmethod
    def draw(cls, pool: PairTrades, n_pairs: int, draws: int, seed: int, rows_a_year: float = DAYS_A_YEAR) -> "Placebo":
        """Draw portfolios of `n_pairs` from a pool of P simulated pairs, with replacement.

        With replacement, as the pool stands for all pairs there are: without it, portfolios nearly as large as the
        pool would all be the same. The draws depend on the seed and on `n_pairs` alone.

        Cost: two products of (T, P) by (P, draws).
        """
        size = pool.profit.shape[1]
        rng = np.random.default_rng([seed, n_pairs])
        drawn = [rng.integers(size, size=n_pairs) for _ in range(draws)]
        weight = np.stack([np.bincount(pairs, minlength=size) for pairs in drawn], axis=1) / n_pairs
        return cls(pool.profit @ weight, pool.traded @ weight, rows_a_year)

    def returns(self, cost_bp: float) -> np.ndarray:
        """(T, draws) daily returns after costs of `cost_bp` basis points of the value traded."""
        return self.gross - cost_bp / 1e4 * self.traded

    def sharpe(self, cost_bp: float) -> np.ndarray:
        """Mean, 2.5 % and 97.5 % quantile of the Sharpe ratios; NaN without any."""
        ratios = sharpe_ratio(self.returns(cost_bp), self.rows_a_year)
        ratios = ratios[~np.isnan(ratios)]
        if not len(ratios):
            return np.full(3, np.nan)
        return np.array([ratios.mean(), *np.quantile(ratios, [0.025, 0.975])])

    def band(self, cost_bp: float) -> np.ndarray:
        """(3, T) 2.5 % quantile, median and 97.5 % quantile of the equity, day by day."""
        return np.quantile(equity_of(self.returns(cost_bp)), [0.025, 0.5, 0.975], axis=1)
