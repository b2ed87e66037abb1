"""Single linkage of every year, listed or in tiles as its distances fit, and the scale of all distances."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from compsim_assets.science.linkage.blocked import blocked_linkage
from compsim_assets.science.linkage.dendrogram import Dendrogram, single_linkage
from compsim_assets.science.linkage.distance import YearDistances
from compsim_assets.science.linkage.scale import DistanceScale, Moments, fit_scale, moments_of
from compsim_assets.science.linkage.trees import YearTrees, rows_by_year

# A year's distances are listed where that takes no more than this: up to 11,500 companies. Beyond, the way in tiles is
# also the faster one (8,000 companies, P = 4,000: 5.4 s of one core against 7.6 s).
DENSE_BYTES = 1 << 29


class YearLinkage:
    """Single linkage of one year after another: from the list of its distances, or in tiles where that would not fit.

    The choice between the two is made here and nowhere else; cutoffs find the same clusters in both trees.

    Args:
        device: torch device of the distance products.
        dense_bytes: what the list of a year's distances may take.
    """

    def __init__(self, device: str = "cpu", dense_bytes: int = DENSE_BYTES) -> None:
        self._device, self._dense_bytes = device, dense_bytes
        self._distances = YearDistances(device)

    def is_listed(self, n_points: int) -> bool:
        """Whether n points' condensed distances, 4 n^2 bytes, fit."""
        return 4 * n_points**2 <= self._dense_bytes

    def tree(self, scores: np.ndarray) -> Dendrogram:
        """Single linkage of the rows of (n, P) scores."""
        if self.is_listed(len(scores)):
            return single_linkage(self._distances.of(scores), len(scores))
        return blocked_linkage(scores, self._device)[0]

    def moments(self, scores: np.ndarray) -> Moments:
        """Moments of the distances alone; in tiles they cost as much as with the tree."""
        if self.is_listed(len(scores)):
            return moments_of(self._distances.of(scores))
        return blocked_linkage(scores, self._device)[1]

    def tree_and_moments(
        self, scores: np.ndarray, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Dendrogram, Moments]:
        """Both; `progress` is called with (tiles done, tiles in all) where there are tiles."""
        if self.is_listed(len(scores)):
            condensed = self._distances.of(scores)
            return single_linkage(condensed, len(scores)), moments_of(condensed)
        return blocked_linkage(scores, self._device, progress=progress)


@dataclass(frozen=True)
class LinkedYears(YearTrees):
    """The trees of all years, and the scale of the distances of all their pairs."""

    scale: DistanceScale


def link_years(
    scores: np.ndarray,
    year: np.ndarray,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
    dense_bytes: int = DENSE_BYTES,
) -> LinkedYears:
    """Single linkage of every year, and mean and deviation of the cosine distance over all years' pairs.

    Args:
        scores: (n, P) PCA scores, any float type.
        year: (n,) year of each report.
        progress: called with (reports done, reports in all) after each year and each tile of a large one.
        device, dense_bytes: see `YearLinkage`.

    Cost: sum over years of n_y^2 P / 2 multiply-adds in float64, nearly all of the time at paper scale; peak memory
    beside the scores 4 n_y^2 + 2 kB n_y + 16 n_y P bytes of the largest year. Larger years: `blocked_linkage`.
    """
    years, rows = rows_by_year(np.asarray(year))
    linkage = YearLinkage(device, dense_bytes)
    trees, moments, done = [], [], 0

    def tiles(part: int, whole: int) -> None:
        if progress is not None and part < whole:
            progress(done + len(members) * part // whole, len(year))

    for members in rows:
        tree, of_year = linkage.tree_and_moments(scores[members], tiles)
        trees.append(tree)
        moments.append(of_year)
        done += len(members)
        if progress is not None:
            progress(done, len(year))
    return LinkedYears(years, rows, trees, fit_scale(moments))
