"""Shares explained by peers, against loops over rows and copies, and on companies whose peers are planted."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from compsim_assets.science.peers.explained import Explained, Peers, listed, members, shares_explained
from compsim_assets.science.peers.statistics import peer_weights

YEARS, N, METRICS = 3, 14, 3


class Made:
    """Rows of 14 companies over three years: weights of their peers (n, n), values, targets, groups of two kinds."""

    def __init__(self, seed: int, missing: float = 0.2) -> None:
        rng = np.random.default_rng(seed)
        n = YEARS * N
        self.company = np.concatenate([rng.permutation(N) for _ in range(YEARS)])
        self.year = np.repeat(np.arange(YEARS), N)
        self.industry = np.where(rng.random(n) < 0.1, -1, rng.integers(0, 2, n) + 2 * self.year)
        self.cluster = np.where(rng.random(n) < 0.1, -1, rng.integers(0, 3, n) + 3 * self.year)
        self.values = rng.normal(size=(n, METRICS))
        self.targets = np.stack([self.values, rng.normal(size=(n, METRICS))])
        for part in (self.values, self.targets[1]):
            part[rng.random(part.shape) < missing] = np.nan
        self.targets[0] = self.values
        self.blocks = []
        for _ in range(YEARS):
            # Of a few different values: many peers are equally near.
            like = np.round(rng.normal(size=(N, N)), 1)
            self.blocks.append(peer_weights(like + like.T, ~np.eye(N, dtype=bool), [3])[3])

    def nearest(self) -> tuple[Peers, np.ndarray]:
        weights = np.zeros((YEARS * N, YEARS * N))
        for year, block in enumerate(self.blocks):
            weights[year * N : (year + 1) * N, year * N : (year + 1) * N] = block.toarray()
        return listed([csr_array(block) for block in self.blocks]), weights

    def grouped(self) -> tuple[Peers, np.ndarray]:
        weights = (self.cluster[:, None] == self.cluster) & (self.cluster >= 0)[:, None]
        return members(self.cluster), (weights & ~np.eye(len(weights), dtype=bool)).astype(float)

    def explained(self, peers: Peers, group: np.ndarray) -> Explained:
        return Explained(peers, self.values, self.targets, group, self.company, N)

    def by_loops(self, weights: np.ndarray, group: np.ndarray, copies: np.ndarray) -> np.ndarray:
        """(2, METRICS) shares, row by row; a row counts its company's copies times the mean of its peers' copies."""
        shares = np.full((2, METRICS), np.nan)
        for ahead, metric in np.ndindex(2, METRICS):
            value, target = self.values[:, metric], self.targets[ahead][:, metric]
            sums = np.zeros(3)
            for row in range(len(value)):
                others = [j for j in range(len(value)) if j != row and group[j] == group[row] >= 0]
                known = [j for j in others if np.isfinite(value[j])]
                after = [j for j in others if np.isfinite(target[j])]
                peers = [j for j in range(len(value)) if weights[row, j] > 0 and np.isfinite(value[j])]
                if not peers or not after or len(known) <= len(peers) or not np.isfinite(target[row]):
                    continue
                counts = weights[row, peers]
                x = np.average(value[peers], weights=counts) - value[known].mean()
                y = target[row] - target[after].mean()
                times = copies[self.company[row]] * np.average(copies[self.company[peers]], weights=counts)
                sums += times * np.array([x * y, x * x, y * y])
            if sums[1] > 0 and sums[2] > 0:
                shares[ahead, metric] = np.sign(sums[0]) * sums[0] ** 2 / (sums[1] * sums[2])
        return shares


@pytest.mark.parametrize("way", ["nearest", "grouped"])
@pytest.mark.parametrize("beyond", ["year", "industry"])
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.sampled_from([0.0, 0.3]))
def test_shares_are_those_of_loops_with_any_copies(way: str, beyond: str, seed: int, missing: float) -> None:
    made = Made(seed, missing)
    peers, weights = getattr(made, way)()
    group = getattr(made, beyond)
    explained = made.explained(peers, group)
    ones = np.ones(N)
    np.testing.assert_allclose(explained.value(), made.by_loops(weights, group, ones), atol=1e-12)
    copies = np.random.default_rng(seed).integers(0, 4, (N, 2)).astype(float)
    resampled = explained.resampled(copies)
    for number in range(2):
        np.testing.assert_allclose(resampled[number], made.by_loops(weights, group, copies[:, number]), atol=1e-12)
    left = explained.left_out()
    for company in (0, N - 1):
        without = ones.copy()
        without[company] = 0
        np.testing.assert_allclose(left[company], made.by_loops(weights, group, without), atol=1e-9)


def test_counts_are_of_the_rows_that_have_both_sides() -> None:
    made = Made(1)
    rows, companies = made.explained(made.nearest()[0], made.year).counts()
    # Three of thirteen others are asked: a row lacks a peer with a value nearly never, and its own target one in five.
    assert (rows <= np.isfinite(made.targets).sum(axis=1)).all()
    assert (rows > 0.8 * np.isfinite(made.targets).sum(axis=1)).all()
    assert (companies >= N - 1).all()
    assert (companies <= N).all()


def test_peers_who_are_the_whole_group_say_nothing_beyond_it() -> None:
    made = Made(2)
    explained = made.explained(members(made.industry), made.industry)
    assert np.isnan(explained.value()).all()
    assert (explained.counts()[0] == 0).all()


# --- companies whose peers are planted ---


def planted(seed: int, of_line: float, n: int = 120, years: int = 3, lines: int = 12) -> dict[str, Any]:
    """Two metrics of companies in lines, and lines in industries of three: the lines' share of the first metric's
    variance, of the second one nothing but the industries'.
    """
    rng = np.random.default_rng(seed)
    line = rng.permutation(np.arange(n) % lines)
    level, of_industry = rng.normal(size=lines), rng.normal(size=lines // 3)
    own = np.sqrt(1 / of_line - 1) if of_line else 1.0
    rows = []
    for _ in range(years):
        first = level[line] * bool(of_line) + own * rng.normal(size=n)
        rows.append(np.stack([first, of_industry[line // 3] + rng.normal(size=n)], axis=1))
    values = np.concatenate(rows)
    year = np.repeat(np.arange(years), n)
    return {
        "line": np.tile(line, years) + lines * year,
        "industry": np.tile(line // 3, years) + lines * year,
        "year": year,
        "values": values,
        "targets": values[None],
        "company": np.tile(np.arange(n), years),
        "n": n,
    }


def share(made: dict[str, Any], groups: np.ndarray, beyond: str) -> Explained:
    """Of the others of a row's group, those within what is looked beyond."""
    inside = groups + (groups.max() + 1) * made[beyond]
    return Explained(members(inside), made["values"], made["targets"], made[beyond], made["company"], made["n"])


def test_a_metric_of_the_planted_lines_is_explained_and_a_shuffled_one_is_not() -> None:
    made = planted(0, of_line=0.5)
    rng = np.random.default_rng(1)
    shuffled = made["line"].reshape(3, -1).copy()
    for year in shuffled:
        rng.shuffle(year)
    true, by_chance = (
        shares_explained([share(made, groups, beyond) for beyond in ("year", "industry")], made["n"], 400)
        for groups in (made["line"], shuffled.ravel())
    )
    for of_scope in true:
        assert of_scope.low[0, 0] > 0.1
        assert 0.2 < of_scope.value[0, 0] < 0.7
    # The second metric is the industry's: the line says it too, and nothing beyond.
    assert true[0].low[0, 1] > 0.1
    assert true[1].low[0, 1] < 0 < true[1].high[0, 1]
    for of_scope in by_chance:
        assert (np.abs(of_scope.value) < 0.05).all()
        assert (of_scope.low < 0.01).all()


def test_random_peers_explain_nothing_on_average_in_small_industries_too() -> None:
    # Against a mean that counts the company itself, peers of industries of six would point the wrong way.
    values = []
    for seed in range(300):
        made = planted(seed, of_line=0, n=18, years=1, lines=9)
        values.append(share(made, np.random.default_rng(seed).integers(0, 2, 18), "industry").value()[0])
    mean = np.nanmean(values, axis=0)
    assert (np.abs(mean) < 4 * np.nanstd(values, axis=0) / np.sqrt(len(values))).all()
    assert (np.abs(mean) < 0.06).all()


def test_intervals_cover_zero_where_peers_are_random() -> None:
    covered = []
    for seed in range(60):
        made = planted(seed, of_line=0, n=40, years=2, lines=12)
        groups = np.random.default_rng(seed).integers(0, 8, 40)
        one = shares_explained([share(made, np.concatenate([groups, groups + 8]), "year")], 40, 200, seed=seed)[0]
        covered.append((one.low[0, 0] <= 0) & (one.high[0, 0] >= 0))
    assert np.mean(covered) > 0.8


def test_the_draws_are_those_of_the_seed_and_the_first_of_more_are_those_of_fewer() -> None:
    made = planted(3, of_line=0.5, n=36)
    explained = [share(made, made["line"], "year")]
    calls: list[tuple[int, int]] = []
    one, same, other = (
        shares_explained(explained, made["n"], 130, seed, lambda *done: calls.append(done))[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.low, same.low)
    assert (one.low != other.low).any()
    assert calls[:3] == [(64, 130), (128, 130), (130, 130)]
