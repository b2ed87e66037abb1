"""The cutoffs of both modes and their clusters, against brute force over all pairs."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.choice import (
    BASE_LATTICE,
    CHOICES,
    ROLLING_LATTICE,
    ROLLING_WINDOW,
    Cutoffs,
    base_cutoffs,
    base_objective,
    base_objective_table,
    choose_base,
    choose_rolling,
    cut_clusters,
    evaluate,
    rolling_cutoffs,
)
from compsim_assets.science.cutoffs.step_function import StepFunction, curves_of_years, read_curves
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.scale import DistanceScale
from compsim_assets.science.linkage.years import LinkedYears, link_years
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, make_scores, universes


def linked(universe: Universe) -> tuple[LinkedYears, list[StepFunction]]:
    """Trees, and standardised step functions as they come back from the table in which they are stored."""
    trees = link_years(universe.scores, universe.year)
    curves = curves_of_years(trees, *normalise_returns(universe.returns))
    rows = [pd.DataFrame({"year": year, **vars(c.standardised(trees.scale))}) for year, c in curves.items()]
    return trees, read_curves(pd.concat(rows).rename(columns={"position": "theta"}), trees.years.tolist())


def test_lattices_are_the_published_ones() -> None:
    assert BASE_LATTICE.tolist() == oracles.BASE_THETAS
    assert ROLLING_LATTICE.tolist() == oracles.ROLLING_THETAS
    assert (len(BASE_LATTICE), BASE_LATTICE[0], BASE_LATTICE[-1]) == (751, -5.0, 2.5)
    assert (len(ROLLING_LATTICE), ROLLING_LATTICE[0], ROLLING_LATTICE[-1]) == (36, -4.5, -1.0)
    assert ROLLING_WINDOW == 5


def assert_cutoffs(cutoffs: Cutoffs, trees: LinkedYears, truth: oracles.BruteForce) -> None:
    """Distances, MeanCorr and clusters at the thetas."""
    for year, theta, distance, correlation in zip(
        cutoffs.year.tolist(), cutoffs.theta, cutoffs.distance, cutoffs.mean_correlation, strict=True
    ):
        y = trees.years.tolist().index(year)
        assert distance == pytest.approx(truth.mean + theta * truth.deviation, abs=1e-9)
        assert correlation == pytest.approx(truth.mean_correlation(y, theta), abs=1e-9, nan_ok=True)
        found = oracles.partition(cut(trees.trees[y], distance))
        assert found == oracles.partition(truth.labels(y, theta))


@examples(25)
@given(universes(max_years=9))
def test_cutoffs_curves_and_clusters_equal_brute_force(universe: Universe) -> None:
    truth = universe.brute_force()
    trees, curves = linked(universe)
    by_year = evaluate(curves, BASE_LATTICE)
    expected = [[truth.mean_correlation(y, theta) for theta in BASE_LATTICE] for y in range(len(curves))]
    np.testing.assert_allclose(by_year, expected, rtol=0, atol=1e-9)

    years = trees.years.tolist()
    base, (best, objective) = base_cutoffs(curves, years, trees.scale), truth.base()
    assert base.year.tolist() == ([] if best is None else years)
    assert base.theta.tolist() == ([] if best is None else [BASE_LATTICE[best]] * len(years))
    last = max(truth.with_returns(), default=-1)
    assert base.in_sample.tolist() == [y <= last for y in range(len(base.year))]
    assert_cutoffs(base, trees, truth)
    drawn = base_objective_table(curves)
    np.testing.assert_allclose(drawn["objective"], [NAN if v == -math.inf else v for v in objective], atol=1e-9)
    assert drawn["theta"].tolist() == oracles.BASE_THETAS

    rolling = rolling_cutoffs(curves, years, trees.scale)
    assert rolling.year.tolist() == [years[y] for y in truth.rolling()]
    assert rolling.theta.tolist() == [ROLLING_LATTICE[index] for index in truth.rolling().values()]
    assert not rolling.in_sample.any()
    assert_cutoffs(rolling, trees, truth)

    assert_clusters_of_both(universe, {"base": base, "rolling": rolling})
    for y, tree in enumerate(trees.trees):
        for theta in (-5.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.5):
            found = oracles.partition(cut(tree, trees.scale.distance(theta)))
            assert found == oracles.partition(truth.labels(y, theta)), (y, theta)


def assert_clusters_of_both(universe: Universe, cutoffs: dict[str, Cutoffs]) -> None:
    """`cut_clusters` has the years and the numbers of clusters of these cutoffs, whatever the order of reports."""
    order = np.argsort(universe.report_id)
    trees = link_years(universe.scores[order], universe.year[order])
    ids = universe.report_id[order]
    clusters = cut_clusters(trees, *normalise_returns(universe.returns[order]), ids)
    assert list(clusters) == list(CHOICES)
    for mode, table in clusters.items():
        assert sorted(set(table["year"])) == cutoffs[mode].year.tolist()
        for year, distance in zip(cutoffs[mode].year.tolist(), cutoffs[mode].distance, strict=True):
            y = trees.years.tolist().index(year)
            of_year = table[table["year"] == year].set_index("report_id")["cluster_id"]
            assert of_year.loc[ids[trees.rows[y]]].tolist() == cut(trees.trees[y], distance).tolist()


NAN = math.nan


def test_fewer_years_than_the_rolling_window_have_no_rolling_cutoff() -> None:
    rng = np.random.default_rng(0)
    year = np.repeat([2000, 2001, 2002, 2003, 2004], 3)
    universe = Universe(np.arange(15), year, rng.normal(size=(15, 4)), rng.normal(size=(15, 12)))
    trees, curves = linked(universe)
    rolling = rolling_cutoffs(curves, trees.years.tolist(), trees.scale)
    assert [len(column) for column in vars(rolling).values()] == [0] * 5
    assert (rolling.year.dtype, rolling.in_sample.dtype) == (np.int64, bool)


def test_cutoffs_that_lie_exactly_on_the_lattice() -> None:
    # One pair in each of two years: delta is -1 and +1 whatever the vectors, and base judges the second year only.
    seen = set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        year = np.array([2000, 2000, 2001, 2001])
        universe = Universe(np.arange(4), year, rng.normal(size=(4, 7)), rng.normal(size=(4, 12)))
        trees, curves = linked(universe)
        first, second = (pairs.distance[0] for pairs in universe.year_pairs())
        base = base_cutoffs(curves, trees.years.tolist(), trees.scale)
        expected = 1.0 if second > first else -1.0
        assert base.theta.tolist() == [expected, expected]
        assert cut(trees.trees[1], base.distance[1]).tolist() == [1, 1]
        seen.add(expected)
    assert seen == {-1.0, 1.0}


def test_base_folds_overlap_as_published() -> None:
    # Five years: fold 1 validates on years 3..5 (after the first 2), fold 2 on years 4..5 (after the first 3).
    by_year = np.array([[100.0], [100.0], [3.0], [6.0], [9.0]])
    objective, folds = base_objective(by_year)
    assert folds[:, 0].tolist() == [6.0, 7.5]
    assert objective.tolist() == [6.75]


def test_a_fold_without_values_counts_as_minus_infinity() -> None:
    nan = math.nan
    by_year = np.array([[1.0, 0.1], [1.0, nan], [nan, 0.2], [nan, 0.3]])
    objective, folds = base_objective(by_year)
    assert folds[:, 0].tolist() == [-math.inf, -math.inf]
    assert objective.tolist() == [-math.inf, 0.5 * (0.25 + 0.3)]
    assert choose_base(by_year) == 1


def test_smallest_theta_of_the_best_plateau_wins() -> None:
    by_year = np.tile([0.1, 0.3 - 1e-15, 0.3, 0.2, 0.3], (4, 1))
    assert choose_base(by_year) == 1
    assert choose_rolling(by_year, window=2).tolist() == [1, 1]
    # A plateau is equal up to rounding, not nearly equal.
    assert choose_base(np.tile([0.3 - 1e-9, 0.3], (4, 1))) == 1


def test_rolling_sees_only_the_years_before() -> None:
    nan = math.nan
    by_year = np.array([[1, 0, 0], [0, 2, 0], [0, 0, 9], [nan, nan, nan], [5, 0, nan]], dtype=float)
    # Years 2, 3, 4 with a window of two: means of rows (0, 1), (1, 2) and (2, 3), NaN skipped.
    assert choose_rolling(by_year, window=2).tolist() == [1, 2, 2]
    assert choose_rolling(by_year[:2], window=2).tolist() == []
    assert choose_rolling(by_year[:1], window=5).shape == (0,)


def test_a_single_good_year_can_win_a_rolling_window() -> None:
    # NaN years are skipped, as published: trap 6 of the method.
    by_year = np.full((6, 2), math.nan)
    by_year[:, 1] = 0.3
    by_year[2, 0] = 0.9
    assert choose_rolling(by_year).tolist() == [0]


def test_cut_clusters_are_numbered_from_the_largest_and_equal_ones_by_their_first_report() -> None:
    rng = np.random.default_rng(2)
    scores = make_scores(rng, 300, 3, "clustered")
    ids, year = rng.permutation(300) + 1000, np.repeat([2001, 2002, 2003], 100)
    order = np.argsort(ids)
    trees = link_years(scores[order], year[order])
    found = cut_clusters(trees, *normalise_returns(rng.normal(size=(300, 12))[order]), ids[order])["base"]
    assert found["report_id"].nunique() == 300
    assert found.equals(found.sort_values(["year", "cluster_id", "report_id"]))
    for _, rows in found.groupby("year"):
        groups = rows.groupby("cluster_id")["report_id"]
        order = list(zip(-groups.size(), groups.min(), strict=True))
        assert order == sorted(order)
        assert groups.size().index.tolist() == list(range(1, len(order) + 1))


@pytest.mark.parametrize("without", [[8], [0, 1], [3, 4], [1, 5, 8], list(range(9))], ids=str)
def test_years_without_returns_choose_nothing_and_are_cut(without: list[int]) -> None:
    """Newest, oldest, in the middle, all: the cutoffs are those of brute force over the years that have returns."""
    rng = np.random.default_rng(7)
    year = np.repeat(2000 + np.arange(9), 8)
    scores = make_scores(rng, len(year), 4, "clustered")
    returns = rng.normal(size=(2, 12))[(scores[:, 0] > 0).astype(int)] + rng.normal(size=(len(year), 12))
    returns[np.isin(year, 2000 + np.array(without))] = np.nan
    universe = Universe(np.arange(len(year)), year, scores, returns)
    truth = universe.brute_force()
    measured = [y for y in range(9) if y not in without]
    trees, curves = linked(universe)
    base = base_cutoffs(curves, trees.years.tolist(), trees.scale)
    rolling = rolling_cutoffs(curves, trees.years.tolist(), trees.scale)
    if not measured:
        assert len(base.year) == len(rolling.year) == 0
        assert base_objective_table(curves)["objective"].isna().all()
        return
    by_year = np.array([[truth.mean_correlation(y, t) for t in oracles.BASE_THETAS] for y in measured])
    folds = []
    for start in (len(measured) // 2, 3 * len(measured) // 4):
        of_fold = by_year[start:]
        means = pd.DataFrame(of_fold).mean().to_numpy()  # NaN skipped
        folds.append(np.where(np.isnan(means), -np.inf, means))
    objective = (folds[0] + folds[1]) / 2
    best = int(np.flatnonzero(objective >= objective.max() - 1e-12)[0])
    assert base.theta.tolist() == [oracles.BASE_THETAS[best]] * 9
    assert base.theta[0] > -4.9
    assert base.in_sample.tolist() == [y <= max(measured) for y in range(9)]
    assert np.isnan(base.mean_correlation).tolist() == [
        math.isnan(truth.mean_correlation(y, base.theta[0])) for y in range(9)
    ]
    assert rolling.year.tolist() == [2000 + y for y in range(9) if sum(k < y for k in measured) >= 5]
    for cut_year, theta in zip(rolling.year.tolist(), rolling.theta.tolist(), strict=True):
        window = [k for k in measured if k < cut_year - 2000][-5:]
        means = pd.DataFrame([[truth.mean_correlation(k, t) for t in oracles.ROLLING_THETAS] for k in window]).mean()
        assert theta == oracles.ROLLING_THETAS[int(np.nanargmax(means.round(11)))]
    assert_clusters_of_both(universe, {"base": base, "rolling": rolling})


def test_a_theta_at_which_a_fold_has_no_cluster_is_not_chosen_where_all_are_so() -> None:
    """Two years of one pair each that merge beyond the lattice: there is no cutoff rather than the smallest one."""
    step = StepFunction(np.array([3.0]), np.array([0.5]), np.array([0.5]), np.array([1]))
    assert len(base_cutoffs([step, step], [2000, 2001], DistanceScale(0.0, 1.0, 2)).year) == 0
    near = StepFunction(np.array([2.0]), np.array([0.5]), np.array([0.5]), np.array([1]))
    assert base_cutoffs([near, near], [2000, 2001], DistanceScale(0.0, 1.0, 2)).theta.tolist() == [2.0, 2.0]
