"""The groups of every method, the years that methods are compared on, and the company of each report."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

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
    controls: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Every method's groups: year, report_id, cluster_id; in the order in which they are shown.

    Args:
        modes: clusters by cutoff mode.
        walk_forward: clusters of the walk-forward chain.
        baselines, embeddings: groups with a column `method`.
        reports: year, report_id of all reports: the population is one group per year.
        controls: groups of the controls, with columns `method` and `seed`: of several draws the first is shown.

    Raises:
        ValueError: an encoder's clusters and a published set have one name.
    """
    if doubled := sorted(set(embeddings["method"]) & set(baselines["method"])):
        raise ValueError(
            f"'{doubled[0]}' is a published cluster set and an encoder's clusters: "
            f"rename published_clusters/{doubled[0]}"
        )
    columns = ["year", "report_id", "cluster_id"]
    drawn = {} if controls is None else by_method(controls[controls["seed"] == 1])
    tables = {**modes, "walk_forward": walk_forward, **by_method(embeddings), **by_method(baselines), **drawn}
    groups = {name: table[columns] for name, table in tables.items() if len(table)}
    return {**groups, "population": reports[["year", "report_id"]].assign(cluster_id=1)}


def by_method(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of each method, methods in the order of their first rows."""
    return {str(name): rows for name, rows in table.groupby("method", sort=False)}


class CommonYears(NamedTuple):
    """The years on which methods are compared, and the main methods that have all of them."""

    years: list[int]
    main: list[str]
    left_out: dict[str, str]
    """Why a main method is not among them, by its name."""


def main_years(by_method: pd.DataFrame) -> CommonYears:
    """The years that all main methods have. Statistics that compare methods are of these years.

    A main method without any MeanCorr is left out. Where the others share no year, those with the fewest years are left
    out, one after the other, until years are shared.

    Args:
        by_method: method, year, mean_correlation.
    """
    present = set(by_method["method"])
    main = [method.name for method in METHODS if method.main and method.name in present]
    measured = by_method.dropna(subset="mean_correlation").groupby("method")["year"].nunique()
    left_out = {method: "no MeanCorr in any year" for method in main if method not in measured}
    main = [method for method in main if method in measured]
    while len(main) > 1 and not common_years(by_method, main):
        # Of equally short ones the later in the registry, but for the population.
        fewest = min(reversed(main), key=lambda method: (measured[method], method == "population"))
        left_out[fewest] = f"no year in common with the others ({measured[fewest]} of its own)"
        main = [method for method in main if method != fewest]
    return CommonYears(common_years(by_method, main) if main else [], main, left_out)


def years_apart(
    by_method: pd.DataFrame, common: CommonYears, against: Sequence[str]
) -> dict[tuple[str, str], list[int]]:
    """Years of every comparison that is not made on the common years: by method and the one it is compared with.

    These are comparisons with a method that was left out of the common years, or that has a MeanCorr in none of them:
    they are of the years that both have. A method alone (compared with "") has its own years.

    Args:
        by_method: method, year, mean_correlation. against: methods that every other one is compared with.
    """
    value = by_method.dropna(subset="mean_correlation")
    years = {str(method): set(rows["year"].tolist()) for method, rows in value.groupby("method", sort=False)}
    apart = {name for name, there in years.items() if name in common.left_out or not there & set(common.years)}
    pairs = {
        (method, versus): sorted(years[method] & years.get(versus, years[method]))
        for versus in ("", *against)
        for method in years
        if method != versus and (versus == "" or versus in years) and apart & {method, versus}
    }
    return {names: shared for names, shared in pairs.items() if shared}
