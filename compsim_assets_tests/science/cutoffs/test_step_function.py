"""MeanCorr of every cutoff: the step function against brute force over all pairs."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.correlation.mean_correlation import year_correlation
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.choice import BASE_LATTICE, choose_base, evaluate
from compsim_assets.science.cutoffs.step_function import StepFunction, curves_of_years, read_curves, step_function
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import single_linkage
from compsim_assets.science.linkage.distance import YearDistances, unit_rows
from compsim_assets.science.linkage.years import LinkedYears, link_years
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, universes


def linked(universe: Universe) -> tuple[LinkedYears, list[StepFunction]]:
    trees = link_years(universe.scores, universe.year)
    return trees, list(curves_of_years(trees, *normalise_returns(universe.returns)).values())


def small(scores: list, years: list[int], seed: int = 0) -> Universe:
    returns = np.random.default_rng(seed).normal(size=(len(years), 12))
    return Universe(np.arange(len(years)), np.array(years), np.array(scores, dtype=float), returns)


@examples(30)
@given(universes(max_years=3, max_reports=9))
def test_every_row_of_the_step_function_equals_brute_force(universe: Universe) -> None:
    truth = universe.brute_force()
    _, curves = linked(universe)
    for y, curve in enumerate(curves):
        expected = truth.steps(y)
        assert len(curve.position) == len(expected)
        np.testing.assert_allclose(curve.position, [distance for distance, _ in expected], atol=1e-12)
        for name, values in vars(curve).items():
            if name != "position":
                np.testing.assert_allclose(values, [getattr(quality, name) for _, quality in expected], atol=1e-9)


@examples(25)
@given(universes(max_years=3, max_reports=9), st.data())
def test_reports_of_one_company_are_no_pair_at_any_cutoff(universe: Universe, data: st.DataObject) -> None:
    """At every step the clusters of the tree, and in them the pairs of two companies one by one."""
    n = len(universe.year)
    company = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))
    trees = link_years(universe.scores, universe.year)
    curves = curves_of_years(trees, *normalise_returns(universe.returns), company)
    for (curve, tree), rows in zip(zip(curves.values(), trees.trees, strict=True), trees.rows, strict=True):
        for step, position in enumerate(curve.position):
            means, every, clusters = [], [], 0
            for members in oracles.partition(cut(tree, position).tolist()):
                owners = {company[rows[k]] for k in members}
                clusters += len(owners) >= 2
                rhos = [
                    oracles.pearson(universe.returns[rows[a]].tolist(), universe.returns[rows[b]].tolist())
                    for a, b in itertools.combinations(sorted(members), 2)
                    if company[rows[a]] != company[rows[b]]
                ]
                existing = [rho for rho in rhos if rho is not None]
                means += [np.mean(existing)] if existing else []
                every += existing
            wanted = (np.mean(means), np.mean(every)) if means else (math.nan, math.nan)
            found = curve.mean_correlation[step], curve.pair_weighted_mean_correlation[step]
            assert found == pytest.approx(wanted, abs=1e-9, nan_ok=True)
            assert curve.n_clusters[step] == clusters


@examples(20)
@given(universes(max_years=3), st.lists(st.integers(-100, 2100), min_size=1, max_size=10))
def test_step_function_is_what_its_rows_say_between_them(universe: Universe, thousandths: list[int]) -> None:
    cutoffs = [k / 1000 + 1e-6 for k in thousandths]
    unit, defined = normalise_returns(universe.returns)
    trees, curves = linked(universe)
    for tree, rows, curve in zip(trees.trees, trees.rows, curves, strict=True):
        middles = (curve.position[1:] + curve.position[:-1]) / 2
        for cutoff in [*cutoffs, *middles, *curve.position]:
            direct = year_correlation(cut(tree, cutoff), unit[rows], defined[rows])
            row = max((k for k, p in enumerate(curve.position) if p <= cutoff), default=None)
            held = math.nan if row is None else curve.mean_correlation[row]
            np.testing.assert_allclose(curve.at(np.array([cutoff])), [held], atol=1e-15)
            np.testing.assert_allclose(held, direct.mean_correlation, rtol=0, atol=1e-9)


def test_a_thousand_merges_do_not_lose_accuracy() -> None:
    rng = np.random.default_rng(5)
    n = 1000
    centres = rng.normal(size=(60, 20))
    unit_scores = unit_rows(centres[rng.integers(60, size=n)] + 0.4 * rng.normal(size=(n, 20)))
    returns = rng.normal(size=(n, 12))
    returns[::50, 3] = np.nan
    unit, defined = normalise_returns(returns)
    tree = single_linkage(YearDistances().of(unit_scores), n)
    curve = step_function(tree, unit, defined)
    for row in range(0, len(curve.position), 40):
        direct = year_correlation(cut(tree, curve.position[row]), unit, defined)
        assert curve.mean_correlation[row] == pytest.approx(direct.mean_correlation, abs=1e-11, nan_ok=True)
        assert curve.pair_weighted_mean_correlation[row] == pytest.approx(direct.pair_weighted, abs=1e-11, nan_ok=True)
        assert curve.n_clusters[row] == direct.n_clusters


def test_two_pairs_of_reports_lie_exactly_on_the_lattice() -> None:
    # One pair a year: the standardised distances are -1 and +1 whatever the vectors, thetas of both lattices.
    for seed in range(6):
        rng = np.random.default_rng(seed)
        universe = small(rng.normal(size=(4, 7)), [2000, 2000, 2001, 2001], seed)
        truth = universe.brute_force()
        trees, curves = linked(universe)
        assert sorted(round(d[0], 9) for d in truth.deltas) == [-1.0, 1.0]
        near, far = (0, 1) if truth.deltas[0][0] < 0 else (1, 0)
        at = evaluate(curves, trees.scale.distance(np.array([-1.01, -1.0, 0.99, 1.0])))
        assert np.isnan(at[near]).tolist() == [True, False, False, False]
        assert np.isnan(at[far]).tolist() == [True, True, True, False]
        assert cut(trees.trees[near], trees.scale.distance(-1.0)).tolist() == [1, 1]
        assert cut(trees.trees[far], trees.scale.distance(0.99)).tolist() == [1, 2]
        assert cut(trees.trees[far], trees.scale.distance(1.0)).tolist() == [1, 1]


def test_two_reports_in_all_join_at_theta_zero() -> None:
    # One pair: it is the mean, the deviation is 0 and delta is 0, so the first theta that keeps it is 0.00.
    for seed in range(6):
        universe = small(np.random.default_rng(seed).normal(size=(2, 9)), [2000, 2000], seed)
        trees, curves = linked(universe)
        by_year = evaluate(curves, trees.scale.distance(BASE_LATTICE))
        theta = BASE_LATTICE[choose_base(by_year)]
        assert theta == 0.0
        assert cut(trees.trees[0], trees.scale.distance(theta)).tolist() == [1, 1]
        assert by_year[0, 500] == pytest.approx(np.corrcoef(universe.returns)[0, 1], abs=1e-12)


def test_equal_distances_join_all_at_once() -> None:
    # A regular simplex: every cosine is -1/4.
    scores = np.eye(5) - 0.2
    universe = small(scores, [2000] * 5)
    trees, curves = linked(universe)
    assert trees.scale.deviation == 1.0
    assert curves[0].position == pytest.approx([1.25], abs=1e-12)
    assert curves[0].n_clusters.tolist() == [1]
    assert BASE_LATTICE[choose_base(evaluate(curves, trees.scale.distance(BASE_LATTICE)))] == 0.0


def test_identical_reports_are_one_step_at_zero() -> None:
    rng = np.random.default_rng(2)
    scores = np.repeat(rng.normal(size=(6, 31)), 4, axis=0)
    _, curves = linked(small(scores, [2000] * 24))
    assert curves[0].position[0] == pytest.approx(0.0, abs=1e-12)
    assert curves[0].n_clusters[0] == 6
    assert len(curves[0].position) == 6


def test_years_without_pairs_are_nan_and_have_no_rows() -> None:
    universe = small(np.ones((3, 2)), [2000, 2001, 2002])
    trees, curves = linked(universe)
    assert [len(curve.position) for curve in curves] == [0, 0, 0]
    by_year = evaluate(curves, trees.scale.distance(BASE_LATTICE))
    assert by_year.shape == (3, 751)
    assert np.isnan(by_year).all()
    assert choose_base(by_year) == 0
    assert trees.scale.n_pairs == 0


@examples(15)
@given(universes(max_years=7), st.integers(0, 2**32 - 1))
def test_order_of_reports_and_their_scale_do_not_matter(universe: Universe, seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(universe.year))
    # Powers of two scale a vector without rounding.
    factor = 2.0 ** rng.integers(-8, 9, size=(len(order), 1))
    changed = Universe(
        universe.report_id[order], universe.year[order], (universe.scores * factor)[order], universe.returns[order]
    )
    (trees, curves), (other_trees, other_curves) = linked(universe), linked(changed)
    assert other_trees.scale.mean == pytest.approx(trees.scale.mean, abs=1e-12)
    assert other_trees.scale.deviation == pytest.approx(trees.scale.deviation, abs=1e-12)
    for curve, other in zip(curves, other_curves, strict=True):
        np.testing.assert_allclose(other.position, curve.position, atol=1e-12)
        np.testing.assert_allclose(other.mean_correlation, curve.mean_correlation, rtol=0, atol=1e-9)
        assert other.n_clusters.tolist() == curve.n_clusters.tolist()


def test_a_year_without_rows_has_no_cluster_at_any_cutoff() -> None:
    table = pd.DataFrame(
        {
            "year": [2001, 2001, 2003], "theta": [-1.0, 0.5, -2.0], "mean_correlation": [0.3, 0.1, math.nan],
            "pair_weighted_mean_correlation": [0.3, 0.2, math.nan], "n_clusters": [1, 1, 1],
        }
    )  # fmt: skip
    curves = read_curves(table, [2001, 2002, 2003])
    thetas = np.array([-1.01, -1.0, 0.49, 0.5, 2.0])
    np.testing.assert_array_equal(curves[0].at(thetas), [math.nan, 0.3, 0.3, 0.1, 0.1])
    assert np.isnan(curves[1].at(thetas)).all()
    assert np.isnan(curves[2].at(thetas)).all()
    assert [len(curve.position) for curve in curves] == [2, 0, 1]
