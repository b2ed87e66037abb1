"""Each published figure beside ours: what can be computed here, and why the rest cannot."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from compsim_assets.contracts import TABLES
from compsim_assets.evidence.robustness import robust_row
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
class Computed:
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


def compare_with_published(figures: pd.DataFrame, computed: Computed, universe: str) -> pd.DataFrame:
    """The `published_vs_ours` table: one row per published figure.

    Args:
        figures: from `published_figures`.
        computed: what this universe gives.
        universe: what to call it.
    """
    rows = figures.fillna({"method": "", "key": ""}).to_dict("records")
    values = [_KINDS[row["kind"]](computed, row["method"], row["key"], row["kind"]) for row in rows]
    numbers = pd.DataFrame(values, columns=["replayed", "ours", "why"], index=figures.index)
    table = pd.concat([figures[["figure", "source", "published"]], numbers], axis=1).assign(
        difference=numbers["ours"] - figures["published"],
        replay_difference=numbers["replayed"] - figures["published"],
        universe=universe,
        note=("not computable here: " + numbers["why"]).where(numbers["ours"].isna(), ""),
    )
    return table[TABLES["published_vs_ours"].names]


# What the published groups measure here, what ours do, and why ours is missing if it is NaN.
_Values = tuple[float, float, str]


def _of(method: str, table: pd.DataFrame) -> pd.DataFrame:
    return table[table["method"] == method]


def _mean(rows: pd.DataFrame) -> float:
    return float(rows["mean_correlation"].mean())


def _pooled(rows: pd.DataFrame) -> float:
    n_pairs = rows["n_pairs"].sum()
    return float((rows["pair_weighted"] * rows["n_pairs"]).sum() / n_pairs) if n_pairs else np.nan


_MEASURES = {
    "mean_correlation": _mean,
    "mean_correlation_2001_2020": lambda rows: _mean(rows[rows["year"].isin(_COMMON_YEARS)]),
    "pair_weighted": _pooled,
    "n_clusters": lambda rows: float(rows["n_clusters"].sum()) if len(rows) else np.nan,
    "largest_cluster": lambda rows: float(rows["largest_cluster"].max()),
}


def _of_method(computed: Computed, method: str, key: str, kind: str) -> _Values:
    tables = [_of(name, computed.mean_correlation) for name in (key, method)]
    replayed, ours = (_MEASURES[kind](rows) for rows in tables)
    if tables[1].empty:
        return replayed, np.nan, _ENCODERS.get(key, f"no result for {method}")
    return replayed, ours, f"{method} has no such year, cluster or pair"


def _difference(computed: Computed, method: str, key: str, kind: str) -> _Values:
    """MeanCorr less that of SIC codes, on the years that both have."""
    table = computed.mean_correlation.pivot_table(index="year", columns="method", values="mean_correlation")

    def less(one: str, other: str) -> float:
        return float((table[one] - table[other]).mean()) if {one, other} <= set(table.columns) else np.nan

    return less(key, "SIC"), less(method, "sic_code"), f"no year with {method} and SIC codes"


def _count(computed: Computed, method: str, key: str, kind: str) -> _Values:
    return np.nan, float(computed.counts[kind]), ""


def _theta(computed: Computed, method: str, key: str, kind: str) -> _Values:
    cutoffs = computed.cutoffs.get(method)
    if cutoffs is None or cutoffs.empty:
        return np.nan, np.nan, f"no {method} cutoff"
    rows = cutoffs[cutoffs["year"] == int(key)] if key else cutoffs
    theta = float(rows["theta"].iloc[0]) if len(rows) else np.nan
    return np.nan, theta, f"no {method} cutoff in {key}"


def _mean_interpretability(computed: Computed, method: str, key: str, kind: str) -> _Values:
    scores = computed.fuzz_scores["interpretability"]
    why = "no fuzz score has an answer" if len(scores) else "the universe has no fuzz scores"
    return np.nan, float(scores.mean()), why


def _interpretability_at(computed: Computed, method: str, key: str, kind: str) -> _Values:
    published = computed.strong_features.get(method)
    curve = None
    if published is not None:
        strong = published[published["strong"]]
        scores = computed.fuzz_scores[computed.fuzz_scores["latent"].isin(published["latent"])]
        curve = interpretability_curve(strong, published["members"].nunique(), scores)
    why = f"no scored latent is strong in {key} % of the {method} clusters"
    return _at(curve, int(key)), _at(computed.curves.get(method), int(key)), why


def _at(curve: pd.DataFrame | None, share: int) -> float:
    if curve is None:
        return np.nan
    values = curve.loc[curve["min_share"] == share, "mean_interpretability"]
    return float(values.iloc[0]) if len(values) else np.nan


def _median_proportion(computed: Computed, method: str, key: str, kind: str) -> _Values:
    published, proportions = computed.strong_features.get(method), computed.proportions.get(method)
    replayed = ours = np.nan
    if published is not None:
        replayed = float(published.groupby("members")["strong"].sum().median() / PUBLISHED_CANDIDATES)
    if proportions is not None:
        ours = float(proportions["proportion"].median())
    return replayed, ours, f"no strong features of {method} clusters"


def _share(computed: Computed, method: str, key: str, kind: str) -> _Values:
    table = computed.feature_distribution
    edge = 0.0 if kind == "share_zero" else np.inf
    counted = bool(table["count"].sum())
    share = float(table.loc[table["bin_right"] == edge, "share"].sum()) if counted else np.nan
    return np.nan, share, "there are no features"


def _sharpe(computed: Computed, method: str, key: str, kind: str) -> _Values:
    """The Sharpe ratio of the published trading loop, traps included."""
    table = computed.backtest
    rows = table[table["variant"] == "as_published"].set_index("method")["sharpe"]
    replayed, ours = (float(rows.get(name, np.nan)) for name in (key, method))
    return replayed, ours, _ENCODERS.get(key, f"no pair of {method or key} clusters was traded")


def _interval(computed: Computed, method: str, key: str, kind: str) -> _Values:
    """One end of a 95 % interval of MeanCorr, or of its difference to SIC codes, on the common years."""
    what, end = kind.split("_")
    versus = ("SIC", "sic_code") if what == "difference" else ("", "")
    replayed, ours = (
        robust_row(computed.robustness, "mean_correlation", name, other)[end]
        for name, other in zip((key, method), versus, strict=True)
    )
    return replayed, ours, f"no interval of {method}"


def _peers(computed: Computed, method: str, key: str, kind: str) -> _Values:
    """Mean over years of a peer statistic. The key: statistic, level, `value`, `random` or `lift`, and optionally first
    and last year.
    """
    name, level, what, *years = key.split()
    rows = _of(method, computed.peer_statistics)
    rows = rows[(rows["statistic"] == name) & (rows["level"] == float(level))]
    if years:
        rows = rows[rows["year"].between(int(years[0]), int(years[1]))]
    if kind == "peers_judged":
        rows = rows[rows["year"].isin(_judged_years(computed))]
    value = rows["value"] - rows["random"] if what == "lift" else rows[what]
    return np.nan, float(value.mean()), f"no such year, or no {method} similarity"


def _pooled_judged(computed: Computed, method: str, key: str, kind: str) -> _Values:
    """Pair-weighted correlation of the years in which the supervised similarity is judged."""
    rows = computed.mean_correlation
    rows = rows[rows["year"].isin(_judged_years(computed))]
    replayed, ours = (_pooled(_of(name, rows)) for name in (key, method))
    return replayed, ours, f"no year of {method} after the training years"


def _judged_years(computed: Computed) -> list[int]:
    return sorted(_of("supervised", computed.peer_statistics)["year"].unique().tolist())


_KINDS = {
    **dict.fromkeys(_MEASURES, _of_method),
    "difference": _difference,
    **dict.fromkeys(("n_reports", "n_pairs", "n_pairs_with_correlation"), _count),
    "theta": _theta,
    "mean_interpretability": _mean_interpretability,
    "interpretability_at": _interpretability_at,
    "median_proportion": _median_proportion,
    **dict.fromkeys(("share_zero", "share_above"), _share),
    "sharpe": _sharpe,
    **dict.fromkeys(("interval_low", "interval_high", "difference_low", "difference_high"), _interval),
    **dict.fromkeys(("peers", "peers_judged"), _peers),
    "pair_weighted_judged": _pooled_judged,
}
