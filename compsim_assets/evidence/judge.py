"""One line per claim: the published number, ours in the published way, ours corrected, and whether the claim stands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from compsim_assets.contracts import TABLES
from compsim_assets.evidence.robustness import robust_row
from compsim_assets.evidence.table_one import SHARPE_COST
from compsim_assets.evidence.verdicts import NOT_TESTABLE, verdict
from compsim_assets.science.inference.tests import hac_mean


@dataclass(frozen=True)
class Evidence:
    """The tables that claims are judged by, under their assets' names.

    interpretability: of the latents strong in most clusters less that of the others: as published, corrected, low,
        high.
    """

    table_1: pd.DataFrame
    robustness: pd.DataFrame
    peer_statistics: pd.DataFrame
    pairs_backtest: pd.DataFrame
    interpretability: tuple[float, float, float, float]


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
        reasons = measured.missing if judged == NOT_TESTABLE else why, measured.beside
        rows.append(
            {
                "claim": claim.text,
                "published": claim.published,
                **measured._asdict(),
                "verdict": judged,
                "why": "; ".join(reason for reason in reasons if reason),
                "table": claim.table,
            }
        )
    return pd.DataFrame(rows, columns=TABLES["findings"].names)


def clusters_against(
    ours: str, corrected: str, versus: str, corrected_versus: str, statistic: str
) -> Callable[[Evidence], Measured]:
    """MeanCorr (or the pair-weighted correlation) of one method less another's.

    Args:
        ours, versus: methods as published, on their own years, from Table 1.
        corrected, corrected_versus: methods on common years, with an interval over companies.
        statistic: `mean_correlation` or `pair_weighted`.
    """

    def measure(evidence: Evidence) -> Measured:
        table = evidence.table_1
        value = table[table["block"] == "as_published"].set_index("method")[statistic]
        as_published = float(value.get(ours, np.nan) - value.get(versus, np.nan))
        row = _robust(evidence, statistic, corrected, corrected_versus)
        missing = f"{corrected} and {corrected_versus} are not both there on common years"
        return Measured(as_published, *row, missing=missing)

    return measure


def lift(statistic: str, level: str) -> Callable[[Evidence], Measured]:
    """Lift of the nearest peers over random ones: of the cosine of all years' PCA, and of the walk-forward one."""

    def measure(evidence: Evidence) -> Measured:
        as_published = _robust(evidence, f"{statistic}_lift", "pca", "", level)[0]
        row = _robust(evidence, f"{statistic}_lift", "walk_forward", "", level)
        return Measured(as_published, *row, missing="too few years with such peers")

    return measure


def peers_against_codes(level: float) -> Callable[[Evidence], Measured]:
    """The nearest peers of all companies less those of the same two-digit SIC code, by year."""

    def by_year(statistics: pd.DataFrame, method: str, at: float) -> pd.Series:
        rows = statistics[
            (statistics["statistic"] == "neighbours") & (statistics["method"] == method) & (statistics["level"] == at)
        ]
        return rows.set_index("year")["value"]

    def measure(evidence: Evidence) -> Measured:
        codes = by_year(evidence.peer_statistics, "sic2", 0.0)
        as_published, corrected = (
            (by_year(evidence.peer_statistics, method, level) - codes).dropna() for method in ("pca", "walk_forward")
        )
        row = hac_mean(corrected)
        return Measured(float(as_published.mean()), *row[:3], missing="too few years with codes")

    return measure


def peer_mean(statistic: str, ours: str, corrected: str) -> Callable[[Evidence], Measured]:
    """A peer statistic without a level, its mean over years."""

    def measure(evidence: Evidence) -> Measured:
        as_published = _robust(evidence, statistic, ours)[0]
        row = _robust(evidence, statistic, corrected)
        return Measured(as_published, *row, missing=f"too few years of {corrected} peers")

    return measure


def supervised_against_cosine(statistic: str, level: str) -> Callable[[Evidence], Measured]:
    """The supervised similarities less the unsupervised cosine, in the years they are judged."""

    def measure(evidence: Evidence) -> Measured:
        as_published = _robust(evidence, statistic, "supervised", "pca", level)[0]
        row = _robust(evidence, statistic, "supervised_length_controlled", "pca", level)
        return Measured(as_published, *row, missing="too few years after the training years")

    return measure


def sharpe(ours: str, corrected: str) -> Callable[[Evidence], Measured]:
    """The Sharpe ratio of pairs trading, with that of random pairs beside it."""

    def measure(evidence: Evidence) -> Measured:
        table = evidence.pairs_backtest
        published = table[table["variant"] == "as_published"].set_index("method")["sharpe"]
        as_published = float(published.get(ours, np.nan))
        honest = table[(table["variant"] == "honest") & (table["cost_bp"] == SHARPE_COST)]
        rows = honest[honest["method"] == corrected]
        missing = f"no cointegrated pair of {corrected} clusters was traded"
        if rows.empty:
            return Measured(as_published, missing=missing)
        names = ("sharpe", "sharpe_low", "sharpe_high", "placebo_sharpe", "placebo_low", "placebo_high")
        *ratio, mean, low, high = (float(rows[name].iloc[0]) for name in names)
        beside = "" if np.isnan(mean) else f"random pairs: {mean:.2f} ({low:.2f} to {high:.2f})"
        return Measured(as_published, *ratio, missing=missing, beside=beside)

    return measure


def interpretability(evidence: Evidence) -> Measured:
    """How much more interpretable the latents are that are strong in most clusters."""
    return Measured(*evidence.interpretability, missing="no fuzz score is of these latents")


def _robust(
    evidence: Evidence, statistic: str, method: str, versus: str = "", level: str = ""
) -> tuple[float, float, float]:
    """Value, low and high of a row of `robustness`."""
    row = robust_row(evidence.robustness, statistic, method, versus, level)
    return row["value"], row["low"], row["high"]
