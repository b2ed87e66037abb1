"""The chain from earlier years only: against scikit-learn, scipy and loops; and universes that lack something."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.walk_forward import EvaluatedYear, Reports, walk_forward
from compsim_assets_tests.science.cutoffs.walk_forward_by_hand import (
    KINDS,
    ByHand,
    Given,
    by_hand,
    cosines_of,
    evaluated_years,
    groups,
    made,
)
from compsim_assets_tests.science.strategies import examples


def assert_same(found: EvaluatedYear, wanted: ByHand, given: Given) -> None:
    own = np.flatnonzero(given.year == found.year)
    assert found.rows.tolist() == own.tolist()
    assert found.compared.tolist() == own[given.clustered[own]].tolist()
    scores = found.scores[given.clustered[own]]
    np.testing.assert_allclose(cosines_of(scores), wanted.cosine, atol=2e-5)
    assert found.theta == pytest.approx(wanted.theta, abs=1e-12)
    assert found.distance == pytest.approx(wanted.distance, abs=1e-6)
    assert groups(found.cluster_id) == groups(wanted.labels)
    assert found.mean_correlation == pytest.approx(wanted.mean_correlation, abs=1e-9, nan_ok=True)
    assert found.n_earlier == int((given.year < found.year).sum())
    assert found.varies
    assert found.converged


@pytest.mark.parametrize(("kind", "n_components"), [*((kind, 1000) for kind in KINDS), ("wide", 4)])
def test_equals_the_definition_by_hand(kind: str, n_components: int) -> None:
    clusters, thetas = 0, set()
    for seed in range(2):
        given = made(seed, kind)
        found = given.evaluate(n_components)
        assert [year.year for year in found] == evaluated_years(given)
        for year in found:
            assert_same(year, by_hand(given, year.year, n_components), given)
            clusters += int((np.bincount(year.cluster_id) >= 2).sum())
            thetas.add(year.theta)
    assert clusters > 1
    assert len(thetas) > 1


@examples(8)
@given(st.integers(0, 2**32 - 1), st.sampled_from(KINDS), st.integers(6, 8))
def test_equals_the_definition_on_drawn_universes(seed: int, kind: str, n_years: int) -> None:
    given = made(seed, kind, n_years)
    for year in given.evaluate():
        assert_same(year, by_hand(given, year.year), given)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_products_give_the_same_clusters(kind: str) -> None:
    """As large universes have them, added up in float64, through either matrix."""
    given, clusters = made(3, kind), 0
    for year, exact in zip(given.evaluate(float64_work=0), given.evaluate(), strict=True):
        assert_same(year, by_hand(given, year.year), given)
        assert year.cluster_id.tolist() == exact.cluster_id.tolist()
        assert (year.theta, year.scores.shape) == (exact.theta, exact.scores.shape)
        assert year.distance == pytest.approx(exact.distance, abs=1e-6)
        assert not np.array_equal(year.scores, exact.scores)
        # The more so where earlier texts are about as many as latents: new ones are projected on axes of hardly any
        # variance then.
        np.testing.assert_allclose(cosines_of(year.scores), cosines_of(exact.scores), atol=1e-5)
        clusters += int((np.bincount(year.cluster_id) >= 2).sum())
    assert clusters > 0 or kind == "uneven"  # years of one to three reports


@pytest.mark.parametrize("kind", ["wide", "narrow", "repeated"])
def test_a_year_that_is_asked_for_alone_has_the_same_bits(kind: str) -> None:
    """Whoever made the others, before a kill or in another process."""
    given = made(4, kind)
    whole = given.evaluate()
    assert len(whole) >= 3
    for year in whole:
        (alone,) = given.evaluate(only=[year.year])
        assert alone.scores.tobytes() == year.scores.tobytes()
        assert (alone.theta, alone.distance) == (year.theta, year.distance)
        assert alone.cluster_id.tolist() == year.cluster_id.tolist()
    assert given.evaluate(only=[]) == []


def test_fewer_than_six_years_evaluate_nothing() -> None:
    assert made(0, "wide", 5).evaluate() == []
    assert len(made(0, "wide", 6).evaluate()) == 1


def test_years_without_reports_to_compare_count_for_the_pca_alone() -> None:
    given = made(9, "wide", 8)
    first = given.year == given.year[0]
    given.clustered[first] = False
    found = given.evaluate()
    assert [year.year for year in found] == sorted(set(given.year.tolist()))[6:]
    for year in found:
        assert_same(year, by_hand(given, year.year), given)
    without = given.take(~first).evaluate()
    assert without[0].distance != found[0].distance


@pytest.mark.parametrize("without", [[8], [6, 8], [0], [2, 3]], ids=str)
def test_years_without_returns_are_cut_and_in_no_window(without: list[int]) -> None:
    given = made(10, "wide", 9)
    years = sorted(set(given.year.tolist()))
    given.returns[np.isin(given.year, np.array(years)[without])] = np.nan
    found = given.evaluate()
    measured = [y for y in years if y not in [years[k] for k in without]]
    assert [year.year for year in found] == [y for y in years if sum(m < y for m in measured) >= 5]
    for year in found:
        assert_same(year, by_hand(given, year.year), given)
        assert year.theta > -4.5


def test_without_returns_nothing_is_evaluated() -> None:
    given = made(10, "wide")
    given.returns[:] = np.nan
    assert given.evaluate() == []
    single = made(11, "wide")
    first = np.unique(single.year, return_index=True)[1]  # years of one report
    assert single.take(first).evaluate() == []


def test_earlier_years_without_variance_leave_singletons() -> None:
    given = made(12, "wide", 8)
    early = given.year <= sorted(set(given.year.tolist()))[5]
    given.features[early] = 0.7
    first, second, third = given.evaluate()
    assert [first.varies, second.varies, third.varies] == [False, False, True]
    for year in (first, second):
        assert not year.scores.any()
        assert year.distance < 0
        assert len(set(year.cluster_id.tolist())) == len(year.compared)
        assert np.isnan(year.mean_correlation)
    assert third.scores.any()


def test_years_too_large_for_a_list_have_the_same_clusters() -> None:
    given = made(13, "wide")
    for year, other in zip(given.evaluate(), given.evaluate(dense_bytes=0), strict=True):
        assert other.theta == year.theta
        assert other.distance == pytest.approx(year.distance, abs=1e-6)
        assert other.cluster_id.tolist() == year.cluster_id.tolist()


def test_progress_is_told_by_year() -> None:
    given = made(14, "wide", 8)
    unit, defined = normalise_returns(given.returns)
    reports = Reports(given.year, np.arange(len(given.year)), given.clustered, unit, defined)
    told: list[tuple[int, int]] = []
    found = walk_forward(DenseFeatures(given.features), reports, 9, progress=lambda *step: told.append(step))
    assert {year.scores.shape[1] for year in found} == {9}
    assert told == [(1, 3), (2, 3), (3, 3)]
