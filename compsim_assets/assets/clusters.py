"""Cutoffs and clusters: single linkage of each year, cut where MeanCorr is best, and what holds clusters together."""

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    BY_MODE,
    SHARED,
    DataFrame,
    cluster_counts,
    columns,
    default_device,
    explaining_memory,
    no_rows,
    open_similarity,
    progress,
    selected,
    table_options,
    table_outs,
    usable_scores,
)
from compsim_assets.assets.features import sae_features
from compsim_assets.assets.interpretability import fuzz_scores
from compsim_assets.contracts import TABLES
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results, read_manifest
from compsim_assets.storage.shards import MANIFEST


@dg.asset(deps=["pca_scores", "published_pairs"], **table_options("clustered_reports", "clusters", "pandas"))
def clustered_reports(context: dg.AssetExecutionContext, settings: Settings, returns: DataFrame) -> DataFrame:
    """The reports that are clustered: those with PCA scores (a setting leaves out those without defined returns), or,
    where companies are compared by published pairs, those in at least one pair with a correlation.
    """
    similarity = open_similarity(settings)
    table = similarity.reports(returns, settings.without_returns_dropped)
    context.add_output_metadata({"similarity": similarity.name, "left_out": len(returns) - len(table)})
    if nothing := similarity.without_content():
        note = f"{len(nothing):,} reports without content (all scores 0) are in no cluster, the first: {nothing[:5]}"
        context.log.warning(note)
        context.add_output_metadata({"without_content": note})
    return table.sort_values(["year", "report_id"], ignore_index=True)


@dg.multi_asset(
    name="cutoff_curve",
    group_name="clusters",
    outs=table_outs(
        SHARED,
        "torch",
        cutoff_curve="MeanCorr of every possible cutoff, year by year: an exact step function, one row per step. Each "
        "merge of the minimum spanning tree changes it once.",
        distance_scale="Mean and deviation of the cosine distance over all pairs of all years: they turn a "
        "standardised cutoff theta into a distance.",
    ),
    ins={"clustered_reports": dg.AssetIn(), "returns": dg.AssetIn()},
    deps=["pca_scores", "published_pairs"],
    can_subset=True,
    pool="gpu",
)
def cutoff_curve_assets(
    context: dg.AssetExecutionContext, settings: Settings, clustered_reports: DataFrame, returns: DataFrame
):
    """Link every year and walk up its tree."""
    import numpy as np
    import pandas as pd

    similarity = open_similarity(settings)
    with explaining_memory("single linkage", "n_components of pca, or a machine with more memory"):
        log = progress(context, f"linked {similarity.linked}")
        curves, scale = similarity.curves(clustered_reports, returns, default_device(), log)
    steps = [
        pd.DataFrame({"year": np.full(len(curve.position), year), **vars(curve.standardised(scale))})
        for year, curve in curves.items()
    ]
    curve = pd.concat(steps).rename(columns={"position": "theta"}) if steps else TABLES["cutoff_curve"].empty()
    yield from selected(
        context,
        dg.Output(curve, output_name="cutoff_curve"),
        dg.Output(pd.DataFrame([vars(scale)]), output_name="distance_scale"),
    )


@dg.asset(ins={"clustered_reports": columns("year")}, **table_options("cutoffs", "clusters", "pandas", stage=BY_MODE))
def cutoffs(
    context: dg.AssetExecutionContext, cutoff_curve: DataFrame, distance_scale: DataFrame, clustered_reports: DataFrame
) -> DataFrame:
    """The cutoff theta of each year. `base`: one theta for all years, chosen on later years of the sample.
    `rolling`: for each year the theta that was best over the five years before it. Years without returns are cut, and
    have no part in a choice.
    """
    import pandas as pd

    from compsim_assets.science.cutoffs.choice import CHOICES, with_returns
    from compsim_assets.science.cutoffs.step_function import read_curves
    from compsim_assets.science.linkage.distance import DistanceScale

    years = sorted(clustered_reports["year"].unique().tolist())
    (scale,) = (DistanceScale(*row) for row in distance_scale.itertuples(index=False))
    curves, mode = read_curves(cutoff_curve, years), context.partition_key
    table = pd.DataFrame(vars(CHOICES[mode](curves, years, scale)))
    measured = with_returns(curves)
    if without := [year for year, has_pair in zip(years, measured, strict=True) if not has_pair]:
        # Without two companies that have returns.
        context.add_output_metadata({"years_without_returns": ", ".join(map(str, without))})
    if table.empty:
        note = f"{_why_none(mode, len(years), int(measured.sum()))}: no {mode} cutoff"
        context.log.warning(note)
        context.add_output_metadata({"note": note})
    return table


def _why_none(mode: str, n_years: int, n_measured: int) -> str:
    """Why no year has a cutoff."""
    if n_years and n_measured == 0:
        return "no year has two companies with returns"
    if mode == "base":
        return "no theta puts two companies with returns into a cluster in both folds" if n_years else "no reports"
    if n_measured == n_years:
        return f"no year has five years before it ({n_years} years in all)"
    return f"no year has five years with returns before it ({n_measured} of {n_years} have returns)"


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
    with results.scratch(f"clusters-{mode}") as scratch:
        extras = {
            **open_similarity(settings).worker_input,
            "reports": str(results.table("clustered_reports")),
            "cutoffs": str(results.fresh_table("cutoffs", mode)),
            "output": str(scratch / "clusters.parquet"),
        }
        ran = torchrun.run(context, "compsim_assets.workers.clusters", extras, scratch)
        table = pd.read_parquet(scratch / "clusters.parquet")
    return dg.Output(table, metadata={**ran, **cluster_counts(table)})


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
    outs=table_outs(
        BY_MODE,
        "torch",
        "torchrun",
        cluster_features="Why a cluster's companies are alike: for every candidate latent, how much the cosines "
        "inside the cluster change without it, and whether it is one of the strong ones.",
        cluster_feature_summary="One row per cluster: size, candidates, strong features, and where the elbow between "
        "strong and weak was found.",
    ),
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

    results, mode = Results.of(settings), context.partition_key
    manifest = read_manifest(results.array_folder("sae_features"), MANIFEST)
    if manifest["n_reports"] == 0:
        yield from no_rows(context, "there are no features: none is searched for", key="candidates")
        return
    usable, note = usable_scores(settings, pd.read_parquet(results.table("fuzz_scores")))
    context.log.info(note)
    with results.scratch(f"cluster_features-{mode}") as scratch:
        extras = {
            **config.model_dump(),
            "mode": mode,
            "scores": str(results.fresh_table("pca_scores")),
            "clusters": str(results.fresh_table("clusters", mode)),
            "features": str(results.array_folder("sae_features")),
            "pca": str(results.array_folder("pca") / "pca.safetensors"),
            "scored_latents": usable["latent"].tolist(),
            "output": str(scratch),
        }
        ran = torchrun.run(context, "compsim_assets.workers.cluster_features", extras, scratch)
        features = pd.read_parquet(scratch / "cluster_features.parquet")
        summary = pd.read_parquet(scratch / "cluster_feature_summary.parquet")
    candidates = {"candidates": note}
    yield from selected(
        context,
        dg.Output(features, output_name="cluster_features", metadata={**ran, **candidates}),
        dg.Output(summary, output_name="cluster_feature_summary", metadata=candidates),
    )
