"""ADF tests of price differences, lags by AIC, against statsmodels one pair at a time, as in the published code."""

import warnings

import numpy as np
from statsmodels.tsa.stattools import adfuller
from threadpoolctl import threadpool_limits

from benchmarks.measure import Row, timed
from compsim_assets.science.trading.adf import adf_statistics

# Pairs, trading days of 2002 to 2013 and pairs that statsmodels is timed on.
SHAPES = {"small": (500, 750, 20), "paper": (5000, 3020, 40)}


def rows(size: str, device: str) -> list[Row]:
    """One row: all pairs. Always on the CPU."""
    pairs, days, timed_pairs = SHAPES[size]
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 0.02, (2, days, pairs))
    prices = 40 * np.exp(steps.cumsum(axis=1))
    spreads = prices[0] - prices[1]
    spreads[: days // 5, ::3] = np.nan  # a third of the pairs starts later
    adf_statistics(spreads[:, :10])
    measured = timed(lambda: adf_statistics(spreads))
    sampled = np.linspace(0, pairs - 1, timed_pairs).astype(int)
    series = [spreads[~np.isnan(spreads[:, pair]), pair] for pair in sampled]
    warnings.simplefilter("ignore")
    with threadpool_limits(1):  # more threads only make its small products wait
        theirs = timed(lambda: [adfuller(one) for one in series])
    lags = measured.result.lags[sampled].tolist()
    if lags != [tested[2] for tested in theirs.result]:
        raise ValueError("statsmodels chooses other lags")
    statistic = np.array([tested[0] for tested in theirs.result])
    return [
        Row(
            job="ADF tests, lags by AIC",
            size=f"{pairs:,} pairs of {days:,} days",
            ours=measured.seconds,
            published=theirs.seconds * pairs / timed_pairs,
            peak=measured.peak,
            difference=float(np.abs(measured.result.statistic[sampled] - statistic).max()),
            note=f"statsmodels on one thread, timed on {timed_pairs}: {1e3 * theirs.seconds / timed_pairs:.0f} ms a "
            f"pair against {1e3 * measured.seconds / pairs:.2f}",
        )
    ]
