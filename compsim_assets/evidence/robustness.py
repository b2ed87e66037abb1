"""The `robustness` table: every statistic of clusters and peers with its interval, and tests corrected in families."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from compsim_assets.evidence.methods import knows_later_years
from compsim_assets.science.inference.permutation import permutation_null
from compsim_assets.science.inference.tests import hac_mean, holm
from compsim_assets.science.peers.agreement import agreement_by_year

COLUMNS = [
    "statistic", "method", "versus", "level", "value", "low", "high", "p_value", "p_adjusted", "family", "n",
    "in_sample", "how",
]  # fmt: skip
_HAC = "mean over years, Newey-West errors"
_BOOTSTRAP = "companies resampled, BCa"
_PERMUTED = "low and high: what labels shuffled within years give, sizes kept"
# Methods with one group a year, or none: shuffling labels changes nothing of them.
_NO_LABELS = ("population",)


def resampled_rows(intervals: pd.DataFrame, suffix: str = "") -> pd.DataFrame:
    """Rows of `bootstrap_correlation`, with `suffix` added to the statistic's name; of differences the totals only."""
    intervals = intervals[(intervals["versus"] == "") | (intervals["level"] == "")]
    return _table(
        intervals.assign(
            statistic=intervals["statistic"] + suffix,
            in_sample=[_known(m, v) for m, v in zip(*_names(intervals), strict=True)],
            how=_BOOTSTRAP,
        )
    )


def _names(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return rows["method"], rows["versus"]


def _known(method: str, versus: str) -> bool:
    return any(knows_later_years(name) for name in (method, versus) if name)


def yearly_rows(mean_correlation: pd.DataFrame, years: Sequence[int], against: Sequence[str]) -> pd.DataFrame:
    """Year-by-year differences of each method to some others, unweighted and by pairs, with Newey-West errors.

    Two families, one a statistic: their p-values are corrected together.
    """
    rows = []
    for statistic, column in (
        ("yearly_difference", "mean_correlation"),
        ("yearly_pair_weighted_difference", "pair_weighted"),
    ):
        value = mean_correlation.pivot(index="year", columns="method", values=column)
        value = value.reindex(list(years))
        for versus in against:
            for method in value.columns.drop(versus):
                found = hac_mean((value[method] - value[versus]).dropna().to_numpy())
                known = _known(method, versus)
                rows.append(_row(statistic, method, versus, "", found, statistic, known))
    return _corrected(rows)


def permutation_rows(
    groups: Mapping[str, pd.DataFrame], returns: pd.DataFrame, years: Sequence[int], permutations: int, seed: int
) -> pd.DataFrame:
    """What chance gives each method: the same cluster sizes, labels shuffled within years.

    Two families, MeanCorr and the pair-weighted correlation.
    """
    rows = []
    for method, table in groups.items():
        if method in _NO_LABELS:
            continue
        found = permutation_null(table, returns, years=years, permutations=permutations, seed=seed)
        for statistic, null in found.items():
            rows.append(
                {
                    "statistic": f"{statistic}_by_chance",
                    "method": method,
                    "value": null.value,
                    "low": null.low,
                    "high": null.high,
                    "p_value": null.p_value,
                    "family": f"{statistic}_by_chance",
                    "n": permutations,
                    "in_sample": knows_later_years(method),
                    "how": _PERMUTED,
                }
            )
    return _corrected(rows)


def peer_rows(statistics: pd.DataFrame) -> pd.DataFrame:
    """Peer statistics over years: their means, and their lifts over random peers as one family a statistic."""
    rows = []
    for (statistic, method, level), own in statistics.groupby(["statistic", "method", "level"], sort=False):
        own = own.sort_values("year")
        text = f"{level:g}" if level else ""
        known = bool(own["in_sample"].any())
        mean = hac_mean(own["value"].dropna().to_numpy())
        rows.append(_row(statistic, method, "", text, mean, "", known))
        lift = (own["value"] - own["random"]).dropna().to_numpy()
        if len(lift):
            name = f"{statistic}_lift"
            rows.append(_row(name, method, "", text, hac_mean(lift), name, known))
    return _corrected(rows)


def supervised_rows(statistics: pd.DataFrame) -> pd.DataFrame:
    """What the supervised similarities have more than the unsupervised cosine, in the years they are judged."""
    rows = []
    for (statistic, level), own in statistics.groupby(["statistic", "level"], sort=False):
        value = own.pivot(index="year", columns="method", values="value")
        if "pca" not in value:
            continue
        for method in value.columns[value.columns.str.startswith("supervised")]:
            found = hac_mean((value[method] - value["pca"]).dropna().to_numpy())
            text, family = f"{level:g}" if level else "", "supervised selection"
            rows.append(_row(statistic, method, "pca", text, found, family, True))
    return _corrected(rows)


def agreement_rows(
    groups: Mapping[str, pd.DataFrame], codes: Mapping[str, pd.DataFrame], years: Sequence[int]
) -> pd.DataFrame:
    """Adjusted mutual information of each method's clusters with each set of codes, over years."""
    rows = []
    for name, table in codes.items():
        for method, clusters in groups.items():
            if method in (name, *_NO_LABELS):
                continue
            by_year = agreement_by_year(clusters[clusters["year"].isin(years)], table)
            found = hac_mean(by_year["value"].dropna().to_numpy())
            known = knows_later_years(method)
            rows.append(_row(f"agreement_{name}", method, "", "", found, "", known))
    return _table(pd.DataFrame(rows))


def _row(
    statistic: object,
    method: object,
    versus: str,
    level: str,
    found: tuple[float, float, float, float, int],
    family: str,
    in_sample: bool,
) -> dict[str, object]:
    mean, low, high, p_value, n = found
    return {
        "statistic": statistic,
        "method": method,
        "versus": versus,
        "level": level,
        "value": mean,
        "low": low,
        "high": high,
        "p_value": p_value if family else np.nan,
        "family": family,
        "n": n,
        "in_sample": in_sample,
        "how": _HAC,
    }


def _corrected(rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows with Holm's correction within each family."""
    table = _table(pd.DataFrame(rows))
    for family, members in table.groupby("family").indices.items():
        if family:
            p_values = table["p_value"].to_numpy()[members]
            table.loc[members, "p_adjusted"] = holm(p_values)
    return table


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with all columns: what a row does not say is empty text or NaN."""
    table = rows.reindex(columns=COLUMNS)
    texts = dict.fromkeys(("versus", "level", "family"), "")
    return table.fillna(texts).reset_index(drop=True)
