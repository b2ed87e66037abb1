"""Other ways to group companies: industry codes, and cluster sets that others published."""

import dagster as dg

from compsim_assets.assets.common import DataFrame, table_options
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.universe.folder import Universe, open_universe
from compsim_assets.universe.layout import ID, UniverseError

# Methods of ours: no published set may have such a name.
OWN_METHODS = {
    *cutoff_modes.get_partition_keys(),
    *("walk_forward", "sic_code", "sic_division", "gics_sector", "population"),
}


@dg.asset(**table_options("baseline_clusters", "baselines", "pandas"))
def baseline_clusters(context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame) -> DataFrame:
    """Groups to compare ours with: SIC codes, SIC divisions, GICS sectors where the reports have them, and the
    universe's published cluster sets.

    Published rows are matched by report id and year; rows of reports that are not in this universe are dropped
    and counted.
    """
    import pandas as pd

    from compsim_assets.science.correlation.groups import match_groups

    universe = open_universe(settings)
    published = universe.published_clusters()
    if doubled := sorted(OWN_METHODS & set(published)):
        raise UniverseError(
            f"published_clusters/{doubled[0]}.parquet: '{doubled[0]}' is a method of ours, expected another file name"
        )
    sets = {
        "sic_code": descriptions.rename(columns={"sic_code": "cluster_id"}),
        "sic_division": descriptions.rename(columns={"industry": "cluster_id"}),
        **_sectors(universe),
        **published,
    }
    tables, counts = [], []
    for method, groups in sets.items():
        named = groups[["year", "cluster_id", "report_id"]].dropna(subset="cluster_id")
        matched = match_groups(named, descriptions)
        counts.append((method, len(matched), len(named) - len(matched)))
        tables.append(matched.assign(method=method))
    context.add_output_metadata(
        {
            "methods": dg.MetadataValue.md(
                "| method | reports | dropped: not in this universe |\n|---|---|---|\n"
                + "\n".join(f"| {method} | {kept} | {dropped} |" for method, kept, dropped in counts)
            )
        }
    )
    table = pd.concat(tables, ignore_index=True)[["method", "year", "cluster_id", "report_id"]]
    return table.sort_values(["method", "year", "cluster_id", "report_id"], ignore_index=True)


def _sectors(universe: Universe) -> dict[str, DataFrame]:
    """GICS sectors of the reports, where the universe has them: today's, so with hindsight."""
    reports = universe.reports()
    if reports["gics_sector"].isna().all():
        return {}
    names = {ID: "report_id", "gics_sector": "cluster_id"}
    return {"gics_sector": reports.rename(columns=names).astype({"cluster_id": "string"})}
