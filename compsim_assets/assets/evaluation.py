"""Do clusters' stocks move together? MeanCorr of every method, and the tables that compare them."""

import dagster as dg

from compsim_assets.assets.common import (
    ALL_MODES,
    COMPARISON,
    MODES,
    DataFrame,
    missing_modes,
    open_similarity,
    say_left_out,
    table_options,
)
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.storage.previews import plain_rows


@dg.asset(
    ins={"clusters": ALL_MODES, "returns": dg.AssetIn()},
    deps=["published_pairs"],
    **table_options("mean_correlation", "evaluation", "pandas", stage=COMPARISON),
)
def mean_correlation(
    context: dg.AssetExecutionContext,
    settings: Settings,
    clusters: dict[str, DataFrame],
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    baseline_clusters: DataFrame,
    returns: DataFrame,
) -> DataFrame:
    """MeanCorr by method and year, with what the mean hides: the pair-weighted value, coverage, number of clusters
    and the largest one. `population` is the correlation of all pairs of a year. Correlations are those of the reports'
    returns, or, where companies are compared by published pairs, the published ones.
    """
    from compsim_assets.evidence.groups import all_groups

    missing_modes(context, clusters, settings, "clusters")
    groups = all_groups(clusters, walk_forward_clusters, baseline_clusters, embedding_clusters, returns)
    similarity = open_similarity(settings)
    context.add_output_metadata({"correlations": similarity.correlations})
    return similarity.correlation_by_year(groups, returns)


def rows_as_published(settings: Settings, groups: dict[str, DataFrame], returns: DataFrame) -> DataFrame | None:
    """`mean_correlation` with the pairs of a company's several reports in one year; None where no company has any."""
    similarity = open_similarity(settings)
    if similarity.company is None:
        return None
    return similarity.correlation_by_year(groups, returns, own_pairs=True)


@dg.asset(
    ins={"clusters": ALL_MODES},
    deps=["descriptions", "published_pairs"],
    **table_options("table_1", "evaluation", "pandas", stage=COMPARISON),
)
def table_1(
    context: dg.AssetExecutionContext,
    settings: Settings,
    clusters: dict[str, DataFrame],
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    baseline_clusters: DataFrame,
    returns: DataFrame,
    mean_correlation: DataFrame,
    robustness: DataFrame,
    pairs_backtest: DataFrame,
) -> DataFrame:
    """Table 1 in two blocks. `as_published`: MeanCorr of each method's own years and the Sharpe ratio of the published
    trading loop, with what is wrong with them named. `honest`: the same on common years, unweighted and by pairs, with
    intervals and coverage, and a Sharpe ratio of trading estimated beforehand. The published values stand beside both;
    they are of the paper's universe and years, not of this one's. Where companies have several reports in a year, the
    first block counts their pairs among themselves, as published rows do, and says how many.
    """
    from compsim_assets.evidence.groups import all_groups, main_years, years_apart
    from compsim_assets.evidence.published_figures import published_by_method
    from compsim_assets.evidence.table_one import two_blocks

    common = main_years(mean_correlation)
    years, main = common.years, common.main
    apart = {method: of_years for (method, _), of_years in years_apart(mean_correlation, common, []).items()}
    population = mean_correlation[mean_correlation["method"] == "population"]
    n_reports = int(population.loc[population["year"].isin(years), "n_reports"].sum())
    none = f"none among {', '.join(main)}"
    groups = all_groups(clusters, walk_forward_clusters, baseline_clusters, embedding_clusters, returns)
    table = two_blocks(
        mean_correlation,
        years,
        n_reports,
        robustness,
        pairs_backtest,
        published_by_method(),
        apart=apart,
        rows_as_published=rows_as_published(settings, groups, returns),
    )
    context.add_output_metadata(
        {
            "common_years": f"{years[0]} to {years[-1]} ({len(years)})" if years else none,
            "main_methods": ", ".join(main),
            "table": dg.MetadataValue.md(_both_blocks(table)),
        }
    )
    say_left_out(context, common.left_out)
    return table


def _both_blocks(table: DataFrame) -> str:
    """Both blocks whole, for the UI."""
    from tabulate import tabulate

    def block(name: str) -> str:
        rows = table[table["block"] == name].drop(columns="block")
        return tabulate(plain_rows(rows), list(rows.columns), "pipe", floatfmt=".3f")

    return f"**As published**\n\n{block('as_published')}\n\n**Honest**\n\n{block('honest')}"


@dg.asset(
    ins=dict.fromkeys(("clusters", "cluster_feature_summary", "interpretability_curve"), ALL_MODES),
    **table_options("table_2", "evaluation", "pandas", stage=COMPARISON),
)
def table_2(
    context: dg.AssetExecutionContext,
    settings: Settings,
    clusters: dict[str, DataFrame],
    cluster_feature_summary: dict[str, DataFrame],
    interpretability_curve: dict[str, DataFrame],
) -> DataFrame:
    """Table 2: per cutoff mode the number of clusters, the latents studied, and mean and top interpretability."""
    import pandas as pd

    from compsim_assets.evidence.table_two import table_2_row

    complete = [m for m in MODES if m in clusters and m in cluster_feature_summary and m in interpretability_curve]
    needed = "clusters", "cluster_feature_summary", "interpretability_curve"
    missing_modes(context, {mode: clusters[mode] for mode in complete}, settings, *needed)
    rows = [
        table_2_row(mode, clusters[mode], cluster_feature_summary[mode], interpretability_curve[mode])
        for mode in complete
    ]
    return pd.DataFrame(rows, columns=TABLES["table_2"].names)
