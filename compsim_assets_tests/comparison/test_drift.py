"""Headline numbers beside their old values, read from two versions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compsim_assets.comparison.change import Change
from compsim_assets.contracts import TABLES
from compsim_assets_tests.comparison.versions import by_measure, clusters, compared, descriptions

NONE: dict[str, Any] = {}


def table_1(**numbers: tuple[float | None, float | None]) -> dict[str, Any]:
    """MeanCorr and Sharpe ratio by method, in one block."""
    methods = list(numbers)
    columns: dict[str, Any] = {column.name: 0.0 for column in TABLES["table_1"].columns}
    columns |= {"block": ["honest"] * len(methods), "method": methods, "notes": ""}
    columns |= {"mean_correlation": [n[0] for n in numbers.values()], "sharpe": [n[1] for n in numbers.values()]}
    return columns


def test_table_1_has_its_old_numbers(tmp_path: Path) -> None:
    before = table_1(base=(0.1, 2.0), rolling=(0.2, None), gone=(0.3, None))
    after = table_1(base=(0.35, 1.0), rolling=(0.2, 1.5), new=(0.4, None))
    rows = by_measure(compared(tmp_path, {"table_1": before}, {"table_1": after}))
    row = rows["table_1", "mean_correlation", "honest base"]
    assert (row.before, row.after, row.change, row.size) == (0.1, 0.35, pytest.approx(0.25), pytest.approx(0.25))
    assert rows["table_1", "sharpe", "honest base"].change == -1
    assert rows["table_1", "sharpe", "honest rolling"].what == "there was none before"
    lost = rows["table_1", "missing", "honest gone mean_correlation"]
    assert (lost.before, lost.after, lost.size) == (0.3, None, 1)
    assert rows["table_1", "mean_correlation", "honest new"].before is None
    assert ("table_1", "sharpe", "honest gone") not in rows


def test_old_numbers_are_shown_also_where_nothing_changed(tmp_path: Path) -> None:
    rows = by_measure(compared(tmp_path, {"table_1": table_1(base=(0.1, 2.0))}, {"table_1": table_1(base=(0.1, 2.0))}))
    assert rows["table_1", "rows", ""].what == "unchanged"
    assert rows["table_1", "mean_correlation", "honest base"].change == 0


def findings(**verdicts: tuple[float | None, str]) -> dict[str, Any]:
    claims = list(verdicts)
    columns: dict[str, Any] = {column.name: 0.0 for column in TABLES["findings"].columns}
    columns |= {"claim": claims, "why": "", "table": "table_1"}
    columns |= {"honest": [value for value, _ in verdicts.values()], "verdict": [each for _, each in verdicts.values()]}
    return columns


def test_a_verdict_that_is_another_says_which_it_was(tmp_path: Path) -> None:
    before = findings(a=(0.1, "stands"), b=(0.2, "weaker"), c=(None, "not testable here"))
    after = findings(a=(0.05, "weaker"), b=(0.25, "weaker"), c=(0.3, "stands"))
    rows = by_measure(compared(tmp_path, {"findings": before}, {"findings": after}))
    verdicts = {subject: row for (_, measure, subject), row in rows.items() if measure == "verdict"}
    assert verdicts["a"] == Change("findings", "verdict", "a", 0.1, 0.05, pytest.approx(-0.05), 1, "weaker, was stands")
    assert (verdicts["b"].size, verdicts["b"].what) == (0, "weaker")
    assert (verdicts["c"].before, verdicts["c"].change, verdicts["c"].size) == (None, None, 1)


def mean_correlation(*rows: tuple[str, int, float | None]) -> dict[str, Any]:
    columns: dict[str, Any] = {column.name: 0 for column in TABLES["mean_correlation"].columns}
    method, year, value = zip(*rows, strict=True)
    return columns | {"method": method, "year": year, "mean_correlation": value, "coverage": 0.5}


def test_mean_correlation_is_of_the_years_that_both_have(tmp_path: Path) -> None:
    before = mean_correlation(("base", 2015, 0.1), ("base", 2016, 0.2), ("GCD", 2015, 0.7), ("sic_code", 2015, None))
    after = mean_correlation(("base", 2016, 0.4), ("base", 2017, 0.9), ("sic_code", 2015, 0.2))
    rows = by_measure(compared(tmp_path, {"mean_correlation": before}, {"mean_correlation": after}))
    drift = {key[1:]: row for key, row in rows.items() if key[1] in ("mean_correlation", "missing")}
    assert set(drift) == {("mean_correlation", "base"), ("missing", "GCD mean_correlation")}
    base = drift["mean_correlation", "base"]
    assert (base.before, base.after, base.change) == (0.2, 0.4, pytest.approx(0.2))


def cutoffs(theta: dict[int, float]) -> dict[str, Any]:
    return {"year": list(theta), "theta": list(theta.values()), "distance": 0.5, "mean_correlation": 0.1,
            "in_sample": True}  # fmt: skip


def test_theta_is_of_every_year_or_of_all(tmp_path: Path) -> None:
    before = {"cutoffs/base": cutoffs({2014: -3.0, 2015: -3.0}), "cutoffs/rolling": cutoffs({2014: -3.0, 2015: -2.0})}
    after = {"cutoffs/base": cutoffs({2015: -2.5, 2016: -2.5}), "cutoffs/rolling": cutoffs({2014: -3.0, 2015: -2.2})}
    rows = by_measure(compared(tmp_path, before, after))
    thetas = {(table, subject): row.change for (table, measure, subject), row in rows.items() if measure == "theta"}
    assert thetas == {
        ("cutoffs/base", "every year"): 0.5,
        ("cutoffs/rolling", "2014"): 0.0,
        ("cutoffs/rolling", "2015"): pytest.approx(-0.2),
    }


def test_whose_cluster_changed_is_said_with_names(tmp_path: Path) -> None:
    before = {"descriptions": descriptions(), "clusters/base": clusters(1, 1, 1, 2, 2, 3)}
    after = {"descriptions": descriptions(), "clusters/base": clusters(1, 1, 2, 2, 2, 3)}
    rows = by_measure(compared(tmp_path, before, after))
    moved = {subject: row for (_, measure, subject), row in rows.items() if measure == "co_members_of"}
    gamma = moved["<script>alert(1)</script> | Gamma (T2)"]
    assert (gamma.before, gamma.after, gamma.size) == (2, 2, 1)
    assert gamma.what == "most in 2015: without Alpha (T0), Beta (T1); with Delta (T3), Epsilon (T4)"
    assert {subject: row.size for subject, row in moved.items()} == {
        gamma.subject: 1, "Alpha (T0)": 0.5, "Beta (T1)": 0.5, "Delta (T3)": 0.5, "Epsilon (T4)": 0.5
    }  # fmt: skip
    assert rows["clusters/base", "co_members", ""].size == pytest.approx(3 / 6)
    assert rows["clusters/base", "clusters", ""].change == 0
    assert rows["clusters/base", "clustered", ""].before == pytest.approx(5 / 6)


def peers(lists: dict[int, list[int]]) -> dict[str, Any]:
    rows = [
        (report, 2015, scope, rank, peer, 0.5, 0.9, None, None, None)
        for report, each in lists.items()
        for scope in ("all", "industry")
        for rank, peer in enumerate(each if scope == "all" else [9, 8], 1)
    ]
    return dict(zip(TABLES["peers"].names, zip(*rows, strict=True), strict=True))


def test_whose_peers_changed_is_said_with_names(tmp_path: Path) -> None:
    before = {"descriptions": descriptions(), "peers": peers({1: [2, 3], 2: [1, 3], 3: [1, 2]})}
    after = {"descriptions": descriptions(), "peers": peers({1: [3, 2], 2: [4, 3], 3: [5, 6]})}
    rows = by_measure(compared(tmp_path, before, after))
    moved = {subject: (row.size, row.what) for (_, measure, subject), row in rows.items() if measure == "peers_of"}
    assert moved == {
        "<script>alert(1)</script> | Gamma (T2)": (
            1.0, "most in 2015: without Alpha (T0), Beta (T1); with Epsilon (T4), Zeta (T5)",
        ),
        "Beta (T1)": (0.5, "most in 2015: without Alpha (T0); with Delta (T3)"),
    }  # fmt: skip
    assert rows["peers", "peers", ""].size == pytest.approx(np.mean([0, 0.5, 1]))
