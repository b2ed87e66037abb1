"""The chain from earlier years only: nothing later changes a bit of it, and what is earlier does matter."""

from dataclasses import replace

import numpy as np
import pytest

from compsim_assets.science.cutoffs.walk_forward import EvaluatedYear
from compsim_assets_tests.science.cutoffs.walk_forward_by_hand import KINDS, Given, made


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
