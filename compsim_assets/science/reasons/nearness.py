"""Where a cosine stands among all of its year, and whether a peer was near a year before."""

import numpy as np
import pandas as pd

from compsim_assets.science.companies import own_pairs
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.ties import TIE


def share_below(
    scores: np.ndarray, cosine: np.ndarray, company: np.ndarray | None = None, cosine_bytes: int = 1 << 27
) -> np.ndarray:
    """(m,) share of one year's pairs of companies with a cosine smaller, by more than `TIE`, than each of these.

    Args:
        scores: (n, P) of the year's reports, none at the origin.
        cosine: (m,).
        company: (n,) numbers of the reports' companies: reports of one company are no pair. None: all are different.

    Cost: n^2 P multiply-adds and n^2 log m comparisons; memory three times `cosine_bytes`.
    """
    unit, n = unit_rows(scores), len(scores)
    # A cosine from one computation is not below the same one from another.
    values, where = np.unique(cosine - TIE, return_inverse=True)
    # Place k counts the cosines between the values k - 1 and k, the lower one included.
    counts = np.zeros(len(values) + 1, dtype=np.int64)
    step = max(1, cosine_bytes // (8 * max(n, 1)))
    for start in range(0, n, step):
        block = unit[start : start + step] @ unit.T
        # Each pair once: its first report is in the block.
        later = np.arange(n)[None] > np.arange(start, start + len(block))[:, None]
        counts += _counted(values, block[later])
    first, second = own_pairs(company)
    same = np.einsum("mp,mp->m", unit[first], unit[second])
    counts -= _counted(values, same)
    n_pairs = n * (n - 1) // 2 - len(first)
    return (np.cumsum(counts)[:-1] / max(n_pairs, 1))[where]


def _counted(values: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(values, cosines, side="right"), minlength=len(values) + 1)


def share_of_list_below(all_cosines: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """(m,) share of listed pairs with a cosine smaller, by more than `TIE`, than each; NaN in the list is none."""
    ordered = np.sort(all_cosines[~np.isnan(all_cosines)])
    return np.searchsorted(ordered, cosine - TIE, side="left") / max(len(ordered), 1)


def near_last_year(peers: pd.DataFrame, reports: pd.DataFrame) -> pd.Series:
    """Whether the peer's company was near a year before, too; null where either company has no report then.

    Args:
        peers: report_id, year, peer_report_id of one scope.
        reports: year, company of all compared reports, by report_id.

    Cost: O(m log m).
    """
    company = reports["company"]
    a, b = (company.reindex(peers[name].to_numpy()).to_numpy() for name in ("report_id", "peer_report_id"))
    pairs = pd.DataFrame({"a": a, "b": b, "year": peers["year"].to_numpy()})
    before = pairs.drop_duplicates().assign(year=lambda frame: frame["year"] + 1, near=True)
    near = pairs.merge(before, how="left", on=["a", "b", "year"], validate="many_to_one")["near"].notna()
    there = pd.MultiIndex.from_arrays([company, reports["year"] + 1])
    both = np.ones(len(pairs), dtype=bool)
    for name in ("a", "b"):
        both &= pd.MultiIndex.from_arrays([pairs[name], pairs["year"]]).isin(there)
    return pd.Series(pd.arrays.BooleanArray(near.to_numpy(dtype=bool), ~both), index=peers.index)


def next_report(peers: pd.Series, reports: pd.DataFrame) -> np.ndarray:
    """(m,) float64 report of the same company in the year after, the one with the smallest id; NaN where there is none.

    Args:
        peers: report ids.
        reports: year, company of all reports, by report_id.
    """
    first = reports.reset_index().sort_values("report_id").drop_duplicates(["company", "year"])
    now = reports.loc[peers.to_numpy()]
    wanted = pd.DataFrame({"company": now["company"].to_numpy(), "year": now["year"].to_numpy() + 1})
    return wanted.merge(first, how="left", on=["company", "year"])["report_id"].to_numpy(dtype=np.float64)
