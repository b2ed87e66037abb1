"""Single linkage of every year, once: which reports are linked, the trees, and MeanCorr wherever one may cut them."""

from collections.abc import Iterator

import dagster as dg

from compsim_assets.assets.common import (
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    columns,
    keys,
    table_options,
    table_outs,
    wanted,
)
from compsim_assets.contracts import TABLES
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ResultsFolder
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.similarity import PairSimilarity, ScoreSimilarity, open_similarity

_SIMILARITY = ("pca_scores", "published_pairs", "descriptions")


# A step of its own: the walk-forward chain needs nothing else of this chapter, and need not wait for it.
@dg.asset(
    ins={"descriptions": columns(*WHO)},
    **table_options("clustered_reports", "linkage", "pandas", settings=("drop_without_returns",)),
)
def clustered_reports(
    context: dg.AssetExecutionContext,
    settings: Settings,
    pca_scores: ScoreTable,
    published_pairs: PairTable,
    descriptions: DataFrame,
    returns: DataFrame,
) -> DataFrame:
    """The reports that are clustered: those with PCA scores (a setting leaves out those without defined returns), or,
    where companies are compared by published pairs, those in at least one pair with a correlation.
    """
    similarity = open_similarity(pca_scores, published_pairs, descriptions)
    table = similarity.reports(returns, settings.without_returns_dropped)
    context.add_output_metadata({"similarity": similarity.name, "left_out": len(returns) - len(table)})
    if nothing := similarity.without_content():
        note = f"{len(nothing):,} reports without content (all scores 0) are in no cluster, the first: {nothing[:5]}"
        context.log.warning(note)
        context.add_output_metadata({"without_content": note})
    return table.sort_values(["year", "report_id"], ignore_index=True)


@dg.multi_asset(
    name="dendrograms",
    group_name="linkage",
    outs={
        **table_outs(
            SHARED,
            "torch",
            "torchrun",
            dendrograms="Single linkage of every year, one row per merge, by height: the two parts that a merge joins, "
            "each named by its smallest report, and their cosine distance. Computed once, by a program under torchrun "
            "whose ranks share the years out by cost; whatever cuts a year reads this.",
            distance_scale="Mean and deviation of the cosine distance over all pairs of all years: they turn a "
            "standardised cutoff theta into a distance.",
        ),
        **table_outs(
            SHARED,
            "numpy",
            cutoff_curve="MeanCorr of every possible cutoff, year by year: an exact step function, one row per step. "
            "Each merge of the minimum spanning tree changes it once.",
        ),
    },
    ins={"descriptions": columns(*WHO)},
    internal_asset_deps={
        "dendrograms": keys(*_SIMILARITY, "clustered_reports"),
        "distance_scale": keys(*_SIMILARITY, "clustered_reports"),
        "cutoff_curve": keys(*_SIMILARITY, "returns", "clustered_reports", "dendrograms", "distance_scale"),
    },
    can_subset=True,
    pool="gpu",
    backfill_policy=ONE_RUN,
)
def dendrogram_assets(
    context: dg.AssetExecutionContext,
    torchrun: Torchrun,
    folder: ResultsFolder,
    pca_scores: ScoreTable,
    published_pairs: PairTable,
    descriptions: DataFrame,
    clustered_reports: DataFrame,
    returns: DataFrame,
):
    """Link every year once, and walk up its tree."""
    names, similarity = wanted(context), open_similarity(pca_scores, published_pairs, descriptions)
    if names & {"dendrograms", "distance_scale"}:
        yield from _link(context, torchrun, folder, similarity)
    if "cutoff_curve" in names:
        merges, scale = folder.read("dendrograms"), folder.read("distance_scale")
        yield dg.Output(_curve(similarity, clustered_reports, merges, scale, returns), "cutoff_curve")


def _link(
    context: dg.AssetExecutionContext,
    torchrun: Torchrun,
    folder: ResultsFolder,
    similarity: ScoreSimilarity | PairSimilarity,
) -> Iterator[dg.Output]:
    from pyarrow.parquet import read_table

    with folder.results.scratch("dendrograms") as scratch:
        reports = str(folder.fresh("clustered_reports"))
        extras = {**similarity.worker_input, "reports": reports, "output": str(scratch)}
        ran = torchrun.run(context, "compsim_assets.workers.dendrograms", extras, scratch)
        for name in [name for name in ("dendrograms", "distance_scale") if name in wanted(context)]:
            yield dg.Output(read_table(scratch / f"{name}.parquet"), name, metadata=ran)


def _curve(
    similarity: ScoreSimilarity | PairSimilarity,
    reports: DataFrame,
    merges: DataFrame,
    distance_scale: DataFrame,
    returns: DataFrame,
) -> DataFrame:
    """One row per step of every year's step function, by theta."""
    import numpy as np
    import pandas as pd

    from compsim_assets.science.linkage.scale import DistanceScale
    from compsim_assets.science.linkage.trees import read_trees

    # Companies are numbered, and the pairs of each summed, in the order of the reports: by id, as in every other table.
    reports = reports.sort_values("report_id", ignore_index=True)
    arrays = {name: merges[name].to_numpy() for name in merges.columns}
    trees = read_trees(arrays, reports["year"].to_numpy(), reports["report_id"].to_numpy())
    (scale,) = (DistanceScale(*row) for row in distance_scale.itertuples(index=False))
    steps = [
        pd.DataFrame({"year": np.full(len(curve.position), year), **vars(curve.standardised(scale))})
        for year, curve in similarity.curves(trees, reports, returns).items()
    ]
    return pd.concat(steps).rename(columns={"position": "theta"}) if steps else TABLES["cutoff_curve"].empty()
