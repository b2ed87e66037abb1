"""Values that are equal but for rounding: groups and orders of them do not depend on their last bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compsim_assets.science.ties import TIE, largest, largest_first, tie_groups
from compsim_assets_tests.science.strategies import examples

# Values that are well apart, half of them where a number of twelve digits ends, and what rounding adds to them.
LEVELS = np.array([-0.4, 0.1234567890125, 0.3333333333335, 0.7777777777775, 1.0])
ROUNDING = 1e-14


@st.composite
def nearly_equal(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """(b, n) numbers of levels, -1 for none, and their values, each off by a rounding of its own."""
    shape = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    level = draw(arrays(np.int64, shape, elements=st.integers(-1, len(LEVELS) - 1)))
    noise = draw(arrays(np.float64, shape, elements=st.floats(-ROUNDING, ROUNDING)))
    return level, np.where(level < 0, -np.inf, LEVELS[level]) + noise


@examples(200)
@given(nearly_equal(), st.integers(1, 12))
def test_equal_values_keep_the_order_of_their_positions(
    levels_and_values: tuple[np.ndarray, np.ndarray], count: int
) -> None:
    level, values = levels_and_values
    expected = np.argsort(-level, axis=1, kind="stable")
    np.testing.assert_array_equal(largest_first(values), expected)
    count = min(count, values.shape[1])
    np.testing.assert_array_equal(largest(values, count), expected[:, :count])


@examples(200)
@given(nearly_equal())
def test_groups_are_the_levels(levels_and_values: tuple[np.ndarray, np.ndarray]) -> None:
    level, values = levels_and_values
    there = level >= 0
    expected = np.unique(level[there], return_inverse=True)[1]
    np.testing.assert_array_equal(tie_groups(values[there]), expected)


def test_a_group_has_all_that_a_chain_of_ties_joins_and_no_more() -> None:
    chain = 0.5 + 0.9 * TIE * np.arange(4)
    assert tie_groups(np.array([0.2, *chain, 0.5 - 3 * TIE])).tolist() == [0, 2, 2, 2, 2, 1]
    assert largest_first(np.array([[0.2, *chain, 0.9]]))[0].tolist() == [5, 1, 2, 3, 4, 0]
