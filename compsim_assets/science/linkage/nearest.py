"""The most similar reports of the same year."""

import warnings
from collections.abc import Iterator

import numpy as np
import torch

from compsim_assets.science.companies import own_pairs
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.linkage.near_lists import near_lists, rounding
from compsim_assets.science.linkage.trees import rows_by_year
from compsim_assets.science.ties import TIE, largest, largest_first

# Places beside the wanted ones in a list of who may be near: as many cosines may lie within the rounding of the last.
_BESIDE = 16
# From so many reports on lists in float32 are faster than all cosines in float64, and need far less memory.
_LARGE = 1024
_SLICE = 1 << 24  # bytes of some axes of all reports


def nearest_peers(
    scores: np.ndarray,
    year: np.ndarray,
    report_id: np.ndarray,
    n_peers: int = 20,
    block: int = 1024,
    cosine_bytes: int = 1 << 27,
    company: np.ndarray | None = None,
    large: int = _LARGE,
) -> Iterator[dict[str, np.ndarray]]:
    """The most similar reports of the same year, by cosine of the PCA scores.

    Args:
        scores, year, report_id: (n, P), (n,), (n,).
        n_peers: peers per report; fewer where the year is smaller.
        block: reports compared at once, at most, and at most as many as `cosine_bytes` of cosines take.
        company: (n,) numbers of the reports' companies: none is its own peer. None: all are different.
        large: from so many reports of a year on float32 products say who may be near, and float64 ones of these who
            is. The answer is the same: reports for which the first cannot tell are compared with all.

    A report at the origin is like nothing: it has no peers and is no peer.

    Yields:
        Columns report_id, year, rank (1 = most similar), peer_id, cosine of one block. Equal cosines (to 1e-12,
        as for identical descriptions) are ordered by peer id.

    Cost: n_y^2 P multiply-adds and O(n_y^2) comparisons per year; memory 8 n_y P bytes and up to three times
    `cosine_bytes` (or 24 n_y). Of a large year n_y^2 P / 2 multiply-adds in float32, and memory 4 n_y P bytes, 48 n_y
    (n_peers + 16) and twice `cosine_bytes`.
    """
    years, rows = rows_by_year(np.asarray(year))
    for label, members in zip(years, rows, strict=True):
        members = members[scores[members].any(axis=1)]
        members = members[np.argsort(report_id[members], kind="stable")]
        of_year = _Year(scores, members, company, min(n_peers, len(members) - 1), block, cosine_bytes)
        ids = report_id[members]
        if of_year.count <= 0:
            continue
        for positions, peers, cosine in of_year.from_lists() if len(members) >= large else of_year.from_all():
            columns = {
                "report_id": np.repeat(ids[positions], of_year.count),
                "year": np.full(peers.size, label),
                "rank": np.tile(np.arange(1, of_year.count + 1), len(peers)),
                "peer_id": ids[peers].ravel(),
                "cosine": cosine.ravel(),
            }
            # Of a company's other reports, which come last, where nobody else is left.
            others = columns["cosine"] > -np.inf
            columns["cosine"] = columns["cosine"].clip(-1, 1)
            yield columns if others.all() else {name: values[others] for name, values in columns.items()}


# Positions of reports in their year, (r,), and of their peers, (r, count), with cosines.
_Block = tuple[np.ndarray, np.ndarray, np.ndarray]


class _Year:
    """A year's reports, by id, and the `count` nearest of each."""

    def __init__(
        self,
        scores: np.ndarray,
        members: np.ndarray,
        company: np.ndarray | None,
        count: int,
        block: int,
        cosine_bytes: int,
    ) -> None:
        self._scores, self._members, self.count = scores, members, count
        self._first, self._second = own_pairs(None if company is None else company[members])
        self._block, self._bytes = block, cosine_bytes

    def from_all(self) -> Iterator[_Block]:
        """From all cosines of the year, in float64."""
        unit = unit_rows(self._scores[self._members])
        for positions in self._blocks(np.arange(len(unit)), 8 * len(unit)):
            yield self._of_all(positions, unit[positions] @ unit.T)

    def _blocks(self, positions: np.ndarray, row_bytes: int) -> Iterator[np.ndarray]:
        step = max(1, min(self._block, self._bytes // max(row_bytes, 1)))
        for start in range(0, len(positions), step):
            yield positions[start : start + step]

    def _of_all(self, positions: np.ndarray, cosine: np.ndarray) -> _Block:
        """From the cosines (r, n) of some reports with all."""
        cosine[np.arange(len(cosine)), positions] = -np.inf
        row_of = np.full(len(self._members), -1)
        row_of[positions] = np.arange(len(positions))
        for a, b in ((self._first, self._second), (self._second, self._first)):
            inside = row_of[a] >= 0
            cosine[row_of[a[inside]], b[inside]] = -np.inf
        peers = largest(cosine, self.count)
        return positions, peers, np.take_along_axis(cosine, peers, axis=1)

    def from_lists(self) -> Iterator[_Block]:
        """From float32 lists of who may be near, ranked by their cosines in float64."""
        n, n_axes = len(self._members), self._scores.shape[1]
        unit = torch.empty(n, n_axes)
        for some in self._blocks(np.arange(n), 8 * n_axes):
            unit[some] = torch.from_numpy(unit_rows(self._scores[self._members[some]])).float()
        places = min(self.count + _BESIDE, n - 1)
        lists = near_lists(unit, places, self._first, self._second)
        del unit
        listed = lists.at.sort(dim=1).values  # equal cosines keep the order of ids
        cosines = self._listed_cosines(listed)
        off, unsure = rounding(n_axes), []
        for positions in self._blocks(np.arange(n), 24 * places):
            at, least = listed[positions].numpy(), lists.values[positions, -1].numpy().astype(np.float64)
            cosine = cosines[positions]
            order = largest_first(cosine)[:, : self.count]
            peers, cosine = np.take_along_axis(at, order, axis=1), np.take_along_axis(cosine, order, axis=1)
            # Who is not listed has a float32 cosine of at most the last one's. Equal ones count as above.
            sure = (least + off < cosine[:, -1] - TIE) | (at < 0).any(axis=1)
            unsure.append(positions[~sure])
            yield positions[sure], np.maximum(peers[sure], 0), cosine[sure]
        yield from self._compared(np.concatenate(unsure))

    def _listed_cosines(self, at: torch.Tensor) -> np.ndarray:
        """(n, places) float64 cosines of reports with the listed ones, ascending; -inf where none is listed (-1)."""
        there = at >= 0
        ends, listed = torch.cat([torch.zeros(1, dtype=torch.int64), there.sum(dim=1).cumsum(dim=0)]), at[there].long()
        products, squares = torch.zeros(len(listed), dtype=torch.float64), torch.zeros(len(at), dtype=torch.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch calls sparse tensors new, whichever they are
            # The products that are listed, and no others: a row's are dot products of rows that lie in the cache.
            wanted = torch.sparse_csr_tensor(
                ends, listed, torch.zeros_like(products), (len(at), len(at)), check_invariants=True
            )
        step = max(1, _SLICE // (8 * len(at)))
        for start in range(0, self._scores.shape[1], step):
            some = torch.from_numpy(self._scores[self._members, start : start + step].astype(np.float64))
            squares += some.square().sum(dim=1)
            products += torch.sparse.sampled_addmm(wanted, some, some.T, beta=0.0).values()
        length = squares.sqrt()
        products.div_(length.repeat_interleave(there.sum(dim=1))).div_(length[listed])
        cosines = torch.full(at.shape, -torch.inf, dtype=torch.float64)
        cosines[there] = products
        return cosines.numpy()

    def _compared(self, positions: np.ndarray) -> Iterator[_Block]:
        """Reports that the lists do not settle, such as those with many copies: compared with all."""
        n = len(self._members)
        for some in self._blocks(positions, 8 * n):
            unit, cosine = unit_rows(self._scores[self._members[some]]), np.empty((len(some), n))
            for others in self._blocks(np.arange(n), 8 * unit.shape[1]):
                cosine[:, others] = unit @ unit_rows(self._scores[self._members[others]]).T
            yield self._of_all(some, cosine)
