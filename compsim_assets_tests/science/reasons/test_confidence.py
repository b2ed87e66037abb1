"""The bootstrap over groups of latents: against a loop, and against fresh latents."""

import numpy as np
import pytest
import torch

from compsim_assets.science.reasons.confidence import draw_groups, random_groups, stays_near


def _sums(u: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, n, G) sums of products over groups, and (n, G) of each report with itself."""
    every = np.stack([u[:, group == g] @ u[:, group == g].T for g in range(group.max() + 1)], axis=-1)
    return every, np.einsum("aag->ag", every)


def test_shares_are_those_of_a_loop_over_draws() -> None:
    rng = np.random.default_rng(0)
    n, k = 9, 6
    u = rng.standard_normal((n, 40))
    u[3] = u[4]  # equally near in every draw
    every, own = _sums(u, np.arange(40) % 8)
    order = np.argsort(-(u @ u.T) + 1e9 * np.eye(n), axis=1)[:, :k]
    order[5, 4:] = -1
    pair = np.where(order < 0, -1, np.arange(n)[:, None] * n + order)
    drawn = draw_groups(8, 50, (7,))
    shares = stays_near(every.reshape(n * n, 8), own, pair, order, drawn, nearest=2, dtype=torch.float64)
    expected = np.full((n, k), np.nan)
    for a in range(n):
        there = order[a] >= 0
        inside = np.zeros((50, int(there.sum())))
        for d in range(50):
            w = drawn[:, d]
            length = own @ w
            cosine = np.array([every[a, b] @ w / np.sqrt(length[b]) for b in order[a][there]])
            inside[d] = cosine >= np.sort(cosine)[-2] - 1e-9
        expected[a, there] = inside.mean(axis=0)
    assert shares == pytest.approx(expected, nan_ok=True)
    assert np.isnan(shares[5, 4:]).all()
    positions = {int(b): i for i, b in enumerate(order[0])}
    if {3, 4} <= positions.keys():
        assert shares[0, positions[3]] == shares[0, positions[4]]


def test_a_peer_whose_own_sum_is_not_positive_is_near_nobody() -> None:
    own, sums = np.array([[1.0, 1.0], [1.0, -5.0], [1.0, 1.0]]), np.ones((2, 2))
    shares = stays_near(sums, own, np.array([[0, 1]]), np.array([[1, 2]]), np.ones((2, 3)), nearest=1)
    assert shares.tolist() == [[0, 1]]


def test_groups_and_draws_are_the_same_by_name() -> None:
    assert (random_groups(1000) == random_groups(1000)).all()
    assert np.bincount(random_groups(1000)).tolist() == [4] * 232 + [3] * 24
    assert sorted(random_groups(5)) == [0, 1, 2, 3, 4]
    assert (draw_groups(10, 20, (2001,)) == draw_groups(10, 20, (2001,))).all()
    assert (draw_groups(10, 20, (2001,)) != draw_groups(10, 20, (2002,))).any()
    assert (draw_groups(10, 20, (2001,)).sum(axis=0) == 5).all()


def test_a_peer_that_is_said_to_be_sure_stays_in_fresh_draws_of_latents() -> None:
    """90 % sure is 85 to 95 % of fresh draws: latents are drawn from a population, and peers ranked by them."""
    n, k, n_latents, n_fresh = 100, 50, 2000, 12
    said, stayed = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        centres = rng.standard_normal((15, 12))
        position = centres[rng.integers(0, 15, n)] + 0.5 * rng.standard_normal((n, 12))

        def latents(position: np.ndarray = position, rng: np.random.Generator = rng) -> np.ndarray:
            direction = rng.standard_normal((position.shape[1], n_latents))
            values = position @ direction + 1.5 * rng.standard_normal((n, n_latents))
            values = np.maximum(values - np.abs(rng.standard_normal(n_latents)), 0)
            values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9)
            return values / np.linalg.norm(values, axis=1, keepdims=True)

        def nearest(u: np.ndarray, count: int) -> np.ndarray:
            cosine = u @ u.T
            np.fill_diagonal(cosine, -2)
            return np.argsort(-cosine, axis=1)[:, :count]

        u = latents()
        peers = nearest(u, k)
        every, own = _sums(u, random_groups(n_latents))
        pair = np.arange(n)[:, None] * n + peers
        drawn = draw_groups(every.shape[2], 400, (seed,))
        said.append(stays_near(every.reshape(n * n, -1), own, pair, peers, drawn))
        fresh = [nearest(latents(), 10) for _ in range(n_fresh)]
        inside = [(peers[:, :, None] == ten[:, None, :]).any(axis=2) for ten in fresh]
        stayed.append(np.mean(inside, axis=0))
    sure, share = np.concatenate(said).ravel(), np.concatenate(stayed).ravel()
    about_ninety = (sure > 0.85) & (sure < 0.95)
    assert about_ninety.sum() > 200
    assert sure[about_ninety].mean() == pytest.approx(0.9, abs=0.01)
    assert 0.85 <= share[about_ninety].mean() <= 0.95
    # And elsewhere, as far as so few draws tell.
    for low, high in ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.95, 1.01)):
        inside_bin = (sure >= low) & (sure < high)
        assert share[inside_bin].mean() == pytest.approx(sure[inside_bin].mean(), abs=0.06)
