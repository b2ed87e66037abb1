"""Trained features against controls: differences by year, over years and draws, and what they say of training."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import CONTROL_NAMES
from compsim_assets.evidence.robustness import corrected
from compsim_assets.evidence.verdicts import NOT_TESTABLE, REVERSED, STANDS
from compsim_assets.science.inference.draws import mean_of_draws, mean_of_years_and_draws
from compsim_assets.science.inference.tests import MeanTest

FAMILY = "trained less control"
NOT_SEEN = "not told apart"
_CLUSTERS = ("mean_correlation", "pair_weighted")
_SIGNIFICANT = 0.05


class Measure(NamedTuple):
    """A statistic that trained features and controls have: by which of our methods, and what it is called.

    ending: of the control's method. difference: what the row of `robustness` is called.
    """

    trained: str
    ending: str
    statistic: str
    level: float
    difference: str
    words: str

    @property
    def text(self) -> str:
        """The level, as `robustness` has it."""
        return f"{self.level:g}" if self.level else ""


def _of_clusters(cut: str) -> tuple[Measure, Measure]:
    words = f"clusters, {cut} cutoff"
    return (
        Measure(cut, f"_{cut}", "mean_correlation", 0, "yearly_difference", f"MeanCorr of {words}"),
        Measure(
            cut, f"_{cut}", "pair_weighted", 0, "yearly_pair_weighted_difference", f"correlation of pairs in {words}"
        ),
    )


def _of_peers(statistic: str, level: float, words: str) -> Measure:
    return Measure("pca", "", statistic, level, statistic, words)


MEASURES = (
    *_of_clusters("base"),
    *_of_clusters("rolling"),
    _of_peers("spearman", 0, "Spearman of cosine and return correlation"),
    _of_peers("neighbours", 10, "correlation with the ten nearest"),
    _of_peers("neighbours_same_sic2", 1, "correlation with the nearest of the same two-digit SIC code"),
    _of_peers("neighbours_same_sic2", 10, "correlation with the ten nearest of the same two-digit SIC code"),
    _of_peers("top_pairs", 1, "correlation of the most similar 1 % of pairs"),
)


def draws_of_clusters(mean_correlation: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Rows of `control_statistics` from MeanCorr by method and year: controls alone, in one draw."""
    rows = mean_correlation[mean_correlation["method"].isin(_methods(("_base", "_rolling")))]
    long = rows.melt(["method", "year"], list(_CLUSTERS), "statistic", "value")
    return long.assign(seed=seed, level=0.0)[TABLES["control_statistics"].names]


def draws_of_peers(peer_statistics: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """The same from statistics of peers."""
    rows = peer_statistics[peer_statistics["method"].isin(_methods(("",)))]
    return rows.assign(seed=seed)[TABLES["control_statistics"].names]


def _methods(endings: Iterable[str]) -> list[str]:
    return [f"{name}{ending}" for name in CONTROL_NAMES for ending in endings]


def control_rows(
    mean_correlation: pd.DataFrame, peer_statistics: pd.DataFrame, control_statistics: pd.DataFrame
) -> pd.DataFrame:
    """Rows of `robustness`: trained features less each control, by year, over years and draws.

    One family: all controls and measures are corrected together.
    """
    rows = []
    trained = _trained(mean_correlation, peer_statistics)
    for name, measure, draws in _compared(control_statistics, trained):
        of_trained = trained[measure].reindex(draws.columns)
        test = mean_of_years_and_draws(of_trained.to_numpy() - draws.to_numpy())
        names = {"statistic": measure.difference, "method": measure.trained, "versus": f"{name}{measure.ending}"}
        rows.append({**names, "level": measure.text, "family": FAMILY, "in_sample": True, **_tested(test, len(draws))})
    return corrected(rows)


def _tested(test: MeanTest, n_draws: int) -> dict[str, Any]:
    numbers = test._asdict()
    over = f" and {n_draws} draws of the control" if n_draws > 1 else ""
    return {"value": numbers.pop("mean"), **numbers, "how": f"mean over years{over}, Newey-West errors"}


def _trained(mean_correlation: pd.DataFrame, peer_statistics: pd.DataFrame) -> dict[Measure, pd.Series]:
    """By measure the trained features' value of each year."""
    values = {}
    for measure in MEASURES:
        if measure.statistic in _CLUSTERS:
            rows = mean_correlation[mean_correlation["method"] == measure.trained]
            values[measure] = rows.set_index("year")[measure.statistic]
        else:
            rows = peer_statistics[peer_statistics["method"] == measure.trained]
            rows = rows[(rows["statistic"] == measure.statistic) & (rows["level"] == measure.level)]
            values[measure] = rows.set_index("year")["value"]
    return values


def _compared(
    control_statistics: pd.DataFrame, trained: Mapping[Measure, pd.Series]
) -> Iterator[tuple[str, Measure, pd.DataFrame]]:
    """Control, measure and (draws, years) values of each that both have."""
    keys = ["method", "statistic", "level"]
    tables = dict(iter(control_statistics.groupby(keys)))
    for name in CONTROL_NAMES:
        for measure in MEASURES:
            rows = tables.get((f"{name}{measure.ending}", measure.statistic, measure.level))
            if rows is not None and len(trained[measure]):
                yield name, measure, rows.pivot(index="seed", columns="year", values="value").sort_index(axis=1)


def control_findings(
    mean_correlation: pd.DataFrame,
    peer_statistics: pd.DataFrame,
    control_statistics: pd.DataFrame,
    robustness: pd.DataFrame,
    missing: str,
) -> pd.DataFrame:
    """The `control_findings` table: a row per control and measure, controls in the registry's order.

    Args:
        missing: why controls are not there.
    """
    trained = _trained(mean_correlation, peer_statistics)
    differences = _differences(robustness)
    n_tests = sum(not np.isnan(row["p_value"]) for row in differences.values())
    draws = {(name, measure): values for name, measure, values in _compared(control_statistics, trained)}
    rows = []
    for name, (_, _, what) in CONTROL_NAMES.items():
        for measure in MEASURES:
            row: dict[str, Any] = {"claim": f"Trained features beat {what}: {measure.words}", "control": name}
            row |= {"statistic": measure.statistic, "level": measure.level, "method": measure.trained}
            if (values := draws.get((name, measure))) is None:
                why = missing if len(trained[measure]) else f"{measure.trained} is left out of the comparisons"
                rows.append({**row, "verdict": NOT_TESTABLE, "why": why or "it was not made"})
                continue
            difference = differences[measure.difference, measure.trained, f"{name}{measure.ending}", measure.text]
            verdict, why = judged(**difference, n_tests=n_tests, of="years")
            numbers = {"difference": difference["value"], **difference, **both_sides(trained[measure], values)}
            rows.append({**row, **numbers, "verdict": verdict, "why": why})
    return pd.DataFrame(rows, columns=TABLES["control_findings"].names).fillna({"n_draws": 0, "n_years": 0})


def _differences(robustness: pd.DataFrame) -> dict[tuple[str, ...], dict[str, float]]:
    """Difference, interval and test, by statistic, method, versus and level."""
    rows = robustness[robustness["family"] == FAMILY]
    names = ["value", "low", "high", "p_value", "p_adjusted"]
    keys = rows[["statistic", "method", "versus", "level"]].itertuples(index=False, name=None)
    numbers = rows[names].astype(float).itertuples(index=False, name=None)
    return {key: dict(zip(names, values, strict=True)) for key, values in zip(keys, numbers, strict=True)}


def both_sides(trained: pd.Series, draws: pd.DataFrame) -> dict[str, float]:
    """Means over the years, or halves, that both have, the control's with its interval over draws."""
    of_trained = trained.reindex(draws.columns)
    both = of_trained.notna() & draws.notna().any()
    control = mean_of_draws(draws.loc[:, both].mean(axis=1).to_numpy())
    ends = {"control_value": control.mean, "control_low": control.low, "control_high": control.high}
    return {"trained": float(of_trained[both].mean()), **ends, "n_draws": len(draws), "n_years": int(both.sum())}


def judged(
    value: float, low: float, high: float, p_value: float, p_adjusted: float, n_tests: int, of: str
) -> tuple[str, str]:
    """Whether training is seen to matter, and what that rests on: the interval and the test, once corrected; `of` says
    what the interval is over.
    """
    if np.isnan(low):
        return NOT_TESTABLE, f"fewer than three {of} have both"
    if low == high == 0:
        return NOT_SEEN, f"equal in all {of}"
    if low <= 0 <= high:
        return NOT_SEEN, "the interval includes zero"
    if p_adjusted >= _SIGNIFICANT:
        return NOT_SEEN, f"p = {p_value:.2g} is {p_adjusted:.2g} once corrected for {n_tests} tests"
    side = "above" if value > 0 else "below"
    return STANDS if value > 0 else REVERSED, f"the interval is {side} zero, also corrected for {n_tests} tests"
