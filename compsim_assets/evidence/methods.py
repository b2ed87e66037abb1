"""All methods that group companies, and what each of them knows."""

from collections.abc import Mapping

import pandas as pd

# Methods whose groups know nothing of the returns, and nothing of later years than the one they are judged on.
_OUT_OF_SAMPLE = ("walk_forward", "sic_code", "sic_division", "SIC", "Industry", "population")


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
        reports: year, report_id of all reports: the population is one group a year.

    Raises:
        ValueError: an encoder's clusters and a published set have one name.
    """
    if doubled := sorted(set(embeddings["method"]) & set(baselines["method"])):
        raise ValueError(
            f"'{doubled[0]}' is a published cluster set and an encoder's clusters: rename published_clusters/{doubled[0]}"
        )
    columns = ["year", "report_id", "cluster_id"]
    found = {**modes, "walk_forward": walk_forward, **by_method(embeddings), **by_method(baselines)}
    groups = {name: table[columns] for name, table in found.items() if len(table)}
    return {**groups, "population": reports[["year", "report_id"]].assign(cluster_id=1)}


def by_method(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of each method, methods in the order of their first rows."""
    return {str(name): rows for name, rows in table.groupby("method", sort=False)}


def knows_later_years(method: str) -> bool:
    """Whether a method's groups know data of the years they are judged on, or of later ones.

    `base` and `rolling` do: their cutoff, scaler, PCA or distance scale have seen all years (method section 7, trap 6),
    and so have the published sets and the cuts of embeddings. Sectors of today are hindsight. KMeans of embeddings knows
    a year's texts alone.
    """
    return method not in _OUT_OF_SAMPLE and not method.endswith("_kmeans")


def company_of(reports: pd.DataFrame) -> pd.Series:
    """Company of each report, by report id: its registrant number, else its ticker, its name, or the report itself.

    Args:
        reports: report_id, cik, ticker, company_name.
    """
    found = "report_id " + reports["report_id"].astype("string")
    for column in ("company_name", "ticker", "cik"):
        # With what it is: a ticker of digits is no registrant number.
        found = (f"{column} " + reports[column].astype("string")).fillna(found)
    return found.set_axis(reports["report_id"])
