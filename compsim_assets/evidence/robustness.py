"""The `robustness` table: every statistic of clusters and peers with its interval, and tests corrected in families."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import SUPERVISED, knows_later_years
from compsim_assets.science.companies import company_codes
from compsim_assets.science.inference.permutation import permutation_null
from compsim_assets.science.inference.tests import MeanTest, hac_mean, holm
from compsim_assets.science.peers.agreement import agreement_by_year

_HAC = "mean over years, Newey-West errors"
_BOOTSTRAP = "companies resampled, BCa"
_PERMUTED = "low and high: what labels shuffled within years give, sizes kept"
# One group per year: shuffling labels changes nothing of it, and no code agrees with it.
_ONE_GROUP = "population"
# Years of the comparisons that are not made on the common ones, by method and the one it is compared with ("": none).
Apart = Mapping[tuple[str, str], Sequence[int]]
_NONE_APART: Apart = {}


def robust_row(table: pd.DataFrame, statistic: str, method: str, versus: str = "", level: str = "") -> dict[str, float]:
    """Value and 95 % interval, `value`, `low` and `high`, of one row of the table; NaN where there is none."""
    names = ["value", "low", "high"]
    wanted = {"statistic": statistic, "method": method, "versus": versus, "level": level}
    rows = table[(table[list(wanted)] == list(wanted.values())).all(axis=1)]
    return {name: float(rows[name].iloc[0]) if len(rows) else np.nan for name in names}


def resampled_rows(intervals: pd.DataFrame, suffix: str = "", years: Sequence[int] = ()) -> pd.DataFrame:
    """Rows of `bootstrap_correlation`, with `suffix` added to the statistic's name; of differences the totals only.

    Args:
        years: what the rows say of their years, where these are not the common ones.
    """
    intervals = intervals[(intervals["versus"] == "") | (intervals["level"] == "")]
    pairs = zip(intervals["method"], intervals["versus"], strict=True)
    rows = intervals.assign(statistic=intervals["statistic"] + suffix, in_sample=[_known(*p) for p in pairs])
    return _table(rows.assign(how=_of_years(_BOOTSTRAP, years)))


def resampled_apart(
    bootstrap: Callable[[list[str], list[int], list[str]], pd.DataFrame], apart: Apart, suffix: str = ""
) -> list[pd.DataFrame]:
    """Rows of the comparisons that are not made on the common years, those of the same years resampled together.

    Args:
        bootstrap: gives `bootstrap_correlation` of some methods in some years against some of them.
        apart: from `years_apart`.
    """
    by_years: dict[tuple[int, ...], list[tuple[str, str]]] = {}
    for names, years in apart.items():
        by_years.setdefault(tuple(years), []).append(names)
    parts = []
    for years, compared in by_years.items():
        against = list(dict.fromkeys(versus for _, versus in compared if versus))
        methods = list(dict.fromkeys([method for method, _ in compared] + against))
        intervals = bootstrap(methods, list(years), against)
        wanted = [pair in compared for pair in zip(intervals["method"], intervals["versus"], strict=True)]
        parts.append(resampled_rows(intervals[wanted], suffix, years))
    return parts


def _of_years(how: str, years: Sequence[int]) -> str:
    if not len(years):
        return how
    return f"{how}; years {years[0]} to {years[-1]} ({len(years)}), not the common ones"


def _known(method: str, versus: str = "") -> bool:
    return any(knows_later_years(name) for name in (method, versus) if name)


def yearly_rows(
    mean_correlation: pd.DataFrame, years: Sequence[int], against: Sequence[str], apart: Apart = _NONE_APART
) -> pd.DataFrame:
    """Year-by-year differences of each method to some others, unweighted and by pairs, with Newey-West errors.

    Two families, one per statistic: their p-values are corrected together. Of the common years, or those of `apart`.
    """
    rows = []
    for statistic, column in (
        ("yearly_difference", "mean_correlation"),
        ("yearly_pair_weighted_difference", "pair_weighted"),
    ):
        value = mean_correlation.pivot(index="year", columns="method", values=column)
        for versus in against:
            for method in value.columns.drop(versus):
                shared = apart.get((method, versus), ())
                of_years = value.reindex(list(shared or years))
                test = hac_mean((of_years[method] - of_years[versus]).dropna().to_numpy())
                names = {"statistic": statistic, "method": method, "versus": versus, "family": statistic}
                rows.append({**names, **_tested(test, shared), "in_sample": _known(method, versus)})
    return corrected(rows)


def permutation_rows(
    groups: Mapping[str, pd.DataFrame],
    returns: pd.DataFrame,
    years: Sequence[int],
    permutations: int,
    seed: int,
    company: pd.Series | None = None,
    apart: Apart = _NONE_APART,
) -> pd.DataFrame:
    """What chance gives each method: the same cluster sizes, labels shuffled within years.

    Two families, MeanCorr and the pair-weighted correlation. Of the common years, or those of `apart`.
    """
    rows = []
    for method, table in groups.items():
        if method == _ONE_GROUP:
            continue
        years_alone = apart.get((method, ""), ())
        nulls = permutation_null(
            table, returns, years=years_alone or years, permutations=permutations, seed=seed, company=company
        )
        for statistic, null in nulls.items():
            name = f"{statistic}_by_chance"
            numbers = {"value": null.value, "low": null.low, "high": null.high, "p_value": null.p_value}
            about = {"n": permutations, "in_sample": _known(method), "how": _of_years(_PERMUTED, years_alone)}
            rows.append({"statistic": name, "method": method, "family": name, **numbers, **about})
    return corrected(rows)


def peer_rows(statistics: pd.DataFrame) -> pd.DataFrame:
    """Peer statistics over years: their means, and their lifts over random peers as one family per statistic."""
    rows = []
    for (statistic, method, level), by_year in statistics.groupby(["statistic", "method", "level"], sort=False):
        by_year = by_year.sort_values("year")
        names = {"method": method, "level": _text(level), "in_sample": bool(by_year["in_sample"].any())}
        mean = hac_mean(by_year["value"].dropna().to_numpy())
        rows.append({**names, "statistic": statistic, **_tested(mean), "p_value": np.nan})
        lift = (by_year["value"] - by_year["random"]).dropna().to_numpy()
        if len(lift):
            name = f"{statistic}_lift"
            rows.append({**names, "statistic": name, "family": name, **_tested(hac_mean(lift))})
    return corrected(rows)


def supervised_rows(statistics: pd.DataFrame) -> pd.DataFrame:
    """What the supervised similarities have more than the unsupervised cosine, in the years they are judged."""
    rows = []
    for (statistic, level), of_level in statistics.groupby(["statistic", "level"], sort=False):
        value = of_level.pivot(index="year", columns="method", values="value")
        for method in [name for name in SUPERVISED if {name, "pca"} <= set(value.columns)]:
            test = hac_mean((value[method] - value["pca"]).dropna().to_numpy())
            names = {"statistic": statistic, "method": method, "versus": "pca", "level": _text(level)}
            rows.append({**names, "family": "supervised selection", **_tested(test), "in_sample": True})
    return corrected(rows)


def agreement_rows(
    groups: Mapping[str, pd.DataFrame],
    codes: Mapping[str, pd.DataFrame],
    years: Sequence[int],
    company: pd.Series | None = None,
    apart: Apart = _NONE_APART,
) -> pd.DataFrame:
    """Adjusted mutual information of each method's clusters with each set of codes, over years.

    Of several reports of a company in one year the first by id counts. Of the common years, or those of `apart`.
    """
    if company is not None:
        groups = {name: _first_reports(table, company) for name, table in groups.items()}
    rows = []
    for name, table in codes.items():
        for method, clusters in groups.items():
            if method in (name, _ONE_GROUP):
                continue
            years_alone = apart.get((method, ""), ())
            by_year = agreement_by_year(clusters[clusters["year"].isin(years_alone or years)], table)
            mean = hac_mean(by_year["value"].dropna().to_numpy())
            names = {"statistic": f"agreement_{name}", "method": method, "in_sample": _known(method)}
            rows.append({**names, **_tested(mean, years_alone), "p_value": np.nan})
    return _table(pd.DataFrame(rows))


def _first_reports(groups: pd.DataFrame, company: pd.Series) -> pd.DataFrame:
    ordered = groups.sort_values("report_id")
    owner = company_codes(company, ordered["report_id"])
    return ordered[~ordered[["year"]].assign(owner=owner).duplicated()]


def _text(level: Any) -> str:
    return f"{level:g}" if level else ""


def _tested(test: MeanTest, years: Sequence[int] = ()) -> dict[str, object]:
    numbers = test._asdict()
    return {"value": numbers.pop("mean"), **numbers, "how": _of_years(_HAC, years)}


def corrected(rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows with Holm's correction within each family."""
    table = _table(pd.DataFrame(rows))
    for family, members in table.groupby("family").indices.items():
        if family:
            p_values = table["p_value"].to_numpy()[members]
            table.loc[members, "p_adjusted"] = holm(p_values)
    return table


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with all columns: what a row does not say is empty text or NaN."""
    table = rows.reindex(columns=TABLES["robustness"].names)
    texts = dict.fromkeys(("versus", "level", "family"), "")
    return table.fillna(texts).reset_index(drop=True)
