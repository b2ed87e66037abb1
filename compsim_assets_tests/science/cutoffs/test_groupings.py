"""Comparing two groupings of the same reports: against sets of sets."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.cutoffs.groupings import Agreement, agreement
from compsim_assets_tests.science.strategies import examples

Grouping = dict[int, int]


def compared(ours: Grouping, theirs: Grouping, seed: int = 0) -> Agreement:
    """Both as arrays, in no order; theirs under other names, as text."""
    rng = np.random.default_rng(seed)
    ids = [rng.permutation(np.array(list(g), dtype=np.int64)) for g in (ours, theirs)]
    our_names = np.array([ours[i] for i in ids[0].tolist()], dtype=np.int64)
    their_names = np.array([f"cluster {theirs[i]}" for i in ids[1].tolist()], dtype=str)
    return agreement(ids[0], our_names, ids[1], their_names)


def clusters(grouping: Grouping) -> set[frozenset[int]]:
    return {frozenset(i for i in grouping if grouping[i] == name) for name in set(grouping.values())}


def brute_force(ours: Grouping, theirs: Grouping) -> Agreement:
    both = ours.keys() & theirs.keys()
    mine, other = (clusters({i: g[i] for i in both}) for g in (ours, theirs))
    return Agreement(
        n_reports=len(both),
        only_ours=len(ours.keys() - both),
        only_theirs=len(theirs.keys() - both),
        n_ours=sum(len(members) >= 2 for members in mine),
        n_theirs=sum(len(members) >= 2 for members in other),
        n_same=sum(len(members) >= 2 for members in mine & other),
        identical=clusters(ours) == clusters(theirs),
    )


groupings = st.dictionaries(st.integers(0, 12), st.integers(0, 4), max_size=10)


@examples(100)
@given(ours=groupings, theirs=groupings, seed=st.integers(0, 99))
def test_counts_are_those_of_sets(ours: Grouping, theirs: Grouping, seed: int) -> None:
    found = compared(ours, theirs, seed)
    assert found == brute_force(ours, theirs)
    assert {type(value) for value in dataclasses.astuple(found)} == {int, bool}


@examples(40)
@given(grouping=groupings, names=st.permutations(range(5)))
def test_a_grouping_is_itself_under_any_names(grouping: Grouping, names: list[int]) -> None:
    renamed = {report: names[cluster] for report, cluster in grouping.items()}
    found = compared(grouping, renamed)
    assert found.identical
    assert found.n_ours == found.n_theirs == found.n_same
    assert (found.n_reports, found.only_ours, found.only_theirs) == (len(grouping), 0, 0)


def test_a_report_that_moves_breaks_the_clusters_that_it_leaves_and_joins() -> None:
    ours = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 3, 7: 3, 8: 4}
    found = compared(ours, {**ours, 3: 2})
    assert found == Agreement(8, 0, 0, n_ours=3, n_theirs=3, n_same=1, identical=False)


def test_a_report_that_one_side_lacks_is_not_identical_though_all_clusters_are() -> None:
    ours = {1: 1, 2: 1, 3: 2}
    found = compared(ours, {1: 7, 2: 7})
    assert found == Agreement(2, 1, 0, n_ours=1, n_theirs=1, n_same=1, identical=False)


def test_two_singletons_against_a_pair() -> None:
    assert not compared({1: 1, 2: 2}, {1: 1, 2: 1}).identical
    assert compared({1: 1, 2: 2}, {1: 1, 2: 1}).n_same == 0


@pytest.mark.parametrize(("ours", "theirs"), [({}, {}), ({}, {1: 1, 2: 1}), ({1: 1, 2: 1}, {})])
def test_nothing_to_compare(ours: Grouping, theirs: Grouping) -> None:
    found = compared(ours, theirs)
    assert found == brute_force(ours, theirs)
    assert found.identical == (ours == theirs)
