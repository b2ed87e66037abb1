"""What is taken of answers: strangers' texts."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.judge.answers import flags_of, label_of
from compsim_assets.universe.judging.labels import LONGEST


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("LABEL: oil refining", "oil refining"),
        ("I see.\n\n**LABEL:** \"oil  refining\"\n", "oil refining"),
        ("label: first\nLABEL: last", "last"),
        ("<think>LABEL: a thought\n</think>\nLABEL: oil", "oil"),
        ("LABEL: a\x1b[31mb\x07\u202ec\u200bd\x00", "a[31mbcd"),
        ("LABEL: <script>alert(1)</script>", "<script>alert(1)</script>"),  # shown as text, everywhere
        ("LABEL: one\u2028two", "one"),
        ("LABEL:", None),
        ("LABEL: ***", None),
        ("the LABEL: oil", None),
        ("oil refining", None),
        ("", None),
        ("<think>LABEL: a thought", None),
    ],
)  # fmt: skip
def test_labels(text: str, label: str | None) -> None:
    assert label_of(text) == label


@given(st.text(), st.text())
def test_a_label_is_one_plain_line_of_bounded_length(before: str, after: str) -> None:
    label = label_of(f"{before}\nLABEL: {after}")
    if label is not None:
        assert 0 < len(label) <= LONGEST
        assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in label)
        label.encode()


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("[1,0,1]", "101"), (" [1, 0, 1]\n", "101"), ("```json\n[1,0,1]\n```", "101"), ("[1,0,1,]", "101"),
        ("<think>[0,0,0]?</think>[1,0,1]", "101"),
        ("[1,0]", None), ("[1,0,1,1]", None), ("[1,0,2]", None), ("[1,0,true]", None), ("1,0,1", None),
        ("[[1,0,1]]", None), ("[1,0,1] [1,0,1]", None), ("Answer: [1,0,1]", None), ("[1 0 1]", None), ("[]", None),
        ("", None), ("[" + " " * 99 + "1,0,1]", None), ("[1.0,0,1]", None), ("[-1,0,1]", None), ("[١,0,1]", None),
    ],
)  # fmt: skip
def test_flags(text: str, flags: str | None) -> None:
    assert flags_of(text, 3) == (None if flags is None else [flag == "1" for flag in flags])


@given(st.text(alphabet="[]01, \n`", max_size=40), st.integers(1, 6))
def test_flags_are_as_many_as_wanted_or_none(text: str, wanted: int) -> None:
    flags = flags_of(text, wanted)
    assert flags is None or (len(flags) == wanted and all(isinstance(flag, bool) for flag in flags))


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_a_list_as_asked_for_is_read(flags: list[bool]) -> None:
    assert flags_of(str([int(flag) for flag in flags]), len(flags)) == flags
