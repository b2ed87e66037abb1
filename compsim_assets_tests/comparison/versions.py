"""Two versions of a few tables, written as results are."""

from pathlib import Path
from typing import Any

import pandas as pd

from compsim_assets.comparison.change import Change
from compsim_assets.comparison.folders import Folder
from compsim_assets.comparison.report import compare
from compsim_assets.contracts import TABLES
from compsim_assets.storage.results import Results

COMPANIES = ["Alpha", "Beta", "<script>alert(1)</script> | Gamma", "Delta", "Epsilon", "Zeta"]


def write(folder: Path, tables: dict[str, Any]) -> Folder:
    """A results folder with these tables, by result's name."""
    results = Results(folder)
    for name, columns in tables.items():
        asset, _, mode = name.partition("/")
        table = TABLES[asset].typed(pd.DataFrame(columns))
        results.write_table(results.table(asset, mode or None), table)
    return Folder(results)


def descriptions(n: int = 6, **changes: Any) -> dict[str, Any]:
    """Reports 1.. of as many companies."""
    return {
        "report_id": range(1, n + 1),
        "cik": [str(100 + i) for i in range(n)],
        "company_name": COMPANIES[:n],
        "ticker": [f"T{i}" for i in range(n)],
        "year": [2015] * n,
        "sic_code": None,
        "industry": None,
        "description": [f"We make {i}." for i in range(n)],
        **changes,
    }


def clusters(*numbers: int) -> dict[str, Any]:
    """The cluster of report 1, 2, ..."""
    return {"year": [2015] * len(numbers), "cluster_id": numbers, "report_id": range(1, len(numbers) + 1)}


def compared(tmp_path: Path, before: dict[str, Any], after: dict[str, Any], **options: Any) -> list[Change]:
    """What changed between two versions that have these tables."""
    names = list(dict.fromkeys([*before, *after]))
    return list(compare(write(tmp_path / "before", before), write(tmp_path / "after", after), names, **options))


def by_measure(changes: list[Change]) -> dict[tuple[str, str, str], Change]:
    """By table, measure and subject; each once."""
    named = {(change.table, change.measure, change.subject): change for change in changes}
    assert len(named) == len(changes)
    return named
