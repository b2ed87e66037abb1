"""Checks on what comes in: reports, features, PCA."""

from typing import Any

import dagster as dg

from compsim_assets.assets.common import DataFrame
from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results, read_manifest, read_table


@dg.asset_check(asset="descriptions", blocking=True)
def report_ids_are_unique(descriptions: DataFrame) -> dg.AssetCheckResult:
    """Every report id occurs once, and every company has at most one report a year.

    A company with several is a warning, and stops nothing: they are no pair with each other.
    """
    from compsim_assets.evidence.groups import company_of

    doubled = int(descriptions["report_id"].duplicated().sum())
    named = descriptions[["report_id", "year"]].assign(company=company_of(descriptions).to_numpy())
    again = named[named.duplicated(["company", "year"])].sort_values(["year", "report_id"])
    metadata: dict[str, Any] = {"doubled_ids": doubled, "companies_with_two_reports_a_year": len(again)}
    if len(again):
        rows = again.head(5).itertuples(index=False)
        metadata["first_of_them"] = ", ".join(f"{row.company} in {row.year}: report {row.report_id}" for row in rows)
    return dg.AssetCheckResult(
        passed=doubled == 0 and again.empty,
        severity=dg.AssetCheckSeverity.ERROR if doubled else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


@dg.asset_check(asset="sae_features", blocking=True)
def features_are_finite(settings: Settings) -> dg.AssetCheckResult:
    """Every report has its features once, finite and of one length; how many reports have no active latent at all."""
    import numpy as np

    from compsim_assets.storage.shards import FeatureShards

    shards = FeatureShards(Results.of(settings).array_folder("sae_features"))
    good, inactive = True, 0
    for part in shards.parts():
        good &= part.shape[1] == shards.n_latents and bool(np.isfinite(part).all())
        inactive += int((~part.any(axis=1)).sum())
    ids_unique = len(np.unique(shards.report_id)) == len(shards.report_id)
    return dg.AssetCheckResult(
        passed=good and ids_unique,
        metadata={"reports": shards.shape[0], "latents": shards.n_latents, "reports_without_active_latent": inactive},
    )


@dg.asset_check(asset="pca")
def pca_explains_variance(settings: Settings) -> dg.AssetCheckResult:
    """The axes explain at least half of the variance; below that, cosines on them leave most features out."""
    share = float(read_manifest(Results.of(settings).array_folder("pca"), "pca.json")["explained_variance_share"])
    return dg.AssetCheckResult(
        passed=0.5 <= share <= 1 + 1e-6,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"explained_variance_share": share},
    )


@dg.asset_check(asset="pca")
def pca_has_settled(settings: Settings) -> dg.AssetCheckResult:
    """The cosines between reports stood still when the iteration for the axes stopped (always so for LAPACK)."""
    described = read_manifest(Results.of(settings).array_folder("pca"), "pca.json")
    return dg.AssetCheckResult(
        passed=bool(described["converged"]),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={name: described[name] for name in ("method", "basis", "cosine_change", "residual_last")},
    )


@dg.asset_check(asset="pca_scores")
def scores_are_not_zero(settings: Settings) -> dg.AssetCheckResult:
    """No report lies at the origin: its cosine with everything would be zero."""
    import numpy as np

    from compsim_assets.storage.matrices import matrix_of

    scores = read_table(Results.of(settings).table("pca_scores"))
    zero = ~matrix_of(scores["scores"]).any(axis=1)
    ids = scores["report_id"].to_numpy()[zero]
    return dg.AssetCheckResult(
        passed=len(ids) == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"zero_scores": len(ids), "first_reports": str(np.sort(ids)[:10].tolist())},
    )
