"""Adjusted mutual information of clusters and codes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from compsim_assets.science.peers.agreement import agreement_by_year, classifications


def groups_of(labels: list, year: int = 2001) -> pd.DataFrame:
    ids = np.arange(len(labels)) + 10 * year
    return pd.DataFrame({"year": year, "cluster_id": labels, "report_id": ids})


def codes_of(codes: list, year: int = 2001) -> pd.DataFrame:
    return groups_of(codes, year).rename(columns={"cluster_id": "code"})


def value_of(labels: list, codes: list) -> tuple[float, int]:
    (row,) = agreement_by_year(groups_of(labels), codes_of(codes)).to_dict("records")
    return row["value"], row["n"]


def test_the_same_groups_under_other_names_agree_fully() -> None:
    assert value_of([1, 1, 2, 2, 3], ["b", "b", "a", "a", "c"]) == (pytest.approx(1.0), 5)


def test_unrelated_groups_agree_about_not_at_all() -> None:
    rng = np.random.default_rng(0)
    values = [value_of(rng.integers(0, 9, 200).tolist(), rng.integers(0, 30, 200).tolist())[0] for _ in range(20)]
    assert abs(np.mean(values)) < 0.02


def test_reports_without_a_code_or_a_cluster_are_left_out() -> None:
    labels, codes = [1, 1, 2, 2, 3, None], ["a", "b", None, "c", "c", "a"]
    wanted = adjusted_mutual_info_score(["a", "b", "c", "c"], [1, 1, 2, 3])
    assert value_of(labels, codes) == (pytest.approx(wanted), 4)


def test_singletons_are_clusters() -> None:
    labels, codes = [1, 1, 1, 2, 3, 4], ["a", "a", "a", "b", "b", "b"]
    found, n = value_of(labels, codes)
    assert (found, n) == (pytest.approx(adjusted_mutual_info_score(codes, labels)), 6)
    assert found < value_of([1, 1, 1, 2, 2, 2], codes)[0]


def test_years_are_apart_and_rows_match_by_id_and_year() -> None:
    groups = pd.concat([groups_of([1, 1, 2, 2], 2002), groups_of([1, 2, 1, 2], 2001)])
    codes = pd.concat([codes_of(["a", "a", "b", "b"], 2002), codes_of(["a", "a", "b", "b"], 2001)])
    found = agreement_by_year(groups, codes.sample(frac=1, random_state=0))
    assert found["year"].tolist() == [2001, 2002]
    assert found["value"].iloc[1] == pytest.approx(1.0)
    assert found["value"].iloc[0] < 0
    assert found["n"].tolist() == [4, 4]
    moved = agreement_by_year(groups, codes.assign(year=2003 - (codes["year"] - 2000)))
    assert moved["n"].tolist() == [0, 0]


def test_a_year_of_fewer_than_two_coded_reports_has_no_value() -> None:
    found = agreement_by_year(groups_of([1, 2, 3]), codes_of(["a", None, None]))
    assert found["n"].tolist() == [1]
    assert found["value"].isna().all()


def test_classifications_are_the_codes_that_reports_have() -> None:
    reports = pd.DataFrame(
        {
            "report_id": [1, 2, 3],
            "year": 2001,
            "sic_code": pd.array(["0100", "0111", None], dtype="string"),
            "industry": pd.array(["Agriculture", "Agriculture", None], dtype="string"),
        }
    )
    found = classifications(reports)
    assert list(found) == ["sic_code", "sic2", "sic_division"]
    assert found["sic2"]["code"].dropna().tolist() == ["01", "01"]
    sectors = classifications(reports.assign(gics_sector=["Energy", None, "Energy"], sic_code=None))
    assert list(sectors) == ["sic_division", "gics_sector"]
    assert sectors["gics_sector"].columns.tolist() == ["report_id", "year", "code"]
