"""Checks on what changed since the last publication."""

from typing import TYPE_CHECKING

from compsim_assets.checks.judge import Verdict

if TYPE_CHECKING:
    import pandas as pd

# What a report that stops a publication notes as the universe's content: the next run makes it again, and until then
# no run publishes.
STOPPED = "stopped the publication"


def nothing_stops_publication(report: "pd.DataFrame") -> Verdict:
    """No change since the last publication reaches a stop level; one that does fails the run, so that nothing is
    published.
    """
    stops = int((report["grade"] == "stop").sum())
    return Verdict(stops == 0, {"stops": stops})


def nothing_is_suspicious(report: "pd.DataFrame") -> Verdict:
    """No change since the last publication, or since the pinned version, is suspiciously large."""
    return _none(report, "suspicious")


def everything_was_compared(report: "pd.DataFrame") -> Verdict:
    """Every result could be compared with its old version; one that could not is a warning, and stops nothing."""
    return _none(report, "failed")


def _none(report: "pd.DataFrame", grade: str) -> Verdict:
    rows = report[report["grade"] == grade]
    named = (rows["table"] + " " + rows["measure"] + " " + rows["subject"]).str.strip()
    first = {"first_of_them": ", ".join(named.head(5))} if len(rows) else {}
    return Verdict(rows.empty, {grade: len(rows), **first}, warning=True)
