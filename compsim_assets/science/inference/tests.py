"""Tests that allow for years that depend on each other, and for many tests at once."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student
from statsmodels.regression.linear_model import OLS

# A spread below this beside the values is rounding, not variance.
_NO_SPREAD = 1e-12


class MeanTest(NamedTuple):
    """A mean over years, its interval, the two-sided p-value of mean zero, and the years it rests on."""

    mean: float
    low: float
    high: float
    p_value: float
    n: int


def hac_mean(by_year: pd.Series | np.ndarray, lags: int | None = None, level: float = 0.95) -> MeanTest:
    """Mean of a yearly series with Newey-West errors (heteroskedasticity and autocorrelation, Bartlett weights).

    Small-sample correction T / (T - 1), t distribution with T - 1 degrees of freedom.

    Args:
        by_year: values, NaN where a year has none. A Series with years as index is put in their order; years without
            a value are passed over.
        lags: default floor(4 (T / 100)^(2/9)), Newey and West (1994); at most T - 1.
        level: coverage of the interval.

    Returns:
        Interval and p-value are NaN for fewer than three years; for years that do not differ the interval has no width
        and the p-value is NaN, because nothing tells the error.
    """
    series = by_year.sort_index() if isinstance(by_year, pd.Series) else by_year
    values = np.asarray(series, dtype=np.float64)
    values = values[np.isfinite(values)]
    n = len(values)
    if n < 3:
        return MeanTest(float(values.mean()) if n else np.nan, np.nan, np.nan, np.nan, n)
    mean = float(values.mean())
    if np.ptp(values) <= _NO_SPREAD * np.abs(values).max():
        return MeanTest(mean, mean, mean, np.nan, n)
    # Rounded against a cube or a square that comes out just below the whole number.
    n_lags = int(4 * (n / 100) ** (2 / 9) + 1e-9) if lags is None else lags
    fitted = OLS(values, np.ones(n)).fit(
        cov_type="HAC", cov_kwds={"maxlags": min(n_lags, n - 1), "use_correction": True}, use_t=True
    )
    reach = float(student.ppf((1 + level) / 2, n - 1) * fitted.bse[0])
    return MeanTest(mean, mean - reach, mean + reach, float(fitted.pvalues[0]), n)


def holm(p_values: np.ndarray | pd.Series) -> np.ndarray:
    """Holm's step-down correction of one family of tests; NaN is no test, and stays NaN."""
    values = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(values.shape, np.nan)
    ascending = np.argsort(values)[: np.count_nonzero(np.isfinite(values))]
    raised = values[ascending] * np.arange(len(ascending), 0, -1)
    corrected[ascending] = np.minimum(np.maximum.accumulate(raised), 1)
    return corrected
