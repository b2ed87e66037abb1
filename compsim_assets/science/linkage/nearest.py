"""The most similar reports of the same year."""

from collections.abc import Iterator

import numpy as np

from compsim_assets.science.companies import own_pairs
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.linkage.trees import rows_by_year


def nearest_peers(
    scores: np.ndarray,
    year: np.ndarray,
    report_id: np.ndarray,
    n_peers: int = 20,
    block: int = 1024,
    cosine_bytes: int = 1 << 27,
    company: np.ndarray | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """The most similar reports of the same year, by cosine of the PCA scores.

    Args:
        scores, year, report_id: (n, P), (n,), (n,).
        n_peers: peers per report; fewer where the year is smaller.
        block: reports compared at once, at most, and at most as many as `cosine_bytes` of cosines take.
        company: (n,) numbers of the reports' companies: none is its own peer. None: all are different.

    A report at the origin is like nothing: it has no peers and is no peer.

    Yields:
        Columns report_id, year, rank (1 = most similar), peer_id, cosine of one block. Equal cosines (to 1e-12,
        as for identical descriptions) are ordered by peer id.

    Cost: n_y^2 P multiply-adds and O(n_y^2) comparisons per year; memory 8 n_y P bytes and up to three times
    `cosine_bytes` (or 24 n_y).
    """
    years, rows = rows_by_year(np.asarray(year))
    for label, members in zip(years, rows, strict=True):
        members = members[scores[members].any(axis=1)]
        members = members[np.argsort(report_id[members], kind="stable")]
        first, second = own_pairs(None if company is None else company[members])
        unit, ids = unit_rows(scores[members]), report_id[members]
        count = min(n_peers, len(members) - 1)
        step = max(1, min(block, cosine_bytes // (8 * max(len(members), 1))))
        for start in range(0, len(members) if count > 0 else 0, step):
            cosine = unit[start : start + step] @ unit.T
            block_ids = ids[start : start + len(cosine)]
            cosine[np.arange(len(cosine)), np.arange(start, start + len(cosine))] = -np.inf
            for a, b in ((first, second), (second, first)):
                inside = (a >= start) & (a < start + len(cosine))
                cosine[a[inside] - start, b[inside]] = -np.inf
            peers = _largest(np.round(cosine, 12), count)
            columns = {
                "report_id": np.repeat(block_ids, count),
                "year": np.full(peers.size, label),
                "rank": np.tile(np.arange(1, count + 1), len(peers)),
                "peer_id": ids[peers].ravel(),
                "cosine": np.take_along_axis(cosine, peers, axis=1).ravel(),
            }
            # Of a company's other reports, which come last, where nobody else is left.
            others = columns["cosine"] > -np.inf
            columns["cosine"] = columns["cosine"].clip(-1, 1)
            yield columns if others.all() else {name: values[others] for name, values in columns.items()}


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """(b, count) positions of each row's largest values, largest first, equal ones in the order of their positions.

    Cost: O(b n) for (b, n) values.
    """
    last = np.partition(values, values.shape[1] - count, axis=1)[:, -count, None]
    is_peer = values >= last
    surplus = is_peer.sum(axis=1) - count
    for row in np.flatnonzero(surplus):
        tied = np.flatnonzero(values[row] == last[row])
        is_peer[row, tied[-surplus[row] :]] = False
    positions = np.nonzero(is_peer)[1].reshape(len(values), count)
    order = np.argsort(-np.take_along_axis(values, positions, axis=1), axis=1, kind="stable")
    return np.take_along_axis(positions, order, axis=1)
