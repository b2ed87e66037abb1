"""The cutoff of each year: the two published ways to choose one (method section 1)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from compsim_assets.science.cutoffs.step_function import StepFunction, curves_of_years
from compsim_assets.science.linkage.cut import cluster_frame
from compsim_assets.science.linkage.scale import DistanceScale
from compsim_assets.science.linkage.trees import cut_years

if TYPE_CHECKING:
    from compsim_assets.science.linkage.years import LinkedYears

BASE_LATTICE = np.arange(-500, 251) / 100
ROLLING_LATTICE = np.arange(-45, -9) / 10
ROLLING_WINDOW = 5

# Objectives closer than this are one plateau: they differ by rounding, not by clusters.
_PLATEAU = 1e-12


@dataclass(frozen=True)
class Cutoffs:
    """One cutoff per year, arrays of one length.

    theta, distance: standardised and as cosine distance. mean_correlation: MeanCorr of the year's clusters there.
    in_sample: whether returns of the year or of a later one took part in the choice.
    """

    year: np.ndarray
    theta: np.ndarray
    distance: np.ndarray
    mean_correlation: np.ndarray
    in_sample: np.ndarray


def base_cutoffs(curves: Sequence[StepFunction], years: Sequence[int], scale: DistanceScale) -> Cutoffs:
    """One theta for all years, from the lattice -5.00..2.50 in steps of 0.01 (method section 1, `base`).

    Years without returns are cut, and have no part in the choice. Where no theta of the lattice gives both folds a
    MeanCorr, nothing is chosen: no year is cut.
    """
    by_year, measured = evaluate(curves, BASE_LATTICE), with_returns(curves)
    best = choose_base(by_year[measured])
    if np.isneginf(base_objective(by_year[measured])[0][best]):
        return _cutoffs([], np.empty(0), np.empty(0), scale, np.empty(0, dtype=bool))
    theta = np.full(len(years), BASE_LATTICE[best])
    # Theta knows returns of all later years that have some.
    in_sample = np.asarray(years) <= np.asarray(years)[measured].max()
    return _cutoffs(years, theta, by_year[:, best], scale, in_sample)


def rolling_cutoffs(curves: Sequence[StepFunction], years: Sequence[int], scale: DistanceScale) -> Cutoffs:
    """For each year the theta of -4.5..-1.0 that was best over the five years before (method section 1, `rolling`).

    The five are the last ones with returns; a year with fewer of them before it is not cut.
    """
    by_year, measured = evaluate(curves, ROLLING_LATTICE), with_returns(curves)
    best, cut_years = choose_rolling(by_year, measured=measured), list(rolling_windows(measured))
    theta, at_best = ROLLING_LATTICE[best], by_year[cut_years, best]
    return _cutoffs(np.asarray(years)[cut_years], theta, at_best, scale, np.zeros(len(best), dtype=bool))


CHOICES: Mapping[str, Callable[[Sequence[StepFunction], Sequence[int], DistanceScale], Cutoffs]] = {
    "base": base_cutoffs,
    "rolling": rolling_cutoffs,
}


def _cutoffs(
    years: Sequence[int] | np.ndarray,
    theta: np.ndarray,
    mean_correlation: np.ndarray,
    scale: DistanceScale,
    in_sample: np.ndarray,
) -> Cutoffs:
    return Cutoffs(
        year=np.array(years, dtype=np.int64),
        theta=theta,
        distance=np.asarray(scale.distance(theta)),
        mean_correlation=mean_correlation,
        in_sample=in_sample,
    )


def cut_clusters(
    linked: "LinkedYears",
    unit_returns: np.ndarray,
    defined: np.ndarray,
    report_id: np.ndarray,
    company: np.ndarray | None = None,
) -> dict[str, pd.DataFrame]:
    """Single linkage of every year, cut where MeanCorr is best, by both ways to choose a cutoff.

    Args:
        linked: from `link_years`.
        unit_returns, defined: (n, 12), (n,), from `normalise_returns`; rows as the linked reports'.
        report_id: (n,) ascending within a year, so that clusters of one size are numbered as `clusters` numbers them.
        company: (n,) numbers of the reports' companies; see `step_function`.

    Returns:
        "base" and "rolling": see `cluster_frame`; singletons included. `rolling` has no year without five years with
        returns before it; `base` has none where no year has any.

    Cost: O(n months) after the trees.
    """
    curves = curves_of_years(linked, unit_returns, defined, company)
    steps = [curve.standardised(linked.scale) for curve in curves.values()]
    clusters = {}
    for mode, choose in CHOICES.items():
        cutoffs = choose(steps, list(curves), linked.scale)
        clusters[mode] = cluster_frame(cut_years(linked, report_id, cutoffs.year, cutoffs.distance))
    return clusters


def with_returns(curves: Sequence[StepFunction]) -> np.ndarray:
    """(years,) bool: years with a pair of returns. The others are clustered, and choose no cutoff."""
    return np.array([np.isfinite(curve.mean_correlation).any() for curve in curves], dtype=bool)


def rolling_windows(measured: np.ndarray, window: int = ROLLING_WINDOW) -> dict[int, np.ndarray]:
    """By position of each year that has `window` measured years before it: positions of the last of these.

    Args:
        measured: (years,) bool, years ascending; see `with_returns`.
    """
    before = [np.flatnonzero(measured[:year])[-window:] for year in range(len(measured))]
    return {year: rows for year, rows in enumerate(before) if len(rows) == window}


def base_objective(by_year: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The base mode's objective: mean over two folds of the mean MeanCorr of the fold's validation years.

    Args:
        by_year: (years, thetas) MeanCorr of the years with returns, ascending, NaN where there is none.

    Returns:
        (thetas,) objective and (2, thetas) fold means; minus infinity where a fold is all NaN. Fold 1 validates
        on the years after the first floor(n/2), fold 2 on those after the first floor(3n/4): they overlap, as
        published.
    """
    n_years = len(by_year)
    folds = np.stack([_mean_or_minus_infinity(by_year[start:]) for start in (n_years // 2, 3 * n_years // 4)])
    return folds.mean(axis=0), folds


def choose_base(by_year: np.ndarray) -> int:
    """Index of the smallest theta on the best plateau of the base objective."""
    return _first_best(base_objective(by_year)[0])


def choose_rolling(by_year: np.ndarray, window: int = ROLLING_WINDOW, measured: np.ndarray | None = None) -> np.ndarray:
    """For each year with `window` measured years before it, the index of the theta that was best over those years.

    Args:
        by_year: (years, thetas) MeanCorr, years ascending, NaN skipped.
        measured: (years,) bool, the years that count; default all.

    Returns:
        Indices, for the years of `rolling_windows`; the first maximum wins.
    """
    windows = rolling_windows(np.ones(len(by_year), dtype=bool) if measured is None else measured, window)
    best = [_first_best(_mean_or_minus_infinity(by_year[rows])) for rows in windows.values()]
    return np.array(best, dtype=np.int64)


def base_objective_table(curves: Sequence[StepFunction]) -> pd.DataFrame:
    """theta, objective, fold_1, fold_2 of the base mode over its lattice; NaN where a fold has no cluster."""
    objective, folds = base_objective(evaluate(curves, BASE_LATTICE)[with_returns(curves)])
    table = pd.DataFrame({"theta": BASE_LATTICE, "objective": objective, "fold_1": folds[0], "fold_2": folds[1]})
    return table.replace(-np.inf, np.nan)


def evaluate(curves: Sequence[StepFunction], thetas: np.ndarray) -> np.ndarray:
    """(years, thetas) MeanCorr of each year's step function."""
    return np.stack([curve.at(thetas) for curve in curves]) if curves else np.empty((0, len(thetas)))


def _mean_or_minus_infinity(values: np.ndarray) -> np.ndarray:
    """Column means without NaN; minus infinity for a column that is all NaN."""
    present = ~np.isnan(values)
    count = present.sum(axis=0)
    total = np.where(present, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(values.shape[1], -np.inf), where=count > 0)


def _first_best(objective: np.ndarray) -> int:
    best = objective.max()
    if np.isneginf(best):
        return 0
    return int(np.argmax(objective >= best - _PLATEAU))
