"""Latents scored by listing every pair, and a planted truth that the selection must find."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.peers.statistics import correlations
from compsim_assets.science.peers.supervised import (
    LatentScores,
    length_free,
    score_latents,
    shared_weight,
    training_years,
)
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import examples


def slow_scores(
    features: np.ndarray, year: np.ndarray, returns: np.ndarray, training: list[int], company: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Score and number of pairs of each latent, pair by pair."""
    every: list[float] = []
    by_latent: list[list[float]] = [[] for _ in features.T]
    for b in range(len(year)):
        for a in range(b):
            if year[a] != year[b] or year[a] not in training or company[a] == company[b]:
                continue
            rho = oracles.pearson(returns[a].tolist(), returns[b].tolist())
            if rho is None:
                continue
            every.append(rho)
            for latent in np.flatnonzero((features[a] > 0) & (features[b] > 0)):
                by_latent[latent].append(rho)
    score = [np.mean(rhos) - np.mean(every) if rhos else np.nan for rhos in by_latent]
    return np.array(score), np.array([len(rhos) for rhos in by_latent])


@examples(40)
@given(st.integers(0, 10_000), st.integers(1, 5), st.floats(0.1, 0.9))
def test_scores_equal_a_list_of_all_pairs(seed: int, block: int, active: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    year = rng.integers(2000, 2004, n)
    features = rng.uniform(0, 9, (n, 6)) * (rng.random((n, 6)) < active)
    features[:, 0] = 0
    returns = rng.normal(size=(n, 12)) * 0.1
    returns[rng.random(n) < 0.2, 3] = np.nan
    returns[rng.random(n) < 0.1] = 0.02
    training = [2000, 2001, 2002]
    for company in (np.arange(n), rng.integers(6, size=n)):
        found = score_latents(DenseFeatures(features), year, returns, training, block, company=company)
        score, n_pairs = slow_scores(features.astype(np.float32), year, returns, training, company)
        assert found.n_pairs.tolist() == n_pairs.tolist()
        np.testing.assert_allclose(found.score, score, atol=1e-10)
    found = score_latents(DenseFeatures(features), year, returns, training, block)
    score, n_pairs = slow_scores(features.astype(np.float32), year, returns, training, np.arange(n))
    assert found.n_pairs.tolist() == n_pairs.tolist()
    np.testing.assert_allclose(found.score, score, atol=1e-10)


def test_years_that_are_judged_are_not_looked_at() -> None:
    rng = np.random.default_rng(0)
    year = np.repeat(np.arange(2000, 2008), 20)
    features, returns = rng.normal(size=(160, 9)), rng.normal(size=(160, 12))
    training = training_years(year)
    first = score_latents(DenseFeatures(features), year, returns, training)
    later = year > training[-1]
    returns[later], features[later] = rng.normal(size=(40, 12)), 1.0
    second = score_latents(DenseFeatures(features), year, returns, training)
    assert first.score.tobytes() == second.score.tobytes()
    assert first.n_pairs.tobytes() == second.n_pairs.tobytes()


def test_progress_counts_latents() -> None:
    said: list[tuple[int, int]] = []
    features = DenseFeatures(np.ones((3, 5)))
    returns = np.random.default_rng(0).normal(size=(3, 12))
    score_latents(features, np.zeros(3), returns, [0], 2, lambda *done: said.append(done))
    assert said == [(2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize(("n_years", "training"), [(1, 0), (2, 1), (4, 3), (7, 5), (21, 15)])
def test_the_first_three_quarters_of_years_train(n_years: int, training: int) -> None:
    years = np.random.default_rng(0).permutation(np.repeat(np.arange(n_years) + 2000, 3))
    assert training_years(years) == list(range(2000, 2000 + training))


def test_the_highest_positive_scores_of_enough_pairs_are_selected() -> None:
    score = np.array([0.3, -0.1, 0.9, 0.2, np.nan, 0.2, 0.0, 0.5])
    n_pairs = np.array([60, 90, 49, 50, 0, 70, 80, 55])
    scores = LatentScores(score, n_pairs)
    assert np.flatnonzero(scores.selected(3, 50)).tolist() == [0, 3, 7]
    assert np.flatnonzero(scores.selected(100, 50)).tolist() == [0, 3, 5, 7]
    assert np.flatnonzero(scores.selected(1, 1)).tolist() == [2]
    assert scores.enough(50).sum() == 6
    assert scores.enough(0).sum() == 7


def test_similarity_is_the_weight_of_the_latents_that_both_have() -> None:
    rng = np.random.default_rng(1)
    active, weight = rng.random((8, 20)) < 0.4, rng.uniform(0.01, 1, 20)
    active[5] = False
    shared, cosine = shared_weight(active, weight), length_free(active, weight)
    for a in range(8):
        for b in range(8):
            both = sum(weight[active[a] & active[b]])
            assert shared[a, b] == pytest.approx(both / sum(weight), abs=1e-12)
            length = np.sqrt(sum(weight[active[a]]) * sum(weight[active[b]]))
            wanted = both / length if length else 0.0
            assert cosine[a, b] == pytest.approx(wanted, abs=1e-12)


def planted(seed: int, shuffled: bool) -> tuple[DenseFeatures, np.ndarray, np.ndarray]:
    """Eight years of 80 reports with 60 latents: the first five latents each mark a group that moves together.

    Reports differ in how many of the other latents they have: long ones share more by chance.
    """
    rng = np.random.default_rng(seed)
    year = np.repeat(np.arange(2000, 2008), 80)
    group = rng.integers(0, 5, len(year))
    long = rng.uniform(0.1, 0.9, len(year))
    features = (rng.random((len(year), 60)) < long[:, None]) * rng.uniform(0.5, 3, (len(year), 60))
    features[:, :5] = np.eye(5)[group] * rng.uniform(0.5, 3, (len(year), 5))
    moves = rng.normal(size=(8, 5, 12))
    returns = 0.8 * moves[year - 2000, group] + rng.normal(size=(len(year), 12))
    if shuffled:
        for one in range(2000, 2008):
            own = np.flatnonzero(year == one)
            returns[own] = returns[rng.permutation(own)]
    return DenseFeatures(features), year, returns


def out_of_sample(
    features: DenseFeatures, year: np.ndarray, returns: np.ndarray
) -> tuple[np.ndarray, list[float], list[float]]:
    """Selected latents, and in each judged year Spearman by shared weight and by its length-free variant."""
    training = training_years(year)
    scores = score_latents(features, year, returns, training)
    selected = scores.selected(20, 50)
    found: tuple[list[float], list[float]] = ([], [])
    for one in sorted(set(year.tolist()) - set(training)):
        own = year == one
        active = features.values[own][:, selected] > 0
        rho = correlations(*normalise_returns(returns[own]))
        pairs = np.triu_indices(own.sum(), 1)
        for values, similarity in zip(found, (shared_weight, length_free), strict=True):
            like = similarity(active, scores.score[selected])
            values.append(float(spearmanr(like[pairs], rho[pairs]).statistic))
    return np.flatnonzero(selected), *found


def test_latents_that_mark_groups_which_move_together_are_found_and_hold_out_of_sample() -> None:
    features, year, returns = planted(0, shuffled=False)
    selected, shared, free = out_of_sample(features, year, returns)
    assert set(range(5)) <= set(selected.tolist())
    training = training_years(year)
    scores = score_latents(features, year, returns, training).score
    assert scores[:5].min() > 3 * scores[5:].max()
    assert min(shared) > 0.1
    assert min(free) > 0.1


def test_shuffled_returns_leave_nothing_out_of_sample() -> None:
    values = [value for seed in range(6) for kind in out_of_sample(*planted(seed, shuffled=True))[1:] for value in kind]
    assert abs(np.mean(values)) < 0.02
    assert max(values) < 0.1
