"""Do clusters' stocks move together? MeanCorr of every method, and the tables that compare them."""

import dagster as dg

from compsim_assets.assets.common import COMPARISON, DataFrame, by_pairs, table_options
from compsim_assets.contracts import TABLES
from compsim_assets.partitions import cutoff_modes
from compsim_assets.resources.results import Results
from compsim_assets.settings import Settings

MODES = cutoff_modes.get_partition_keys()
_COLUMNS = TABLES["mean_correlation"].names


def _missing_modes(context: dg.AssetExecutionContext, found: dict[str, DataFrame]) -> None:
    """Say which cutoff modes are not there yet; what exists is used."""
    missing = [mode for mode in MODES if mode not in found]
    if missing:
        note = f"not materialized yet for this universe, left out: {', '.join(missing)}"
        context.log.warning(note)
        context.add_output_metadata({"missing_cutoff_modes": note})


@dg.asset(
    ins={
        "clusters": dg.AssetIn(partition_mapping=dg.AllPartitionMapping()),
        "baseline_clusters": dg.AssetIn(),
        "returns": dg.AssetIn(),
    },
    deps=["published_pairs"],
    **table_options("mean_correlation", "evaluation", "pandas", stage=COMPARISON),
)
def mean_correlation(
    context: dg.AssetExecutionContext,
    settings: Settings,
    clusters: dict[str, DataFrame],
    baseline_clusters: DataFrame,
    returns: DataFrame,
) -> DataFrame:
    """MeanCorr by method and year, with what the mean hides: the pair-weighted value, coverage, number of clusters
    and the largest one. `population` is the correlation of all pairs of a year. Correlations are those of the reports'
    returns, or, where companies are compared by published pairs, the published ones.
    """
    _missing_modes(context, clusters)
    groups = {mode: clusters[mode] for mode in MODES if mode in clusters}
    groups |= {
        str(method): table for method, table in baseline_clusters.groupby("method", sort=False)
    }
    groups["population"] = returns[["year", "report_id"]].assign(cluster_id=1)
    published = by_pairs(settings)
    context.add_output_metadata({"correlations": "published pairs" if published else "returns"})
    if published:
        return _by_pairs(Results.of(settings), groups, returns)
    return _by_returns(groups, returns)


def _by_returns(groups: dict[str, DataFrame], returns: DataFrame) -> DataFrame:
    import pandas as pd

    from compsim_assets.science.evaluation import correlation_by_year

    tables = [
        correlation_by_year(table, returns).assign(method=method)
        for method, table in groups.items()
    ]
    return pd.concat(tables, ignore_index=True)[_COLUMNS]


def _by_pairs(results: Results, groups: dict[str, DataFrame], reports: DataFrame) -> DataFrame:
    from compsim_assets.pairs import PairTable
    from compsim_assets.science.pair_correlation import correlation_by_year_of_pairs

    pairs = PairTable(results.table("published_pairs"))
    reports = reports[["year", "report_id"]]
    return correlation_by_year_of_pairs(groups, reports, pairs.of_year)[_COLUMNS]


@dg.asset(**table_options("table_1", "evaluation", "pandas", stage=COMPARISON))
def table_1(context: dg.AssetExecutionContext, mean_correlation: DataFrame) -> DataFrame:
    """Table 1: MeanCorr of every method on common years, unweighted and by pairs, with coverage, beside the published
    value (the paper's universe and years, not this one's).
    """
    from compsim_assets.resources.reference import published_mean_correlation
    from compsim_assets.science.evaluation import common_years, compare_methods

    present = mean_correlation["method"].unique().tolist()
    main = [m for m in (*MODES, "sic_code", "population") if m in present]
    years = common_years(mean_correlation, main)
    population = mean_correlation[mean_correlation["method"] == "population"]
    n_reports = int(population.loc[population["year"].isin(years), "n_reports"].sum())
    context.add_output_metadata(
        {
            "common_years": f"{years[0]} to {years[-1]} ({len(years)})"
            if years
            else f"none among {', '.join(main)}",
            "main_methods": ", ".join(main),
        }
    )
    return compare_methods(mean_correlation, years, n_reports, published_mean_correlation())


@dg.asset(
    ins={
        name: dg.AssetIn(partition_mapping=dg.AllPartitionMapping())
        for name in ("clusters", "cluster_feature_summary", "interpretability_curve")
    },
    **table_options("table_2", "evaluation", "pandas", stage=COMPARISON),
)
def table_2(
    context: dg.AssetExecutionContext,
    clusters: dict[str, DataFrame],
    cluster_feature_summary: dict[str, DataFrame],
    interpretability_curve: dict[str, DataFrame],
) -> DataFrame:
    """Table 2: per cutoff mode the number of clusters, the latents studied, and mean and top interpretability."""
    import pandas as pd

    from compsim_assets.science.evaluation import TABLE_2_COLUMNS, table_2_row

    complete = [
        m
        for m in MODES
        if m in clusters and m in cluster_feature_summary and m in interpretability_curve
    ]
    _missing_modes(context, {mode: clusters[mode] for mode in complete})
    rows = [
        table_2_row(
            mode, clusters[mode], cluster_feature_summary[mode], interpretability_curve[mode]
        )
        for mode in complete
    ]
    return pd.DataFrame(rows, columns=TABLE_2_COLUMNS)
