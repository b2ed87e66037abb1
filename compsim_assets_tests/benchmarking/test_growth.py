"""The fit of an exponent, and a step that grows faster than it says fails the check."""

import dataclasses
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.growth import MEMORY_TOLERANCE, TOLERANCE, Cost, Step, cost, exponent, row_of
from benchmarks.jobs.growth import alone, steps

SIZES = [1_000, 2_000, 4_000, 8_000]
STEP = Step("a step", "things", SIZES, lambda size: lambda: size, 2, 1)


@given(st.floats(0, 3), st.floats(1e-6, 1e3), st.lists(st.integers(1, 10**6), min_size=2, max_size=6, unique=True))
def test_a_power_has_its_exponent(power: float, factor: float, sizes: list[int]) -> None:
    assert exponent(sizes, [factor * size**power for size in sizes]) == pytest.approx(power, abs=1e-6)


def test_an_exponent_needs_two_sizes_and_costs() -> None:
    for sizes, costs in (([3, 3], [1.0, 2.0]), ([1, 2], [0.0, 1.0])):
        with pytest.raises(ValueError, match="needs two sizes"):
            exponent(sizes, costs)


def grown(time: float, memory: float, largest: float = 1e9) -> tuple[str, float | None, float | None]:
    row = row_of(STEP, lambda _, n: Cost(3e-9 * n**time, int(largest * (n / SIZES[-1]) ** memory)))
    assert row.ours == pytest.approx(3e-9 * SIZES[-1] ** time)
    assert row.size == "1,000 2,000 4,000 8,000 things"
    return row.wrong, row.growth, row.memory_growth


def test_a_step_that_grows_as_it_says_passes() -> None:
    wrong, time, memory = grown(2 + TOLERANCE - 0.01, 1 + MEMORY_TOLERANCE - 0.01)
    assert wrong == ""
    assert (time, memory) == (pytest.approx(2 + TOLERANCE - 0.01), pytest.approx(1 + MEMORY_TOLERANCE - 0.01, abs=1e-4))


def test_a_step_that_grows_faster_fails_and_says_what_does() -> None:
    assert grown(2 + TOLERANCE + 0.01, 1)[0] == "time grows with an exponent of 2.31, not 2"
    assert grown(2, 1 + MEMORY_TOLERANCE + 0.01)[0] == "memory grows with an exponent of 1.31, not 1"
    assert grown(3, 2)[0].count("grows") == 2


def test_a_size_that_found_room_in_what_was_freed_before_does_not_count() -> None:
    held = dict(zip(SIZES, [1 << 20, *(int(1e9 * (n / SIZES[-1]) ** 2) for n in SIZES[1:])], strict=True))
    row = row_of(dataclasses.replace(STEP, memory=2), lambda _, n: Cost(3e-9 * n**2, held[n]))
    assert (row.wrong, row.memory_growth) == ("", pytest.approx(2, abs=1e-4))


def test_a_step_that_holds_little_has_no_growth_of_memory() -> None:
    assert grown(1, 3, largest=1e6) == ("", pytest.approx(1), None)


def test_what_is_done_twice_costs_twice() -> None:
    def work(times: int) -> float:
        return cost(lambda: [sum(range(50_000)) for _ in range(times)]).seconds

    assert exponent([10, 80], [work(10), work(80)]) == pytest.approx(1, abs=0.4)
    assert cost(lambda: bytearray(200 << 20)).bytes > 150 << 20


def test_steps_run_at_four_sizes_in_processes_of_their_own_and_say_what_they_cost() -> None:
    """The real steps, so small that nothing can be said of their growth."""
    every = {step.name: step for step in steps(64)}
    assert len(every) > 10
    assert all(len(step.sizes) == 4 and list(step.sizes) == sorted(set(step.sizes)) for step in steps())
    row = row_of(every["single linkage of a year"], partial(alone, 64))
    assert row.growth is not None
    assert row.ours > 0
    with pytest.raises(ChildProcessError, match="a step at 1,000 things"):
        alone(64, STEP, 1_000)
