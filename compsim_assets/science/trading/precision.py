"""What rounding does to prices: differences that are not above it are none."""

import numpy as np

# The finest prices are quoted in: ten-thousandths.
_DECIMALS = 4
# What single precision leaves of a price, relative: storage half of it, arithmetic (an adjustment) as much again.
_SINGLE = 2.0**-23


def rounding_error(prices: np.ndarray) -> np.ndarray:
    """(N,) the largest error that rounding leaves in each column: half a unit of the last decimal that its prices use
    (half a cent), and never less than that of single precision. 0 for a column without prices.

    Args:
        prices: (T, N), NaN where there is none.
    """
    values = np.where(np.isfinite(prices), prices, 0.0)
    top = np.abs(values).max(axis=0, initial=0.0)
    error = _SINGLE * top
    coarse = np.ones(len(top), dtype=bool)
    for decimals in range(_DECIMALS, -1, -1):
        columns = np.flatnonzero(coarse)
        scaled = 10.0**decimals * values[:, columns]
        off = np.abs(scaled - np.rint(scaled)).max(axis=0, initial=0.0)
        coarse[columns] = off <= _SINGLE * 10.0**decimals * top[columns]
        error[coarse] = np.maximum(error[coarse], 0.5 / 10.0**decimals * (top[coarse] > 0))
    return error


def log_error(prices: np.ndarray) -> np.ndarray:
    """(N,) the same error of the logarithms of the prices: at the mean of their inverses."""
    priced = prices > 0
    inverse = np.divide(1.0, prices, out=np.zeros_like(prices), where=priced)
    return rounding_error(prices) * inverse.sum(axis=0) / np.maximum(1, priced.sum(axis=0))
