"""Daily prices of the sample, and the monthly log returns they imply."""

from dataclasses import dataclass

import numpy as np

from compsim_assets.sample.companies import Companies
from compsim_assets.sample.lines import LINES
from compsim_assets.sample.size import SampleSize

# Parts of a company's variance, for a company all in one line; the rest is its own.
MARKET, SECTOR, LINE = 0.19, 0.04, 0.27
BOILERPLATE = 0.1  # exposure of boilerplate companies to their line, others 1
REVERSION = 0.92  # what is left of a planted spread after one day
SPREAD = 0.035  # standard deviation of a planted log-price spread
_DAYS = 252


@dataclass(frozen=True)
class Pair:
    """A planted cointegrated pair: log price of b = constant + hedge_ratio x that of a + spread."""

    a: int
    b: int
    hedge_ratio: float


@dataclass(frozen=True)
class Prices:
    """T business days of C companies.

    Attributes:
        dates: (T,) datetime64[D], business days from the December before the first year.
        adj_close: (T, C) float64, 6 significant digits, NaN where a company is not listed.
        monthly: (Y, C, 12) float64, log returns from month end to month end, NaN where either end
            has no price.
        pairs: the planted pairs.
    """

    dates: np.ndarray
    adj_close: np.ndarray
    monthly: np.ndarray
    pairs: list[Pair]


def make_prices(rng: np.random.Generator, companies: Companies, size: SampleSize) -> Prices:
    """Simulate all days. O(T x C x lines) time, a few (T, C) arrays."""
    dates = _business_days(size.first_year, size.years)
    logs = _log_returns(rng, companies, dates, size).cumsum(axis=0)
    logs += rng.normal(3.3, 0.6, size.companies)
    pairs = _plant_pairs(rng, logs, companies, size)
    adj_close = _significant(np.exp(logs))
    start, stop = _listing(rng, companies, dates, size)
    day = np.arange(len(dates))[:, None]
    adj_close[(day < start) | (day > stop)] = np.nan
    return Prices(dates, adj_close, _monthly(adj_close, dates, size.years), pairs)


def _business_days(first_year: int, years: int) -> np.ndarray:
    """(T,) weekdays without three fixed holidays."""
    start, end = f"{first_year - 1}-12-01", f"{first_year + years}-01-01"
    days = np.arange(start, end, dtype="datetime64[D]")
    all_years = range(first_year - 1, first_year + years)
    holidays = [f"{year}-{day}" for year in all_years for day in ("01-01", "07-04", "12-25")]
    return days[np.is_busday(days, holidays=holidays)]


def _log_returns(rng: np.random.Generator, companies: Companies, dates: np.ndarray, size: SampleSize) -> np.ndarray:
    """(T, C) daily log returns: market, sector and line factors by weight, and a part of its own.

    Factors and noise have unit variance per day before scaling; a calm or a stormy year scales the
    market, so that the mean correlation of the population changes from year to year.
    """
    month = dates.astype("datetime64[M]").astype(int) - 12 * (size.first_year - 1970)
    year = (month // 12).clip(0)
    lines = LINES[: size.lines]
    sectors = sorted({line.sector for line in lines})
    shape = (len(year), size.companies)
    storm = np.exp(rng.normal(-0.06, 0.3, size.years))[year]
    market = np.sqrt(MARKET) * storm * rng.standard_normal(len(year))
    by_sector = np.sqrt(SECTOR) * rng.standard_normal((len(year), len(sectors)))
    by_line = np.sqrt(LINE) * _steady(rng.standard_normal((len(year), size.lines)), month)
    returns = np.sqrt(1 - MARKET - SECTOR - LINE) * rng.standard_t(6, shape) / np.sqrt(1.5)
    follows = np.where(companies.boilerplate, BOILERPLATE, 1.0)
    for i, line in enumerate(lines):
        shared = line.common * (by_line[:, i] + by_sector[:, sectors.index(line.sector)])
        factor = line.beta * market[:, None] + shared[:, None] * follows
        returns += companies.weights[year, :, i] * factor
    volatility = 0.32 * np.exp(rng.normal(0, 0.25, size.companies)) / np.sqrt(_DAYS)
    return volatility * returns + 0.05 / _DAYS


def _steady(factors: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Scale daily factors so that their 12 monthly sums vary alike in every year.

    Twelve draws have a variance that is off by 40 %: without this, chance decides which lines move
    together in a year, and with it the best cutoff.

    Args:
        factors: (T, k) unit variance.
        month: (T,) int, months counted from the first January; negative before.
    """
    scaled = factors.copy()
    for year in range(month[-1] // 12 + 1):
        days = month // 12 == year
        sums = np.stack([factors[month == 12 * year + m].sum(axis=0) for m in range(12)])
        scaled[days] *= np.sqrt(_DAYS / 12) / sums.std(axis=0, ddof=1)
    return scaled


def _plant_pairs(rng: np.random.Generator, logs: np.ndarray, companies: Companies, size: SampleSize) -> list[Pair]:
    """Overwrite the second of each pair, in place, by the first and a spread that reverts.

    Both live through all years in one and the same line and write alike, so that they tend to share a cluster. Every
    other pair has a hedge ratio of 1 and equal price levels, so that even the plain price difference is stationary.
    """
    dominant = companies.dominant
    stable = (companies.first == 0) & (companies.last == size.years - 1) & ~companies.boilerplate
    stable &= (dominant == dominant[0]).all(axis=0)
    stable &= companies.weights.max(axis=2).min(axis=0) > 0.8
    stable &= ~np.array([line.alone for line in LINES])[dominant[0]]
    kind = 2 * dominant[0] + companies.long_form
    order = rng.permutation(np.flatnonzero(stable))
    pairs: list[Pair] = []
    for wanted in rng.permutation(2 * size.lines):
        members = order[kind[order] == wanted]
        if len(members) < 2 or len(pairs) == size.cointegrated_pairs:
            continue
        ratio = 1.0 if len(pairs) % 2 == 0 else round(float(rng.uniform(0.7, 1.3)), 2)
        pairs.append(Pair(int(members[0]), int(members[1]), ratio))
    shocks = rng.standard_normal((len(logs), len(pairs)))
    for k, pair in enumerate(pairs):
        follower = pair.hedge_ratio * logs[:, pair.a] + _reverting(shocks[:, k])
        if pair.hedge_ratio != 1.0:
            follower += logs[0, pair.b] - pair.hedge_ratio * logs[0, pair.a]
        logs[:, pair.b] = follower
    return pairs


def _reverting(shocks: np.ndarray) -> np.ndarray:
    """(T,) first-order autoregression of standard deviation SPREAD."""
    spread = np.empty(len(shocks))
    last = shocks[0]
    for t, shock in enumerate(shocks):
        last = REVERSION * last + np.sqrt(1 - REVERSION**2) * shock
        spread[t] = SPREAD * last
    return spread


def _listing(
    rng: np.random.Generator, companies: Companies, dates: np.ndarray, size: SampleSize
) -> tuple[np.ndarray, np.ndarray]:
    """(C,) first and last day with a price of each company.

    Regular names are listed some days before the December they need, and stop some days into the
    year after their last report.
    """
    first = np.array(size.first_year + companies.first - 1970, dtype="datetime64[Y]")
    last = np.array(size.first_year + companies.last - 1970, dtype="datetime64[Y]")
    needed = np.searchsorted(dates, first.astype("datetime64[D]"), "left") - 1
    end = np.searchsorted(dates, (last + 1).astype("datetime64[D]"), "left") - 1
    november = np.searchsorted(dates, (last + 1).astype("datetime64[M]") - 1, "left") - 1
    days = rng.integers(0, 120, size.companies)
    start = needed + np.where(companies.listed_in_january, 2 + days % 16, -days)
    stop = end + rng.integers(3, 120, size.companies)
    stop = np.where(companies.last == size.years - 1, len(dates) - 1, stop)
    stop = np.where(companies.stops_in_november, november, stop)
    return start.clip(0), stop.clip(None, len(dates) - 1)


def _monthly(adj_close: np.ndarray, dates: np.ndarray, years: int) -> np.ndarray:
    """(Y, C, 12) log returns between the last business days of the months."""
    month = dates.astype("datetime64[M]").astype(int)
    ends = np.flatnonzero(np.append(np.diff(month) > 0, True))
    returns = np.diff(np.log(adj_close[ends]), axis=0)
    return returns.reshape(years, 12, -1).transpose(0, 2, 1)


def _significant(values: np.ndarray) -> np.ndarray:
    """Values above 0 rounded to 6 significant digits."""
    scale = 10.0 ** (5 - np.floor(np.log10(values)))
    return np.round(values * scale) / scale
