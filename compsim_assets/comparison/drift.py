"""Numbers that sum a result up, beside their old values: one function per result, by its asset's name in `HEADLINES`.

A function takes a result's name, the folder before and the folder now.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from compsim_assets.comparison.change import Change, difference, differences, share
from compsim_assets.comparison.folders import Folder
from compsim_assets.comparison.movers import by_company, cluster_moves, comings_and_goings, named, peer_moves
from compsim_assets.science.companies import company_of

Headline = Callable[[str, Folder, Folder], Iterator[Change]]
MOVERS = 10  # companies that are named, of each result
_WHO = ("report_id", "cik", "company_name", "ticker")
Beside = Callable[[int], set[int]]


def descriptions(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """How many companies."""
    old, new = (float(company_of(folder.frame(name, *_WHO)).nunique()) for folder in (before, after))
    yield share(name, "companies", old, new)


def table_1(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """Every method's numbers, in both blocks."""
    measures = ("mean_correlation", "pair_weighted", "coverage", "sharpe")
    old, new = (folder.frame(name, "block", "method", *measures) for folder in (before, after))
    old, new = (table.set_index(table["block"] + " " + table["method"]) for table in (old, new))
    for measure in measures:
        yield from differences(name, measure, old[measure], new[measure])


def findings(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """Every claim's corrected number, and whether its verdict is another."""
    old, new = (folder.frame(name, "claim", "honest", "verdict").set_index("claim") for folder in (before, after))
    for row in old.join(new, how="inner", lsuffix="_before", rsuffix="_after").reset_index().to_dict("records"):
        was, verdict = row["verdict_before"], row["verdict_after"]
        what = f"{verdict}, was {was}" if was != verdict else verdict
        values = [None if pd.isna(row[column]) else float(row[column]) for column in ("honest_before", "honest_after")]
        change = values[1] - values[0] if values[0] is not None and values[1] is not None else None
        yield Change(name, "verdict", row["claim"], values[0], values[1], change, float(was != verdict), what)


def mean_correlation(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """MeanCorr of every method, the mean over the years that both versions have."""
    old, new = (
        folder.frame(name, "method", "year", "mean_correlation").dropna().set_index(["method", "year"])
        for folder in (before, after)
    )
    means = old.join(new, how="inner", lsuffix="_before", rsuffix="_after").groupby("method").mean()
    gone = old[~old.index.isin(new.index.unique("method"), level="method")].groupby("method").mean()
    every = pd.concat([means["mean_correlation_before"], gone["mean_correlation"]])
    yield from differences(name, "mean_correlation", every, means["mean_correlation_after"], "over common years")


def cutoffs(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """Theta of every year that both versions have; where all years have the same one, once."""
    old, new = (folder.frame(name, "year", "theta").set_index("year")["theta"] for folder in (before, after))
    years = old.index.intersection(new.index)
    old, new = old.loc[years], new.loc[years]
    if len(years) and old.nunique() == new.nunique() == 1:
        old, new = (theta.iloc[:1].set_axis(["every year"]) for theta in (old, new))
    yield from differences(name, "theta", old, new)


def clusters(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """How many clusters, how much of the universe is in them, and who has moved."""
    old, new = (folder.frame(name, "year", "cluster_id", "report_id") for folder in (before, after))
    sizes = [table.groupby(["year", "cluster_id"]).size() for table in (old, new)]
    several = [size[size >= 2] for size in sizes]
    yield share(name, "clusters", float(len(several[0])), float(len(several[1])))
    parts = [float(some.sum()) / max(1, int(size.sum())) for some, size in zip(several, sizes, strict=True)]
    yield difference(name, "clustered", parts[0], parts[1])
    moves = cluster_moves(old, new)
    yield from _moves(name, "co_members", moves, (_co_members(old), _co_members(new)), before, after)


def peers(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """How many of the twenty nearest peers of the year are others, and whose most."""
    old, new = (_nearest(folder.frame(name, *_LISTED)) for folder in (before, after))
    yield from _moves(name, "peers", peer_moves(old, new), (_peers(old), _peers(new)), before, after)


def _co_members(clusters: pd.DataFrame) -> Beside:
    """Who shares a report's cluster."""
    number = clusters.groupby(["year", "cluster_id"]).ngroup()

    def beside(report: int) -> set[int]:
        (mine,) = number[clusters["report_id"] == report]
        return set(clusters.loc[number == mine, "report_id"].tolist()) - {report}

    return beside


_LISTED = ("report_id", "year", "scope", "rank", "peer_report_id")
_NEAREST = 20


def _nearest(listed: pd.DataFrame) -> pd.DataFrame:
    """report_id, year, peer_id of the nearest among all reports of a year."""
    near = listed[(listed["scope"] == "all") & (listed["rank"] <= _NEAREST)]
    return near.rename(columns={"peer_report_id": "peer_id"})[["report_id", "year", "peer_id"]]


def _peers(peers: pd.DataFrame) -> Beside:
    """Who a report's nearest peers are."""
    return lambda report: set(peers.loc[peers["report_id"] == report, "peer_id"].tolist())


def _moves(
    name: str, measure: str, moves: pd.DataFrame, beside: tuple[Beside, Beside], before: Folder, after: Folder
) -> Iterator[Change]:
    """The mean of all moves, and the companies that moved most, each with its most changed year."""
    if moves.empty:
        return
    mean = float(moves["size"].mean())
    yield Change(name, measure, change=mean, size=mean, what=f"mean over {len(moves):,} reports that are in both")
    who = [folder.frame("descriptions", *_WHO) for folder in (after, before) if folder.has("descriptions")]
    companies = named(pd.concat(who, ignore_index=True))
    labels = companies.set_index("report_id")["label"]
    for row in by_company(moves, companies, MOVERS).to_dict("records"):
        old, new = (of(row["report_id"]) for of in beside)
        what = f"most in {row['year']}: {comings_and_goings(old, new, labels)}"
        n_old, n_new = float(row["before"]), float(row["after"])
        yield Change(name, f"{measure}_of", row["label"], n_old, n_new, n_new - n_old, float(row["size"]), what)


def pca(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """Components, and how much of the variance they explain."""
    part = "explained_variance_ratio"
    old, new = (folder.pca().arrays([part])[part] for folder in (before, after))
    yield share(name, "components", float(len(old)), float(len(new)))
    yield difference(name, "explained_variance", float(old.sum()), float(new.sum()), "all components")
    yield difference(name, "explained_variance", float(old[:1].sum()), float(new[:1].sum()), "first component")


def feature_drift(name: str, before: dict[str, float], after: dict[str, float]) -> Iterator[Change]:
    """What `feature_sums` says of two versions."""
    for measure in ("latents", "active_latents", "mean_activation"):
        yield share(name, measure, before[measure], after[measure])
    yield difference(name, "zeros", before["zeros"], after["zeros"])


class FeatureSums:
    """Sums over blocks of features, each looked at once; memory for one block's mask.

    `block` takes an (b, D) block; `result` gives the number of latents, how many of them are active in a report, the
    share of zeros and the mean of all values.
    """

    def __init__(self, n_latents: int) -> None:
        self._active = np.zeros(n_latents, dtype=bool)
        self._values = self._not_zero = 0
        self._sum = 0.0

    def block(self, features: np.ndarray) -> None:
        """Take in consecutive rows."""
        active = features != 0
        self._active |= active.any(axis=0)
        self._not_zero += int(active.sum())
        self._values += features.size
        self._sum += float(features.sum(dtype=np.float64))

    def result(self) -> dict[str, float]:
        """The sums as shares and means; zeros of what has no value."""
        n = max(1, self._values)
        return {
            "latents": float(len(self._active)),
            "active_latents": float(self._active.sum()),
            "zeros": (self._values - self._not_zero) / n,
            "mean_activation": self._sum / n,
        }


HEADLINES: dict[str, Headline] = {
    "descriptions": descriptions,
    "table_1": table_1,
    "findings": findings,
    "mean_correlation": mean_correlation,
    "cutoffs": cutoffs,
    "walk_forward_cutoffs": cutoffs,
    "clusters": clusters,
    "walk_forward_clusters": clusters,
    "peers": peers,
    "pca": pca,
}
# Looked at where a result is another one; of the others the old numbers are shown, too, where they are the same.
WHERE_CHANGED = frozenset({"clusters", "walk_forward_clusters", "peers"})
