"""Themes: planted groups of latents come back; how many, by what held-out companies say."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from compsim_assets.science.reasons.parts import HeldAxes, ScoredReports
from compsim_assets.science.reasons.themes import (
    Trial,
    group_latents,
    number_of_themes,
    place_latents,
    place_latents_by,
    theme_activity,
    try_numbers,
)
from compsim_assets_tests.science.reasons.made_reports import Rows, scored

N_TOPICS, PER_TOPIC, N_COMPANIES, N_YEARS = 12, 20, 60, 4


@pytest.fixture(scope="module")
def planted() -> tuple[ScoredReports, np.ndarray, np.ndarray, np.ndarray]:
    """Reports, their years and companies, and the topic of each latent; -1: never varies."""
    rng = np.random.default_rng(0)
    topic = np.append(rng.permutation(np.repeat(np.arange(N_TOPICS), PER_TOPIC)), -1)
    company = np.tile(np.arange(N_COMPANIES), N_YEARS)
    weights = np.zeros((N_COMPANIES, N_TOPICS))
    for row in weights:
        row[rng.choice(N_TOPICS, 2, replace=False)] = (0.7, 0.3)
    rate = np.where(topic < 0, 0.0, (weights[company] * 6)[:, topic] + 0.2)
    features = rng.poisson(rate).astype(np.float32)
    return scored(features, 100), np.repeat(np.arange(2000, 2000 + N_YEARS), N_COMPANIES), company, topic


def _variance(reports: ScoredReports) -> np.ndarray:
    return reports.scores.astype(np.float64).var(axis=0, ddof=1)


def test_planted_groups_come_back(planted: tuple[ScoredReports, np.ndarray, np.ndarray, np.ndarray]) -> None:
    reports, year, company, topic = planted
    trials = try_numbers(reports, year, company)
    number = number_of_themes(trials)
    assert 12 <= number <= 16
    best = next(trial for trial in trials if trial.n_themes == number)
    assert best.covered > best.by_chance + 0.2
    assert best.stability > 0.5
    theme = group_latents(place_latents(reports.axes, _variance(reports), reports.n_latents), number, seed=0)
    assert (theme[topic < 0] == -1).all()
    assert (theme[topic >= 0] >= 0).all()
    assert adjusted_rand_score(topic[topic >= 0], theme[topic >= 0]) > 0.9
    sizes = np.bincount(theme[theme >= 0])
    assert (np.diff(sizes) <= 0).all()


def test_the_same_whatever_runs_beside_it(planted: tuple[ScoredReports, np.ndarray, np.ndarray, np.ndarray]) -> None:
    reports, year, company, _ = planted
    places = place_latents(reports.axes, _variance(reports), reports.n_latents)
    first, second = (group_latents(places, 9, seed=3) for _ in range(2))
    assert (first == second).all()
    assert try_numbers(reports, year, company, lattice=(8,)) == try_numbers(reports, year, company, lattice=(8,))


def test_places_are_covariances(planted: tuple[ScoredReports, np.ndarray, np.ndarray, np.ndarray]) -> None:
    """On all axes, and on those of some reports when these are all: inner products are correlations of latents."""
    reports, *_, topic = planted
    assert isinstance(reports.features, Rows)
    assert isinstance(reports.axes, HeldAxes)
    features = reports.features.values[:, topic >= 0].astype(np.float64)
    rank = min(features.shape)
    full = scored(features.astype(np.float32), rank)
    expected = np.corrcoef(features.T)
    by_axes = place_latents(full.axes, _variance(full), full.n_latents, n_axes=rank)
    by_reports = place_latents_by(full, np.arange(len(features)), n_axes=full.scores.shape[1])
    assert by_axes @ by_axes.T == pytest.approx(expected, abs=2e-3)
    assert by_reports @ by_reports.T == pytest.approx(expected, abs=2e-3)


def test_activity_is_a_sum_over_a_themes_latents(
    planted: tuple[ScoredReports, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    reports, *_, topic = planted
    assert isinstance(reports.features, Rows)
    standardised = (reports.features.values - reports.mean) / reports.scale
    expected = np.stack([standardised[:, topic == t].sum(axis=1) for t in range(N_TOPICS)], axis=1)
    assert theme_activity(reports, topic) == pytest.approx(expected, abs=1e-3)


def test_too_little_to_try() -> None:
    rng = np.random.default_rng(1)
    reports = scored(rng.random((6, 20)).astype(np.float32), 4)
    alone = try_numbers(reports, np.arange(2000, 2006), np.arange(6))
    assert alone == []
    assert number_of_themes(alone) == 1
    assert try_numbers(reports, np.full(6, 2000), np.arange(6)) == []


def test_the_rule() -> None:
    def trial(n: int, covered: float, pairs: float, chance: float, stability: float) -> Trial:
        return Trial(n, covered, pairs, chance, stability)

    few, good, many = trial(8, 0.9, 1, 0.85, 0.9), trial(32, 0.7, 0.9, 0.4, 0.6), trial(128, 0.5, 0.4, 0.1, 0.9)
    assert number_of_themes([few, good, many]) == 32
    assert number_of_themes([few, many]) == 8
    assert number_of_themes([many, trial(256, 0.4, 0.4, 0.1, 0.1)]) == 256
