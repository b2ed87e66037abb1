"""What `control_findings` says, short: for the top of the page of findings."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from compsim_assets.contracts.methods import CONTROL_NAMES
from compsim_assets.evidence.control_reasons import BEYOND_CHANCE, LABELS, METHOD
from compsim_assets.evidence.controls import MEASURES, NOT_SEEN
from compsim_assets.evidence.verdicts import NOT_TESTABLE, REVERSED, STANDS, signed

_KEY = ["method", "statistic", "level"]
# MeanCorr, by pairs, Spearman, the ten nearest, the nearest by industry; then what the columns say.
_SHOWN = {
    **{(each.trained, each.statistic, each.level): each.words for each in (MEASURES[at] for at in (0, 1, 4, 5, 6))},
    (METHOD, LABELS, 0.0): "labels' AUC",
    (METHOD, BEYOND_CHANCE, 0.0): "covered by five themes, beyond chance",
}


def summary(findings: pd.DataFrame) -> pd.DataFrame:
    """A row per control that is there: trained less control by the statistics that claims are of, and how many of all
    stand. Without a row where there is no control.
    """
    rows = []
    for name, (label, *_) in CONTROL_NAMES.items():
        of_control = findings[(findings["control"] == name) & (findings["verdict"] != NOT_TESTABLE)]
        if of_control.empty:
            continue
        cells = {tuple(row[name] for name in _KEY): _cell(row) for row in of_control.to_dict("records")}
        counts = of_control["verdict"].value_counts()
        told = f"{counts.get(STANDS, 0)} better, {counts.get(REVERSED, 0)} worse, {counts.get(NOT_SEEN, 0)} {NOT_SEEN}"
        rows.append([label, *(cells.get(key, "") for key in _SHOWN), told])
    return pd.DataFrame(rows, columns=["trained less", *_SHOWN.values(), "of all statistics"])


def _cell(row: Mapping[Hashable, Any]) -> str:
    mark = {STANDS: " better", REVERSED: " worse"}.get(row["verdict"], "")
    return signed(row["difference"], row["low"], row["high"]) + mark
