"""Do clusters' stocks move together? MeanCorr of every method, and the tables that compare them."""

from typing import Any

import dagster as dg

from compsim_assets import checks
from compsim_assets.assets.common import (
    ALL_MODES,
    COMPARISON,
    EVERY_MODE,
    MODES,
    ONE_RUN,
    WHO,
    DataFrame,
    columns,
    keys,
    lazily,
    missing_modes,
    say_left_out,
    table_options,
    table_outs,
    wanted,
)
from compsim_assets.contracts import TABLES
from compsim_assets.storage.io_managers import ByMode, Lazy
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.previews import plain_rows
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.similarity import PairSimilarity, ScoreSimilarity, open_similarity


@dg.asset(
    ins={"clusters": ALL_MODES, "descriptions": columns(*WHO)},
    check_specs=[checks.spec("mean_correlation", checks.correlations_are_correlations)],
    **table_options("mean_correlation", "evaluation", "pandas", stage=COMPARISON),
)
def mean_correlation(
    context: dg.AssetExecutionContext,
    clusters: ByMode,
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    control_clusters: DataFrame,
    baseline_clusters: DataFrame,
    returns: DataFrame,
    descriptions: DataFrame,
    pca_scores: ScoreTable,
    published_pairs: PairTable,
):
    """MeanCorr by method and year, with what the mean hides: the pair-weighted value, coverage, number of clusters
    and the largest one. `population` is the correlation of all pairs of a year. Correlations are those of the reports'
    returns, or, where companies are compared by published pairs, the published ones.
    """
    from compsim_assets.evidence.groups import all_groups

    missing = missing_modes(context, clusters)
    others = baseline_clusters, embedding_clusters, returns, control_clusters
    groups = all_groups(clusters, walk_forward_clusters, *others)
    similarity = open_similarity(pca_scores, published_pairs, descriptions)
    table = similarity.correlation_by_year(groups, returns)
    yield dg.Output(table, metadata={"correlations": similarity.correlations, **missing})
    yield from checks.judge(context, "mean_correlation", checks.correlations_are_correlations, table)


def rows_as_published(
    similarity: ScoreSimilarity | PairSimilarity, groups: dict[str, DataFrame], returns: DataFrame
) -> DataFrame | None:
    """`mean_correlation` with the pairs of a company's several reports in one year; None where no company has any."""
    if similarity.company is None:
        return None
    return similarity.correlation_by_year(groups, returns, own_pairs=True)


_OF_TABLE_1 = (
    "walk_forward_clusters", "embedding_clusters", "control_clusters", "baseline_clusters", "returns", "descriptions",
    "pca_scores", "published_pairs", "mean_correlation", "robustness", "pairs_backtest",
)  # fmt: skip
_OF_TABLE_2 = ("clusters", "cluster_feature_summary", "interpretability_curve")


@dg.multi_asset(
    name="tables",
    group_name="evaluation",
    outs=table_outs(
        COMPARISON,
        "pandas",
        table_1="Table 1 in two blocks. `as_published`: MeanCorr of each method's own years and the Sharpe ratio of "
        "the published trading loop, with what is wrong with them named. `honest`: the same on common years, "
        "unweighted and by pairs, with intervals and coverage, and a Sharpe ratio of trading estimated beforehand. The "
        "published values stand beside both; they are of the paper's universe and years, not of this one's. Where "
        "companies have several reports in a year, the first block counts their pairs among themselves, as published "
        "rows do, and says how many.",
        table_2="Table 2: per cutoff mode the number of clusters, the latents studied, and mean and top "
        "interpretability.",
    ),
    ins={**lazily(*_OF_TABLE_1), **lazily(*_OF_TABLE_2, mapping=EVERY_MODE)},
    internal_asset_deps={"table_1": keys("clusters", *_OF_TABLE_1), "table_2": keys(*_OF_TABLE_2)},
    can_subset=True,
    backfill_policy=ONE_RUN,
)
def table_assets(context: dg.AssetExecutionContext, **inputs: Lazy):
    """The two tables that the paper's are set beside."""
    names = wanted(context)
    if "table_1" in names:
        yield _table_1(context, **{name: inputs[name].read() for name in ("clusters", *_OF_TABLE_1)})
    if "table_2" in names:
        yield _table_2(context, **{name: inputs[name].read() for name in _OF_TABLE_2})


def _table_1(
    context: dg.AssetExecutionContext,
    clusters: ByMode,
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    control_clusters: DataFrame,
    baseline_clusters: DataFrame,
    returns: DataFrame,
    descriptions: DataFrame,
    pca_scores: ScoreTable,
    published_pairs: PairTable,
    mean_correlation: DataFrame,
    robustness: DataFrame,
    pairs_backtest: DataFrame,
) -> dg.Output:
    from compsim_assets.evidence.groups import all_groups, main_years, years_apart
    from compsim_assets.evidence.published_figures import published_by_method
    from compsim_assets.evidence.table_one import two_blocks

    common = main_years(mean_correlation)
    years, main = common.years, common.main
    apart = {method: of_years for (method, _), of_years in years_apart(mean_correlation, common, []).items()}
    population = mean_correlation[mean_correlation["method"] == "population"]
    n_reports = int(population.loc[population["year"].isin(years), "n_reports"].sum())
    none = f"none among {', '.join(main)}"
    others = baseline_clusters, embedding_clusters, returns, control_clusters
    groups = all_groups(clusters, walk_forward_clusters, *others)
    similarity = open_similarity(pca_scores, published_pairs, descriptions)
    table = two_blocks(
        mean_correlation,
        years,
        n_reports,
        robustness,
        pairs_backtest,
        published_by_method(),
        apart=apart,
        rows_as_published=rows_as_published(similarity, groups, returns),
    )
    metadata: dict[str, Any] = {
        "common_years": f"{years[0]} to {years[-1]} ({len(years)})" if years else none,
        "main_methods": ", ".join(main),
        "table": dg.MetadataValue.md(_both_blocks(table)),
    }
    return dg.Output(table, "table_1", metadata={**metadata, **say_left_out(context, common.left_out)})


def _both_blocks(table: DataFrame) -> str:
    """Both blocks whole, for the UI."""
    from tabulate import tabulate

    def block(name: str) -> str:
        rows = table[table["block"] == name].drop(columns="block")
        return tabulate(plain_rows(rows), list(rows.columns), "pipe", floatfmt=".3f")

    return f"**As published**\n\n{block('as_published')}\n\n**Honest**\n\n{block('honest')}"


def _table_2(
    context: dg.AssetExecutionContext, clusters: ByMode, cluster_feature_summary: ByMode, interpretability_curve: ByMode
) -> dg.Output:
    import pandas as pd

    from compsim_assets.evidence.table_two import table_2_row

    complete = [m for m in MODES if m in clusters and m in cluster_feature_summary and m in interpretability_curve]
    rows = [
        table_2_row(mode, clusters[mode], cluster_feature_summary[mode], interpretability_curve[mode])
        for mode in complete
    ]
    missing = missing_modes(context, clusters, cluster_feature_summary, interpretability_curve)
    return dg.Output(pd.DataFrame(rows, columns=TABLES["table_2"].names), "table_2", metadata=missing)
