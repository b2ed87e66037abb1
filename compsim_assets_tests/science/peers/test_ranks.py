"""Rank correlations and means of the largest pairs, from buckets and from a full sort, against scipy."""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import spearmanr

from compsim_assets.science.peers.ranks import PairRanks
from compsim_assets_tests.noted import noted

N = 7_000_000
SHARES = (0.001, 0.5, 10.0, 100.0)


def made(kind: str) -> list[np.ndarray]:
    """Three variables of N pairs; the first two have something in common."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=N)
    like = common + rng.normal(size=N)
    if kind == "many equal":
        like[rng.random(N) < 0.4] = like[7]
        like[rng.random(N) < 0.1] = like.max()
    if kind == "far apart":
        like[rng.random(N) < 1e-3] += 1e5  # the buckets of all others are too wide
    return [like, common + rng.normal(size=N), rng.gamma(9.0, size=N)]


def blocks(values: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    for start in range(0, N, 300_000):
        yield [of_variable[start : start + 300_000] for of_variable in values]


@pytest.mark.parametrize("kind", ["normal", "many equal", "far apart"])
def test_buckets_give_scipys_ranks_and_exact_means(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sorts = noted(monkeypatch, PairRanks, "_from_all")
    values = made(kind)
    ranks = PairRanks(lambda: blocks(values), SHARES, sorted_pairs=N // 3)
    assert len(sorts) == (kind == "far apart")
    np.testing.assert_allclose(ranks.correlation, spearmanr(np.stack(values), axis=1).statistic, atol=1e-9)
    assert abs(ranks.correlation[0, 1]) > 0.2
    assert (ranks.count, ranks.mean) == (N, pytest.approx(values[1].mean(), abs=1e-12))
    order = np.argsort(-values[0], kind="stable")
    edge = values[0][order]
    for share, top in zip(SHARES, ranks.tops, strict=True):
        size = max(1, round(N * share / 100))
        above, tied = values[0] > edge[size - 1], values[0] == edge[size - 1]
        wanted = (values[1][above].sum() + (size - above.sum()) * values[1][tied].mean()) / size
        assert (top.size, top.mean) == (size, pytest.approx(wanted, abs=1e-11))


def test_a_variable_that_does_not_vary_has_no_correlation() -> None:
    rng = np.random.default_rng(0)
    values = [np.ones(N), rng.normal(size=N)]
    ranks = PairRanks(lambda: blocks(values), (1.0,), sorted_pairs=N // 3)
    assert np.isnan(ranks.correlation[0, 1])
    assert ranks.tops[0].mean == pytest.approx(values[1].mean(), abs=1e-12)
