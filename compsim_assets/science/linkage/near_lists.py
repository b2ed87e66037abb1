"""Who may be among the nearest of each report of a large year: lists from float32 products of tiles of the year."""

import numpy as np
import torch

_TILE = 2048  # rows of a side of a tile: 16 MB of products


class NearLists:
    """For each of n reports the `k` others with the largest float32 cosines, while tiles of products go by.

    Each product is looked at twice, as that of either report: half of the square is enough.

    Attributes:
        values: (n, k) float32, largest first; -inf where there are fewer others.
        at: (n, k) their positions; -1 where there are fewer.
    """

    def __init__(self, n: int, k: int) -> None:
        self.values = torch.full((n, k), -torch.inf)
        self.at = torch.full((n, k), -1, dtype=torch.int32)

    def offer(self, rows: slice, cosine: torch.Tensor, first: int) -> None:
        """Let cosines (r, c) of these rows with the reports from position `first` on compete for their places."""
        values, at = self.values[rows], self.at[rows]
        k = values.shape[1]
        if torch.isinf(values[:, -1]).any():
            better, where = cosine.topk(min(k, cosine.shape[1]), dim=1)
        else:
            better, where = _above(cosine, values[:, -1:])
        together = torch.cat([values, better], dim=1)
        places = torch.cat([at, (where + first).to(torch.int32)], dim=1)
        best = together.topk(k, dim=1)
        self.values[rows], self.at[rows] = best.values, places.gather(1, best.indices)
        self.at[rows].masked_fill_(torch.isinf(best.values), -1)


def _above(cosine: torch.Tensor, least: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The values above each row's least one, to the left of rows that are as long as the longest of them needs, and
    their columns; -inf fills up.
    """
    row, column = (cosine > least).nonzero(as_tuple=True)
    counts = torch.bincount(row, minlength=len(cosine))
    place = torch.arange(len(row)) - (counts.cumsum(0) - counts)[row]
    values = torch.full((len(cosine), int(counts.max())), -torch.inf)
    columns = torch.zeros(values.shape, dtype=torch.int64)
    values[row, place], columns[row, place] = cosine[row, column], column
    return values, columns


def near_lists(unit: torch.Tensor, k: int, first: np.ndarray, second: np.ndarray) -> NearLists:
    """The lists of a year's reports.

    Args:
        unit: (n, P) float32 rows of length one.
        k: places of a list.
        first, second: positions of every two reports of one company, which are no peers; first ascending.

    Cost: n^2 P / 2 multiply-adds, n^2 comparisons. Memory: 8 n k bytes and a tile.
    """
    n, lists = len(unit), NearLists(len(unit), k)
    for top in range(0, n, _TILE):
        rows = slice(top, min(top + _TILE, n))
        for left in range(top, n, _TILE):
            columns = slice(left, min(left + _TILE, n))
            cosine = unit[rows] @ unit[columns].T
            if left == top:
                cosine.fill_diagonal_(-torch.inf)
            for a, b in ((first, second), (second, first)):
                inside = (a >= rows.start) & (a < rows.stop) & (b >= columns.start) & (b < columns.stop)
                cosine[
                    torch.from_numpy(a[inside] - rows.start), torch.from_numpy(b[inside] - columns.start)
                ] = -torch.inf
            lists.offer(rows, cosine, columns.start)
            if left != top:
                lists.offer(columns, cosine.T.contiguous(), rows.start)
    return lists


def rounding(n_axes: int) -> float:
    """By how much a float32 cosine of rows of length one is off at most, in whatever order it was summed.

    Each factor is rounded once, and a sum of P products is off by P roundings of the sum of their sizes, which is one
    at most (Higham 2002, section 3.1): together less than (P + 4) u / (1 - (P + 4) u), u = 2^-24.
    """
    error = (n_axes + 4) * 2.0**-24
    return error / (1 - error)
