"""Returns without what common factors explain, with nothing of the future in it."""

import numpy as np
import pandas as pd

from compsim_assets.science.correlation.returns import SINGLE_PRECISION

MONTHS = 12
# Months before a year that its betas are estimated on: at most these, and not without this many.
WINDOW, LEAST = 60, 24
# Directions in which the factors vary less than this beside the largest one are rounding.
_RANK = 1e-10
# Months that a correlation needs.
_COMMON = 3


def adjusted_returns(
    returns: pd.DataFrame, company: pd.Series, factors: pd.DataFrame, winsorise: tuple[float, float] = (0.01, 0.99)
) -> pd.DataFrame:
    """Monthly returns less their company's betas times the factors.

    Of several reports of a company in one year its betas see the mean, once, and each has residuals.

    Twelve months are too few to estimate several betas on, and betas of the year itself would know its end. So those
    of year t are estimated by least squares with a constant on the company's months of the years before: the last 60,
    of which 24 at least have both return and factors. Returns are winsorised first, each month on its own.

    Args:
        returns: report_id, year, returns (12 log returns, January to December, NaN for a missing month).
        company: company of each report, by report id; null where unknown.
        factors: year, month (1..12) and one column per factor, the market first. Log returns as fractions; a factor in
            per cent gives the same result, a simple return in place of a log return nearly so.
        winsorise: lower and upper quantile of each month's cross-section; (0, 1) changes nothing.

    Returns:
        The same columns and rows: residuals, NaN where return or factors are missing, and throughout a report of an
        unknown company or of one without enough history. Such a report takes part in no correlation.

    Raises:
        ValueError: a month given twice, or factors that do not fit the months (see `check_alignment`).

    Cost: O(company years x 60 x factors^2) time; memory 8 x companies x months x factors bytes.
    """
    check_alignment(returns, factors)
    first, last = int(returns["year"].min()), int(returns["year"].max())
    owner = returns["report_id"].map(company)
    named = owner.notna().to_numpy()
    row = pd.factorize(owner)[0]
    # An amendment brings the same returns again.
    months = pd.DataFrame(_matrix(returns)).assign(row=row, year=returns["year"].to_numpy())
    given = _winsorised(returns, winsorise, ~(months.duplicated().to_numpy() & named))
    start = (returns["year"].to_numpy() - first) * MONTHS
    columns = start[:, None] + np.arange(MONTHS)
    panel = _panel(given[named], row[named], columns[named], (last - first + 1) * MONTHS)
    explaining = _by_month(factors, first, last)
    residuals = np.full(given.shape, np.nan)
    for year in np.unique(returns["year"]):
        of_year = named & (returns["year"].to_numpy() == year)
        begin = int(year - first) * MONTHS
        window = slice(max(0, begin - WINDOW), begin)
        betas = _betas(panel[row[of_year], window], explaining[window])
        residuals[of_year] = given[of_year] - betas @ explaining[begin : begin + MONTHS].T
    return returns.assign(returns=list(residuals))[["report_id", "year", "returns"]]


def check_alignment(returns: pd.DataFrame, factors: pd.DataFrame) -> None:
    """Fail unless the months of returns and factors are the same months.

    The mean return over reports must correlate with the first factor (the market) in the same month: positively, and
    more than with the month before and the month after. All years are looked at, and no number depends on it.

    Args: as in `adjusted_returns`.

    Raises:
        ValueError: names the lag that fits better, or says that the factor does not move with the returns.
    """
    first, last = int(returns["year"].min()), int(returns["year"].max())
    market = _by_month(factors, first, last)[:, 0]
    values = _matrix(returns)
    month = (returns["year"].to_numpy() - first)[:, None] * MONTHS + np.arange(MONTHS)
    there = np.isfinite(values)
    total = np.bincount(month[there], weights=values[there], minlength=len(market))
    count = np.bincount(month[there], minlength=len(market))
    level = np.divide(total, count, out=np.full(len(market), np.nan), where=count > 0)
    fit = {lag: _lagged(level, market, lag) for lag in (0, -1, 1)}
    name = next(c for c in factors.columns if c not in ("year", "month"))
    correlations = ", ".join(f"{value:.2f} at lag {lag:+d}" for lag, value in fit.items())
    common = np.flatnonzero(np.isfinite(level) & np.isfinite(market))
    if len(common) < _COMMON:
        raise ValueError(
            f"factors and returns have {len(common)} months in common, expected {_COMMON} at least: the returns are of "
            f"{first} to {last}, the factors of {factors['year'].min()} to {factors['year'].max()}"
        )
    best = max(fit, key=lambda lag: -np.inf if np.isnan(fit[lag]) else fit[lag])
    if fit[best] > abs(fit[0]):
        raise ValueError(
            f"factor '{name}' fits the mean return better {abs(best)} month {'earlier' if best < 0 else 'later'}: "
            f"correlation {correlations}. Move the factors' months by {-best:+d}"
        )
    if not fit[0] > 0:
        raise ValueError(
            f"factor '{name}' does not move with the mean return: correlation {correlations}. Put the market first, "
            "and check its sign and months"
        )


def _lagged(level: np.ndarray, market: np.ndarray, lag: int) -> float:
    """Correlation of the level of month t with the market of month t + lag; NaN where one does not vary."""
    level, market = level[max(0, -lag) :], market[max(0, lag) :]
    n = min(len(level), len(market))
    both = np.isfinite(level[:n]) & np.isfinite(market[:n])
    if both.sum() < _COMMON or np.ptp(market[:n][both]) <= SINGLE_PRECISION:
        return np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(level[:n][both], market[:n][both])[0, 1])


def _by_month(factors: pd.DataFrame, first: int, last: int) -> np.ndarray:
    """(months, F) factors of every month from January of `first` to December of `last`; NaN where missing."""
    if factors.duplicated(["year", "month"]).any():
        twice = factors[factors.duplicated(["year", "month"])].iloc[0]
        raise ValueError(f"factors give {int(twice['year'])}-{int(twice['month']):02d} twice, expected once")
    wanted = pd.MultiIndex.from_product([range(first, last + 1), range(1, MONTHS + 1)])
    table = factors.set_index(["year", "month"]).reindex(wanted)
    return table.to_numpy(dtype=np.float64)


def _matrix(returns: pd.DataFrame) -> np.ndarray:
    return np.stack(returns["returns"].to_list()).astype(np.float64)


def _panel(values: np.ndarray, row: np.ndarray, columns: np.ndarray, n_months: int) -> np.ndarray:
    """(companies, months) returns; the mean where several reports of a company have the month, NaN where none has."""
    there = np.isfinite(values)
    at = np.broadcast_to(row[:, None], columns.shape)[there], columns[there]
    total, count = np.zeros((2, row.max(initial=-1) + 1, n_months))
    np.add.at(total, at, values[there])
    np.add.at(count, at, 1.0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _winsorised(returns: pd.DataFrame, quantiles: tuple[float, float], counted: np.ndarray) -> np.ndarray:
    """(n, 12) returns, each month's cross-section clipped at its quantiles; other months take no part.

    Args:
        counted: (n,) bool, the reports that the quantiles are of.
    """
    values = _matrix(returns)
    values[~np.isfinite(values)] = np.nan
    for positions in returns.groupby("year").indices.values():
        of_year = values[positions]
        cross_section = of_year[counted[positions]]
        there = np.isfinite(cross_section).any(axis=0)
        low, high = np.nanquantile(cross_section[:, there], quantiles, axis=0)
        of_year[:, there] = np.clip(of_year[:, there], low, high)
        values[positions] = of_year
    return values


def _betas(history: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """(n, F) least-squares betas of (n, T) returns on (T, F) factors and a constant; NaN with fewer than 24 months.

    The normal equations of all companies at once, on factors of unit deviation: an order faster than one regression
    each, and a missing month is a weight of zero.
    """
    months = np.isfinite(factors).all(axis=1)
    history, factors = history[:, months], factors[months]
    if len(factors) < LEAST:
        return np.full((len(history), factors.shape[1]), np.nan)
    deviation = factors.std(axis=0)
    centred = factors - factors.mean(axis=0)
    constant = np.abs(centred).max(axis=0) <= SINGLE_PRECISION
    deviation[constant] = 1.0
    centred[:, constant] = 0.0
    scaled = centred / deviation
    design = np.column_stack([np.ones(len(scaled)), scaled])
    there = np.isfinite(history).astype(np.float64)
    products = np.einsum("ct,tf,tg->cfg", there, design, design, optimize=True)
    target = np.where(there > 0, history, 0.0) @ design
    solved = np.einsum("cfg,cg->cf", np.linalg.pinv(products, hermitian=True), target)
    spread = np.linalg.eigvalsh(products)
    for company in np.flatnonzero((spread[:, 0] <= _RANK * spread[:, -1]) & (there.sum(axis=1) >= LEAST)):
        # A factor that did not vary in a company's months, but for rounding, gets beta 0.
        months = there[company] > 0
        varying = scaled[months] - scaled[months].mean(axis=0)
        solved[company, 1:] = np.linalg.lstsq(varying, history[company, months], rcond=_RANK**0.5)[0]
    betas = solved[:, 1:] / deviation
    betas[there.sum(axis=1) < LEAST] = np.nan
    return betas
