"""From strong features and fuzz scores to the published interpretability figures (method section 4)."""

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

SHARES = np.arange(0, 31)


def interpretability_curve(
    strong: pd.DataFrame, n_clusters: int, scores: pd.DataFrame, shares: np.ndarray = SHARES
) -> pd.DataFrame:
    """Mean interpretability of the latents that are strong in at least p per cent of the clusters.

    Args:
        strong: one row per (cluster, latent) that is strong, column `latent`.
        n_clusters: clusters studied, with or without a strong feature.
        scores: `latent`, `interpretability` of the studied latents; NaN (no answer at all) is left out.
        shares: thresholds p in per cent.

    Returns:
        min_share, mean_interpretability (NaN where no latent is left), n_latents, share_of_latents.
    """
    scored = scores.dropna(subset="interpretability")
    times_strong = scored["latent"].map(strong["latent"].value_counts()).fillna(0).to_numpy()
    interpretability = scored["interpretability"].to_numpy(dtype=float)
    # Counts against counts: 100 f_j >= p without rounding the share first.
    left = 100 * times_strong[None, :] >= shares[:, None] * max(n_clusters, 1)
    n_latents = left.sum(axis=1)
    total = left @ interpretability
    return pd.DataFrame(
        {
            "min_share": shares.astype(float),
            "mean_interpretability": np.divide(total, n_latents, out=np.full(len(shares), np.nan), where=n_latents > 0),
            "n_latents": n_latents,
            "share_of_latents": n_latents / max(len(scored), 1),
        }
    )


# Fewer latents than this give no interval worth reading.
_FEWEST_LATENTS = 10


def interpretability_gain(
    strong: pd.DataFrame, n_clusters: int, scores: pd.DataFrame
) -> tuple[float, float, float, float]:
    """How much more interpretable the latents are that are strong in many clusters.

    Args:
        strong, n_clusters, scores: as `interpretability_curve`.

    Returns:
        As published: the curve's last value less its first. Corrected: mean of the latents strong in at least p per
        cent of the clusters less that of all others, p the largest share that leaves ten of each, and its 95 % interval
        (Welch). NaN where there are not as many.
    """
    scored = scores.dropna(subset="interpretability")
    curve = interpretability_curve(strong, n_clusters, scored)
    reached = curve["mean_interpretability"].dropna()
    as_published = float(reached.iloc[-1] - reached.iloc[0]) if len(reached) else np.nan
    others = len(scored) - curve["n_latents"]
    enough = curve[(curve["n_latents"] >= _FEWEST_LATENTS) & (others >= _FEWEST_LATENTS)]
    if enough.empty:
        return as_published, np.nan, np.nan, np.nan
    share = enough["min_share"].iloc[-1]
    times = scored["latent"].map(strong["latent"].value_counts()).fillna(0)
    often = (100 * times >= share * max(n_clusters, 1)).to_numpy()
    values = scored["interpretability"].to_numpy(dtype=float)
    test = ttest_ind(values[often], values[~often], equal_var=False)
    low, high = test.confidence_interval(0.95)
    gain = values[often].mean() - values[~often].mean()
    return as_published, float(gain), float(low), float(high)


def strong_feature_proportion(summary: pd.DataFrame) -> pd.DataFrame:
    """Strong features as a share of the cluster's own candidates (not of a fixed 1,000, as published)."""
    studied = summary[summary["n_candidates"] > 0]
    table = studied[["year", "cluster_id", "n_members"]].assign(
        proportion=studied["n_strong"] / studied["n_candidates"]
    )
    return table.reset_index(drop=True)
