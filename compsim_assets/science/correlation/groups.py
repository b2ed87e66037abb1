"""MeanCorr of any grouping, year by year, and the tables that compare methods."""

import numpy as np
import pandas as pd

from compsim_assets.science.correlation.mean_correlation import YearCorrelation, year_correlation
from compsim_assets.science.correlation.returns import normalise_returns


def correlation_by_year(groups: pd.DataFrame, returns: pd.DataFrame) -> pd.DataFrame:
    """MeanCorr of one method in each year it covers, on the reports that exist in `returns`.

    Args:
        groups: year, report_id, cluster_id (any type). Rows are matched by id and year, never by position; a row
            without a report is dropped (count them with `unmatched`), and so is one without a cluster (null).
        returns: year, report_id, returns (12 log returns each) of all reports.

    Returns:
        year, mean_correlation, pair_weighted, n_clusters, n_reports, largest_cluster, n_pairs, coverage (share of the
        year's reports in a cluster of at least two).

    Cost: O(reports) time and memory.
    """
    # A null is no name: reports without a code must not become one cluster.
    named = groups.dropna(subset="cluster_id")
    matched = returns.merge(named, on=["year", "report_id"], how="inner", validate="one_to_one")
    unit, defined = _unit_returns(matched["returns"])
    universe = returns["year"].value_counts()
    rows = []
    by_year = matched.groupby("year").indices
    for year in sorted(int(year) for year in matched["year"].unique()):
        positions = by_year[year]
        labels = pd.factorize(matched["cluster_id"].iloc[positions])[0]
        found = year_correlation(labels, unit[positions], defined[positions])
        rows.append(_row(year, found, int(universe.loc[year])))
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "year", "mean_correlation", "pair_weighted", "n_clusters", "n_reports", "largest_cluster", "n_pairs", "coverage",
]  # fmt: skip


def _row(year: int, found: YearCorrelation, n_universe: int) -> tuple:
    return (
        year,
        found.mean_correlation,
        found.pair_weighted,
        found.n_clusters,
        found.n_reports,
        found.largest_cluster,
        found.n_pairs,
        found.n_reports / n_universe,
    )


def _unit_returns(returns: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    if returns.empty:
        return np.zeros((0, 12)), np.zeros(0, dtype=bool)
    return normalise_returns(np.stack(returns.to_list()))


def match_groups(groups: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """Rows of `groups` whose report exists, matched by id and year together: ids alone may belong to another year."""
    known = pd.MultiIndex.from_frame(reports[["report_id", "year"]])
    return groups[pd.MultiIndex.from_frame(groups[["report_id", "year"]]).isin(known)]


def common_years(by_method: pd.DataFrame, needed: list[str]) -> list[int]:
    """Years in which every method of `needed` has a MeanCorr."""
    present = by_method[by_method["method"].isin(needed) & by_method["mean_correlation"].notna()]
    methods_in_year = present.groupby("year")["method"].nunique()
    return [int(year) for year in methods_in_year.index[methods_in_year == len(needed)]]


def main_years(by_method: pd.DataFrame) -> tuple[list[int], list[str]]:
    """The years that all main methods have, and those of the main methods that are there: our modes, walk-forward, SIC
    codes and the population. Statistics that compare methods are of these years.
    """
    present = set(by_method["method"])
    main = [method for method in _MAIN if method in present]
    return common_years(by_method, main), main


_MAIN = ("base", "rolling", "walk_forward", "sic_code", "population")


TABLE_2_COLUMNS = [
    "mode", "n_clusters", "n_clusters_studied", "n_latents_scored", "mean_interpretability", "top_interpretability",
    "top_min_share", "median_proportion_strong",
]  # fmt: skip


def table_2_row(mode: str, clusters: pd.DataFrame, summary: pd.DataFrame, curve: pd.DataFrame) -> dict[str, object]:
    """One mode of Table 2: clusters, clusters studied, latents studied, mean and top interpretability.

    The top is the mean interpretability at the largest share p for which a latent is left.
    """
    sizes = clusters.groupby(["year", "cluster_id"]).size()
    reached = curve.dropna(subset="mean_interpretability")
    proportion = summary.loc[summary["n_candidates"] > 0]
    return {
        "mode": mode,
        "n_clusters": int((sizes >= 2).sum()),
        "n_clusters_studied": len(summary),
        "n_latents_scored": int(curve["n_latents"].max()) if len(curve) else 0,
        "mean_interpretability": float(reached["mean_interpretability"].iloc[0]) if len(reached) else np.nan,
        "top_interpretability": float(reached["mean_interpretability"].iloc[-1]) if len(reached) else np.nan,
        "top_min_share": float(reached["min_share"].iloc[-1]) if len(reached) else np.nan,
        "median_proportion_strong": float((proportion["n_strong"] / proportion["n_candidates"]).median())
        if len(proportion)
        else np.nan,
    }
