"""The groups of every method, and the years that methods are compared on."""

import math

import pandas as pd
import pytest

from compsim_assets.evidence.groups import all_groups, main_years, years_apart


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
    assert main_years(one) == ([2001, 2002], ["base", "rolling"], {})
    # Others do not narrow them, walk-forward does.
    other = one[one["year"] == 2001]
    assert main_years(pd.concat([one, other.assign(method="GCD")])).years == [2001, 2002]
    walked = pd.concat([one, other[other["method"] == "base"].assign(method="walk_forward")])
    assert main_years(walked) == ([2001], ["base", "rolling", "walk_forward"], {})


def by_method(**years: list[int]) -> pd.DataFrame:
    rows = [(method, year, 0.5) for method, there in years.items() for year in there]
    return pd.DataFrame(rows, columns=["method", "year", "mean_correlation"])


def test_a_main_method_without_a_value_is_left_out_and_named() -> None:
    table = by_method(base=[2001, 2002], sic_code=[2001, 2002], walk_forward=[2002])
    table.loc[table["method"] == "walk_forward", "mean_correlation"] = math.nan
    common = main_years(table)
    assert (common.years, common.main) == ([2001, 2002], ["base", "sic_code"])
    assert common.left_out == {"walk_forward": "no MeanCorr in any year"}


def test_where_no_year_is_shared_the_shortest_methods_are_left_out_first() -> None:
    whole = list(range(2001, 2009))
    table = by_method(base=whole, rolling=[2006, 2007], walk_forward=[2008], sic_code=whole[:-1], population=whole)
    common = main_years(table)
    assert common.years == [2006, 2007]
    assert list(common.left_out) == ["walk_forward"]
    assert "1 of its own" in common.left_out["walk_forward"]
    # None left that has a year with another.
    assert main_years(by_method(base=[2001], sic_code=[2002, 2003])).main == ["sic_code"]
    nothing = by_method(base=[2001]).assign(mean_correlation=math.nan)
    assert main_years(nothing) == ([], [], {"base": "no MeanCorr in any year"})


def test_comparisons_with_a_method_that_has_no_common_year_are_of_the_years_of_the_two() -> None:
    whole = list(range(2001, 2009))
    table = by_method(base=whole, walk_forward=[2008], sic_code=whole[:-1], minilm_base=whole, GCD=[1990, 2008])
    common = main_years(table)
    assert common.years == whole[:-1]
    assert years_apart(table, common, ["base", "sic_code"]) == {
        ("walk_forward", ""): [2008],
        ("GCD", ""): [1990, 2008],
        ("walk_forward", "base"): [2008],
        ("GCD", "base"): [2008],
    }
    # A reference itself may be the one without.
    assert years_apart(table, common, ["walk_forward"]) == {
        ("walk_forward", ""): [2008],
        ("GCD", ""): [1990, 2008],
        ("base", "walk_forward"): [2008],
        ("minilm_base", "walk_forward"): [2008],
        ("GCD", "walk_forward"): [2008],
    }
    assert (
        years_apart(by_method(base=[1, 2], sic_code=[2]), main_years(by_method(base=[1, 2], sic_code=[2])), ["base"])
        == {}
    )


def test_two_methods_of_one_name_are_refused() -> None:
    embeddings, published = groups(method=["minilm_base"]), groups(method=["minilm_base", "GCD"])
    with pytest.raises(ValueError, match="'minilm_base' is a published cluster set and an encoder"):
        all_groups({}, groups(), published, embeddings, groups())
