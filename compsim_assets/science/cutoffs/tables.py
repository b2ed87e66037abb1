"""Step functions of a table, and the cutoff tables of both modes."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from compsim_assets.science.cutoffs.choice import (
    BASE_LATTICE,
    ROLLING_LATTICE,
    ROLLING_WINDOW,
    StepFunction,
    base_objective,
    choose_base,
    choose_rolling,
    evaluate,
    step_function,
)
from compsim_assets.science.linkage.distance import DistanceScale
from compsim_assets.science.linkage.years import YearTrees


def curves_of_years(linked: YearTrees, unit_returns: np.ndarray, defined: np.ndarray) -> dict[int, StepFunction]:
    """Step function of each linked year, by cosine distance.

    Args:
        unit_returns, defined: from `normalise_returns`, rows as the linked reports'.
    """
    return {
        int(year): step_function(tree, unit_returns[rows], defined[rows])
        for year, rows, tree in zip(linked.years, linked.rows, linked.trees, strict=True)
    }


def standardised(curve: StepFunction, scale: DistanceScale) -> StepFunction:
    """The same step function by standardised distance."""
    return replace(curve, position=scale.standardise(curve.position))


def curve_table(curves: Mapping[int, StepFunction], scale: DistanceScale) -> pd.DataFrame:
    """Step functions of the years, by cosine distance, as the `cutoff_curve` table, by standardised distance."""
    pieces = [
        pd.DataFrame(
            {
                "year": np.full(len(curve.position), year),
                "theta": scale.standardise(curve.position),
                "mean_correlation": curve.mean_correlation,
                "pair_weighted_mean_correlation": curve.pair_weighted,
                "n_clusters": curve.n_clusters,
            }
        )
        for year, curve in curves.items()
    ]
    columns = ["year", "theta", "mean_correlation", "pair_weighted_mean_correlation", "n_clusters"]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


def step_functions(curve: pd.DataFrame, years: list[int]) -> list[StepFunction]:
    """The `cutoff_curve` table as one step function a year; a year without rows has no cluster at any cutoff."""
    by_year = dict(iter(curve.groupby("year")))
    nothing = curve.iloc[:0]
    return [
        StepFunction(
            position=rows["theta"].to_numpy(),
            mean_correlation=rows["mean_correlation"].to_numpy(),
            pair_weighted=rows["pair_weighted_mean_correlation"].to_numpy(),
            n_clusters=rows["n_clusters"].to_numpy(),
        )
        for rows in (by_year.get(year, nothing) for year in years)
    ]


def base_cutoffs(curves: list[StepFunction], years: list[int], mean: float, deviation: float) -> pd.DataFrame:
    """One theta for all years, from the lattice -5.00..2.50 in steps of 0.01 (method section 1, `base`)."""
    by_year = evaluate(curves, BASE_LATTICE)
    chosen = choose_base(by_year)
    theta = np.full(len(years), BASE_LATTICE[chosen])
    # Theta knows returns of the sample's later years, so no year is out of sample.
    return _cutoffs(years, theta, by_year[:, chosen], mean, deviation, in_sample=True)


def rolling_cutoffs(curves: list[StepFunction], years: list[int], mean: float, deviation: float) -> pd.DataFrame:
    """For each year the theta of -4.5..-1.0 that was best over the five years before (method section 1, `rolling`)."""
    by_year = evaluate(curves, ROLLING_LATTICE)
    chosen = choose_rolling(by_year)
    own = by_year[ROLLING_WINDOW:][np.arange(len(chosen)), chosen]
    return _cutoffs(years[ROLLING_WINDOW:], ROLLING_LATTICE[chosen], own, mean, deviation, in_sample=False)


def base_objective_table(curves: list[StepFunction]) -> pd.DataFrame:
    """theta, objective, fold_1, fold_2 of the base mode over its lattice; NaN where a fold has no cluster."""
    objective, folds = base_objective(evaluate(curves, BASE_LATTICE))
    table = pd.DataFrame({"theta": BASE_LATTICE, "objective": objective, "fold_1": folds[0], "fold_2": folds[1]})
    return table.replace(-np.inf, np.nan)


def _cutoffs(
    years: list[int], theta: np.ndarray, mean_correlation: np.ndarray, mean: float, deviation: float, in_sample: bool
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "year": np.array(years, dtype=np.int64),
            "theta": theta,
            "distance": theta * deviation + mean,
            "mean_correlation": mean_correlation,
            "in_sample": np.full(len(years), in_sample),
        }
    )
