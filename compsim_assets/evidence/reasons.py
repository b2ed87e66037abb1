"""The tables that claims are judged by, and why a claim cannot be tested: which method lacks what, read from them."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from compsim_assets.evidence.table_one import SHARPE_COST

_LATE = ("rolling", "walk_forward")
_NO_RETURNS = "no year has two companies with returns"
# A mean over years has an interval from this many on.
_FEWEST_YEARS = 3


@dataclass(frozen=True)
class Evidence:
    """The tables that claims are judged by, under their assets' names.

    interpretability: of the latents strong in most clusters less that of the others: as published, corrected, low,
        high. no_interpretability: why it is not there.
    """

    table_1: pd.DataFrame
    robustness: pd.DataFrame
    peer_statistics: pd.DataFrame
    pairs_backtest: pd.DataFrame
    interpretability: tuple[float, float, float, float]
    no_interpretability: str = "no fuzz score is of these latents"


def no_difference(evidence: Evidence, value: float, first: str, second: str) -> str:
    """Why the clusters of two methods have no difference with an interval; `value` is it, where it is there."""
    rows = _as_published(evidence)
    for method in (first, second):
        if method not in rows.index:
            return _no_clusters(evidence, method)
        if math.isnan(float(rows["mean_correlation"].loc[method])):
            return _without_returns(evidence) or f"{method} has no cluster of two companies with returns in any year"
    if math.isnan(value):
        return f"{first} and {second} have no year in common"
    return f"the difference of {first} and {second} has no interval: too many resamples lose all its clusters"


def no_peers(evidence: Evidence, statistic: str, method: str, versus: str, level: str) -> str:
    """Why a statistic of peers has no mean over years with an interval."""
    if reason := _without_returns(evidence):
        return reason
    table = evidence.peer_statistics
    for name in (method, versus):
        if name and not (table["method"] == name).any():
            return _no_similarity(evidence, name)
    plain = statistic.removesuffix("_lift")
    rows = table[(table["statistic"] == plain) & (table["level"] == float(level or 0))]
    value = rows.pivot_table(index="year", columns="method", values="value")
    there = [name for name in (method, versus) if name]
    n = len(value.dropna(subset=there)) if set(there) <= set(value.columns) else 0
    if n == 0 and plain == "neighbours_same_sic2":
        return f"no company has more than {level} others of its two-digit SIC code among {method} peers with returns"
    return _too_few_years(n, " and ".join(there), f"{plain}{f' at {level}' if level else ''}")


def no_peers_against_codes(evidence: Evidence, level: float, n_years: int) -> str:
    """Why nearest peers cannot be compared with those of the same SIC code."""
    if reason := _without_returns(evidence):
        return reason
    table = evidence.peer_statistics
    if not (table["method"] == "walk_forward").any():
        return _no_similarity(evidence, "walk_forward")
    codes = table[(table["method"] == "sic2") & (table["statistic"] == "neighbours")]
    if codes["value"].isna().all():
        return "no two companies with returns have the same two-digit SIC code"
    return _too_few_years(n_years, "walk_forward and sic2", f"neighbours at {level:g}")


def no_sharpe(evidence: Evidence, method: str) -> str:
    """Why pairs of a method's clusters have no Sharpe ratio with an interval."""
    table = evidence.pairs_backtest
    if table.empty:
        return "nothing was traded: the universe has no prices"
    if method not in _as_published(evidence).index:
        return _no_clusters(evidence, method)
    rows = table[(table["method"] == method) & (table["variant"] == "honest")]
    if rows.empty:
        return f"{method} has no clusters in the years before trading"
    if not (rows["cost_bp"] == SHARPE_COST).any():
        return f"nothing was traded at {SHARPE_COST:g} basis points"
    counts = rows.iloc[0]
    if not counts.get("n_candidates", 1):
        return f"no two companies with prices share a {method} cluster in the years before trading"
    if not counts.get("n_pairs", 0):
        return f"no cointegrated pair of {method} clusters was traded"
    return f"the pairs of {method} clusters were traded on too few days, or never, for a Sharpe ratio with an interval"


def _as_published(evidence: Evidence) -> pd.DataFrame:
    table = evidence.table_1
    return table[table["block"] == "as_published"].set_index("method")


def _years_with_returns(evidence: Evidence) -> int:
    rows = _as_published(evidence)
    return int(rows["n_years"].get("population", 0)) if "n_years" in rows else 0


def _without_returns(evidence: Evidence) -> str:
    population = _as_published(evidence)["mean_correlation"].get("population", 0.0)
    return _NO_RETURNS if np.isnan(population) else ""


def _no_clusters(evidence: Evidence, method: str) -> str:
    if method == "sic_code":
        return "no report has a SIC code"
    if method == "walk_forward" and not (evidence.peer_statistics["method"] == "pca").any():
        return "walk_forward has no clusters: there are no features"
    if method in (*_LATE, "base"):
        if reason := _without_returns(evidence):
            return f"{method} has no cutoff: {reason}"
        n_years = _years_with_returns(evidence)
        if method in _LATE and n_years <= 5:
            return f"{method} has no clusters: it needs five years with returns before a year, and {n_years} have them"
        return f"{method} has no clusters that were made from the present data: its note says why"
    encoder = method.rpartition("_")[0] or method
    if not (evidence.peer_statistics["method"] == encoder).any():
        return f"there are no embeddings, and so no clusters of {method}"
    return _without_returns(evidence) or f"{method} has no clusters: too few years with returns choose its cutoff"


def _no_similarity(evidence: Evidence, method: str) -> str:
    if method == "pca" or not (evidence.peer_statistics["method"] == "pca").any():
        return "there are no features" if method != "sic2" else "no report has a SIC code"
    if method == "walk_forward":
        n_years = _years_with_returns(evidence)
        return f"walk_forward has no peers: it needs five years with returns before a year, and {n_years} have them"
    return f"no latent is selected by the returns of the training years: there are no {method} peers in later ones"


def _too_few_years(n: int, method: str, what: str) -> str:
    if n < _FEWEST_YEARS:
        return f"{n} years of {method} have {what}, and an interval needs {_FEWEST_YEARS}"
    return f"the years of {method} do not tell how sure {what} is"
