"""Windows against a brute-force search over all tokens, whatever the batches, the order and who reads."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.latents import windows as module
from compsim_assets.science.latents.windows import TopWindows, Windows, merge, windows_per_latent
from compsim_assets_tests.science.strategies import examples

D, K, WIDTH, TOP = 7, 3, 5, 3


class World:
    """Texts of a few tokens, each token with its strongest latents; few different activations, so that many tie."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 14))
        self.company = rng.integers(0, max(1, n // 2), n)
        sizes = rng.integers(1, 13, n)
        self.ids = [rng.integers(0, 1000, size) for size in sizes]
        self.latents = [np.array([rng.permutation(D)[:TOP] for _ in range(size)]) for size in sizes]
        self.acts = [(rng.integers(0, 5, (size, TOP)) / 2).astype(np.float32) for size in sizes]
        self.batches = np.array_split(rng.permutation(n), int(rng.integers(1, n + 1)))

    def add(self, top: TopWindows, batch: np.ndarray) -> None:
        acts, latents = (np.concatenate([some[i] for i in batch]) for some in (self.acts, self.latents))
        top.add([self.ids[i] for i in batch], batch, torch.from_numpy(acts), torch.from_numpy(latents))

    def slowly(self) -> list[tuple]:
        """Every window, told one latent at a time from all tokens of all texts."""
        rows = []
        for latent in range(D):
            best: dict[int, tuple] = {}
            for text, ids in enumerate(self.ids):
                dense = [
                    next(
                        (
                            float(a)
                            for a, j in zip(self.acts[text][t], self.latents[text][t], strict=True)
                            if j == latent
                        ),
                        0,
                    )
                    for t in range(len(ids))
                ]
                if max(dense) == 0:
                    continue
                place = dense.index(max(dense))
                start = min(max(place - WIDTH // 2, 0), max(len(ids) - WIDTH, 0))
                shown = slice(start, start + WIDTH)
                entry = (-max(dense), text, ids[shown].tolist(), dense[shown])
                company = int(self.company[text])
                if company not in best or entry[:2] < best[company][:2]:
                    best[company] = entry
            for rank, entry in enumerate(sorted(best.values(), key=lambda entry: entry[:2])[:K]):
                rows.append((latent, rank, -entry[0], entry[1], entry[2], entry[3]))
        return rows


def rows_of(windows: Windows) -> list[tuple]:
    rows = []
    for i in range(len(windows.latent)):
        size = int((windows.ids[i] >= 0).sum())
        assert (windows.ids[i, size:] == -1).all()
        assert (windows.activations[i, size:] == 0).all()
        rows.append((
            int(windows.latent[i]), int(windows.rank[i]), float(windows.activation[i]), int(windows.text[i]),
            windows.ids[i, :size].tolist(), windows.activations[i, :size].tolist(),
        ))  # fmt: skip
    return rows


@examples(150)
@given(st.integers(0, 2**32 - 1))
def test_windows_are_those_of_a_search_over_all_tokens(seed: int) -> None:
    world = World(seed)
    top = TopWindows(D, world.company, K, WIDTH)
    for batch in world.batches:
        world.add(top, batch)
    assert rows_of(top.windows(slice(0, D))) == world.slowly()
    assert rows_of(top.windows(slice(2, 5))) == [row for row in world.slowly() if 2 <= row[0] < 5]


@examples(100)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_it_makes_no_difference_who_reads_what(seed: int, readers: int) -> None:
    world = World(seed)
    tops = [TopWindows(D, world.company, K, WIDTH) for _ in range(readers)]
    for number, batch in enumerate(world.batches):
        world.add(tops[number % readers], batch)
    assert rows_of(merge([top.windows(slice(0, D)) for top in tops], K)) == world.slowly()


def test_some_worlds_have_ties_rivals_of_one_company_and_more_than_fit() -> None:
    """Else the tests above would show nothing."""
    worlds = [World(seed) for seed in range(60)]
    slow = [world.slowly() for world in worlds]
    assert any(sum(row[0] == 0 for row in rows) == K for rows in slow)
    assert any(a[0] == b[0] and a[2] == b[2] for rows in slow for a, b in itertools.pairwise(rows))
    assert any(len(set(world.company.tolist())) < len(world.company) for world in worlds)


def test_gathering_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(3)
    monkeypatch.setattr(module, "_GATHER_BYTES", 1)
    top = TopWindows(D, world.company, K, WIDTH)
    world.add(top, np.arange(len(world.ids)))
    assert rows_of(top.windows(slice(0, D))) == world.slowly()


@pytest.mark.parametrize(("n_latents", "expected"), [(6144, 20), (131_072, 16), (1_000_000, 2), (10**9, 1)])
def test_windows_stay_within_the_memory_that_they_may_use(n_latents: int, expected: int) -> None:
    assert windows_per_latent(n_latents) == expected
