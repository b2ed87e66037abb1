"""The same bits for any number of threads, shares and tiles: results are stored, and compared with later ones."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from compsim_assets.science.linkage.blocked import merge_shares, spanning_tree_of_share
from compsim_assets.science.linkage.distance import YearDistances
from compsim_assets.science.linkage.scale import Moments, moments_of
from compsim_assets.science.linkage.trees import merges_of
from compsim_assets_tests.science.strategies import SCORES, make_scores

THREADS = (1, 2, 4)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("n", [31, 300])
def test_distances_are_those_of_one_thread(n: int) -> None:
    """Small products of long rows: threads that shared one would add up its parts."""
    scores = np.random.default_rng(0).normal(size=(n, 1000)).astype(np.float32)
    found = set()
    for count in THREADS:
        torch.set_num_threads(count)
        found.add(YearDistances().of(scores).tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("n", [10_000, 10_001, 300_000])
def test_moments_are_those_of_one_thread(n: int) -> None:
    distances = np.random.default_rng(0).uniform(size=n)
    found = set()
    for count in THREADS:
        with threadpool_limits(count):
            found.add(moments_of(distances.copy()))
    assert len(found) == 1


def linked(scores: np.ndarray, n_shares: int, block: int) -> tuple[tuple[bytes, ...], Moments]:
    """All merges as they are stored, and the moments."""
    parts = [spanning_tree_of_share(scores, share=k, n_shares=n_shares, block=block) for k in range(n_shares)]
    tree, moments = merge_shares(parts)
    return tuple(column.tobytes() for column in merges_of(tree, np.arange(len(scores))).values()), moments


def test_a_small_tile_of_long_rows_is_that_of_one_thread() -> None:
    scores = np.random.default_rng(0).normal(size=(100, 500)).astype(np.float32)
    found = set()
    for count in THREADS:
        torch.set_num_threads(count)
        found.add(linked(scores, 1, 100)[1])
    assert len(found) == 1


def test_ties_are_settled_in_one_way() -> None:
    """Directions of a few kinds, of different lengths: no copies, and nearly all distances tie."""
    rng = np.random.default_rng(2)
    scores = make_scores(rng, 60, 3, "grid") * rng.uniform(0.5, 2, size=(60, 1))
    found = {linked(scores.astype(np.float32), n_shares, block)[0] for n_shares in (1, 2, 3) for block in (7, 25)}
    assert len(found) == 1


@pytest.mark.parametrize("kind", SCORES)
def test_a_year_in_tiles_is_that_of_one_share_and_one_thread(kind: str) -> None:
    """With copies, rows of zeros, and (grid, one-hot, line, equal) ties of all sorts."""
    scores = make_scores(np.random.default_rng(1), 200, 40, kind).astype(np.float32)
    scores[[3, 150]], scores[10:20] = 0, scores[20:30]
    merges = set()
    for block in (64, 90):
        moments = set()
        for count, n_shares in ((1, 1), (2, 1), (1, 2), (1, 4), (4, 3)):
            torch.set_num_threads(count)
            rows, of_all = linked(scores, n_shares, block)
            merges.add(rows)
            moments.add(of_all)
        assert len(moments) == 1
    assert len(merges) == 1
