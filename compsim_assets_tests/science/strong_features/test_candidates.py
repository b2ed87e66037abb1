"""Pairs and candidate latents of a cluster: all of them, or seeded samples."""

import numpy as np
import pytest

from compsim_assets.science.strong_features.candidates import active_latents, sample_pairs, scored_latents


def test_pairs_of_small_clusters_are_all_pairs() -> None:
    assert sample_pairs(2, [1]).tolist() == [[0, 1]]
    assert sample_pairs(4, [1]).tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    # 20 members have 190 pairs, 21 have 210.
    assert len(sample_pairs(20, [1])) == 190
    assert len(sample_pairs(21, [1])) == 200


def test_sampled_pairs_are_seeded_distinct_and_uniform() -> None:
    first = sample_pairs(40, [7, 1999, 3])
    assert len(first) == 200 == len({tuple(pair) for pair in first.tolist()})
    assert (first[:, 0] < first[:, 1]).all()
    assert first.max() < 40
    assert first.tolist() == sorted(first.tolist()) == sample_pairs(40, [7, 1999, 3]).tolist()
    assert first.tolist() != sample_pairs(40, [7, 1999, 4]).tolist()
    counts = np.zeros((30, 30))
    for seed in range(400):
        drawn = sample_pairs(30, [seed])
        counts[drawn[:, 0], drawn[:, 1]] += 1
    drawn_share = counts[np.triu_indices(30, 1)] / 400
    # 200 of 435 pairs; five standard errors of a share around 0.46.
    assert np.abs(drawn_share - 200 / 435).max() < 5 * 0.025


def active(features: np.ndarray, scale: np.ndarray, rows: int = 100, **most: int) -> list[int]:
    """Features given in blocks of `rows` rows."""
    blocks = [features[k : k + rows] for k in range(0, len(features), rows)]
    return active_latents(lambda: blocks, scale, **most).tolist()


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_active_latents_are_active_twice_and_most_variable_first(rows: int) -> None:
    features = np.array(
        [
            # none  once  flat  some  more  some-again
            [0.0, 9.0, 1.0, 1.0, 0.0, 1.0],
            [0.0, 0.0, 1.0, 2.0, 3.0, 2.0],
            [0.0, 0.0, 1.0, 0.0, 3.0, 0.0],
        ],
        dtype=np.float32,
    )
    assert active(features, np.ones(6), rows) == [4, 3, 5, 2]
    assert active(features, np.ones(6), rows, most=2) == [4, 3]
    assert active(features, np.array([1, 1, 1, 1, 9, 1]), rows) == [3, 5, 4, 2]
    assert active(np.zeros((3, 4)), np.ones(4), rows) == []


def test_the_most_variable_latents_are_those_of_the_whole_order() -> None:
    rng = np.random.default_rng(0)
    features = rng.integers(0, 3, (3, 300)).astype(np.float32)
    spread = features.std(axis=0, dtype=float)
    twice = np.flatnonzero((features > 0).sum(axis=0) >= 2)
    # Hundreds of latents share a few standard deviations: ties go by index.
    expected = sorted(twice.tolist(), key=lambda j: (-spread[j].round(12), j))
    for most in (1, 7, 100, 1000):
        assert active(features, np.ones(300), most=most) == expected[:most]


def test_scored_latents_are_all_or_a_seeded_sample() -> None:
    assert scored_latents(np.array([5, 2, 9, 2]), seed=0).tolist() == [2, 5, 9]
    many = np.arange(0, 4000, 2)
    drawn = scored_latents(many, seed=3)
    assert len(set(drawn.tolist())) == 1000
    assert drawn.tolist() == sorted(drawn.tolist())
    assert set(drawn.tolist()) <= set(many.tolist())
    assert drawn.tolist() == scored_latents(many[::-1], seed=3).tolist()
    assert drawn.tolist() != scored_latents(many, seed=4).tolist()
