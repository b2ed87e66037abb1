"""The groups of every method, the years that methods are compared on, and the company of each report."""

from collections.abc import Mapping

import pandas as pd

from compsim_assets.contracts.methods import METHODS
from compsim_assets.science.companies import company_of as company_of
from compsim_assets.science.correlation.groups import common_years


def all_groups(
    modes: Mapping[str, pd.DataFrame],
    walk_forward: pd.DataFrame,
    baselines: pd.DataFrame,
    embeddings: pd.DataFrame,
    reports: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Every method's groups: year, report_id, cluster_id; in the order in which they are shown.

    Args:
        modes: clusters by cutoff mode.
        walk_forward: clusters of the walk-forward chain.
        baselines, embeddings: groups with a column `method`.
        reports: year, report_id of all reports: the population is one group per year.

    Raises:
        ValueError: an encoder's clusters and a published set have one name.
    """
    if doubled := sorted(set(embeddings["method"]) & set(baselines["method"])):
        raise ValueError(
            f"'{doubled[0]}' is a published cluster set and an encoder's clusters: "
            f"rename published_clusters/{doubled[0]}"
        )
    columns = ["year", "report_id", "cluster_id"]
    tables = {**modes, "walk_forward": walk_forward, **by_method(embeddings), **by_method(baselines)}
    groups = {name: table[columns] for name, table in tables.items() if len(table)}
    return {**groups, "population": reports[["year", "report_id"]].assign(cluster_id=1)}


def by_method(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of each method, methods in the order of their first rows."""
    return {str(name): rows for name, rows in table.groupby("method", sort=False)}


def main_years(by_method: pd.DataFrame) -> tuple[list[int], list[str]]:
    """The years that all main methods have, and those of the main methods that are there. Statistics that compare
    methods are of these years.
    """
    present = set(by_method["method"])
    main = [method.name for method in METHODS if method.main and method.name in present]
    return common_years(by_method, main), main
