"""What the paper's authors published, as plain tables: cluster sets, strong features, a PCA, pairs and tickers.

One reader per kind of file; each checks what it reads and names the place of what is wrong. Files of other people are
not trusted: pickles are read in `pickles`, which runs nothing. What our own universe holds is not read here, and what
the published numbers mean is said in `evidence`.
"""

from compsim_assets.universe.published.groups import read_cluster_set, read_strong_features
from compsim_assets.universe.published.lists import read_cointegrated_pairs, read_tickers
from compsim_assets.universe.published.pca import PublishedPca, read_pca

__all__ = [
    "PublishedPca", "read_cluster_set", "read_cointegrated_pairs", "read_pca", "read_strong_features", "read_tickers",
]  # fmt: skip
