"""Descriptions that are longer than what a model reads at once are counted before a run."""

import pandas as pd
import pytest

from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.universe.intake.decisions import Decisions
from compsim_assets.universe.intake.long_texts import say_long_texts

TEXTS = pd.Series(["a b c", "a  b\nc d", None, "a", "a b c d e"])


@pytest.mark.parametrize(("how", "grade"), [("cut", "left_out"), ("chunk", "fine")])
def test_they_are_counted_by_words(how: str, grade: str) -> None:
    settings = ExtractionSettings(model="m", sae="s", hookpoint="h", max_tokens=3, long_texts=how)
    decisions = Decisions()
    say_long_texts(decisions.of("extraction.toml"), TEXTS, settings)
    (decision,) = decisions
    assert (decision.subject, decision.grade, decision.count) == ("long_texts", grade, 2)
    assert ("chunk" in decision.remedy) == (how == "cut")


def test_nothing_is_said_where_none_is() -> None:
    decisions = Decisions()
    settings = ExtractionSettings(model="m", sae="s", hookpoint="h", max_tokens=5)
    say_long_texts(decisions.of("extraction.toml"), TEXTS, settings)
    assert not list(decisions)
