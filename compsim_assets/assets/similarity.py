"""From thousands of features to a few principal axes, and the nearest peers on them."""

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    SHARED,
    ArrowTable,
    DataFrame,
    default_device,
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
    block: int = Field(default=4096, ge=1, description="Latents read at once; bounds memory.")


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
    from compsim_assets.science.pca import fit_pca

    shards = FeatureShards(Results.of(settings).array_folder("sae_features"))
    distinct = shards.distinct()
    context.log.info(
        f"{shards.shape[0]} reports, {distinct.shape[0]} of them different, {shards.n_latents} latents"
    )
    fitted = fit_pca(
        distinct,
        config.n_components,
        copies=distinct.copies,
        block=config.block,
        device=default_device(),
        progress=progress(context, "PCA, latents"),
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
