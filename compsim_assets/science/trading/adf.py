"""Augmented Dickey-Fuller tests of many series at once, each with the number of lags that AIC prefers.

The regression of a day's change on [constant, level before, the last k changes] needs sums of products only. Products
of lagged changes depend on the distance of the lags up to the ends of the sample, so all of them follow from those with
the newest change: 2 (K + 1) inner products per series instead of K^2 / 2. One Cholesky factorisation then gives the
residuals of every k, and the final regression adds the rows that fewer lags set free.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtr

from compsim_assets.science.device import map_on_all_cores

# Memory of a batch; as many batches are at work as there are cores.
BATCH_BYTES = 32 << 20
# Series whose inner products are formed together: what stays in a core's cache.
_TOGETHER = 32
# Share of a regressor (or of the change) that the others must leave unexplained, else no six digits are left.
_COLLINEAR = 1e-9

# MacKinnon (1994, 2010), regression with a constant: polynomials in the statistic, for 1 and 2 variables.
_LOWEST, _MIDDLE, _HIGHEST = {1: -18.83, 2: -18.86}, {1: -1.61, 2: -2.62}, {1: 2.74, 2: 0.92}
_LEFT = {1: (2.1659, 1.4412, 0.038269), 2: (2.92, 1.5012, 0.039796)}
_RIGHT = {1: (1.7339, 0.93202, -0.12745, -0.010368), 2: (2.1945, 0.64695, -0.29198, -0.042377)}


@dataclass(frozen=True)
class AdfTests:
    """Tests of B series.

    Attributes:
        statistic: (B,) float64, t value of the level; NaN where there is none.
        lags: (B,) int64, lagged changes in the regression; -1 where there is no statistic.
    """

    statistic: np.ndarray
    lags: np.ndarray


def adf_statistics(
    series: np.ndarray | Sequence[np.ndarray], *, constant: bool = True, batch_bytes: int = 0
) -> AdfTests:
    """Test every series for a unit root, as statsmodels' `adfuller(x, autolag="AIC")` does one by one.

    Args:
        series: (T, B) with a series per column, or B arrays of any lengths. NaN are left out before the test: days
            without a value, as a table of two series with its incomplete rows dropped.
        constant: regression with a constant ("c"); without ("n") for residuals that have mean zero.
        batch_bytes: memory of a batch; 32 MiB where 0.

    Returns:
        Statistics and lags. NaN and -1 for a series without a test: constant, a straight line, too short (fewer than
        4 values with a constant, 2 without), or so regular that level and changes explain one another up to
        a share of 1e-9, where no six digits of the statistic exist.

    Cost: O(B K (T + K^2)) time for K lags, K = 12 (T / 100)^(1/4); a copy of the series and about `batch_bytes` per
        core.
    Source: Said and Dickey (1984); the largest lag of Schwert (1989), as in statsmodels.
    """
    columns = list(series.T) if isinstance(series, np.ndarray) else list(series)
    values = [column[~np.isnan(column)] for column in (np.asarray(c, float) for c in columns)]
    length = np.array([len(value) for value in values], dtype=np.int64)
    largest = _largest_lag(length, constant)
    batches = _batches(length, largest, batch_bytes or BATCH_BYTES)

    def test(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _test(_Sample.of([values[row] for row in rows], int(largest[rows[0]]), constant))

    statistic, lags = np.full(len(values), np.nan), np.full(len(values), -1)
    tested = map_on_all_cores(test, batches, device=torch.device("cpu"))
    for rows, (some, their_lags) in zip(batches, tested, strict=True):
        statistic[rows], lags[rows] = some, their_lags
    return AdfTests(statistic, lags)


def _batches(length: np.ndarray, largest: np.ndarray, batch_bytes: int) -> list[np.ndarray]:
    """Series of the same largest lag and of similar lengths together, each batch within the memory allowed."""
    batches = []
    for most in np.unique(largest[largest >= 0]).tolist():
        group = np.flatnonzero(largest == most)
        group = group[np.argsort(length[group], kind="stable")]
        bytes_each = 8 * (4 * int(length[group[-1]]) + 4 * (most + 2) ** 2)
        step = max(1, batch_bytes // bytes_each)
        batches += [group[start : start + step] for start in range(0, len(group), step)]
    return batches


def adf_p_values(statistic: np.ndarray, n_variables: int = 1) -> np.ndarray:
    """MacKinnon's approximate p-values of ADF statistics, NaN for NaN.

    Args:
        statistic: any shape.
        n_variables: 1 for the ADF test of a series with a constant, 2 for the residuals of a regression of one
            series on another (Engle and Granger).
    """
    n = n_variables
    with np.errstate(invalid="ignore", over="ignore"):
        left = np.polynomial.polynomial.polyval(statistic, _LEFT[n])
        right = np.polynomial.polynomial.polyval(statistic, _RIGHT[n])
        p = ndtr(np.where(statistic <= _MIDDLE[n], left, right))
        p = np.where(statistic < _LOWEST[n], 0.0, np.where(statistic > _HIGHEST[n], 1.0, p))
    return np.where(np.isnan(statistic), np.nan, p)


def _largest_lag(length: np.ndarray, constant: bool) -> np.ndarray:
    schwert = np.ceil(12.0 * (length / 100.0) ** 0.25).astype(np.int64)
    return np.minimum(length // 2 - int(constant) - 1, schwert)


@dataclass(frozen=True)
class _Sample:
    """B series that end on the same column t = T - 1, zeros before their start.

    level, change: (B, T). first: (B,) the first t whose change has all lags before it. most: the largest lag K.
    usable: (B,) False for a constant series or a straight line.
    """

    level: np.ndarray
    change: np.ndarray
    first: np.ndarray
    most: int
    constant: bool
    usable: np.ndarray

    @classmethod
    def of(cls, values: list[np.ndarray], most: int, constant: bool) -> "_Sample":
        longest = max(len(value) for value in values)
        level, change = np.zeros((2, len(values), longest))
        usable = np.empty(len(values), dtype=bool)
        for row, value in enumerate(values):
            step = np.diff(value)
            usable[row] = np.ptp(value) > 0 and np.ptp(step) > 1e-12 * np.ptp(value)
            # With a constant in the regression any shift is free, and small numbers keep digits.
            level[row, longest - len(value) :] = value - constant * value.mean()
            change[row, longest - len(step) :] = step - constant * step.mean()
        first = longest - np.array([len(value) for value in values]) + 1 + most
        return cls(level, change, first, most, constant, usable)


def _test(sample: _Sample) -> tuple[np.ndarray, np.ndarray]:
    """Statistics and lags of one batch."""
    products, sums, n = _products(sample)
    lags = _best_lags(products, sums, n, sample.constant)
    statistic = np.full(len(n), np.nan)
    lags[~sample.usable] = -1
    for lag in np.unique(lags[lags >= 0]).tolist():
        rows = np.flatnonzero(lags == lag)
        # Columns: newest change, its lags, level.
        columns = np.r_[0 : lag + 1, sample.most + 1]
        more = _rows_set_free(sample, rows, lag)
        gram = products[np.ix_(rows, columns, columns)] + more.transpose(0, 2, 1) @ more
        total = sums[np.ix_(rows, columns)] + more.sum(axis=1)
        n_used = n[rows] + more.shape[1]
        order = np.r_[1 : lag + 2, 0]
        factor, regular = _factor(gram, total, n_used, order, sample.constant)
        degrees = n_used - lag - 1 - sample.constant
        regular &= degrees > 0
        residual = factor[:, -1, -1] ** 2 / np.where(regular, degrees, 1)
        statistic[rows] = np.where(regular, factor[:, -1, -2] / np.sqrt(residual), np.nan)
    lags[np.isnan(statistic)] = -1
    return statistic, lags


def _products(sample: _Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums of products over the days that have all K lags.

    Returns:
        (B, K + 2, K + 2) products of [newest change, K lags of it, level before], (B, K + 2) sums, (B,) days.
    """
    most, change, level = sample.most, sample.change, sample.level
    b, longest = change.shape
    inside = np.arange(longest) >= sample.first[:, None]
    newest = np.where(inside, change, 0.0)[:, most:]
    before = np.where(inside[:, 1:], level[:, :-1], 0.0)[:, most - 1 if most else 0 :]
    # Column t of `newest` and of `before` belongs to the same day.
    newest = newest[:, newest.shape[1] - before.shape[1] :]
    width = before.shape[1]
    gram, sums = np.zeros((b, most + 2, most + 2)), np.zeros((b, most + 2))
    for start in range(0, b, _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        for lag in range(most + 1):
            lagged = change[rows, longest - width - lag : longest - lag]
            gram[rows, 0, lag] = np.einsum("bt,bt->b", newest[rows], lagged)
            gram[rows, -1, lag] = np.einsum("bt,bt->b", before[rows], lagged)
    gram[:, -1, -1] = np.einsum("bt,bt->b", before, before)
    sums[:, 0], sums[:, -1] = newest.sum(axis=1), before.sum(axis=1)
    _by_distance(sample, gram, sums)
    gram[:, : most + 1, -1] = gram[:, -1, : most + 1]
    return gram, sums, longest - sample.first


def _by_distance(sample: _Sample, gram: np.ndarray, sums: np.ndarray) -> None:
    """Fill in products and sums of the lags: those of lags (i, j) are those of (i - 1, j - 1), one day earlier."""
    most = sample.most
    steps = np.arange(most)
    head = np.take_along_axis(sample.change, sample.first[:, None] - 1 - steps, axis=1)
    tail = sample.change[:, ::-1][:, :most]
    for lag in range(most):
        moved = head[:, lag, None] * head[:, lag:] - tail[:, lag, None] * tail[:, lag:]
        gram[:, lag + 1, lag + 1 : most + 1] = gram[:, lag, lag:most] + moved
        gram[:, lag + 1 : most + 1, lag + 1] = gram[:, lag + 1, lag + 1 : most + 1]
        sums[:, lag + 1] = sums[:, lag] + head[:, lag] - tail[:, lag]
    gram[:, : most + 1, 0] = gram[:, 0, : most + 1]


def _best_lags(gram: np.ndarray, sums: np.ndarray, n: np.ndarray, constant: bool) -> np.ndarray:
    """(B,) lags with the smallest AIC on the common days, the fewest where equal; -1 where singular."""
    most = gram.shape[1] - 2
    order = np.r_[most + 1, 1 : most + 1, 0]
    factor, regular = _factor(gram, sums, n, order, constant)
    explained = factor[:, -1, 1:-1] ** 2
    last = factor[:, -1, -1:] ** 2
    # From the longest regression backwards: sums of squares, so nothing cancels.
    tails = np.cumsum(np.concatenate([last, explained[:, ::-1]], axis=1), axis=1)[:, ::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        aic = n[:, None] * np.log(tails) + 2.0 * np.arange(most + 1)
    return np.where(regular, np.argmin(aic, axis=1), -1)


def _factor(
    gram: np.ndarray, sums: np.ndarray, n: np.ndarray, order: np.ndarray, constant: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Cholesky factor of the centred products in the given order of columns, each scaled to length one.

    Returns:
        (B, m, m) lower factors and (B,) bool, False where a column is explained by those before it.
    """
    if constant:
        gram = gram - sums[:, :, None] * sums[:, None, :] / n[:, None, None]
    gram = gram[:, order[:, None], order]
    length = np.sqrt(np.maximum(np.einsum("bii->bi", gram), 0.0))
    scale = np.where(length > 0, length, 1.0)
    unit = torch.from_numpy(gram / (scale[:, :, None] * scale[:, None, :]))
    factor = torch.linalg.cholesky_ex(unit).L.numpy()
    pivots = np.einsum("bii->bi", factor) ** 2
    regular = (length > 0).all(axis=1) & (pivots > _COLLINEAR).all(axis=1)
    return np.where(regular[:, None, None], factor, 1.0), regular


def _rows_set_free(sample: _Sample, rows: np.ndarray, lag: int) -> np.ndarray:
    """(b, K - lag, lag + 2): the days that have `lag` lags and not K, as [newest change, its lags, level before]."""
    day = sample.first[rows, None] - (sample.most - lag) + np.arange(sample.most - lag)
    lagged = day[:, :, None] - np.arange(lag + 1)
    change = sample.change[rows[:, None, None], lagged]
    level = sample.level[rows[:, None], day - 1]
    return np.concatenate([change, level[:, :, None]], axis=2)
