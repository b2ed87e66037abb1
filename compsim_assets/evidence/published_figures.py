"""Each published figure beside ours: what can be computed here, and why the rest cannot."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from compsim_assets.evidence import published_evidence as evidence
from compsim_assets.science.latents.interpretability import interpretability_curve

# Candidates that the published script divides the number of strong features by, whatever was scored.
PUBLISHED_CANDIDATES = 1000
_COMMON_YEARS = range(2001, 2021)
# What has no method of ours, and what is only there where the universe's embedding.toml names it.
_ENCODERS = {
    "PaLM-gecko": "its encoder is not public",
    "SBERT": "embedding.toml names no encoder SBERT",
    "BERT": "embedding.toml names no encoder BERT",
}


@dataclass(frozen=True)
class Found:
    """What there is to compare with: result tables, by cutoff mode where they are; published sets by name.

    strong_features: of the published pickles, by cutoff mode: members, latent, strong.
    counts: `n_reports`, `n_pairs` within a year, `n_pairs_with_correlation`.
    """

    mean_correlation: pd.DataFrame
    cutoffs: Mapping[str, pd.DataFrame]
    curves: Mapping[str, pd.DataFrame]
    proportions: Mapping[str, pd.DataFrame]
    fuzz_scores: pd.DataFrame
    feature_distribution: pd.DataFrame
    strong_features: Mapping[str, pd.DataFrame]
    counts: Mapping[str, int]
    peer_statistics: pd.DataFrame
    robustness: pd.DataFrame
    backtest: pd.DataFrame


def compare_with_published(figures: pd.DataFrame, found: Found, universe: str) -> pd.DataFrame:
    """One row a published figure.

    Args:
        figures: figure, kind, method, key, published, source: see `reference/published_figures.csv`.
        found: what this universe gives.
        universe: what to call it.

    Returns:
        figure, source, published, replayed (the published clusters or features, measured on this universe), ours,
        difference (ours - published), replay_difference, universe, note (why a value is missing; empty without need).
    """
    rows = []
    for figure in figures.fillna({"method": "", "key": ""}).to_dict("records"):
        method, key, kind = figure["method"], figure["key"], figure["kind"]
        replayed, ours, why = _KINDS[kind](found, method, key, kind)
        rows.append(
            {
                "figure": figure["figure"],
                "source": figure["source"],
                "published": figure["published"],
                "replayed": replayed,
                "ours": ours,
                "difference": ours - figure["published"],
                "replay_difference": replayed - figure["published"],
                "universe": universe,
                "note": f"not computable here: {why}" if np.isnan(ours) else "",
            }
        )
    return pd.DataFrame(rows)


# Each gives what the published groups measure here, what ours do, and why ours is missing if it is NaN.
_Values = evidence.Values


def _mean(rows: pd.DataFrame) -> float:
    return float(rows["mean_correlation"].mean())


def _pooled(rows: pd.DataFrame) -> float:
    n_pairs = rows["n_pairs"].sum()
    return float((rows["pair_weighted"] * rows["n_pairs"]).sum() / n_pairs) if n_pairs else np.nan


def _mean_2001_2020(rows: pd.DataFrame) -> float:
    return _mean(rows[rows["year"].isin(_COMMON_YEARS)])


def _clusters(rows: pd.DataFrame) -> float:
    return float(rows["n_clusters"].sum()) if len(rows) else np.nan


def _largest(rows: pd.DataFrame) -> float:
    return float(rows["largest_cluster"].max())


_MEASURES = {
    "mean_correlation": _mean,
    "mean_correlation_2001_2020": _mean_2001_2020,
    "pair_weighted": _pooled,
    "n_clusters": _clusters,
    "largest_cluster": _largest,
}


def _of_method(found: Found, method: str, key: str, kind: str) -> _Values:
    by_method = dict(iter(found.mean_correlation.groupby("method")))
    none = found.mean_correlation.iloc[:0]
    replayed, ours = (_MEASURES[kind](by_method.get(name, none)) for name in (key, method))
    if method not in by_method:
        return replayed, np.nan, _ENCODERS.get(key, f"no result for {method}")
    return replayed, ours, f"{method} has no such year, cluster or pair"


def _difference(found: Found, method: str, key: str, kind: str) -> _Values:
    """MeanCorr less that of SIC codes, on the years that both have."""
    table = found.mean_correlation.pivot_table(index="year", columns="method", values="mean_correlation")

    def less(one: str, other: str) -> float:
        if not {one, other} <= set(table.columns):
            return np.nan
        return float((table[one] - table[other]).mean())

    return less(key, "SIC"), less(method, "sic_code"), f"no year with {method} and SIC codes"


def _count(found: Found, method: str, key: str, kind: str) -> _Values:
    return np.nan, float(found.counts[kind]), ""


def _theta(found: Found, method: str, key: str, kind: str) -> _Values:
    cutoffs = found.cutoffs.get(method)
    if cutoffs is None or cutoffs.empty:
        return np.nan, np.nan, f"no {method} cutoff"
    rows = cutoffs[cutoffs["year"] == int(key)] if key else cutoffs
    theta = float(rows["theta"].iloc[0]) if len(rows) else np.nan
    return np.nan, theta, f"no {method} cutoff in {key}"


def _mean_interpretability(found: Found, method: str, key: str, kind: str) -> _Values:
    scores = found.fuzz_scores["interpretability"]
    why = "no fuzz score has an answer" if len(scores) else "the universe has no fuzz scores"
    return np.nan, float(scores.mean()), why


def _interpretability_at(found: Found, method: str, key: str, kind: str) -> _Values:
    published = found.strong_features.get(method)
    replayed = np.nan
    if published is not None:
        strong = published[published["strong"]]
        scores = found.fuzz_scores[found.fuzz_scores["latent"].isin(published["latent"])]
        replayed = _at(interpretability_curve(strong, published["members"].nunique(), scores), int(key))
    why = f"no scored latent is strong in {key} % of the {method} clusters"
    return replayed, _at(found.curves.get(method), int(key)), why


def _at(curve: pd.DataFrame | None, share: int) -> float:
    if curve is None:
        return np.nan
    values = curve.loc[curve["min_share"] == share, "mean_interpretability"]
    return float(values.iloc[0]) if len(values) else np.nan


def _median_proportion(found: Found, method: str, key: str, kind: str) -> _Values:
    published, own = found.strong_features.get(method), found.proportions.get(method)
    replayed = (
        np.nan
        if published is None
        else float(published.groupby("members")["strong"].sum().median() / PUBLISHED_CANDIDATES)
    )
    ours = np.nan if own is None else float(own["proportion"].median())
    return replayed, ours, f"no strong features of {method} clusters"


def _share(found: Found, method: str, key: str, kind: str) -> _Values:
    table = found.feature_distribution
    edge = 0.0 if kind == "share_zero" else np.inf
    counted = bool(table["count"].sum())
    share = float(table.loc[table["bin_right"] == edge, "share"].sum()) if counted else np.nan
    return np.nan, share, "there are no features"


def _sharpe(found: Found, method: str, key: str, kind: str) -> _Values:
    replayed, ours, why = evidence.sharpe_ratio(found.backtest, method, key)
    return replayed, ours, _ENCODERS.get(key, why)


def _interval(found: Found, method: str, key: str, kind: str) -> _Values:
    return evidence.interval_end(found.robustness, method, key, kind)


def _peers(found: Found, method: str, key: str, kind: str) -> _Values:
    return evidence.peers(found.peer_statistics, method, key, judged=kind == "peers_judged")


def _pooled_judged(found: Found, method: str, key: str, kind: str) -> _Values:
    """Pair-weighted correlation of the years in which the supervised similarity is judged."""
    years = evidence.judged_years(found.peer_statistics)
    rows = found.mean_correlation[found.mean_correlation["year"].isin(years)]
    replayed, ours = (_pooled(rows[rows["method"] == name]) for name in (key, method))
    return replayed, ours, f"no year of {method} after the training years"


_KINDS = {
    **dict.fromkeys(_MEASURES, _of_method),
    "difference": _difference,
    "n_reports": _count,
    "n_pairs": _count,
    "n_pairs_with_correlation": _count,
    "theta": _theta,
    "mean_interpretability": _mean_interpretability,
    "interpretability_at": _interpretability_at,
    "median_proportion": _median_proportion,
    "share_zero": _share,
    "share_above": _share,
    "sharpe": _sharpe,
    **dict.fromkeys(("interval_low", "interval_high", "difference_low", "difference_high"), _interval),
    **dict.fromkeys(("peers", "peers_judged"), _peers),
    "pair_weighted_judged": _pooled_judged,
}
