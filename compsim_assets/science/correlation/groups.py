"""MeanCorr of any grouping, year by year."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import pandas as pd

from compsim_assets.science.companies import company_codes
from compsim_assets.science.correlation.mean_correlation import YearCorrelation, year_correlation
from compsim_assets.science.correlation.returns import unit_returns


def correlation_by_year(groups: pd.DataFrame, returns: pd.DataFrame, company: pd.Series | None = None) -> pd.DataFrame:
    """MeanCorr of one method in each year it covers, on the reports that exist in `returns`.

    Args:
        groups: year, report_id, cluster_id (any type). Rows are matched by id and year, never by position; a row
            without a report is dropped, and so is one without a cluster (null).
        returns: year, report_id, returns (12 log returns each) of all reports.
        company: company of each report, by report id; reports of one company are no pair. None: all are different.

    Returns:
        year, the fields of `YearCorrelation`, and coverage (share of the year's reports in a cluster of at least two).

    Cost: O(reports) time and memory.
    """
    matched = members_of(groups, returns)
    unit, defined = unit_returns(matched["returns"])
    codes = company_codes(company, matched["report_id"])
    universe = returns["year"].value_counts()
    rows = []
    by_year = matched.groupby("year").indices
    for year in sorted(int(year) for year in matched["year"].unique()):
        positions = by_year[year]
        labels = pd.factorize(matched["cluster_id"].iloc[positions])[0]
        of_year = None if codes is None else codes[positions]
        correlation = year_correlation(labels, unit[positions], defined[positions], of_year)
        rows.append(row_of(year, correlation, int(universe.loc[year])))
    return pd.DataFrame(rows, columns=COLUMNS)


# What is measured of a method in a year.
COLUMNS = ["year", *(field.name for field in fields(YearCorrelation)), "coverage"]


def row_of(year: int, correlation: YearCorrelation, n_universe: int) -> dict[str, object]:
    """One year's row, of `n_universe` reports in all."""
    return {"year": year, **asdict(correlation), "coverage": correlation.n_reports / n_universe}


def members_of(groups: pd.DataFrame, reports: pd.DataFrame, years: Sequence[int] | None = None) -> pd.DataFrame:
    """Rows of `reports`, in their order, with the cluster of each; those without one are left out.

    Args:
        groups: year, report_id, cluster_id. A null is no name: reports without a code must not become one cluster.
        years: years that count; default all.

    Raises:
        MergeError: a report is named twice.
    """
    named = groups.dropna(subset="cluster_id")
    rows = reports.merge(named, on=["year", "report_id"], how="inner", validate="one_to_one")
    return rows if years is None else rows[rows["year"].isin(list(years))]


def match_groups(groups: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """Rows of `groups` whose report exists, matched by id and year together: ids alone may belong to another year."""
    there = pd.MultiIndex.from_frame(reports[["report_id", "year"]])
    return groups[pd.MultiIndex.from_frame(groups[["report_id", "year"]]).isin(there)]


def common_years(by_method: pd.DataFrame, needed: list[str]) -> list[int]:
    """Years in which every method of `needed` has a MeanCorr."""
    present = by_method[by_method["method"].isin(needed) & by_method["mean_correlation"].notna()]
    methods_in_year = present.groupby("year")["method"].nunique()
    return [int(year) for year in methods_in_year.index[methods_in_year == len(needed)]]
