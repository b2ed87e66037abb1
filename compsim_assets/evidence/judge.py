"""One line per claim: the published number, ours in the published way, ours corrected, and whether the claim stands."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, NamedTuple, ParamSpec

import numpy as np
import pandas as pd

from compsim_assets.contracts import TABLES
from compsim_assets.evidence import reasons
from compsim_assets.evidence.reasons import Evidence as Evidence
from compsim_assets.evidence.robustness import robust_row
from compsim_assets.evidence.table_one import SHARPE_COST
from compsim_assets.evidence.verdicts import NOT_TESTABLE, verdict
from compsim_assets.science.inference.tests import hac_mean


class Measured(NamedTuple):
    """What the evidence says of a claim; NaN where it says nothing, and then why."""

    as_published: float = np.nan
    honest: float = np.nan
    low: float = np.nan
    high: float = np.nan
    missing: str = ""
    beside: str = ""


@dataclass(frozen=True)
class Claim:
    """A published claim: its number, the side of zero that it claims, and how it is measured here."""

    text: str
    published: float
    measure: Callable[[Evidence], Measured]
    table: str
    direction: int = 1


def judge(claims: list[Claim], evidence: Evidence) -> pd.DataFrame:
    """The `findings` table: one row per claim, in their order."""
    rows = []
    for claim in claims:
        measured = claim.measure(evidence)
        judged, why = verdict(measured.honest, measured.low, measured.high, claim.published, claim.direction)
        told = measured.missing if judged == NOT_TESTABLE else why, measured.beside
        rows.append(
            {
                "claim": claim.text,
                "published": claim.published,
                **measured._asdict(),
                "verdict": judged,
                "why": "; ".join(reason for reason in told if reason),
                "table": claim.table,
            }
        )
    return pd.DataFrame(rows, columns=TABLES["findings"].names)


# `ours` is the method as published, `corrected` the one without its mistakes; of two, the second is subtracted.
Methods = tuple[str, str]
P = ParamSpec("P")


def _way(measure: Callable[Concatenate[Evidence, P], Measured]) -> Callable[P, Callable[[Evidence], Measured]]:
    """A way to measure a claim: called with what the claim gives, it waits for the evidence."""

    @wraps(measure)
    def of_claim(*args: P.args, **options: P.kwargs) -> Callable[[Evidence], Measured]:
        return lambda evidence: measure(evidence, *args, **options)

    return of_claim


@_way
def clusters(evidence: Evidence, statistic: str, ours: Methods, corrected: Methods) -> Measured:
    """MeanCorr (`mean_correlation`) or the pair-weighted correlation (`pair_weighted`) of one method less another's:
    as published on their own years, corrected on common years with an interval over companies.
    """
    table = evidence.table_1
    value = table[table["block"] == "as_published"].set_index("method")[statistic]
    as_published = float(value.get(ours[0], np.nan) - value.get(ours[1], np.nan))
    row = robust_row(evidence.robustness, statistic, *corrected)
    missing = reasons.no_difference(evidence, row["value"], *corrected)
    return Measured(as_published, row["value"], row["low"], row["high"], missing)


@_way
def over_years(evidence: Evidence, statistic: str, ours: Methods, corrected: Methods, level: str = "") -> Measured:
    """A statistic of peers, its mean over years with Newey-West errors; beside a lift what it is the difference of."""
    as_published = robust_row(evidence.robustness, statistic, *ours, level)["value"]
    row = robust_row(evidence.robustness, statistic, *corrected, level)
    missing = reasons.no_peers(evidence, statistic, *corrected, level)
    peers, at_random = lifted(evidence.peer_statistics, statistic, corrected[0], level)
    beside = "" if np.isnan(peers) else f"{peers:.3f} against {at_random:.3f}"
    return Measured(as_published, row["value"], row["low"], row["high"], missing, beside)


def lifted(peer_statistics: pd.DataFrame, statistic: str, method: str, level: str) -> tuple[float, float]:
    """What a lift is the difference of: the means of peers and of random ones, over the years that have both. NaN of a
    statistic that is no lift.
    """
    named = peer_statistics["statistic"] + "_lift" == statistic
    rows = peer_statistics[named & (peer_statistics["method"] == method)]
    both = rows.loc[rows["level"] == float(level or 0), ["value", "random"]].dropna()
    value, at_random = both.mean().tolist()
    return float(value), float(at_random)


@_way
def peers_against_codes(evidence: Evidence, level: float) -> Measured:
    """The nearest peers of all companies less those of the same two-digit SIC code, by year."""
    table = evidence.peer_statistics[evidence.peer_statistics["statistic"] == "neighbours"]

    def by_year(method: str, at: float) -> pd.Series:
        return table[(table["method"] == method) & (table["level"] == at)].set_index("year")["value"]

    codes = by_year("sic2", 0.0)
    as_published, corrected = ((by_year(name, level) - codes).dropna() for name in ("pca", "walk_forward"))
    missing = reasons.no_peers_against_codes(evidence, level, len(corrected))
    return Measured(float(as_published.mean()), *hac_mean(corrected)[:3], missing=missing)


@_way
def sharpe(evidence: Evidence, ours: str, corrected: str) -> Measured:
    """The Sharpe ratio of pairs trading, with that of random pairs beside it."""
    table = evidence.pairs_backtest
    published = table[table["variant"] == "as_published"].set_index("method")["sharpe"]
    as_published = float(published.get(ours, np.nan))
    honest = table[(table["variant"] == "honest") & (table["cost_bp"] == SHARPE_COST)]
    rows = honest[honest["method"] == corrected]
    missing = reasons.no_sharpe(evidence, corrected)
    if rows.empty:
        return Measured(as_published, missing=missing)
    names = ("sharpe", "sharpe_low", "sharpe_high", "placebo_sharpe", "placebo_low", "placebo_high")
    value, lower, upper, mean, low, high = (float(rows[name].iloc[0]) for name in names)
    beside = "" if np.isnan(mean) else f"random pairs: {mean:.2f} ({low:.2f} to {high:.2f})"
    return Measured(as_published, value, lower, upper, missing, beside)


@_way
def interpretability(evidence: Evidence) -> Measured:
    """How much more interpretable the latents are that are strong in most clusters."""
    return Measured(*evidence.interpretability, missing=evidence.no_interpretability)
