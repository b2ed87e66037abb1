"""Checks on the report: each grade is asked for by one of them, and one alone stops anything."""

import pandas as pd
import pytest

from compsim_assets.checks import everything_was_compared, nothing_is_suspicious, nothing_stops_publication


def report(*grades: str) -> pd.DataFrame:
    rows = [("last", f"table_{i}", "rows", "", grade) for i, grade in enumerate(grades)]
    return pd.DataFrame(rows, columns=["against", "table", "measure", "subject", "grade"])


@pytest.mark.parametrize("grades", [(), ("fine",), ("fine", "fine")])
def test_nothing_is_said_of_what_is_fine(grades: tuple[str, ...]) -> None:
    for check in (nothing_stops_publication, nothing_is_suspicious, everything_was_compared):
        assert check(report(*grades)).passed


def test_a_stop_is_an_error() -> None:
    verdict = nothing_stops_publication(report("fine", "stop", "stop", "failed", "suspicious"))
    assert (verdict.passed, verdict.warning, verdict.metadata) == (False, False, {"stops": 2})


@pytest.mark.parametrize(
    ("check", "grade"), [(nothing_is_suspicious, "suspicious"), (everything_was_compared, "failed")]
)
def test_others_are_warnings_that_name_the_first(check: object, grade: str) -> None:
    assert callable(check)
    verdict = check(report("stop", grade, "fine", *[grade] * 9))
    first = "table_1 rows, table_3 rows, table_4 rows, table_5 rows, table_6 rows"
    assert (verdict.passed, verdict.warning) == (False, True)
    assert verdict.metadata == {grade: 10, "first_of_them": first}
    assert check(report("stop")).passed
