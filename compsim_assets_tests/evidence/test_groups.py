"""The groups of every method, and the years that methods are compared on."""

import math

import pandas as pd
import pytest

from compsim_assets.evidence.groups import all_groups, main_years


def groups(**columns: list) -> pd.DataFrame:
    n = len(next(iter(columns.values()), []))
    table = pd.DataFrame({"year": [2001] * n, "report_id": range(n), "cluster_id": [1] * n})
    return table.assign(**columns)


def test_all_methods_in_reading_order_without_empty_ones() -> None:
    reports = pd.DataFrame({"year": [2001, 2002], "report_id": [7, 8], "returns": [[], []]})
    found = all_groups(
        {"base": groups(cluster_id=[3, 3]), "rolling": groups()},
        groups(cluster_id=[1]),
        groups(method=["sic_code", "GCD", "sic_code"]),
        groups(method=["minilm_base"]),
        reports,
    )
    assert list(found) == ["base", "walk_forward", "minilm_base", "sic_code", "GCD", "population"]
    assert len(found["sic_code"]) == 2
    assert found["population"].to_dict("list") == {"year": [2001, 2002], "report_id": [7, 8], "cluster_id": [1, 1]}
    assert all(list(table) == ["year", "report_id", "cluster_id"] for table in found.values())


def test_the_years_that_the_main_methods_have() -> None:
    years = {"base": [2000, 2001, 2002], "rolling": [2001, 2002, 2003]}
    rows = [(method, year, 0.5) for method, there in years.items() for year in there] + [("base", 2003, math.nan)]
    one = pd.DataFrame(rows, columns=["method", "year", "mean_correlation"])
    assert main_years(one) == ([2001, 2002], ["base", "rolling"])
    # Others do not narrow them, walk-forward does.
    other = one[one["year"] == 2001]
    assert main_years(pd.concat([one, other.assign(method="GCD")]))[0] == [2001, 2002]
    walked = pd.concat([one, other[other["method"] == "base"].assign(method="walk_forward")])
    assert main_years(walked) == ([2001], ["base", "rolling", "walk_forward"])


def test_two_methods_of_one_name_are_refused() -> None:
    embeddings, published = groups(method=["minilm_base"]), groups(method=["minilm_base", "GCD"])
    with pytest.raises(ValueError, match="'minilm_base' is a published cluster set and an encoder"):
        all_groups({}, groups(), published, embeddings, groups())
