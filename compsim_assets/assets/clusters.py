"""Cutoffs and clusters: single linkage of each year, cut where MeanCorr is best, and what holds clusters together."""

from typing import Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    BY_MODE,
    SHARED,
    DataFrame,
    by_pairs,
    default_device,
    explaining_memory,
    progress,
    selected,
    table_options,
    table_output,
)
from compsim_assets.assets.features import sae_features
from compsim_assets.assets.interpretability import fuzz_scores
from compsim_assets.contracts import TABLES
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results, read_manifest, read_table


@dg.asset(deps=["pca_scores", "published_pairs"], **table_options("clustered_reports", "clusters", "pandas"))
def clustered_reports(context: dg.AssetExecutionContext, settings: Settings, returns: DataFrame) -> DataFrame:
    """The reports that are clustered: those with PCA scores (a setting leaves out those without defined returns), or,
    where companies are compared by published pairs, those in at least one pair with a correlation.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.science.correlation.returns import normalise_returns
    from compsim_assets.storage.pairs import PairTable

    results = Results.of(settings)
    similarity = "pairs" if by_pairs(settings) else "features"
    if similarity == "pairs":
        pairs = PairTable(results.table("published_pairs"))
        found = [(year, pairs.of_year(year).existing().reports()) for year in pairs.years]
        ids = np.concatenate([np.empty(0, dtype=np.int64), *(ids for _, ids in found)])
        years = [np.full(len(ids), year, dtype=np.int64) for year, ids in found]
        table = pd.DataFrame({"report_id": ids, "year": np.concatenate([ids[:0], *years])})
    else:
        columns = ["report_id", "year"]
        table = read_table(results.table("pca_scores"), columns).to_pandas()
        if settings.without_returns_dropped and len(table):
            monthly = returns.set_index("report_id")["returns"].loc[table["report_id"]]
            table = table[normalise_returns(np.stack(monthly.to_numpy()))[1]]
    context.add_output_metadata({"similarity": similarity, "left_out": len(returns) - len(table)})
    return table.sort_values(["year", "report_id"], ignore_index=True)


@dg.multi_asset(
    name="cutoff_curve",
    group_name="clusters",
    outs={
        "cutoff_curve": dg.AssetOut(
            is_required=False,
            description="MeanCorr of every possible cutoff, year by year: an exact step function, one row a step. "
            "Each merge of the minimum spanning tree changes it once.",
            **table_output("cutoff_curve", SHARED, "torch"),
        ),
        "distance_scale": dg.AssetOut(
            is_required=False,
            description="Mean and deviation of the cosine distance over all pairs of all years: they turn a "
            "standardised cutoff theta into a distance.",
            **table_output("distance_scale", SHARED, "torch"),
        ),
    },
    ins={"clustered_reports": dg.AssetIn(), "returns": dg.AssetIn()},
    deps=["pca_scores", "published_pairs"],
    can_subset=True,
    pool="gpu",
)
def cutoff_curve_assets(
    context: dg.AssetExecutionContext, settings: Settings, clustered_reports: DataFrame, returns: DataFrame
):
    """Link every year and walk up its tree."""
    import pandas as pd

    from compsim_assets.science.cutoffs.tables import curve_table

    results = Results.of(settings)
    if by_pairs(settings):
        curves, scale = _curves_of_pairs(context, results)
    else:
        curves, scale = _curves_of_scores(context, results, clustered_reports, returns)
    scales = {"mean": [scale.mean], "deviation": [scale.deviation], "n_pairs": [scale.n_pairs]}
    yield from selected(
        context,
        dg.Output(curve_table(curves, scale), output_name="cutoff_curve"),
        dg.Output(pd.DataFrame(scales), output_name="distance_scale"),
    )


def _curves_of_scores(
    context: dg.AssetExecutionContext, results: Results, reports: DataFrame, returns: DataFrame
) -> tuple[dict[int, Any], Any]:
    """Step function of each year, by cosine distance, and the scale of distances, from PCA scores."""
    import numpy as np

    from compsim_assets.science.correlation.returns import normalise_returns
    from compsim_assets.science.cutoffs.tables import curves_of_years
    from compsim_assets.science.linkage.years import link_years
    from compsim_assets.storage.matrices import matrix_of

    scored = read_table(results.table("pca_scores"))
    kept = scored.filter(np.isin(scored["report_id"].to_numpy(), reports["report_id"]))
    monthly = returns.set_index("report_id")["returns"].loc[kept["report_id"].to_numpy()]
    unit, defined = normalise_returns(np.stack(monthly.to_numpy()))
    with explaining_memory("single linkage", "n_components of pca, or a machine with more memory"):
        linked = link_years(
            matrix_of(kept["scores"]),
            kept["year"].to_numpy(),
            device=default_device(),
            progress=progress(context, "linked reports"),
        )
    return curves_of_years(linked, unit, defined), linked.scale


def _curves_of_pairs(context: dg.AssetExecutionContext, results: Results) -> tuple[dict[int, Any], Any]:
    """The same from published pairs."""
    from compsim_assets.science.cutoffs.pairs import link_pairs
    from compsim_assets.storage.pairs import PairTable

    pairs = PairTable(results.table("published_pairs"))
    return link_pairs(pairs.years, pairs.of_year, progress(context, "linked years"))


@dg.asset(
    ins={"clustered_reports": dg.AssetIn(metadata={"columns": ["year"]})},
    **table_options("cutoffs", "clusters", "pandas", stage=BY_MODE),
)
def cutoffs(
    context: dg.AssetExecutionContext, cutoff_curve: DataFrame, distance_scale: DataFrame, clustered_reports: DataFrame
) -> DataFrame:
    """The cutoff theta of each year. `base`: one theta for all years, chosen on later years of the sample.
    `rolling`: for each year the theta that was best over the five years before it.
    """
    from compsim_assets.science.cutoffs.tables import base_cutoffs, rolling_cutoffs, step_functions

    years = sorted(clustered_reports["year"].unique().tolist())
    curves = step_functions(cutoff_curve, years)
    scale = distance_scale.iloc[0]
    choose = {"base": base_cutoffs, "rolling": rolling_cutoffs}[context.partition_key]
    table = choose(curves, years, float(scale["mean"]), float(scale["deviation"]))
    if table.empty:
        note = f"no year has five years before it ({len(years)} years in all): no {context.partition_key} cutoff"
        context.log.warning(note)
        context.add_output_metadata({"note": note})
    return table


@dg.asset(
    deps=["pca_scores", "published_pairs", clustered_reports, cutoffs],
    pool="gpu",
    **table_options("clusters", "clusters", "torch", "torchrun", stage=BY_MODE),
)
def clusters(context: dg.AssetExecutionContext, settings: Settings, torchrun: Torchrun) -> dg.Output:
    """Companies that are alike in one year: single linkage cut at the year's cutoff, singletons included.

    Computed by a program under torchrun, whose ranks share the years out by cost.
    """
    import pandas as pd

    results, mode = Results.of(settings), context.partition_key
    similarity = {"pairs": "published_pairs"} if by_pairs(settings) else {"scores": "pca_scores"}
    with results.scratch(f"clusters-{mode}") as scratch:
        extras = {
            **{extra: str(results.table(table)) for extra, table in similarity.items()},
            "reports": str(results.table("clustered_reports")),
            "cutoffs": str(results.table("cutoffs", mode)),
            "output": str(scratch / "clusters.parquet"),
        }
        ran = torchrun.run(context, "compsim_assets.workers.clusters", extras, scratch)
        table = pd.read_parquet(scratch / "clusters.parquet")
    sizes = table.groupby(["year", "cluster_id"]).size()
    counts = {
        "clusters": int((sizes >= 2).sum()),
        "singletons": int((sizes == 1).sum()),
        "largest_cluster": int(sizes.max()) if len(sizes) else 0,
    }
    return dg.Output(table, metadata={**ran, **counts})


class StrongFeaturesConfig(dg.Config):
    """Which clusters are studied, and how hard."""

    sample_clusters: int = Field(
        default=0, ge=0, description="Study a seeded sample of this many clusters; 0 studies all."
    )
    only_clusters: str = Field(
        default="", description="Study only the clusters (year, cluster_id) named in this Parquet or CSV file."
    )
    max_pairs: int = Field(default=200, ge=1, description="Pairs per cluster, a seeded sample if there are more.")
    max_candidates: int = Field(default=1000, ge=2, description="Candidate latents per cluster.")
    seed: int = Field(default=0, ge=0, description="Seed of all sampling.")
    products: str = Field(
        default="float64", pattern="^float(32|64)$", description="Precision of the large products: float64 or float32."
    )


@dg.multi_asset(
    name="cluster_features",
    group_name="clusters",
    outs={
        "cluster_features": dg.AssetOut(
            is_required=False,
            description="Why a cluster's companies are alike: for every candidate latent, how much the cosines inside "
            "the cluster change without it, and whether it is one of the strong ones.",
            **table_output("cluster_features", BY_MODE, "torch", "torchrun"),
        ),
        "cluster_feature_summary": dg.AssetOut(
            is_required=False,
            description="One row a cluster: size, candidates, strong features, and where the elbow between strong and "
            "weak was found.",
            **table_output("cluster_feature_summary", BY_MODE, "torch", "torchrun"),
        ),
    },
    deps=[clusters, "pca_scores", sae_features, fuzz_scores],
    partitions_def=cutoff_modes,
    can_subset=True,
    pool="gpu",
)
def cluster_features_assets(
    context: dg.AssetExecutionContext, config: StrongFeaturesConfig, settings: Settings, torchrun: Torchrun
):
    """Strong features of every cluster, by a program under torchrun that shares the clusters out by cost."""
    import pandas as pd

    from compsim_assets.science.latents.interpretability import scores_for

    results, mode = Results.of(settings), context.partition_key
    manifest = read_manifest(results.array_folder("sae_features"), "features.json")
    if manifest["n_reports"] == 0:
        yield from selected(context, *_no_cluster_features(context))
        return
    scores = pd.read_parquet(results.table("fuzz_scores"))
    usable, note = scores_for(scores, manifest["hookpoint"], manifest["n_latents"])
    context.log.info(note)
    with results.scratch(f"cluster_features-{mode}") as scratch:
        extras = {
            **config.model_dump(),
            "mode": mode,
            "scores": str(results.table("pca_scores")),
            "clusters": str(results.table("clusters", mode)),
            "features": str(results.array_folder("sae_features")),
            "pca": str(results.array_folder("pca") / "pca.safetensors"),
            "scored_latents": usable["latent"].tolist(),
            "output": str(scratch),
        }
        ran = torchrun.run(context, "compsim_assets.workers.cluster_features", extras, scratch)
        features = pd.read_parquet(scratch / "cluster_features.parquet")
        summary = pd.read_parquet(scratch / "cluster_feature_summary.parquet")
    said = {"candidates": note}
    yield from selected(
        context,
        dg.Output(features, output_name="cluster_features", metadata={**ran, **said}),
        dg.Output(summary, output_name="cluster_feature_summary", metadata=said),
    )


def _no_cluster_features(context: dg.AssetExecutionContext) -> list[dg.Output]:
    """Both tables without a row, where companies are compared by pairs."""
    import pandas as pd

    note = "there are no features: none is searched for"
    context.log.info(note)
    return [
        dg.Output(pd.DataFrame(columns=TABLES[name].names), output_name=name, metadata={"candidates": note})
        for name in ("cluster_features", "cluster_feature_summary")
    ]
