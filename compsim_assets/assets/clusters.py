"""Cutoffs and clusters: every year is linked once and cut where MeanCorr is best; what holds its clusters together."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dagster as dg
from pydantic import Field

from compsim_assets import checks
from compsim_assets.assets.common import (
    BY_MODE,
    ONE_RUN,
    DataFrame,
    cluster_counts,
    columns,
    keys,
    lazily,
    table_options,
    table_outs,
    usable_scores,
    wanted,
)
from compsim_assets.contracts import TABLES
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.partitions import cutoff_modes
from compsim_assets.storage.io_managers import Lazy, ResultsFolder
from compsim_assets.storage.shards import FeatureShards


@dg.asset(ins={"clustered_reports": columns("year")}, **table_options("cutoffs", "clusters", "pandas", stage=BY_MODE))
def cutoffs(
    context: dg.AssetExecutionContext, cutoff_curve: DataFrame, distance_scale: DataFrame, clustered_reports: DataFrame
) -> dict[str, DataFrame]:
    """The cutoff theta of each year. `base`: one theta for all years, chosen on later years of the sample.
    `rolling`: for each year the theta that was best over the five years before it. Years without returns are cut, and
    have no part in a choice.
    """
    import pandas as pd

    from compsim_assets.science.cutoffs.choice import CHOICES, with_returns
    from compsim_assets.science.cutoffs.step_function import read_curves
    from compsim_assets.science.linkage.scale import DistanceScale

    years = sorted(clustered_reports["year"].unique().tolist())
    (scale,) = (DistanceScale(*row) for row in distance_scale.itertuples(index=False))
    curves = read_curves(cutoff_curve, years)
    measured = with_returns(curves)
    tables = {}
    for mode in context.partition_keys:
        tables[mode] = pd.DataFrame(vars(CHOICES[mode](curves, years, scale)))
        metadata = {}
        if without := [year for year, has_pair in zip(years, measured, strict=True) if not has_pair]:
            # Without two companies that have returns.
            metadata["years_without_returns"] = ", ".join(map(str, without))
        if tables[mode].empty:
            metadata["note"] = f"{_why_none(mode, len(years), int(measured.sum()))}: no {mode} cutoff"
            context.log.warning(metadata["note"])
        context.add_asset_metadata(metadata, "cutoffs", partition_key=mode)
    return tables


def _why_none(mode: str, n_years: int, n_measured: int) -> str:
    """Why no year has a cutoff."""
    if n_years and n_measured == 0:
        return "no year has two companies with returns"
    if mode == "base":
        return "no theta puts two companies with returns into a cluster in both folds" if n_years else "no reports"
    if n_measured == n_years:
        return f"no year has five years before it ({n_years} years in all)"
    return f"no year has five years with returns before it ({n_measured} of {n_years} have returns)"


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


_OF_CUT = ("dendrograms", "clustered_reports")
_OF_FEATURES = ("pca", "pca_scores", "sae_features", "fuzz_scores")
_OF_STUDY = ("cluster_features", "cluster_feature_summary")


@dg.multi_asset(
    name="clusters",
    group_name="clusters",
    outs=table_outs(
        BY_MODE,
        "torch",
        "torchrun",
        clusters="Companies that are alike in one year: single linkage cut at the year's cutoff, singletons included.",
        cluster_features="Why a cluster's companies are alike: for every candidate latent, how much the cosines "
        "inside the cluster change without it, and whether it is one of the strong ones.",
        cluster_feature_summary="One row per cluster: size, candidates, strong features, and where the elbow between "
        "strong and weak was found.",
    ),
    ins=lazily("cutoffs", *_OF_CUT, *_OF_FEATURES),
    internal_asset_deps={
        "clusters": keys("cutoffs", *_OF_CUT),
        **{name: keys("clusters", *_OF_FEATURES) for name in _OF_STUDY},
    },
    check_specs=[checks.spec("clusters", checks.every_report_in_one_cluster, blocking=True)],
    partitions_def=cutoff_modes,
    can_subset=True,
    pool="gpu",
    backfill_policy=ONE_RUN,
)
def cluster_assets(
    context: dg.AssetExecutionContext,
    config: StrongFeaturesConfig,
    torchrun: Torchrun,
    folder: ResultsFolder,
    **inputs: Lazy,
):
    """Cut the trees and find strong features, for every cutoff mode of the run, in one launch of torchrun: its ranks
    share the clusters out by cost.
    """
    names, modes = wanted(context), context.partition_keys
    shards, note = (inputs["sae_features"].read() if names & set(_OF_STUDY) else None), ""
    if shards is not None and shards.shape[0] == 0:
        shards, note = None, "there are no features: none is searched for"
    with folder.results.scratch("clusters") as scratch:
        extras: dict[str, Any] = {"output": str(scratch), "modes": {}}
        if "clusters" in names:
            extras |= {
                "dendrograms": str(folder.fresh("dendrograms")),
                "reports": str(folder.fresh("clustered_reports")),
            }
            extras["modes"] = {mode: {"cutoffs": str(folder.fresh("cutoffs", mode))} for mode in modes}
        elif shards is not None:
            extras["modes"] = {mode: {"clusters": str(folder.fresh("clusters", mode))} for mode in modes}
        if shards is not None:
            extras["strong_features"], note = _to_study(config, shards, inputs)
        context.log.info(note)
        ran = torchrun.run(context, "compsim_assets.workers.clusters", extras, scratch) if extras["modes"] else {}
        studied = ran.pop("clusters_studied", {})
        if "clusters" in names:
            tables = _read(context, scratch, "clusters", ran)
            yield dg.Output(tables, "clusters")
            reports, cutoffs = inputs["clustered_reports"].read(), inputs["cutoffs"].read()
            check = checks.every_report_in_one_cluster
            if (yield from checks.judge(context, "clusters", check, tables, reports, cutoffs)):
                return
        for name in [name for name in _OF_STUDY if name in names]:
            if shards is None:
                tables = dict.fromkeys(modes, TABLES[name].empty())
            else:
                tables = _read(context, scratch, name, ran, studied)
            yield dg.Output(tables, name, metadata={"candidates": note})


def _to_study(
    config: StrongFeaturesConfig, shards: FeatureShards, inputs: dict[str, Lazy]
) -> tuple[dict[str, Any], str]:
    """What the program needs to find strong features, and what is to be said about their candidates."""
    usable, note = usable_scores(shards, inputs["fuzz_scores"].read())
    options = {
        **config.model_dump(),
        "scores": str(inputs["pca_scores"].read().path),
        "features": str(shards.folder),
        "pca": str(inputs["pca"].read().path),
        "scored_latents": usable["latent"].tolist(),
    }
    return options, note


def _read(
    context: dg.AssetExecutionContext,
    folder: Path,
    name: str,
    ran: dict[str, Any],
    studied: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, DataFrame]:
    """What the program wrote, by mode, with what it said of each."""
    import pandas as pd

    tables = {}
    for mode in context.partition_keys:
        tables[mode] = pd.read_parquet(folder / mode / f"{name}.parquet")
        counts = cluster_counts(tables[mode]) if name == "clusters" else {"clusters_studied": studied[mode]}
        context.add_asset_metadata({**ran, **counts}, name, partition_key=mode)
    return tables
