"""What reaches the page: texts without controls, numbers as they were, scripts that are no markup anywhere."""

import base64
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.explore.page.encoding import clean, packed, scaled, script, short, starts

TYPES = {"u8": "u1", "i8": "i1", "u16": "<u2", "i16": "<i2", "u32": "<u4", "i32": "<i4"}


def unpacked(value: dict[str, str]) -> np.ndarray:
    """As the page reads it."""
    return np.frombuffer(base64.b64decode(value["b"]), TYPES[value["$"]])


@given(st.text(max_size=60))
def test_a_cleaned_text_has_no_controls_and_keeps_its_letters(text: str) -> None:
    cleaned = clean(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff]", cleaned)
    assert [c for c in cleaned if c.isalnum()] == [c for c in text if c.isalnum()]
    assert clean(cleaned) == cleaned


def test_directions_of_writing_and_line_ends_are_taken_out() -> None:
    assert clean("a\u202egpj.exe\u2066b\r\n\x1b[31mc\x00\u2028d") == "agpj.exeb [31mc d"
    assert clean("\ud800x") == "\ufffdx"
    assert clean("שלום") == "שלום"
    assert [clean(value) for value in (None, float("nan"), 3)] == ["", "", ""]


@given(
    st.recursive(st.text() | st.integers(-9, 9) | st.none(), lambda inner: st.lists(inner, max_size=4), max_leaves=9)
)
def test_a_script_is_ascii_ends_nothing_and_says_what_it_was_given(value: object) -> None:
    text = script("year-2015", value)
    assert text.isascii()
    assert not set("<>&'`\u2028\u2029") & set(text)
    assert text.count("\n") == 1
    name, _, rest = text.removeprefix("compsim.take(").removesuffix(");\n").partition(",")
    assert (json.loads(name), json.loads(rest)) == ("year-2015", value)


def test_a_script_refuses_what_is_no_json() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        script("main", float("nan"))


@given(st.lists(st.integers(0, 65535), max_size=20))
def test_packed_numbers_come_back(values: list[int]) -> None:
    assert unpacked(packed(values, "u2")).tolist() == values


def test_a_number_that_does_not_fit_is_an_error_and_not_another_number() -> None:
    with pytest.raises(OverflowError, match="65536 in u2"):
        packed([1, 65536], "u2")
    with pytest.raises(OverflowError, match="-1"):
        packed([-1], "u4")


@given(st.lists(st.none() | st.floats(-3, 3), min_size=1, max_size=20))
def test_scaled_numbers_are_the_nearest_ones_and_nothing_stays_nothing(values: list[float | None]) -> None:
    given_values = np.array([np.nan if value is None else value for value in values])
    whole = unpacked(scaled(given_values, 10_000, "i2", -32768))
    assert (whole == -32768).tolist() == np.isnan(given_values).tolist()
    there = ~np.isnan(given_values)
    np.testing.assert_allclose(whole[there] / 10_000, given_values[there], atol=0.50001e-4)


def test_a_number_out_of_range_never_becomes_nothing() -> None:
    assert unpacked(scaled([-9.0, 9.0], 10_000, "i2", -32768)).tolist() == [-32767, 32767]
    assert unpacked(scaled([7.0], 100, "u1", 255)).tolist() == [254]


@given(st.lists(st.integers(0, 5), max_size=30))
def test_starts_bound_each_positions_rows(positions: list[int]) -> None:
    ordered = np.array(sorted(positions), dtype=np.int64)
    bounds = starts(ordered, 6)
    for position in range(6):
        assert (ordered[bounds[position] : bounds[position + 1]] == position).all()
    assert bounds[-1] == len(positions)


def test_a_short_text_ends_with_a_word() -> None:
    assert short("one two  three\nfour", 100) == "one two three four"
    assert short("one two three four", 12) == "one two …"
    assert short("word " * 100_000, 12) == "word word …"
