"""MeanCorr of a grouping by year: matching by id and year, coverage, population, pooling over years."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.correlation.groups import common_years, correlation_by_year, match_groups
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, universes


def returns_table(universe: Universe) -> pd.DataFrame:
    return pd.DataFrame({"report_id": universe.report_id, "year": universe.year, "returns": list(universe.returns)})


def generic(sizes: list[int], seed: int = 0) -> Universe:
    n = sum(sizes)
    rng = np.random.default_rng(seed)
    year = np.repeat(2000 + np.arange(len(sizes)), sizes)
    return Universe(10 + np.arange(n), year, rng.normal(size=(n, 3)), rng.normal(size=(n, 12)))


def table_of(universe: Universe, cluster_id: object) -> pd.DataFrame:
    return pd.DataFrame({"year": universe.year, "report_id": universe.report_id, "cluster_id": cluster_id})


@examples(25)
@given(universes(max_years=5), st.data())
def test_every_year_equals_the_pair_loop(universe: Universe, data: st.DataObject) -> None:
    n = len(universe.year)
    labels = np.array(data.draw(st.lists(st.sampled_from("abcd"), min_size=n, max_size=n)))
    shuffled = np.random.default_rng(n).permutation(n)
    found = correlation_by_year(table_of(universe, labels).iloc[shuffled], returns_table(universe))
    assert found["year"].tolist() == sorted(set(universe.year.tolist()))
    for row, rows, year in zip(found.itertuples(), universe.positions(), universe.year_pairs(), strict=True):
        expected = oracles.quality(year, labels[rows].tolist())
        assert row.mean_correlation == pytest.approx(expected.mean_correlation, abs=1e-9, nan_ok=True)
        assert row.pair_weighted == pytest.approx(expected.pair_weighted, abs=1e-9, nan_ok=True)
        assert (row.n_clusters, row.n_reports, row.largest_cluster, row.n_pairs) == (
            expected.n_clusters, expected.n_reports, expected.largest_cluster, expected.n_pairs,
        )  # fmt: skip
        assert row.coverage == pytest.approx(expected.n_reports / year.n)


@examples(25)
@given(universes(max_years=4, max_reports=10), st.data())
def test_reports_of_one_company_are_no_pair(universe: Universe, data: st.DataObject) -> None:
    """Against a loop over the pairs of two companies; clusters of one company alone do not count."""
    n = len(universe.year)
    labels = np.array(data.draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n)))
    owner = np.array(data.draw(st.lists(st.sampled_from([f"c{k}" for k in range(5)]), min_size=n, max_size=n)))
    company = pd.Series(owner, index=universe.report_id)
    found = correlation_by_year(table_of(universe, labels), returns_table(universe), company)
    for row, rows, year in zip(found.itertuples(), universe.positions(), universe.year_pairs(), strict=True):
        clusters = [m for m in oracles.partition(labels[rows].tolist()) if len({owner[rows[k]] for k in m}) >= 2]
        of_clusters = [
            [
                rho
                for (a, b), rho in zip(year.pairs, year.rho, strict=True)
                if {a, b} <= set(members) and owner[rows[a]] != owner[rows[b]] and rho is not None
            ]
            for members in clusters
        ]
        means = [np.mean(rhos) for rhos in of_clusters if rhos]
        every = [rho for rhos in of_clusters for rho in rhos]
        wanted = (np.mean(means), np.mean(every)) if means else (math.nan, math.nan)
        assert (row.mean_correlation, row.pair_weighted) == pytest.approx(wanted, abs=1e-9, nan_ok=True)
        sizes = [len(members) for members in clusters]
        counts = (len(every), len(sizes), sum(sizes), max(sizes, default=0))
        assert (row.n_pairs, row.n_clusters, row.n_reports, row.largest_cluster) == counts


def test_companies_that_are_all_different_change_no_bit() -> None:
    universe = generic([9, 30, 4])
    groups, returns = table_of(universe, universe.report_id % 3), returns_table(universe)
    company = pd.Series(universe.report_id, index=universe.report_id)
    assert correlation_by_year(groups, returns, company).equals(correlation_by_year(groups, returns))


def test_population_is_one_cluster_a_year() -> None:
    universe = generic([5, 7])
    found = correlation_by_year(table_of(universe, 1), returns_table(universe))
    for row, members in zip(found.itertuples(), universe.positions(), strict=True):
        rho = np.corrcoef(universe.returns[members])[np.triu_indices(len(members), 1)]
        assert row.mean_correlation == pytest.approx(rho.mean(), abs=1e-12)
        assert row.pair_weighted == pytest.approx(rho.mean(), abs=1e-12)
        assert (row.n_pairs, row.coverage) == (len(rho), 1.0)


def test_rows_match_by_id_and_year_together() -> None:
    universe = generic([3, 3])
    groups = table_of(universe, [1, 1, 2, 1, 1, 1])
    # The right id under the wrong year, and an id nobody has: neither row may count.
    groups.loc[5, "year"] = 2000
    groups.loc[6] = [2001, 999, 1]
    found = correlation_by_year(groups, returns_table(universe)).set_index("year")
    assert found["n_reports"].to_dict() == {2000: 2, 2001: 2}
    assert found["coverage"].tolist() == pytest.approx([2 / 3, 2 / 3])
    rho = np.corrcoef(universe.returns)
    assert found["mean_correlation"].tolist() == pytest.approx([rho[0, 1], rho[3, 4]], abs=1e-12)
    matched = match_groups(groups, returns_table(universe))
    assert len(groups) - len(matched) == 2
    assert matched.index.tolist() == [0, 1, 2, 3, 4]


def test_a_report_named_twice_is_an_error() -> None:
    universe = generic([3])
    groups = pd.concat([table_of(universe, 1), table_of(universe, 2).iloc[:1]])
    with pytest.raises(pd.errors.MergeError):
        correlation_by_year(groups, returns_table(universe))


def test_reports_without_a_name_are_no_cluster() -> None:
    universe = generic([6])
    found = correlation_by_year(
        table_of(universe, ["7372", "7372", None, None, None, "1311"]), returns_table(universe)
    ).iloc[0]
    assert (found["n_clusters"], found["n_reports"], found["largest_cluster"]) == (1, 2, 2)
    assert found["mean_correlation"] == pytest.approx(np.corrcoef(universe.returns[:2])[0, 1], abs=1e-12)
    assert found["coverage"] == pytest.approx(2 / 6)


def test_a_year_of_singletons_is_nan() -> None:
    universe = generic([3])
    found = correlation_by_year(table_of(universe, [1, 2, 3]), returns_table(universe)).iloc[0]
    assert math.isnan(found["mean_correlation"])
    assert (found["n_clusters"], found["largest_cluster"], found["coverage"]) == (0, 0, 0)


def test_nothing_matches() -> None:
    universe = generic([3])
    groups = table_of(universe, 1)
    found = correlation_by_year(groups.assign(year=1900), returns_table(universe))
    assert found.empty
    assert "mean_correlation" in found
    assert len(match_groups(groups.assign(year=1900), returns_table(universe))) == 0


METHODS = pd.DataFrame(
    [
        ("base", 2000, 0.9),
        ("base", 2001, 0.4),
        ("base", 2002, 0.2),
        ("base", 2003, math.nan),
        ("rolling", 2001, 0.6),
        ("rolling", 2002, 0.5),
        ("rolling", 2003, 0.1),
    ],
    columns=["method", "year", "mean_correlation"],
)


def test_common_years_are_those_in_which_all_methods_have_a_value() -> None:
    assert common_years(METHODS, ["base", "rolling"]) == [2001, 2002]
    assert common_years(METHODS, ["base"]) == [2000, 2001, 2002]
    assert common_years(METHODS, ["base", "absent"]) == []
