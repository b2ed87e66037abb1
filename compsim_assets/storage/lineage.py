"""What result tables are made from, beyond the universe's reports: features, similarities, correlations.

Tables say in their own metadata which reports they belong to. New features of the same reports do not change that, so
what a table was made from is kept beside it. A later table says nothing of an earlier one: every table names the
sources at its root.
"""

# Sources that depend on what companies are compared by: PCA scores and the reports' returns, or published pairs.
SIMILARITY, CORRELATIONS = "similarity", "correlations"
_BY_FEATURES = {SIMILARITY: "pca_scores", CORRELATIONS: "returns"}

# `clustered_reports` holds ids alone, which whoever reads them compares with what it has.
_CHOSEN = (SIMILARITY, CORRELATIONS)
_EXPLAINED = (*_CHOSEN, "sae_features")
MADE_FROM: dict[str, tuple[str, ...]] = {
    "pca_scores": ("sae_features",),
    "feature_distribution": ("sae_features",),
    **dict.fromkeys(("distance_scale", "nearest_peers"), (SIMILARITY,)),
    **dict.fromkeys(("cutoff_curve", "cutoffs", "clusters", "mean_correlation"), _CHOSEN),
    **dict.fromkeys(("cluster_features", "cluster_feature_summary"), _EXPLAINED),
    **dict.fromkeys(("interpretability_curve", "strong_feature_proportion"), _EXPLAINED),
    "walk_forward_scores": ("sae_features",),
    **dict.fromkeys(
        ("walk_forward_cutoffs", "walk_forward_clusters", "supervised_latents"), ("sae_features", "returns")
    ),
    "embedding_clusters": ("embeddings", "returns"),
    "peer_statistics": (*_EXPLAINED, "embeddings"),
    **dict.fromkeys(("robustness", "table_1", "table_2"), _CHOSEN),
    **dict.fromkeys(("cointegrated_pairs", "pairs_backtest", "pairs_daily"), _CHOSEN),
}


def sources_of(asset: str, by_features: bool) -> list[str]:
    """Assets whose content a table of this asset depends on.

    Args:
        by_features: whether companies are compared by features; else by published pairs.
    """
    named = (_BY_FEATURES.get(name, name) if by_features else name for name in MADE_FROM.get(asset, ()))
    return list(dict.fromkeys("published_pairs" if name in _BY_FEATURES else name for name in named))
