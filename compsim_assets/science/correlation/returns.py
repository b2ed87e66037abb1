"""Monthly returns as unit vectors, so that correlations become inner products."""

import numpy as np
import pandas as pd

# A row whose centred returns are this small beside its largest return is constant up to rounding.
_CONSTANT_TOLERANCE = 1e-12
# Log returns that differ by less from their mean are equal in files with prices in single precision: an adjusted close
# is off by up to 3 x 2^-24 of itself (the close, its factor, their product), a return by two of them, their mean
# by less. Returns of a price that stands still look so; a cent on 5,000 is four times as much.
SINGLE_PRECISION = 8 * 2.0**-24


def normalise_returns(returns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre each row and scale it to length one: the inner product of two rows is their Pearson correlation.

    Args:
        returns: (n, months) log returns; NaN or infinite where a month is missing.

    Returns:
        (n, months) float64 unit rows, all zero where the correlation is not defined, and (n,) bool
        `defined`: False for a row with a missing month or with returns that are constant up to `SINGLE_PRECISION`
        (its Pearson correlation with anything does not exist, so it takes part in no pair).

    Raises:
        ValueError: when `returns` is not two-dimensional.

    Cost: O(n months) time and memory.
    """
    returns = np.asarray(returns, dtype=np.float64)
    if returns.ndim != 2:
        raise ValueError(f"returns must have shape (reports, months), not {returns.shape}")
    complete = np.isfinite(returns).all(axis=1)
    filled = np.where(complete[:, None], returns, 0.0)
    centred = filled - filled.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1)
    largest = np.abs(filled).max(axis=1, initial=0.0)
    varies = np.abs(centred).max(axis=1, initial=0.0) > SINGLE_PRECISION
    defined = complete & varies & (length > _CONSTANT_TOLERANCE * largest)
    unit = np.divide(centred, length[:, None], out=np.zeros_like(centred), where=defined[:, None])
    return unit, defined


def unit_returns(returns: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """`normalise_returns` of a column that holds the twelve log returns of a report in each row."""
    return normalise_returns(np.stack(returns.to_list()) if len(returns) else np.zeros((0, 12)))
