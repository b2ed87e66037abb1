"""Single linkage of every year and the scale of its distances, from PCA scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from compsim_assets.science.linkage.blocked import blocked_linkage
from compsim_assets.science.linkage.dendrogram import DENSE_BYTES, Dendrogram, fits_dense, single_linkage
from compsim_assets.science.linkage.distance import DistanceScale, YearDistances, fit_scale, moments_of, unit_rows

# Cosines that `nearest_peers` holds at once, in bytes.
_COSINE_BYTES = 1 << 27


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
    dense_bytes: int = DENSE_BYTES,
) -> YearTrees:
    """Single linkage of every year, and mean and deviation of the cosine distance over all years' pairs.

    A year whose distances fit into `dense_bytes` has them listed, in float64; a larger one goes through
    `blocked_linkage`. Cutoffs find the same clusters in both trees.

    Args:
        scores: (n, P) PCA scores, any float type.
        year: (n,) year of each report.
        device: torch device of the distance products.
        progress: called with (reports done, reports in all) after each year and each tile of a large one.
        dense_bytes: see `fits_dense`.

    Cost: sum over years of n_y^2 P / 2 multiply-adds in float64, nearly all of the time at paper scale; peak memory
    beside the scores 4.5 n_y^2 + 2 kB n_y + 16 n_y P bytes of the largest year. Larger years: `blocked_linkage`.
    """
    years, rows = rows_by_year(np.asarray(year))
    distances = YearDistances(device)
    trees, moments, done = [], [], 0

    def tiles(part: int, whole: int) -> None:
        if progress is not None and part < whole:
            progress(done + len(members) * part // whole, len(year))

    for members in rows:
        if fits_dense(len(members), dense_bytes):
            listed = distances.of(scores[members])
            trees.append(single_linkage(listed, len(members)))
            moments.append(moments_of(listed))
        else:
            tree, found = blocked_linkage(scores[members], device, progress=tiles)
            trees.append(tree)
            moments.append(found)
        done += len(members)
        if progress is not None:
            progress(done, len(year))
    return YearTrees(years, rows, trees, fit_scale(moments))


def nearest_peers(
    scores: np.ndarray, year: np.ndarray, report_id: np.ndarray, n_peers: int = 20, block: int = 1024
) -> Iterator[dict[str, np.ndarray]]:
    """The most similar reports of the same year, by cosine of the PCA scores.

    Args:
        scores, year, report_id: (n, P), (n,), (n,).
        n_peers: peers per report; fewer where the year is smaller.
        block: reports compared at once, at most.

    Yields:
        Columns report_id, year, rank (1 = most similar), peer_id, cosine of one block. Equal cosines (to 1e-12,
        as for identical descriptions) are ordered by peer id.

    Cost: n_y^2 P multiply-adds and O(n_y^2) comparisons a year; memory 8 n_y P bytes and up to three times
    `_COSINE_BYTES` (or 24 n_y).
    """
    years, rows = rows_by_year(np.asarray(year))
    for label, members in zip(years, rows, strict=True):
        members = members[np.argsort(report_id[members], kind="stable")]
        unit, ids = unit_rows(scores[members]), report_id[members]
        kept = min(n_peers, len(members) - 1)
        step = max(1, min(block, _COSINE_BYTES // (8 * len(members))))
        for start in range(0, len(members) if kept else 0, step):
            cosine = unit[start : start + step] @ unit.T
            own = np.arange(start, start + len(cosine))
            cosine[np.arange(len(cosine)), own] = -np.inf
            peers = _largest(np.round(cosine, 12), kept)
            yield {
                "report_id": np.repeat(ids[own], kept),
                "year": np.full(len(own) * kept, label),
                "rank": np.tile(np.arange(1, kept + 1), len(own)),
                "peer_id": ids[peers].ravel(),
                "cosine": np.take_along_axis(cosine, peers, axis=1).clip(-1, 1).ravel(),
            }


def _largest(values: np.ndarray, kept: int) -> np.ndarray:
    """(b, kept) positions of the largest values of each row, largest first, equal ones in the order of their positions.

    Cost: O(b n) for (b, n) values.
    """
    last = np.partition(values, values.shape[1] - kept, axis=1)[:, -kept, None]
    chosen = values >= last
    surplus = chosen.sum(axis=1) - kept
    for row in np.flatnonzero(surplus):
        tied = np.flatnonzero(values[row] == last[row])
        chosen[row, tied[-surplus[row] :]] = False
    found = np.nonzero(chosen)[1].reshape(len(values), kept)
    order = np.argsort(-np.take_along_axis(values, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)
