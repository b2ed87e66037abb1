"""Cutoff tables as they are materialized: through standardised step functions, and clusters cut at their distance."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.choice import BASE_LATTICE, ROLLING_LATTICE, step_function
from compsim_assets.science.cutoffs.tables import base_cutoffs, base_objective_table, rolling_cutoffs, step_functions
from compsim_assets.science.linkage.dendrogram import cut
from compsim_assets.science.linkage.years import YearTrees, link_years
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, universes


def curve_table(universe: Universe) -> tuple[YearTrees, pd.DataFrame]:
    """Every year's step function with standardised cutoffs, as stored."""
    linked = link_years(universe.scores, universe.year)
    unit, defined = normalise_returns(universe.returns)
    pieces = []
    for year, rows, tree in zip(linked.years, linked.rows, linked.trees, strict=True):
        curve = step_function(tree, unit[rows], defined[rows])
        pieces.append(
            pd.DataFrame(
                {
                    "year": year,
                    "theta": linked.scale.standardise(curve.position),
                    "mean_correlation": curve.mean_correlation,
                    "pair_weighted_mean_correlation": curve.pair_weighted,
                    "n_clusters": curve.n_clusters,
                }
            )
        )
    return linked, pd.concat(pieces, ignore_index=True)


@examples(30)
@given(universes(max_years=9))
def test_both_tables_and_their_clusters_equal_brute_force(universe: Universe) -> None:
    truth = universe.brute_force()
    linked, table = curve_table(universe)
    years = linked.years.tolist()
    curves = step_functions(table, years)
    base = base_cutoffs(curves, years, linked.scale.mean, linked.scale.deviation)
    chosen, objective = truth.base()
    assert base["year"].tolist() == years
    assert base["theta"].tolist() == [BASE_LATTICE[chosen]] * len(years)
    assert base["in_sample"].all()
    rolling = rolling_cutoffs(curves, years, linked.scale.mean, linked.scale.deviation)
    assert rolling["year"].tolist() == years[5:]
    assert rolling["theta"].tolist() == [ROLLING_LATTICE[index] for index in truth.rolling()]
    assert not rolling["in_sample"].any()
    for cutoffs in (base, rolling):
        for row in cutoffs.itertuples():
            y = years.index(row.year)
            assert row.distance == pytest.approx(truth.mean + row.theta * truth.deviation, abs=1e-9)
            assert row.mean_correlation == pytest.approx(truth.mean_correlation(y, row.theta), abs=1e-9, nan_ok=True)
            found = oracles.partition(cut(linked.trees[y], row.distance))
            assert found == oracles.partition(truth.labels(y, row.theta))
    drawn = base_objective_table(curves)
    np.testing.assert_allclose(drawn["objective"], [NAN if v == -math.inf else v for v in objective], atol=1e-9)
    assert drawn["theta"].tolist() == oracles.BASE_THETAS


NAN = math.nan


def test_a_year_without_rows_has_no_cluster_at_any_cutoff() -> None:
    table = pd.DataFrame(
        {
            "year": [2001, 2001, 2003], "theta": [-1.0, 0.5, -2.0], "mean_correlation": [0.3, 0.1, NAN],
            "pair_weighted_mean_correlation": [0.3, 0.2, NAN], "n_clusters": [1, 1, 1],
        }
    )  # fmt: skip
    curves = step_functions(table, [2001, 2002, 2003])
    thetas = np.array([-1.01, -1.0, 0.49, 0.5, 2.0])
    np.testing.assert_array_equal(curves[0].at(thetas), [NAN, 0.3, 0.3, 0.1, 0.1])
    assert np.isnan(curves[1].at(thetas)).all()
    assert np.isnan(curves[2].at(thetas)).all()
    assert [len(curve.position) for curve in curves] == [2, 0, 1]


def test_fewer_years_than_the_rolling_window_have_no_rolling_cutoff() -> None:
    rng = np.random.default_rng(0)
    year = np.repeat([2000, 2001, 2002, 2003, 2004], 3)
    universe = Universe(np.arange(15), year, rng.normal(size=(15, 4)), rng.normal(size=(15, 12)))
    linked, table = curve_table(universe)
    curves = step_functions(table, linked.years.tolist())
    rolling = rolling_cutoffs(curves, linked.years.tolist(), linked.scale.mean, linked.scale.deviation)
    assert rolling.empty
    assert rolling.columns.tolist() == ["year", "theta", "distance", "mean_correlation", "in_sample"]
    assert rolling["year"].dtype == np.int64


def test_cutoffs_that_lie_exactly_on_the_lattice() -> None:
    # One pair in each of two years: delta is -1 and +1 whatever the vectors, and base judges the second year only.
    seen = set()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        year = np.array([2000, 2000, 2001, 2001])
        universe = Universe(np.arange(4), year, rng.normal(size=(4, 7)), rng.normal(size=(4, 12)))
        linked, table = curve_table(universe)
        first, second = (pairs.distance[0] for pairs in universe.year_pairs())
        years = linked.years.tolist()
        base = base_cutoffs(step_functions(table, years), years, linked.scale.mean, linked.scale.deviation)
        expected = 1.0 if second > first else -1.0
        assert base["theta"].tolist() == [expected, expected]
        assert cut(linked.trees[1], base["distance"][1]).tolist() == [1, 1]
        seen.add(expected)
    assert seen == {-1.0, 1.0}
