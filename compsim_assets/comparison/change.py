"""One number of a rebuild beside its old value."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

MISSING = "missing"


@dataclass(frozen=True)
class Change:
    """A row of `rebuild_report` before it has a grade.

    table: name of the result. measure: what was measured, a table of levels.toml. subject: of what within the table.
    before, after: the old and the new value. change: their difference, or a count where there are no two values.
    size: what is held against the levels. what: in words.
    """

    table: str
    measure: str
    subject: str = ""
    before: float | None = None
    after: float | None = None
    change: float | None = None
    size: float | None = None
    what: str = ""


def share(table: str, measure: str, before: float, after: float, subject: str = "", what: str = "") -> Change:
    """A number whose change counts as a share of what it was; of what was 0 all is new."""
    change = after - before
    size = change / abs(before) if before else math.copysign(1.0, change) if change else 0.0
    return Change(table, measure, subject, before, after, change, size, what)


def difference(table: str, measure: str, before: float, after: float, subject: str = "", what: str = "") -> Change:
    """A number whose change counts as it is."""
    return Change(table, measure, subject, before, after, after - before, after - before, what)


def counted(table: str, measure: str, count: int, of: int, what: str = "") -> Change:
    """A count of rows, which counts as a share of so many."""
    return Change(table, measure, change=count, size=count / of if of else float(count > 0), what=what)


def differences(table: str, measure: str, before: pd.Series, after: pd.Series, what: str = "") -> Iterator[Change]:
    """One for each label of two series of numbers. One that was there and is not any more is `missing`.

    Values that are missing on both sides are passed over.
    """
    both = pd.DataFrame({"before": before, "after": after})
    for subject, old, new in zip(both.index.astype(str), both["before"], both["after"], strict=True):
        if pd.notna(old) and pd.notna(new):
            yield difference(table, measure, float(old), float(new), subject, what)
        elif pd.notna(old):
            gone = f"there is no {measure} of {subject} any more"
            yield Change(table, MISSING, f"{subject} {measure}", before=float(old), change=-1, size=1, what=gone)
        elif pd.notna(new):
            yield Change(table, measure, subject, after=float(new), what="there was none before")
