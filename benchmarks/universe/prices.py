"""Daily prices of some companies, the monthly returns that they imply, and the factors that all share."""

from dataclasses import dataclass

import numpy as np

from benchmarks.universe.companies import Companies
from benchmarks.universe.shape import LAST_YEAR, Shape

_STREAM, _FACTORS = 2, 3
# Parts of a company's variance; the rest is its own.
MARKET, LINE, CLUSTER = 0.16, 0.06, 0.4
_LISTED_BESIDE = 14  # years, at most, with prices and no report, before as after
_REVERSION, _SPREAD = 0.92, 0.035
_DAYS = 252


@dataclass(frozen=True)
class Factors:
    """Unit variance a day: dates (T,), market (T,), lines (T, L), clusters (T, F); year (T,), month (T,) from 0.

    The month before the first year is month 0, and its days are of year -1.
    """

    dates: np.ndarray
    year: np.ndarray
    month: np.ndarray
    market: np.ndarray
    lines: np.ndarray
    clusters: np.ndarray

    def market_by_month(self) -> np.ndarray:
        """(months,) simple returns."""
        return np.expm1(np.bincount(self.month, weights=np.sqrt(MARKET) * _volatility(0.0) * self.market))


def make_factors(shape: Shape, companies: Companies) -> Factors:
    """The same for all blocks of companies. O(T (lines + clusters))."""
    rng = shape.stream(_FACTORS)
    every = np.arange(f"{shape.first_year - 1}-12-01", f"{LAST_YEAR + 1}-01-01", dtype="datetime64[D]")
    dates = every[np.is_busday(every)]
    months = dates.astype("datetime64[M]").astype(int)
    return Factors(
        dates,
        months // 12 + 1970 - shape.first_year,
        months - months[0],
        rng.standard_normal(len(dates)),
        rng.standard_normal((len(dates), shape.lines)),
        rng.standard_normal((len(dates), len(companies.reverting))),
    )


def prices_of(shape: Shape, companies: Companies, factors: Factors, company: int) -> np.ndarray:
    """(T,) adjusted closes, NaN where the company is not listed."""
    rng = shape.stream(_STREAM, company)
    cluster = companies.clusters[factors.year.clip(0), company]
    inside = cluster >= 0
    rest = 1 - MARKET - LINE - CLUSTER * inside
    family = companies.family[company]
    shared = np.sqrt(MARKET) * factors.market + np.sqrt(LINE) * (factors.lines @ companies.weights[company])
    shared += np.sqrt(CLUSTER) * inside * factors.clusters[np.arange(len(cluster)), cluster]
    if family >= 0 and companies.reverting[family]:
        logs = _volatility(0.0) * shared.cumsum() + _reverting(rng, len(shared))
    else:
        own = np.sqrt(rest / 1.5) * rng.standard_t(6, len(shared))
        logs = (_volatility(rng.normal(0, 0.25)) * (shared + own) + 0.05 / _DAYS).cumsum()
    closes = np.exp(rng.normal(3.3, 0.6) + logs).round(4).clip(1e-4)
    beside = rng.uniform(0, _LISTED_BESIDE, 2)
    first, last = companies.first[company] - beside[0], companies.last[company] + beside[1]
    position = factors.year + (factors.month - 1) % 12 / 12
    # The December before the first report is what January's return starts from.
    closes[(position < min(first, companies.first[company] - 1 / 6)) | (position > last + 1)] = np.nan
    return closes


def monthly_returns(factors: Factors, closes: np.ndarray) -> np.ndarray:
    """(Y, 12) log returns from month's end to month's end."""
    ends = np.flatnonzero(np.append(np.diff(factors.month) > 0, True))
    return np.diff(np.log(closes[ends])).reshape(-1, 12)


def _volatility(logarithm: float) -> float:
    return float(0.32 * np.exp(logarithm) / np.sqrt(_DAYS))


def _reverting(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n,) a spread that comes back: first-order autoregression."""
    from scipy.signal import lfilter

    shocks = rng.standard_normal(n) * np.sqrt(1 - _REVERSION**2)
    return _SPREAD * np.asarray(lfilter([1.0], [1.0, -_REVERSION], shocks))
