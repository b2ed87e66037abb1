"""Table 2: how interpretable strong features are, and which fuzz scores speak of them."""

import numpy as np
import pandas as pd

_ACTIVE = "candidates are the latents active in at least two of a cluster's reports"


def table_2_row(mode: str, clusters: pd.DataFrame, summary: pd.DataFrame, curve: pd.DataFrame) -> dict[str, object]:
    """One mode of Table 2: clusters, clusters studied, latents studied, mean and top interpretability.

    The top is the mean interpretability at the largest share p for which a latent is left.
    """
    sizes = clusters.groupby(["year", "cluster_id"]).size()
    reached = curve.dropna(subset="mean_interpretability")
    studied = summary.loc[summary["n_candidates"] > 0]
    mean, top, share = np.nan, np.nan, np.nan
    if len(reached):
        mean, top = (float(reached["mean_interpretability"].iloc[row]) for row in (0, -1))
        share = float(reached["min_share"].iloc[-1])
    return {
        "mode": mode,
        "n_clusters": int((sizes >= 2).sum()),
        "n_clusters_studied": len(summary),
        "n_latents_scored": int(curve["n_latents"].max()) if len(curve) else 0,
        "mean_interpretability": mean,
        "top_interpretability": top,
        "top_min_share": share,
        "median_proportion_strong": float((studied["n_strong"] / studied["n_candidates"]).median()),
    }


def scores_for(scores: pd.DataFrame, hookpoint: str | None, n_latents: int) -> tuple[pd.DataFrame, str]:
    """The scores that speak of these features, and a sentence that says which or why none.

    A latent's number means something only together with its SAE: scores of another hookpoint are not ours, even
    where the number exists here too.

    Args:
        scores: the `fuzz_scores` table.
        hookpoint: module the features come from; None for imported features of unknown origin, which then match
            scores of a single hookpoint whose latents all exist.
        n_latents: latents of the features.
    """
    if scores.empty:
        return scores, f"no latent has a fuzz score: {_ACTIVE}"
    hookpoints = sorted(scores["hookpoint"].unique())
    if hookpoint is None and len(hookpoints) == 1:
        hookpoint = hookpoints[0]
    matching = scores[scores["hookpoint"] == hookpoint]
    if matching.empty or int(matching["latent"].max()) >= n_latents:
        return scores.iloc[:0], (
            f"no scores for these latents: features are of hookpoint {hookpoint or 'unknown'} with {n_latents} "
            f"latents, scores of {', '.join(hookpoints)}; {_ACTIVE}"
        )
    return matching, f"{len(matching)} latents of {hookpoint} with a fuzz score"
