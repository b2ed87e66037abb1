"""What the paper's authors published, as plain tables: clusters, strong features, a PCA, cointegrated pairs, tickers."""

from compsim_assets.universe.published.groups import read_cluster_set, read_strong_features
from compsim_assets.universe.published.lists import read_cointegrated_pairs, read_tickers
from compsim_assets.universe.published.pca import PublishedPca, read_pca

__all__ = [
    "PublishedPca",
    "read_cluster_set",
    "read_cointegrated_pairs",
    "read_pca",
    "read_strong_features",
    "read_tickers",
]
