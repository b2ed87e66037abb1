"""Single linkage of every year and the scale of its distances, from PCA scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from compsim_assets.science.distance import (
    DistanceScale,
    condensed_distances,
    fit_scale,
    pair_cosine_sum,
    pooled_mean,
    unit_rows,
)
from compsim_assets.science.linkage import Dendrogram, single_linkage


@dataclass(frozen=True)
class YearTrees:
    """Single linkage of each year: `rows[i]` are the positions of year i's reports, the points of `trees[i]`."""

    years: np.ndarray
    rows: list[np.ndarray]
    trees: list[Dendrogram]
    scale: DistanceScale


def rows_by_year(year: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Distinct years, ascending, and the positions of each year's reports, ascending."""
    years, first = np.unique(np.sort(year), return_index=True)
    order = np.argsort(year, kind="stable")
    return years, np.split(order, first[1:]) if len(years) else []


def link_years(
    scores: np.ndarray,
    year: np.ndarray,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> YearTrees:
    """Single linkage of every year, and mean and deviation of the cosine distance over all years' pairs.

    The mean comes from vector sums first, so that the deviation is a second, well-conditioned pass over each
    year's distances while they are at hand.

    Args:
        scores: (n, P) PCA scores, any float type.
        year: (n,) year of each report.
        device: torch device of the distance products.
        progress: called with (reports done, reports in all) after each year.

    Cost: sum over years of n_y^2 P multiply-adds; peak memory about 12 n_y^2 + 16 n_y P bytes of the largest year.
    """
    years, rows = rows_by_year(np.asarray(year))
    year_sums = [
        (len(members) * (len(members) - 1) // 2, pair_cosine_sum(unit_rows(scores[members])))
        for members in rows
    ]
    mean = pooled_mean(year_sums)
    trees, squared_deviation, done = [], 0.0, 0
    for members in rows:
        distances = condensed_distances(unit_rows(scores[members]), device)
        trees.append(single_linkage(distances, len(members)))
        distances -= mean
        squared_deviation += float(distances @ distances)
        done += len(members)
        if progress is not None:
            progress(done, len(year))
    return YearTrees(years, rows, trees, fit_scale(year_sums, squared_deviation))


def nearest_peers(
    scores: np.ndarray,
    year: np.ndarray,
    report_id: np.ndarray,
    n_peers: int = 20,
    block: int = 1024,
) -> Iterator[dict[str, np.ndarray]]:
    """The most similar reports of the same year, by cosine of the PCA scores.

    Args:
        scores, year, report_id: (n, P), (n,), (n,).
        n_peers: peers per report; fewer where the year is smaller.
        block: reports compared at once.

    Yields:
        Columns report_id, year, rank (1 = most similar), peer_id, cosine of one block. Equal cosines (to 1e-12,
        as for identical descriptions) are ordered by peer id.

    Cost: n_y^2 P multiply-adds and O(n_y^2 log n_y) comparisons a year; memory O(block n_y + n_y P).
    """
    years, rows = rows_by_year(np.asarray(year))
    for label, members in zip(years, rows, strict=True):
        members = members[np.argsort(report_id[members], kind="stable")]
        unit, ids = unit_rows(scores[members]), report_id[members]
        kept = min(n_peers, len(members) - 1)
        for start in range(0, len(members) if kept else 0, block):
            cosine = unit[start : start + block] @ unit.T
            own = np.arange(start, start + len(cosine))
            cosine[np.arange(len(cosine)), own] = -np.inf
            peers = np.argsort(-np.round(cosine, 12), axis=1, kind="stable")[:, :kept]
            yield {
                "report_id": np.repeat(ids[own], kept),
                "year": np.full(len(own) * kept, label),
                "rank": np.tile(np.arange(1, kept + 1), len(own)),
                "peer_id": ids[peers].ravel(),
                "cosine": np.take_along_axis(cosine, peers, axis=1).clip(-1, 1).ravel(),
            }
