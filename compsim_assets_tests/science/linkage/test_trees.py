"""Trees as rows, one row per merge: there and back, and what a row says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import Dendrogram, merged
from compsim_assets.science.linkage.trees import cut_years, merges_of, read_trees, rows_by_year, tree_of
from compsim_assets.science.linkage.years import link_years
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, universes

CUTOFFS = (-1.0, 0.0, 0.2, 0.4, 9.0)


@st.composite
def forests(draw: st.DrawFn) -> tuple[Dendrogram, np.ndarray]:
    """Merges of up to 30 points, down to any number of parts, heights with ties; and the points' ascending ids."""
    n = draw(st.integers(0, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts = draw(st.integers(1, 4))
    order = rng.permutation(n)
    # Each point but the first few is joined to one before it.
    first, second = order[parts:], np.array([order[rng.integers(at)] for at in range(parts, n)], dtype=np.int64)
    height = np.sort(rng.integers(0, draw(st.sampled_from([1, 5, 10**6])) + 1, len(first)) / 10)
    shuffled = rng.permutation(len(first))
    return merged(n, first[shuffled], second[shuffled], height), np.sort(rng.choice(10**6, n, replace=False))


def assert_equal(tree: Dendrogram, expected: Dendrogram) -> None:
    """Equal to the last bit."""
    assert tree.n_points == expected.n_points
    for name in ("children", "height"):
        ours, wanted = getattr(tree, name), getattr(expected, name)
        assert (ours.dtype, ours.shape, ours.tobytes()) == (wanted.dtype, wanted.shape, wanted.tobytes())


@examples(100)
@given(forests())
def test_rows_give_back_the_tree(given: tuple[Dendrogram, np.ndarray]) -> None:
    tree, report_id = given
    assert_equal(tree_of(merges_of(tree, report_id), report_id), tree)


@examples(50)
@given(forests())
def test_a_row_names_the_smallest_reports_of_the_two_parts(given: tuple[Dendrogram, np.ndarray]) -> None:
    tree, report_id = given
    rows = merges_of(tree, report_id)
    assert rows["step"].tolist() == list(range(len(tree.height)))
    parts = [{report} for report in report_id.tolist()]
    for left, right in zip(rows["left"].tolist(), rows["right"].tolist(), strict=True):
        assert left < right
        two = [part for part in parts if min(part) in (left, right)]
        assert len(two) == 2
        parts = [part for part in parts if part not in two] + [two[0] | two[1]]
    whole = {frozenset(part) for part in parts}
    assert whole == {frozenset(report_id[list(p)].tolist()) for p in oracles.partition(cut(tree, np.inf))}


@examples(30)
@given(universes(), st.randoms(use_true_random=False))
def test_all_years_come_back_from_rows_in_any_order(universe: Universe, random) -> None:  # type: ignore[no-untyped-def]
    order = np.argsort(universe.report_id)
    ids, year = universe.report_id[order], universe.year[order]
    linked = link_years(universe.scores[order], year)
    tables = [{"year": np.full(len(t.height), y), **merges_of(t, ids[rows])} for y, rows, t in linked]
    merges = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    shuffled = random.sample(range(len(merges["year"])), len(merges["year"]))
    trees = read_trees({name: column[shuffled] for name, column in merges.items()}, year, ids)
    assert trees.years.tolist() == linked.years.tolist()
    for tree, expected in zip(trees.trees, linked.trees, strict=True):
        assert_equal(tree, expected)
    # The same reports in another order: rows are positions in it, points are still the ascending reports.
    other = random.sample(range(len(ids)), len(ids))
    for (_, rows, tree), (_, expected, _) in zip(read_trees(merges, year[other], ids[other]), linked, strict=True):
        assert ids[other][rows].tolist() == ids[expected].tolist()
        assert tree.n_points == len(rows)


def none(*years: int) -> dict[str, np.ndarray]:
    """No merges."""
    columns = dict.fromkeys(("year", "step", "left", "right"), np.empty(0, dtype=np.int64))
    return {**columns, "distance": np.empty(0)}


def test_a_year_without_merges_has_its_reports() -> None:
    trees = read_trees(none(), np.array([2001, 2003, 2001]), np.array([7, 8, 5]))
    assert [(year, rows.tolist(), tree.n_points) for year, rows, tree in trees] == [(2001, [2, 0], 2), (2003, [1], 1)]
    ids = np.array([5, 7, 8])
    trees = read_trees(none(), np.array([2001, 2001, 2003]), ids)
    found = cut_years(trees, ids, np.array([2003, 2001, 1999]), np.array([0.5, 0.5, 0.5]))
    assert [(year, numbers.tolist(), of.tolist()) for year, numbers, of in found] == [
        (2003, [1], [8]),
        (2001, [1, 2], [5, 7]),
    ]
    assert list(read_trees(none(), np.empty(0, dtype=int), np.empty(0, dtype=int))) == []


def test_merges_of_other_reports_are_refused() -> None:
    tree = merged(3, np.array([0, 1]), np.array([1, 2]), np.array([0.1, 0.2]))
    rows = merges_of(tree, np.array([10, 20, 30]))
    with pytest.raises(ValueError, match="report 30, which is not among"):
        tree_of(rows, np.array([10, 20]))
    twice = {name: np.concatenate([column, column]) for name, column in rows.items()}
    with pytest.raises(ValueError, match="report 20, which is not among the clustered ones or was merged"):
        tree_of(twice, np.array([10, 20, 30]))
    with pytest.raises(ValueError, match="report 20, which is not among"):
        read_trees({"year": np.array([2002, 2002]), **rows}, np.array([2001, 2002]), np.array([40, 10]))


def test_rows_by_year() -> None:
    years, rows = rows_by_year(np.array([2003, 1999, 2003, 2001, 1999]))
    assert years.tolist() == [1999, 2001, 2003]
    assert [r.tolist() for r in rows] == [[1, 4], [3], [0, 2]]
    no_years, no_rows = rows_by_year(np.array([], dtype=int))
    assert len(no_years) == len(no_rows) == 0
