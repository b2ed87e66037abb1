"""Single linkage in tiles against single linkage of all distances: any block, any number of shares, little memory."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.linkage import blocked as module
from compsim_assets.science.linkage.blocked import blocked_linkage, merge_shares, spanning_tree_of_share
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import Dendrogram, single_linkage
from compsim_assets.science.linkage.distance import YearDistances
from compsim_assets.science.linkage.scale import moments_of
from compsim_assets.science.linkage.years import link_years
from compsim_assets_tests.science.strategies import SCORES, Universe, examples, make_scores, universes


def dense(scores: np.ndarray) -> Dendrogram:
    return single_linkage(YearDistances().of(scores), len(scores))


def assert_same(found: Dendrogram, expected: Dendrogram) -> None:
    """The same heights to rounding, and the same clusters at some of them and between."""
    assert found.n_points == expected.n_points
    np.testing.assert_allclose(found.height, expected.height, rtol=0, atol=1e-12)
    assert (np.diff(found.height) >= 0).all()
    at = np.unique(np.linspace(0, len(expected.height), 9).astype(int)[:-1])
    some = expected.height[at[at < len(expected.height)]]
    for cutoff in [-1.0, *some, *(some[1:] + some[:-1]) / 2, 2.0]:
        assert cut(found, cutoff).tolist() == cut(expected, cutoff).tolist()


@examples(20)
@given(universes(max_years=1, max_reports=24), st.integers(1, 9), st.booleans())
def test_small_years_equal_single_linkage_of_all_distances(universe: Universe, block: int, single: bool) -> None:
    scores = universe.scores.astype(np.float32) if single else universe.scores
    assert_same(blocked_linkage(scores, block=block)[0], dense(scores))


@pytest.mark.parametrize(("kind", "n_axes"), [*((kind, 3) for kind in SCORES), ("clustered", 40), ("normal", 40)])
def test_years_of_several_tiles(kind: str, n_axes: int) -> None:
    """Sorted, so that tiles differ; 400 is no multiple of 96."""
    scores = make_scores(np.random.default_rng(1), 400, n_axes, kind).astype(np.float32)
    scores = scores[np.lexsort(scores.T)]
    scores[[3, 350]] = 0
    found, moments = blocked_linkage(scores, block=96)
    distances = YearDistances().of(scores)
    expected = single_linkage(distances, 400)
    assert_same(found, expected)
    truth = moments_of(distances)
    assert moments.n_pairs == truth.n_pairs
    assert moments.mean == pytest.approx(truth.mean, abs=1e-13)
    assert moments.squared_deviation == pytest.approx(truth.squared_deviation, rel=5e-7)


def test_shares_and_their_order_do_not_matter() -> None:
    scores = make_scores(np.random.default_rng(2), 300, 12, "clustered").astype(np.float32)
    whole, moments = blocked_linkage(scores, block=300)
    for n_shares in (2, 12):
        parts = [spanning_tree_of_share(scores, share=k, n_shares=n_shares, block=64) for k in range(n_shares)]
        assert sum(part.n_pairs for part in parts) == 300 * 299 // 2
        for order in (parts, parts[::-1]):
            found, total = merge_shares(order)
            assert_same(found, whole)
            assert total.squared_deviation == pytest.approx(moments.squared_deviation, rel=1e-6)


def test_shares_have_equal_areas() -> None:
    scores = make_scores(np.random.default_rng(3), 640, 4, "normal")
    pairs = [spanning_tree_of_share(scores, share=k, n_shares=4, block=32).n_pairs for k in range(4)]
    assert max(pairs) - min(pairs) <= 32 * 32 + 10 * 32


def test_every_call_gives_the_same_bytes() -> None:
    scores = make_scores(np.random.default_rng(4), 400, 9, "normal").astype(np.float32)
    first, second = (blocked_linkage(scores, block=100) for _ in range(2))
    assert first[0].height.tobytes() == second[0].height.tobytes()
    assert first[0].children.tobytes() == second[0].children.tobytes()
    assert first[1] == second[1]


def test_rows_that_stay_off_the_device_give_the_same_tree() -> None:
    scores = make_scores(np.random.default_rng(5), 300, 7, "clustered").astype(np.float32)
    near, far = (spanning_tree_of_share(scores, block=64, resident=r) for r in (True, False))
    assert near.tree.first.tolist() == far.tree.first.tolist()
    assert near.tree.distance.tolist() == far.tree.distance.tolist()


def test_distances_below_float32_are_told_apart() -> None:
    """Distances near 5e-11 and 2e-10, far below the rounding of a float32 cosine, and points that are 1e-11 apart."""
    angle = np.cumsum(np.tile([1e-5, 2e-5, 1.1e-5], 40))
    scores = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = blocked_linkage(scores, block=16)[0]
    assert_same(found, dense(scores))
    assert len(np.unique(cut(found, 1e-10))) == 41


def test_nearly_equal_distances_keep_their_deviation() -> None:
    """Deviation 1e-7 about a cosine of 0.5: float32 cosines have errors of that size."""
    scores = np.hstack([np.eye(60), np.ones((60, 1))])
    scores += 1e-7 * np.random.default_rng(6).normal(size=scores.shape)
    truth = moments_of(YearDistances().of(scores))
    found = blocked_linkage(scores, block=16)[1]
    assert found.squared_deviation == pytest.approx(truth.squared_deviation, rel=1e-6)


def test_copies_cost_no_distances() -> None:
    """Ten texts, 100 copies each: only pairs of different texts are computed again in float64."""
    texts = np.random.default_rng(7).normal(size=(10, 30)).astype(np.float32)
    scores = texts[np.arange(1000) % 10]
    part = spanning_tree_of_share(scores, block=128)
    assert part.seen <= 45
    assert_same(merge_shares([part])[0], dense(scores))


def test_a_zero_row_joins_opposites() -> None:
    """1 and 2 are at distance 2 from each other, and at 1 from the zero row."""
    scores = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], np.float32)
    found = blocked_linkage(scores, block=2)[0]
    assert found.height.tolist() == [1.0, 1.0]
    assert_same(found, dense(scores))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_points(n: int) -> None:
    scores = np.eye(3, dtype=np.float32)[:n]
    found, moments = blocked_linkage(scores)
    assert_same(found, dense(scores))
    assert moments == moments_of(YearDistances().of(scores))


def test_scores_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(ValueError, match="finite"):
        blocked_linkage(np.array([[1.0, np.nan], [1.0, 0.0]]))


def test_float32_products_only_sort_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of any size within the bound change no bit of the tree."""
    scores = make_scores(np.random.default_rng(8), 300, 200, "clustered").astype(np.float32)
    exact = spanning_tree_of_share(scores, block=64).tree
    product = torch.mm
    bound = 200 * 2.0**-24
    noise = torch.Generator().manual_seed(0)

    def rough(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        product(a, b, out=out)
        if out.dtype == torch.float64:
            return out
        return out.add_((torch.rand(out.shape, generator=noise) * 2 - 1) * bound)

    monkeypatch.setattr(module.torch, "mm", rough)
    found = spanning_tree_of_share(scores, block=64).tree
    assert found.first.tolist() == exact.first.tolist()
    assert found.second.tolist() == exact.second.tolist()


def test_products_are_full_float32_whatever_the_process_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = make_scores(np.random.default_rng(10), 100, 5, "normal").astype(np.float32)
    seen, product = [], torch.mm

    def watched(*args: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        seen.append(torch.get_float32_matmul_precision())
        return product(*args, out=out)

    monkeypatch.setattr(module.torch, "mm", watched)
    torch.set_float32_matmul_precision("medium")
    try:
        spanning_tree_of_share(scores, block=40)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert set(seen) == {"highest"}


def test_link_years_takes_the_way_that_fits() -> None:
    scores = make_scores(np.random.default_rng(9), 90, 5, "clustered").astype(np.float32)
    year = np.repeat([2001, 2002, 2003], [20, 50, 20])
    listed = link_years(scores, year)
    mixed = link_years(scores, year, dense_bytes=5 * 20**2)
    for found, expected in zip(mixed.trees, listed.trees, strict=True):
        assert_same(found, expected)
    assert mixed.scale.n_pairs == listed.scale.n_pairs
    assert mixed.scale.mean == pytest.approx(listed.scale.mean, rel=1e-12)
    assert mixed.scale.deviation == pytest.approx(listed.scale.deviation, rel=1e-7)


LIMITED = """
import resource, sys
import numpy as np, torch
import scipy.sparse.csgraph
from compsim_assets.science.linkage import dendrogram as linkage
from compsim_assets.science.linkage.blocked import blocked_linkage
from compsim_assets.science.linkage.distance import YearDistances

torch.set_num_threads(1)
blocked_linkage(np.eye(3, dtype=np.float32))
scores = np.random.default_rng(0).normal(size=(5000, 32)).astype(np.float32)
status = open("/proc/self/status").read()
used = 1024 * int(next(line for line in status.splitlines() if line.startswith("VmData")).split()[1])
limit = used + (64 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
tree, _ = blocked_linkage(scores, block=512)
assert tree.height.shape == (4999,) and 0 < tree.height[0] < tree.height[-1] < 2
try:
    linkage.single_linkage(YearDistances().of(scores), 5000)
except (MemoryError, RuntimeError) as error:
    print("refused", type(error).__name__)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts mapped memory on Linux only")
def test_a_year_whose_distances_do_not_fit_is_linked_in_little_memory() -> None:
    """64 MiB more than the empty program holds: 5,000 companies have 100 MB of distances."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused")
