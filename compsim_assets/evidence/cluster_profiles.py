"""The table of cluster profiles: who is in a cluster, what its members share, and which cluster it came from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from compsim_assets.science.companies import company_codes, company_of
from compsim_assets.science.inference.one_cluster import cluster_correlation
from compsim_assets.science.reasons.parts import ScoredReports
from compsim_assets.science.reasons.shared import shared_themes

if TYPE_CHECKING:
    from compsim_assets.storage.similarity import PairSimilarity, ScoreSimilarity

_LATENTS, _THEMES = 10, 5  # listed of a cluster, at most


@dataclass(frozen=True)
class Profiled:
    """What profiles are made from, beside the clusters.

    reports: by report id: name (a ticker, or a name), company (a number), sic (two digits or null), nearness (mean
        cosine with the others of its cluster; 0 where companies are compared by pairs).
    similarity, returns: for correlations. latent_label, theme_label: by number.
    """

    reports: pd.DataFrame
    similarity: "ScoreSimilarity | PairSimilarity"
    returns: pd.Series
    latent_label: pd.Series
    theme_label: pd.Series


def report_names(descriptions: pd.DataFrame) -> pd.DataFrame:
    """name, company, sic of each report, by report id."""
    table = descriptions.set_index("report_id")
    name = table["ticker"].astype("string").fillna(table["company_name"].astype("string"))
    name = name.fillna("report " + pd.Series(table.index.astype("string"), index=table.index))
    company = pd.factorize(company_of(descriptions))[0]
    sic = table["sic_code"].astype("string").str.slice(0, 2)
    return pd.DataFrame({"name": name.astype(str), "company": company, "sic": sic, "nearness": 0.0})


def nearness(scores: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """(m,) mean cosine of each member with the others of its cluster; numbers 0 to K - 1."""
    length = np.linalg.norm(scores.astype(np.float64), axis=1, keepdims=True)
    unit = np.divide(scores, length, out=np.zeros(scores.shape), where=length > 0)
    order = np.argsort(cluster, kind="stable")
    numbers, starts = np.unique(cluster[order], return_index=True)
    total = np.add.reduceat(unit[order], starts, axis=0)
    size = np.bincount(cluster)[cluster]
    near = np.einsum("mp,mp->m", total[np.searchsorted(numbers, cluster)] - unit, unit)
    return near / np.maximum(size - 1, 1)


def shared_by_clusters(
    clusters: pd.DataFrame, reports: ScoredReports, report_id: np.ndarray, theme: np.ndarray, company: pd.Series | None
) -> tuple[pd.DataFrame, pd.Series]:
    """year, cluster_id, theme of the themes that speak for a cluster, the largest first; nearness by report id.

    Args:
        clusters: year, cluster_id, report_id; clusters of one report are left out.
        report_id: (n,) of `reports`. theme: (D,), -1 for none. company: see `company_codes`.
    """
    several = clusters[clusters.groupby(["year", "cluster_id"])["report_id"].transform("size") > 1]
    ids = several["report_id"].to_numpy()
    number = several.groupby(["year", "cluster_id"]).ngroup().to_numpy()
    rows = pd.Index(report_id).get_indexer(pd.Index(ids))
    if (rows < 0).any():
        raise ValueError(f"report {ids[rows < 0][0]} of a cluster has no features: materialize clusters")
    shares = shared_themes(reports, rows, number, theme, company_codes(company, ids))
    of_cluster = several.groupby(["year", "cluster_id"]).size().reset_index()[["year", "cluster_id"]]
    cluster, column = np.nonzero(shares > 0)
    order = np.lexsort((column, -shares[cluster, column], cluster))
    table = of_cluster.iloc[cluster[order]].assign(theme=column[order])
    near = nearness(reports.scores[rows], number) if len(rows) else np.empty(0)
    return table, pd.Series(near, index=ids)


def profiles(
    clusters: pd.DataFrame, strong: pd.DataFrame, themes: pd.DataFrame | None, profiled: Profiled
) -> pd.DataFrame:
    """The columns of `cluster_profiles`, a row for each cluster of two or more.

    Args:
        clusters: year, cluster_id, report_id; every report of a year.
        strong: year, cluster_id, latent of the strong ones, the strongest first.
        themes: year, cluster_id, theme of those with a positive contribution, the largest first; None: no features.
    """
    table = clusters.join(profiled.reports, on="report_id")
    members = {
        (int(rows["year"].iloc[0]), int(rows["cluster_id"].iloc[0])): rows
        for _, rows in table.groupby(["year", "cluster_id"])
        if len(rows) > 1
    }
    latents, shared = (
        {key: rows[name].tolist() for key, rows in frame.groupby(["year", "cluster_id"], sort=False)}
        for frame, name in ((strong, "latent"), (strong.assign(theme=0)[:0] if themes is None else themes, "theme"))
    )
    companies: dict[int, dict[int, set[int]]] = {}
    for (year, cluster), of_cluster in members.items():
        companies.setdefault(year, {})[cluster] = set(of_cluster["company"])
    rows = []
    for (year, cluster), of_cluster in members.items():
        key = (year, cluster)
        value, low, high = _correlation(of_cluster, year, cluster, profiled)
        rows.append(
            {
                "year": year,
                "cluster_id": cluster,
                "n_members": len(of_cluster),
                "members": ", ".join(of_cluster.sort_values(["nearness", "name"], ascending=[False, True])["name"]),
                "strong_latents": _labelled(latents.get(key, [])[:_LATENTS], profiled.latent_label),
                "themes": _labelled(shared.get(key, [])[:_THEMES], profiled.theme_label),
                "sic_mix": _mix(of_cluster["sic"]),
                "mean_correlation": value,
                "low": low,
                "high": high,
                **_origin(of_cluster, companies.get(year - 1, {}), members, year),
            }
        )
    return pd.DataFrame(rows)


def _correlation(of_cluster: pd.DataFrame, year: int, cluster: int, profiled: Profiled) -> tuple[float, float, float]:
    ids = np.sort(of_cluster["report_id"].to_numpy())
    company = profiled.reports.loc[ids, "company"].to_numpy()
    monthly = np.stack(profiled.returns.loc[ids].to_list())
    correlation = profiled.similarity.correlation_of(year, ids, monthly, company)[:]
    return cluster_correlation(correlation, company, (year, cluster))


def _labelled(numbers: Sequence[int], label: pd.Series) -> str:
    """Numbers with their labels, separated by semicolons: labels have commas."""
    return "; ".join(f"{number} {label.get(number, '')}".strip() for number in numbers)


def _mix(sic: pd.Series) -> str:
    counted = Counter(sic.fillna("none").tolist())
    return ", ".join(f"{code}: {n}" for code, n in sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _origin(
    of_cluster: pd.DataFrame, before: dict[int, set[int]], members: dict[tuple[int, int], pd.DataFrame], year: int
) -> dict[str, Any]:
    """The cluster of the year before that holds most of these companies; of equal ones the more similar, the first."""
    now = set(of_cluster["company"])
    best = max(before, key=lambda c: (len(now & before[c]), _jaccard(now, before[c]), -c), default=None)
    if best is None or not now & before[best]:
        return {"from_cluster": None, "overlap": None, "entered": "", "left": ""}
    then = members[(year - 1, best)]
    return {
        "from_cluster": best,
        "overlap": _jaccard(now, before[best]),
        "entered": _names(of_cluster, before[best]),
        "left": _names(then, now),
    }


def _jaccard(first: set[int], second: set[int]) -> float:
    return len(first & second) / len(first | second)


def _names(rows: pd.DataFrame, without: set[int]) -> str:
    """Names of the companies that are not in a set, in alphabetical order."""
    others = rows[~rows["company"].isin(without)].drop_duplicates("company")
    return ", ".join(sorted(others["name"]))
