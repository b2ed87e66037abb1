"""Checks on what comes in: reports, features, PCA."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.checks.judge import Verdict

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from compsim_assets.science.pca.fit import PrincipalComponents
    from compsim_assets.storage.shards import FeatureShards


def report_ids_are_unique(descriptions: "pd.DataFrame") -> Verdict:
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
    return Verdict(doubled == 0 and again.empty, metadata, warning=not doubled)


def features_are_finite(shards: "FeatureShards") -> Verdict:
    """Every report has its features once, finite and of one length; how many reports have no active latent at all."""
    import numpy as np

    good, inactive = True, 0
    for part in shards.parts():
        good &= part.shape[1] == shards.n_latents and bool(np.isfinite(part).all())
        inactive += int((~part.any(axis=1)).sum())
    ids_unique = len(np.unique(shards.report_id)) == len(shards.report_id)
    counts = {"reports": shards.shape[0], "latents": shards.n_latents, "reports_without_active_latent": inactive}
    return Verdict(good and ids_unique, counts)


def sae_is_finite(folder: Path) -> Verdict:
    """Every weight of the trained SAE is finite, and every latent writes in a direction of length one."""
    if not (path := folder / "sae.safetensors").exists():
        return Verdict(True, {"trained": False})
    import numpy as np
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    broken = sum(int((~np.isfinite(array)).sum()) for array in arrays.values())
    off = np.abs(np.linalg.norm(arrays["W_dec"], axis=1) - 1).max(initial=0)
    return Verdict(broken == 0 and bool(off < 1e-3), {"not_finite": broken, "largest_error_of_length": float(off)})


def sae_has_learned(trained: Mapping[str, Any], remarks: Sequence[str]) -> Verdict:
    """The trained SAE explains most of the variance, on texts held out too, has few dead latents and enough tokens."""
    names = ("fvu", "held_out_fvu", "dead", "tokens", "latents")
    counts = {name: trained[name] for name in names if trained.get(name) is not None}
    return Verdict(not remarks, {**counts, "remarks": "; ".join(remarks) or "none"}, warning=True)


def pca_explains_variance(pca: "PrincipalComponents") -> Verdict:
    """The axes explain at least half of the variance; below that, cosines on them leave most features out."""
    share = float(pca.explained_variance_ratio.sum())
    return Verdict(0.5 <= share <= 1 + 1e-6, {"explained_variance_share": share}, warning=True)


def pca_has_settled(pca: "PrincipalComponents") -> Verdict:
    """The cosines between reports stood still when the iteration for the axes stopped (always so for LAPACK)."""
    last = float(pca.residuals[-1])
    described = {
        "method": pca.method,
        "basis": pca.basis,
        "cosine_change": pca.cosine_change,
        "residual_last": None if last != last else last,
    }
    return Verdict(bool(pca.converged), described, warning=True)


def scores_are_not_zero(report_id: "np.ndarray", scores: "np.ndarray") -> Verdict:
    """No report lies at the origin: its cosine with everything would be zero."""
    import numpy as np

    ids = report_id[~scores.any(axis=1)]
    counts = {"zero_scores": len(ids), "first_reports": str(np.sort(ids)[:10].tolist())}
    return Verdict(len(ids) == 0, counts, warning=True)
