"""Linking by year: years apart, and the choice between a list of distances and tiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.years import YearLinkage, link_years
from compsim_assets_tests.science.strategies import Universe, examples, make_scores, universes


@examples(20)
@given(universes(), st.integers(0, 2**32 - 1))
def test_years_are_linked_apart(universe: Universe, seed: int) -> None:
    trees = link_years(universe.scores, universe.year)
    assert trees.years.tolist() == sorted(set(universe.year.tolist()))
    for rows, tree, expected in zip(trees.rows, trees.trees, universe.positions(), strict=True):
        assert rows.tolist() == expected.tolist()
        assert tree.n_points == len(rows)
    # Another year's reports may change the scale, not the tree.
    other = universe.scores.copy()
    first = universe.positions()[0]
    others = np.setdiff1d(np.arange(len(other)), first)
    other[others] = np.random.default_rng(seed).normal(size=other[others].shape)
    again = link_years(other, universe.year).trees[0]
    for cutoff in (0.03, 0.31, 0.77, 1.13, 1.9):
        assert cut(again, cutoff).tolist() == cut(trees.trees[0], cutoff).tolist()


def test_progress_counts_reports() -> None:
    seen = []
    rng = np.random.default_rng(0)
    link_years(rng.normal(size=(6, 3)), np.array([1, 2, 2, 1, 3, 1]), progress=lambda *at: seen.append(at))
    assert seen == [(3, 6), (5, 6), (6, 6)]


def test_progress_counts_the_tiles_of_a_large_year() -> None:
    seen: list[tuple[int, int]] = []
    scores = np.random.default_rng(0).normal(size=(1500, 3))
    year = np.repeat([1, 2], [400, 1100])
    link_years(scores, year, progress=lambda *at: seen.append(at), dense_bytes=5 * 400**2)
    assert seen == [(400, 1500), (766, 1500), (1133, 1500), (1500, 1500)]


def test_no_reports_at_all() -> None:
    trees = link_years(np.empty((0, 4)), np.empty(0, dtype=int))
    assert trees.trees == []
    assert trees.scale.n_pairs == 0


def test_a_year_is_listed_where_its_distances_fit() -> None:
    assert YearLinkage(dense_bytes=4_000_000).is_listed(1000)
    assert not YearLinkage(dense_bytes=3_999_999).is_listed(1000)
    assert YearLinkage().is_listed(10_000)
    assert not YearLinkage().is_listed(20_000)


def test_both_ways_of_a_year_give_the_same_tree_and_moments() -> None:
    scores = make_scores(np.random.default_rng(9), 50, 5, "clustered").astype(np.float32)
    listed, tiles = YearLinkage(), YearLinkage(dense_bytes=0)
    whole, moments = listed.tree_and_moments(scores)
    for linkage in (listed, tiles):
        other, of_tree = linkage.tree_and_moments(scores)
        for tree in (linkage.tree(scores), other):
            np.testing.assert_allclose(tree.height, whole.height, rtol=0, atol=1e-12)
        for alone in (linkage.moments(scores), of_tree):
            assert (alone.n_pairs, alone.mean) == (moments.n_pairs, pytest.approx(moments.mean, rel=1e-12))
            assert alone.squared_deviation == pytest.approx(moments.squared_deviation, rel=1e-6)
    # Which way was taken shows in the last bits of the deviation alone.
    assert listed.moments(scores) == moments != tiles.moments(scores)
