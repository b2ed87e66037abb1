"""Held out are whole groups of companies with their texts, about as many as wanted, drawn by the seed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.training.split import hold_out


@st.composite
def reports(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(1, 40))
    numbers = st.lists(st.integers(-1, 12), min_size=n, max_size=n)
    text = np.array(draw(numbers))
    text = np.where(text < 0, -1, np.unique(text, return_inverse=True)[1] - int((text < 0).any()))
    return text, np.array(draw(st.lists(st.integers(0, 8), min_size=n, max_size=n)))


@given(reports(), st.floats(0, 1), st.integers(0, 3))
def test_no_text_and_no_company_is_on_both_sides(some: tuple[np.ndarray, np.ndarray], part: float, seed: int) -> None:
    text, company = some
    held = hold_out(text, company, part, seed)
    there = text >= 0
    assert not held[~there].any()
    for group in (text, company):
        assert not set(group[there & held]) & set(group[there & ~held])
    companies = len(set(company[there]))
    assert len(set(company[held])) <= max(1, round(part * companies)) * bool(part)
    if there.any():
        assert (there & ~held).any()


def test_a_tenth_of_the_companies_are_held_out_by_seed() -> None:
    company = np.repeat(np.arange(100), 3)
    text = np.arange(300)
    held = [hold_out(text, company, 0.1, seed) for seed in (0, 1)]
    assert [len(set(company[each])) for each in held] == [10, 10]
    assert (held[0] != held[1]).any()
    assert (hold_out(text, company, 0.1, 0) == held[0]).all()


def test_one_text_for_all_companies_holds_nothing_out() -> None:
    assert not hold_out(np.zeros(9, dtype=int), np.arange(9), 0.5, 0).any()
