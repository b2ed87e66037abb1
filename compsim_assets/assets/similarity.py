"""From thousands of features to a few principal axes, and the nearest peers on them."""

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    SHARED,
    ArrowTable,
    DataFrame,
    default_device,
    explaining_memory,
    options,
    progress,
    selected,
    table_options,
    table_output,
)
from compsim_assets.assets.features import sae_features
from compsim_assets.resources.results import Results
from compsim_assets.settings import Settings


class PcaConfig(dg.Config):
    """How the PCA is fitted."""

    n_components: int = Field(
        default=4000, ge=1, description="Principal axes kept, capped at the rank of the data."
    )
    components: str = Field(
        default="all",
        pattern="^(all|none)$",
        description="`all` keeps the axes (4 bytes x components x latents on disk, a second pass over the features); "
        "`none` leaves them out: scores and clusters need none, and strong features work out the few they need.",
    )
    block: int = Field(
        default=4096,
        ge=1,
        description="Latents read at once; memory for them is 12 bytes x reports x block.",
    )
    tolerance: float = Field(
        default=1e-5,
        gt=0,
        description="Where eigenpairs come from an iteration (large universes), it stops once no cosine between "
        "reports changes by more than this.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the iteration's start.")


@dg.multi_asset(
    name="pca",
    group_name="similarity",
    outs={
        "pca": dg.AssetOut(
            io_manager_key="pca_io_manager",
            is_required=False,
            description="PCA of the standardised SAE features: scaler, principal axes, explained variance. Fitted "
            "exactly through the smaller of the Gram and the covariance matrix; identical reports count once with weight.",
            **options(SHARED, "torch", "safetensors"),
        ),
        "pca_scores": dg.AssetOut(
            is_required=False,
            description="Every report's coordinates on the principal axes; cosines between them are the similarity.",
            **table_output("pca_scores", SHARED, "torch"),
        ),
    },
    deps=[sae_features],
    ins={"descriptions": dg.AssetIn(metadata={"columns": ["report_id", "year"]})},
    internal_asset_deps={
        "pca": {dg.AssetKey("sae_features"), dg.AssetKey("descriptions")},
        "pca_scores": {dg.AssetKey("pca"), dg.AssetKey("descriptions")},
    },
    can_subset=True,
    pool="gpu",
)
def pca_assets(
    context: dg.AssetExecutionContext,
    config: PcaConfig,
    settings: Settings,
    descriptions: DataFrame,
):
    """Fit the PCA and score every report with features."""
    import pyarrow as pa

    from compsim_assets.columnar import FeatureShards, list_column
    from compsim_assets.science.pca import fit_pca, memory_needed

    shards = FeatureShards(Results.of(settings).array_folder("sae_features"))
    distinct = shards.distinct()
    context.log.info(
        f"{shards.shape[0]} reports, {distinct.shape[0]} of them different, {shards.n_latents} latents"
    )
    needed = memory_needed(*distinct.shape, config.n_components, config.block)
    context.log.info(f"the PCA needs about {needed / 1e9:.1f} GB of memory")
    with explaining_memory("the PCA", "a smaller block or n_components, or components = none"):
        fitted = fit_pca(
            distinct,
            config.n_components,
            copies=distinct.copies,
            components=config.components == "all",
            block=config.block,
            device=default_device(),
            tolerance=config.tolerance,
            seed=config.seed,
            progress=progress(context, "PCA, latents"),
            log=context.log.info,
        )
    if not fitted.converged:
        context.log.warning(
            f"PCA did not settle: cosines still changed by {fitted.cosine_change:.1e} with a basis of {fitted.basis:,}. "
            "The features' variance does not decay; ask for fewer components"
        )
    year = descriptions.set_index("report_id")["year"].reindex(shards.report_id)
    scores = pa.table(
        {
            "report_id": shards.report_id,
            "year": year.to_numpy(),
            "scores": list_column(fitted.scores[distinct.inverse]),
        }
    )
    counts = {"reports": shards.shape[0], "distinct_reports": distinct.shape[0]}
    yield from selected(
        context,
        dg.Output(fitted, output_name="pca", metadata=counts),
        dg.Output(
            scores, output_name="pca_scores", metadata={"components": fitted.scores.shape[1]}
        ),
    )


class PeersConfig(dg.Config):
    """How many peers."""

    n_peers: int = Field(
        default=20, ge=1, description="Peers per report; fewer where the year is smaller."
    )


@dg.asset(
    ins={"pca_scores": dg.AssetIn(metadata={"arrow": True})},
    **table_options("nearest_peers", "similarity", "numpy"),
)
def nearest_peers(config: PeersConfig, pca_scores: ArrowTable) -> DataFrame:
    """For every report the most similar reports of the same year, by cosine of their PCA scores."""
    import pandas as pd

    from compsim_assets.columnar import matrix_of
    from compsim_assets.science.similarity import nearest_peers as find_peers

    ids, year = (pca_scores[name].to_numpy() for name in ("report_id", "year"))
    blocks = [
        pd.DataFrame(block)
        for block in find_peers(matrix_of(pca_scores["scores"]), year, ids, config.n_peers)
    ]
    columns = ["report_id", "year", "rank", "peer_id", "cosine"]
    return (
        pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame({c: [] for c in columns})
    )
