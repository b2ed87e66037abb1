"""The trees of all years: in memory, and as rows, one row per merge, so that whoever cuts them need not link again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import Dendrogram


@dataclass(frozen=True)
class YearTrees:
    """Single linkage of each year: `rows[i]` are the positions of year i's reports, the points of `trees[i]`."""

    years: np.ndarray
    rows: list[np.ndarray]
    trees: list[Dendrogram]

    def __iter__(self) -> Iterator[tuple[int, np.ndarray, Dendrogram]]:
        """Year, rows and tree, year after year."""
        return zip(self.years.tolist(), self.rows, self.trees, strict=True)


def rows_by_year(year: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Distinct years, ascending, and the positions of each year's reports, ascending."""
    years, first = np.unique(np.sort(year), return_index=True)
    order = np.argsort(year, kind="stable")
    return years, np.split(order, first[1:]) if len(years) else []


def merges_of(tree: Dendrogram, report_id: np.ndarray) -> dict[str, np.ndarray]:
    """One row per merge, in ascending order: `step`, `left`, `right`, `distance`.

    A part of the tree goes by its smallest report: `left` is the smaller one of the two parts', and the cluster's.

    Args:
        tree: single linkage of n reports.
        report_id: (n,) ascending, the tree's points.

    Cost: O(n).
    """
    smallest = list(range(tree.n_points))
    ends = []
    for a, b in tree.children.tolist():
        left, right = sorted((smallest[a], smallest[b]))
        ends.append((left, right))
        smallest.append(left)
    left, right = report_id[np.array(ends, dtype=np.int64).reshape(-1, 2).T]
    return {"step": np.arange(len(ends)), "left": left, "right": right, "distance": tree.height}


def tree_of(merges: Mapping[str, np.ndarray], report_id: np.ndarray) -> Dendrogram:
    """The tree that `merges_of` gives these rows for, its points again the ascending (n,) report ids. Cost: O(n log n).

    Raises:
        ValueError: a merge of a report that is not among these.
    """
    node = {report: point for point, report in enumerate(report_id.tolist())}
    children = []
    try:
        for merge, (left, right) in enumerate(zip(merges["left"].tolist(), merges["right"].tolist(), strict=True)):
            children.append(sorted((node[left], node.pop(right))))
            node[left] = len(report_id) + merge
    except KeyError as unknown:
        raise ValueError(f"a merge of report {unknown}, which is not among the clustered ones or was merged") from None
    return Dendrogram(len(report_id), np.array(children, dtype=np.int64).reshape(-1, 2), merges["distance"])


def read_trees(merges: Mapping[str, np.ndarray], year: np.ndarray, report_id: np.ndarray) -> YearTrees:
    """The trees of all years that have reports, also where nothing merges.

    Args:
        merges: one row per merge of every year, in any order: year and the columns of `merges_of`.
        year, report_id: (n,) of all reports.

    Raises:
        ValueError: see `tree_of`.
    """
    years, rows = rows_by_year(year)
    rows = [members[np.argsort(report_id[members])] for members in rows]
    order = np.lexsort((merges["step"], merges["year"]))
    starts = np.searchsorted(merges["year"][order], [*years, np.inf])
    steps = [order[start:stop] for start, stop in pairwise(starts)]
    trees = [
        tree_of({name: merges[name][step] for name in ("left", "right", "distance")}, report_id[members])
        for step, members in zip(steps, rows, strict=True)
    ]
    return YearTrees(years, rows, trees)


def cut_years(
    trees: YearTrees, report_id: np.ndarray, year: np.ndarray, distance: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Some years cut at cosine distances: year, cluster numbers and report ids, as `cluster_columns` takes them.

    Args:
        trees: of the reports.
        report_id: (n,) of all reports, ascending within a year.
        year, distance: (k,) a cutoff of each year that is cut; a year without reports has no clusters.
    """
    by_year = {of: (tree, report_id[rows]) for of, rows, tree in trees}
    for of, cutoff in zip(year.tolist(), distance.tolist(), strict=True):
        if of in by_year:
            tree, members = by_year[of]
            yield of, cut(tree, cutoff), members
