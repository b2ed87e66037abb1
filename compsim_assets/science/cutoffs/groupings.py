"""Two groupings of one year's reports, compared: are our clusters the published ones?"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """Two groupings of one year.

    n_reports: reports in both. only_ours, only_theirs: reports in one of them.
    n_ours, n_theirs: clusters of at least two of the reports in both.
    n_same: those of theirs that are, report for report, one of ours.
    identical: the same reports in the same clusters, singletons included.
    """

    n_reports: int
    only_ours: int
    only_theirs: int
    n_ours: int
    n_theirs: int
    n_same: int
    identical: bool


def agreement(our_ids: np.ndarray, ours: np.ndarray, their_ids: np.ndarray, theirs: np.ndarray) -> Agreement:
    """Compare groupings of one year by the reports' ids, each at most once a grouping.

    Args:
        our_ids, their_ids: (n,), (m,) report ids.
        ours, theirs: (n,), (m,) cluster names of any type.

    Cost: O((n + m) log (n + m)).
    """
    both, at_ours, at_theirs = np.intersect1d(our_ids, their_ids, assume_unique=True, return_indices=True)
    _, our_code, our_size = _coded(ours[at_ours])
    _, their_code, their_size = _coded(theirs[at_theirs])
    cells, overlap = np.unique(np.stack([our_code, their_code]), axis=1, return_counts=True)
    same = (overlap == our_size[cells[0]]) & (overlap == their_size[cells[1]])
    only_ours, only_theirs = len(our_ids) - len(both), len(their_ids) - len(both)
    return Agreement(
        n_reports=len(both),
        only_ours=only_ours,
        only_theirs=only_theirs,
        n_ours=int((our_size >= 2).sum()),
        n_theirs=int((their_size >= 2).sum()),
        n_same=int((same & (overlap >= 2)).sum()),
        identical=bool(same.all()) and not only_ours and not only_theirs,
    )


def _coded(names: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.unique(names, return_inverse=True, return_counts=True)
