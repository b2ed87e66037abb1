"""Cosine distances, their pooled mean and deviation against the list of all pairs."""

import numpy as np
import pytest
from hypothesis import given
from scipy.spatial.distance import pdist

from compsim_assets.science.linkage.distance import YearDistances, unit_rows
from compsim_assets.science.linkage.scale import DistanceScale, Moments, fit_scale, moments_of
from compsim_assets.science.linkage.years import link_years
from compsim_assets_tests.science.strategies import Universe, examples, universes


@examples(30)
@given(universes(max_years=1, max_reports=12))
def test_distances_of_all_pairs_and_their_moments(universe: Universe) -> None:
    expected = universe.year_pairs()[0].distance
    found = YearDistances().of(unit_rows(universe.scores))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert ((found >= 0) & (found <= 2)).all()
    moments = moments_of(found)
    assert moments.n_pairs == len(expected)
    if expected:
        assert moments.mean == pytest.approx(np.mean(expected), abs=1e-12)
        assert moments.squared_deviation == pytest.approx(len(expected) * np.var(expected), abs=1e-12)


def test_panels_do_not_change_the_distances() -> None:
    scores = np.random.default_rng(4).normal(size=(30, 6))
    for panel in (1, 2, 7, 29, 30, 31):
        distances = YearDistances(panel=panel).of(scores)
        np.testing.assert_allclose(distances, pdist(scores, "cosine"), rtol=0, atol=1e-14)


def test_years_one_after_another_share_their_memory() -> None:
    rng = np.random.default_rng(5)
    distances = YearDistances()
    before = None
    for n in (40, 3, 0, 1, 2, 40):
        scores = rng.normal(size=(n, 7)).astype(np.float32)
        found = distances.of(scores)
        expected = pdist(scores.astype(np.float64), "cosine") if n > 1 else np.empty(0)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
        assert before is None or np.shares_memory(found, before) == (len(found) > 0)
        before = distances.of(np.eye(40))


@examples(30)
@given(universes())
def test_scale_is_mean_and_population_deviation_of_all_pairs_of_all_years(universe: Universe) -> None:
    truth = universe.brute_force()
    scale = link_years(universe.scores, universe.year).scale
    assert scale.n_pairs == truth.n_pairs
    assert scale.mean == pytest.approx(truth.mean, abs=1e-12)
    assert scale.deviation == pytest.approx(truth.deviation, abs=1e-12)


def test_a_zero_score_vector_has_cosine_zero_to_everything() -> None:
    unit = unit_rows(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]))
    assert unit.tolist() == [[0, 0], [0.6, 0.8], [0, 0]]
    assert YearDistances().of(unit).tolist() == [1, 1, 1]


def test_cosine_does_not_depend_on_the_length_of_scores() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(10, 5))
    scaled = scores * np.exp(rng.uniform(-40, 40, size=(10, 1)))
    np.testing.assert_allclose(
        YearDistances().of(unit_rows(scaled)), YearDistances().of(unit_rows(scores)), rtol=0, atol=1e-14
    )


def test_products_are_float64_even_for_float32_scores() -> None:
    scores = np.random.default_rng(2).normal(size=(30, 50)).astype(np.float32)
    expected = pdist(scores.astype(np.float64), "cosine")
    np.testing.assert_allclose(YearDistances().of(unit_rows(scores)), expected, rtol=0, atol=1e-14)


def test_nearly_equal_distances_keep_their_deviation() -> None:
    # Deviation 1e-7 beside a mean of 1: a one-pass sum of squares would lose every digit of it.
    rng = np.random.default_rng(3)
    scores = np.eye(40) + 1e-7 * rng.normal(size=(40, 40))
    scale = link_years(scores, np.zeros(40, dtype=int)).scale
    assert scale.deviation == pytest.approx(np.std(pdist(scores, "cosine")), rel=1e-6)
    assert scale.deviation < 1e-6


def test_theta_and_distance_are_inverse() -> None:
    scale = DistanceScale(mean=0.7, deviation=0.05, n_pairs=10)
    assert scale.distance(-3.13) == pytest.approx(0.7 - 3.13 * 0.05)
    assert scale.standardise(np.array([0.5435])) == pytest.approx([-3.13])


def test_scale_from_parts() -> None:
    # Distances 0.2, 0.4 | none | 0.9.
    parts = [Moments(2, 0.3, 0.02), Moments(0, 0.0, 0.0), Moments(1, 0.9, 0.0)]
    scale = fit_scale(parts)
    assert (scale.mean, scale.n_pairs) == (pytest.approx(0.5), 3)
    assert scale.deviation == pytest.approx(np.std([0.2, 0.4, 0.9]))


def test_scale_of_no_pairs_and_of_equal_pairs_does_not_divide_by_zero() -> None:
    assert fit_scale([]) == DistanceScale(0.0, 1.0, 0)
    assert fit_scale([Moments(0, 0.0, 0.0)]) == DistanceScale(0.0, 1.0, 0)
    equal = fit_scale([Moments(3, 0.5, 1e-31)])
    assert (equal.mean, equal.deviation) == (0.5, 1.0)
