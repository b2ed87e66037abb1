"""The chain from earlier years only: against scikit-learn, scipy and loops; and nothing later changes a bit of it."""

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.walk_forward import EvaluatedYear, Reports, walk_forward
from compsim_assets_tests.science.strategies import DenseFeatures, examples

THETAS = [k / 10 for k in range(-45, -9)]
KINDS = ("wide", "narrow", "repeated", "constant", "uneven", "silent")


@dataclass(frozen=True)
class Given:
    """One row a report, by year: year (n,), features (n, D), returns (n, 12), clustered (n,)."""

    year: np.ndarray
    features: np.ndarray
    returns: np.ndarray
    clustered: np.ndarray

    def take(self, rows: np.ndarray) -> "Given":
        return Given(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def evaluate(self, n_components: int = 1000, seed: int | None = None, **options: Any) -> list[EvaluatedYear]:
        """What the package finds; a seed puts the rows of the features in another order."""
        texts, text = np.unique(self.features, axis=0, return_inverse=True)
        order = np.arange(len(texts))
        if seed is not None:
            order = np.random.default_rng(seed).permutation(order)
        unit, defined = normalise_returns(self.returns)
        reports = Reports(self.year, np.argsort(order)[text], self.clustered, unit, defined)
        return list(walk_forward(DenseFeatures(texts[order]), reports, n_components, **options))


def made(seed: int, kind: str, n_years: int = 8) -> Given:
    """Reports of a few groups that are alike and move together, a little differently in every year."""
    rng = np.random.default_rng(seed)
    n_latents = 6 if kind == "narrow" else 40
    sizes = rng.integers(5, 12, n_years)
    if kind == "uneven":
        sizes = rng.choice([1, 2, 3, 14], n_years)
        sizes[0] = 6
    year = np.repeat(1990 + 2 * np.arange(n_years), sizes)
    group = rng.integers(0, 4, len(year))
    noise = np.array([0.2, 0.6, 1.0, 1.4])[group]
    centres = 2 * rng.normal(size=(4, n_latents))
    features = centres[group] + noise[:, None] * rng.normal(size=(len(year), n_latents))
    if kind == "repeated":
        features = features[rng.integers(0, len(year) // 3, len(year))]
    if kind == "constant":
        features[:, :5] = 0.3
        features[year >= 1996, 1] = rng.normal(size=int((year >= 1996).sum()))
        features[year >= 2002, 2] = 100.0
    returns = rng.normal(size=(4, 12))[group] + 1.5 * rng.normal(size=(len(year), 12))
    clustered = np.ones(len(year), dtype=bool)
    if kind == "silent":
        returns[rng.random(len(year)) < 0.3] = 0.1
        returns[rng.random(len(year)) < 0.2, 4] = np.nan
        clustered = rng.random(len(year)) < 0.8
    return Given(year, features.astype(np.float32), returns, clustered)


@dataclass
class ByHand:
    """One evaluated year, every pair listed."""

    cosine: np.ndarray
    theta: float
    distance: float
    labels: np.ndarray
    mean_correlation: float


def correlations(returns: np.ndarray) -> np.ndarray:
    """(n, n) correlation of every two rows; NaN with a missing month or constant returns."""
    rho = np.full((len(returns), len(returns)), np.nan)
    usable = [np.isfinite(row).all() and np.ptp(row) > 0 for row in returns]
    for a, b in itertools.combinations(np.flatnonzero(usable), 2):
        rho[a, b] = np.corrcoef(returns[a], returns[b])[0, 1]
    return rho


def mean_correlation_of(labels: np.ndarray, rho: np.ndarray) -> float:
    """Mean over clusters of the mean correlation of their existing pairs."""
    means = []
    for label in set(labels.tolist()):
        pairs = itertools.combinations(np.flatnonzero(labels == label), 2)
        existing = [rho[a, b] for a, b in pairs if not np.isnan(rho[a, b])]
        means += [np.mean(existing)] if existing else []
    return float(np.mean(means)) if means else np.nan


def labels_at(cosine: np.ndarray, distance: float) -> np.ndarray:
    if len(cosine) < 2:
        return np.ones(len(cosine), dtype=int)
    apart = np.clip(1 - cosine, 0, 2)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "single")
    return fcluster(tree, distance + 1e-7, "distance")


def axes_of(given: Given, year: int, n_components: int) -> tuple[StandardScaler, np.ndarray]:
    """scikit-learn's scaler and principal axes of all reports before the year, a row each."""
    before = given.features[given.year < year].astype(np.float64)
    scaler = StandardScaler().fit(before)
    pca = PCA(svd_solver="full").fit(scaler.transform(before))
    kept = pca.singular_values_ > 1e-6 * pca.singular_values_[0]
    return scaler, pca.components_[kept][:n_components]


def by_hand(given: Given, year: int, n_components: int = 1000) -> ByHand:
    """The definition, literally, in float64."""
    scaler, axes = axes_of(given, year, n_components)
    years = sorted(set(given.year[given.clustered].tolist()))
    earlier = [y for y in years if y < year]
    cosines, rho = {}, {}
    for y in [*earlier, year]:
        rows = (given.year == y) & given.clustered
        rho[y] = correlations(given.returns[rows])
        own = given.features[rows].astype(np.float64)
        scores = scaler.transform(own) @ axes.T
        unit = scores / np.linalg.norm(scores, axis=1, keepdims=True)
        cosines[y] = unit @ unit.T
    listed = [1 - cosines[y][np.triu_indices(len(cosines[y]), 1)] for y in earlier]
    every = np.concatenate(listed)
    m, v = (every.mean(), every.std()) if len(every) else (0.0, 1.0)

    def quality(y: int, theta: float) -> float:
        return mean_correlation_of(labels_at(cosines[y], theta * v + m), rho[y])

    best, chosen = -np.inf, THETAS[0]
    for theta in THETAS:
        found = [q for q in (quality(y, theta) for y in earlier[-5:]) if not np.isnan(q)]
        if found and np.mean(found) > best + 1e-9:
            best, chosen = float(np.mean(found)), theta
    distance = chosen * v + m
    labels = labels_at(cosines[year], distance)
    return ByHand(cosines[year], chosen, distance, labels, quality(year, chosen))


def groups(labels: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


def cosines_of(scores: np.ndarray) -> np.ndarray:
    unit = scores / np.linalg.norm(scores.astype(np.float64), axis=1, keepdims=True)
    return unit @ unit.T


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
        years = sorted(set(given.year[given.clustered].tolist()))
        assert [year.year for year in found] == years[5:]
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


def bits(found: list[EvaluatedYear]) -> list[tuple]:
    """Everything of every year, to the last bit."""
    return [
        (
            y.year, y.rows.tolist(), y.scores.shape, y.scores.tobytes(), y.compared.tolist(),
            y.cluster_id.tolist(), y.theta, y.distance, np.float64(y.mean_correlation).tobytes(), y.n_earlier,
        )
        for y in found
    ]  # fmt: skip


def corrupted(given: Given, rows: np.ndarray, seed: int = 0) -> Given:
    """Other features, returns and reports to compare in these rows."""
    rng = np.random.default_rng(seed)
    features, returns, clustered = (
        given.features.copy(), given.returns.copy(), given.clustered.copy()
    )  # fmt: skip
    features[rows] = rng.gamma(2.0, 50.0, features[rows].shape)
    returns[rows] = rng.normal(size=returns[rows].shape)
    clustered[rows] = rng.random(int(rows.sum())) < 0.9
    return Given(given.year, features, returns, clustered)


@pytest.mark.parametrize("kind", KINDS)
def test_no_later_year_changes_a_bit(kind: str) -> None:
    """Corrupted, removed, or with years added; with the features' rows in any order."""
    given = made(5, kind, 9)
    whole = bits(given.evaluate())
    assert len(whole) >= 3
    for number, (year, *_) in enumerate(whole):
        kept = whole[: number + 1]
        later = given.year > year
        assert bits(given.take(~later).evaluate()) == kept
        other = corrupted(given, later, seed=number)
        assert bits(other.evaluate(seed=number))[: number + 1] == kept
    more = replace(given, year=given.year + 100, features=given.features * 3 + 1)
    both = Given(*(np.concatenate([getattr(g, n) for g in (given, more)]) for n in given.__dict__))
    assert bits(both.evaluate())[: len(whole)] == whole


def test_a_years_own_returns_are_only_reported() -> None:
    given = made(6, "wide")
    for year in given.evaluate():
        other = replace(given, returns=given.returns.copy())
        own = given.year == year.year
        other.returns[own] = np.random.default_rng(1).normal(size=other.returns[own].shape)
        (again,) = [y for y in other.evaluate() if y.year == year.year]
        assert again.mean_correlation != year.mean_correlation
        changed = replace(again, mean_correlation=year.mean_correlation)
        assert bits([changed]) == bits([year])


def test_a_years_own_features_do_not_move_its_cutoff() -> None:
    given = made(7, "wide")
    for year in given.evaluate():
        other = corrupted(given, given.year == year.year)
        (again,) = [y for y in other.evaluate() if y.year == year.year]
        assert (again.theta, again.distance) == (year.theta, year.distance)
        assert not np.array_equal(again.scores, year.scores)


def test_earlier_returns_and_features_do_matter() -> None:
    """The bits that later years leave alone are not constants."""
    given = made(8, "wide")
    *_, last = given.evaluate()
    for window in (1, 5, 6):
        years = sorted(set(given.year.tolist()))
        rows = given.year == years[-1 - window]
        *_, again = corrupted(given, rows).evaluate()
        assert again.distance != last.distance
        assert not np.array_equal(again.scores, last.scores)
        other = replace(given, returns=np.where(rows[:, None], -given.returns, given.returns))
        same = bits(other.evaluate())[-1] == bits([last])[0]
        # Returns before the five years take no part.
        assert same or window <= 5


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


def test_no_returns_give_no_correlation_and_the_smallest_theta() -> None:
    given = made(10, "wide")
    given.returns[:] = np.nan
    for year in given.evaluate():
        assert np.isnan(year.mean_correlation)
        assert year.theta == -4.5


def test_years_of_single_reports_have_no_scale() -> None:
    given = made(11, "wide")
    first = np.unique(given.year, return_index=True)[1]
    for year in given.take(first).evaluate():
        assert (year.theta, year.distance) == (-4.5, -4.5)
        assert year.cluster_id.tolist() == [1]
        assert np.isnan(year.mean_correlation)


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
