"""From thousands of features to a few principal axes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from compsim_assets import checks
from compsim_assets.assets.common import (
    HEAVY,
    NO_FEATURES,
    ONE_RUN,
    SHARED,
    DataFrame,
    alone,
    columns,
    default_device,
    explaining_memory,
    key_of,
    no_rows,
    options,
    progress,
    require_memory,
    table_outs,
    universe_of,
    wanted,
)
from compsim_assets.settings import Settings
from compsim_assets.storage.finished import FinishedParts, PartsOf
from compsim_assets.storage.io_managers import ResultsFolder
from compsim_assets.storage.shards import DistinctRows, FeatureShards

if TYPE_CHECKING:
    from compsim_assets.science.pca.fit import PrincipalComponents
    from compsim_assets.science.pca.fitted_on import UnlikeFeatures


class FitConfig(dg.Config):
    """How a PCA is fitted."""

    n_components: int = Field(default=4000, ge=1, description="Principal axes kept, capped at the rank of the data.")
    block: int = Field(
        default=4096, ge=1, description="Latents read at once; memory for them is 12 bytes x reports x block."
    )
    tolerance: float = Field(
        default=1e-5,
        gt=0,
        description="Where eigenpairs come from an iteration (large universes), it stops once no cosine between "
        "reports changes by more than this.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the iteration's start.")


class PcaConfig(FitConfig):
    """How the PCA of all years is fitted, and what of it is kept."""

    components: str = Field(
        default="all",
        pattern="^(all|none)$",
        description="`all` keeps the axes (4 bytes x components x latents on disk, a second pass over the features); "
        "`none` leaves them out: scores and clusters need none, and strong features work out the few they need.",
    )


@dg.multi_asset(
    name="pca",
    group_name="similarity",
    outs={
        "pca": dg.AssetOut(
            io_manager_key="pca_io_manager",
            is_required=False,
            description="PCA of the standardised SAE features: scaler, principal axes, explained variance. Fitted "
            "exactly through the smaller of the Gram and the covariance matrix; identical reports count "
            "once with weight. Where the universe has a published PCA, that one. Empty where companies are "
            "compared by pairs.",
            **options(SHARED, "torch", "safetensors"),
        ),
        **table_outs(
            SHARED,
            "torch",
            io_manager_key="scores_io_manager",
            pca_scores="Every report's coordinates on the principal axes; cosines between them are the similarity.",
        ),
    },
    ins={"descriptions": columns("report_id", "year")},
    internal_asset_deps={
        "pca": {dg.AssetKey("sae_features"), dg.AssetKey("descriptions")},
        "pca_scores": {dg.AssetKey("sae_features"), dg.AssetKey("descriptions"), dg.AssetKey("pca")},
    },
    check_specs=[
        checks.spec("pca", checks.pca_explains_variance),
        checks.spec("pca", checks.pca_has_settled),
        checks.spec("pca_scores", checks.scores_are_not_zero),
    ],
    can_subset=True,
    pool="gpu",
    op_tags=HEAVY,
    backfill_policy=ONE_RUN,
)
@alone
def pca_assets(
    context: dg.AssetExecutionContext,
    config: PcaConfig,
    settings: Settings,
    folder: ResultsFolder,
    sae_features: FeatureShards,
    descriptions: DataFrame,
):
    """Fit the PCA, or take the universe's published one, and score every report with features."""
    import pyarrow as pa

    from compsim_assets.storage.matrices import list_column

    shards, names = sae_features, wanted(context)
    universe = universe_of(context, settings)
    if shards.shape[0] == 0:
        from compsim_assets.science.pca.fit import no_components

        # An output that is not yielded would skip all that is made from it.
        if "pca" in names:
            yield dg.Output(no_components(), "pca", metadata={"note": NO_FEATURES})
        yield from no_rows(context, NO_FEATURES)
        return
    distinct = shards.distinct()
    finished = FinishedParts(folder.results, "pca")
    published = universe.published_pca()
    context.log.info(f"{shards.shape[0]} reports, {distinct.shape[0]} of them different, {shards.n_latents} latents")
    with explaining_memory("the PCA", "a smaller block or n_components, or components = none"):
        if published:
            fitted = _project(context, config, distinct, published, universe.rules.of("pca")["features"])
        else:
            fitted = _fit(context, config, distinct, finished.of(key_of(context, config, shards.manifest["content"])))
    if not fitted.converged:
        context.log.warning(
            f"PCA did not settle: cosines still changed by {fitted.cosine_change:.1e} with a basis of "
            f"{fitted.basis:,}. The features' variance does not decay; ask for fewer components"
        )
    if "pca" in names:
        yield dg.Output(fitted, "pca", metadata=_counts(shards, distinct, fitted))
        yield from checks.judge(context, "pca", checks.pca_explains_variance, fitted)
        yield from checks.judge(context, "pca", checks.pca_has_settled, fitted)
    if "pca_scores" in names:
        year = descriptions.set_index("report_id")["year"].reindex(shards.report_id).to_numpy()
        scores = fitted.scores[distinct.inverse]
        table = pa.table({"report_id": shards.report_id, "year": year, "scores": list_column(scores)})
        yield dg.Output(table, "pca_scores", metadata={"components": fitted.scores.shape[1]})
        yield from checks.judge(context, "pca_scores", checks.scores_are_not_zero, shards.report_id, scores)
    finished.clear()


def _counts(shards: FeatureShards, distinct: DistinctRows, fitted: "PrincipalComponents") -> dict[str, Any]:
    counts: dict[str, Any] = {"reports": shards.shape[0], "distinct_reports": distinct.shape[0]}
    if fitted.fitted_on != "standardised":
        counts["fitted_on"] = f"{fitted.fitted_on} features, and applied to such"
    elif fitted.own_mean is not None and (largest := float(abs(fitted.own_mean).max())) > 1e-2:
        counts["own_mean"] = largest
    return counts


def _fit(
    context: dg.AssetExecutionContext, config: PcaConfig, distinct: DistinctRows, parts: PartsOf
) -> "PrincipalComponents":
    from compsim_assets.science.pca.fit import fit_pca, memory_needed

    needed = memory_needed(*distinct.shape, config.n_components, config.block)
    require_memory(context, "the PCA", needed, "a smaller block or n_components, or components = none")
    return fit_pca(
        distinct,
        **{**config.model_dump(), "components": config.components == "all"},
        copies=distinct.copies,
        device=default_device(),
        progress=progress(context, "PCA, latents"),
        log=context.log.info,
        parts=parts,
    )


def _project(
    context: dg.AssetExecutionContext, config: PcaConfig, distinct: DistinctRows, path: Path, of: str
) -> "PrincipalComponents":
    """Scores on the axes of the universe's published PCA, the first `n_components` of them; `of`: see `project`."""
    from compsim_assets.science.pca.fitted_on import UnlikeFeatures
    from compsim_assets.science.pca.projection import project
    from compsim_assets.universe.layout import UniverseError
    from compsim_assets.universe.published import read_pca

    context.log.info(f"the universe's own PCA is used: {path}")
    pca = read_pca(path)
    if pca.components.shape[1] != distinct.shape[1]:
        raise UniverseError(
            f"{path}: a PCA of {pca.components.shape[1]:,} latents, expected {distinct.shape[1]:,} as the features "
            "have. Remove it to fit one"
        )
    first = slice(0, config.n_components)
    variance, ratio = pca.explained_variance, pca.explained_variance_ratio
    scaler = None
    if pca.scaler_mean is not None and pca.scaler_scale is not None:
        scaler = pca.scaler_mean, pca.scaler_scale
        if of == "raw":
            raise UniverseError(f"{path}: brings a scaler, and universe.toml says [pca] features = {of!r}: remove one")
    try:
        projected = project(
            distinct,
            pca.components[first],
            pca.mean,
            copies=distinct.copies,
            scaler=scaler,
            of=of,
            explained_variance=None if variance is None else variance[first],
            explained_variance_ratio=None if ratio is None else ratio[first],
            device=default_device(),
            progress=progress(context, "projected reports"),
        )
    except UnlikeFeatures as problem:
        raise UniverseError(f"{path}: {_unlike(problem)}") from None
    if projected.fitted_on != "standardised":
        context.log.info(f"{path} was fitted on {projected.fitted_on} features, and is applied to such")
    elif (largest := float(abs(pca.mean).max())) > 1e-2:
        context.log.warning(
            f"{path}: its own mean, which is subtracted, is up to {largest:.3g} deviations from 0, the mean of the "
            "standardised features here: it was fitted on other reports"
        )
    return projected


def _unlike(problem: "UnlikeFeatures") -> str:
    """How a PCA contradicts the features, and what to do."""
    zero, raw = problem.off
    variance = ""
    if problem.variance is not None:
        variance = "; its variance is {:.3g} times that of standardised features, {:.3g} times that of raw ones".format(
            *problem.variance
        )
    return (
        f"a PCA of other features: its mean_ is up to {zero:.3g} where that of standardised features is 0, and "
        f"{raw:.3g} deviations (root mean square) from the mean of these features{variance}. Say in universe.toml what "
        'it was fitted on ([pca] features = "standardised" or "raw"), give it with its scaler (a pipeline of '
        "StandardScaler and PCA), or remove it to fit one"
    )
