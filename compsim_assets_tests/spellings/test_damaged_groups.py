"""Factors, groups and pairs with something wrong in them."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.layout import ID
from compsim_assets_tests.spellings.damaged import damaged, frame, refusal, row_of
from compsim_assets_tests.spellings.files import Files
from compsim_assets_tests.spellings.spellings import GROUPS


def test_factors_of_two_units_are_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        market = files.frames["factors"]["Mkt-RF"]
        files.frames["factors"]["Mkt-RF"] = np.where(np.arange(len(market)) % 2, 100 * market, market)

    assert re.match(r"factors\.parquet: row \d+: ", refusal(tmp_path, change))


def test_a_month_of_factors_twice_is_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        factors = files.frames["factors"]
        files.frames["factors"] = pd.concat([factors, factors.iloc[[3]].assign(SMB=0.5)], ignore_index=True)

    assert re.match(r"factors\.parquet: row 72: .*each month once", refusal(tmp_path, change))


def test_noise_is_no_cluster(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        groups = files.frames[GROUPS]
        files.frames[GROUPS] = groups.assign(cluster_id=[-1 if n % 3 else n % 2 for n in range(len(groups))])

    made, decisions = damaged(tmp_path, change)
    table = frame(made, "baseline_clusters")
    groups = table[table["method"] == "GROUPS"]
    wanted = {1000 + 3 * n: str(n % 2) for n in range(48) if n % 3 == 0}
    assert dict(zip(groups["report_id"], groups["cluster_id"], strict=True)) == wanted
    assert row_of(decisions, "left_out", "-1").count == 32


def test_a_report_of_two_clusters_is_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        groups = files.frames[GROUPS]
        files.frames[GROUPS] = pd.concat([groups, groups.iloc[[1]].assign(cluster_id="9")], ignore_index=True)

    assert re.match(r"published_clusters/GROUPS\.parquet: row 48: ", refusal(tmp_path, change))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Company2", 1000, r"pairs\.parquet: row 0: the pair \(1000, 1000\) is of a report with itself"),
        ("correlation", 1.2, r"pairs\.parquet: row 0: the pair \(1000, 1003\) has a correlation outside"),
    ],
)
def test_a_pair_that_is_none_is_refused(tmp_path: Path, column: str, value: float, message: str) -> None:
    def change(files: Files) -> None:
        files.frames["pairs"].loc[0, column] = value

    assert re.match(message, refusal(tmp_path, change))


def test_rows_of_which_none_is_of_a_report_look_wrong(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        files.frames[GROUPS][ID] += 1
        files.frames["pairs"]["Company1"] += 1

    _, decisions = damaged(tmp_path, change)
    assert row_of(decisions, "suspicious", "rows of reports that are not in this universe").count == 41
    assert row_of(decisions, "suspicious", "pair without a report").count == 66
