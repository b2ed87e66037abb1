"""One published figure compared with a universe that has nothing, or one table, for tests."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from compsim_assets.evidence.published_vs_ours import Computed, compare_with_published
from compsim_assets.science.latents.values import value_distribution

NAN = float("nan")
COLUMNS = ["figure", "kind", "method", "key", "published", "source"]
PEERS = pd.DataFrame(
    [
        ("pca", 2014, "neighbours", 10.0, 0.30, 0.20),
        ("pca", 2016, "neighbours", 10.0, 0.50, 0.25),
        ("pca", 2016, "neighbours", 1.0, 0.90, 0.10),
        ("supervised", 2016, "spearman", 0.0, 0.40, float("nan")),
    ],
    columns=["method", "year", "statistic", "level", "value", "random"],
)
ROBUST = pd.DataFrame(
    [
        ("mean_correlation", "base", "", 0.1, 0.2),
        ("mean_correlation", "base", "sic_code", 0.3, 0.4),
        ("mean_correlation", "base", "SIC", 9.0, 9.0),
        ("mean_correlation", "GCD", "SIC", 0.5, 0.6),
        ("pair_weighted", "base", "", 7.0, 8.0),
    ],
    columns=["statistic", "method", "versus", "low", "high"],
).assign(level="", value=9.0)
BACKTEST = pd.DataFrame(
    [("as_published", "base", 9.0), ("honest", "base", 1.0), ("as_published", "GCD", 8.0)],
    columns=["variant", "method", "sharpe"],
)


def correlations(**methods: Mapping[int, tuple[float, float, int, int, int]]) -> pd.DataFrame:
    """By method and year: MeanCorr, pair-weighted, pairs, clusters, largest."""
    names = ["mean_correlation", "pair_weighted", "n_pairs", "n_clusters", "largest_cluster"]
    rows = [
        {"method": method, "year": year, **dict(zip(names, values, strict=True))}
        for method, years in methods.items()
        for year, values in years.items()
    ]
    return pd.DataFrame(rows, columns=["method", "year", *names])


def nothing() -> Computed:
    """What a universe gives that has nothing but reports."""
    return Computed(
        mean_correlation=correlations(),
        cutoffs={},
        curves={},
        proportions={},
        fuzz_scores=pd.DataFrame({"latent": [], "interpretability": []}, dtype=float),
        feature_distribution=value_distribution([]),
        strong_features={},
        counts={"n_reports": 4, "n_pairs": 0, "n_pairs_with_correlation": 0},
        peer_statistics=PEERS.iloc[:0],
        robustness=ROBUST.iloc[:0],
        backtest=BACKTEST.iloc[:0],
    )


def compared(computed: Computed, kind: str, method: str = "", key: str = "") -> dict[str, Any]:
    """The one row of a figure whose published value is 0.25."""
    figures = pd.DataFrame([["a figure", kind, method, key, 0.25, "paper"]], columns=COLUMNS)
    (row,) = compare_with_published(figures, computed, "a universe").to_dict("records")
    return row
