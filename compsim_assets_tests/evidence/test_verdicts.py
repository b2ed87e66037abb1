"""The rule by which a claim stands."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.evidence.verdicts import NOT_TESTABLE, REVERSED, STANDS, WEAKER, verdict
from compsim_assets_tests.science.strategies import examples

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "low", "high", "published", "direction", "expected"),
    [
        (0.2, 0.1, 0.3, 0.25, 1, STANDS),
        (0.4, 0.3, 0.5, 0.25, 1, STANDS),  # more than published
        (0.2, 0.1, 0.24, 0.25, 1, WEAKER),  # above zero, short of the published number
        (0.2, -0.1, 0.5, 0.25, 1, WEAKER),  # zero is possible
        (-0.2, -0.5, 0.1, 0.25, 1, WEAKER),
        (-0.2, -0.3, -0.1, 0.25, 1, REVERSED),
        (-0.2, -0.3, -0.1, -0.25, -1, STANDS),
        (-0.1, -0.2, -0.01, -0.25, -1, WEAKER),
        (0.2, 0.1, 0.3, -0.25, -1, REVERSED),
        (0.2, 0.1, 0.3, -0.1, 1, STANDS),  # a published number that speaks against the claim sets no mark
        (0.2, 0.1, 0.3, NAN, 1, STANDS),
        (NAN, 0.1, 0.3, 0.2, 1, NOT_TESTABLE),
        (0.2, NAN, NAN, 0.2, 1, NOT_TESTABLE),
    ],
)  # fmt: skip
def test_the_rule(value: float, low: float, high: float, published: float, direction: int, expected: str) -> None:
    assert verdict(value, low, high, published, direction)[0] == expected


NUMBERS = st.floats(-10, 10)


@examples(40)
@given(st.tuples(NUMBERS, NUMBERS, NUMBERS).map(sorted), NUMBERS)
def test_the_mirrored_claim_has_the_same_verdict(ends: list[float], published: float) -> None:
    low, value, high = ends
    one = verdict(value, low, high, published, 1)[0]
    assert one == verdict(-value, -high, -low, -published, -1)[0]


@examples(40)
@given(st.tuples(NUMBERS, NUMBERS, NUMBERS).map(sorted), NUMBERS)
def test_a_verdict_says_why(ends: list[float], published: float) -> None:
    low, value, high = ends
    found, why = verdict(value, low, high, published, 1)
    assert ("zero" in why) is (found != NOT_TESTABLE)
    assert (found == REVERSED) is (high < 0)
