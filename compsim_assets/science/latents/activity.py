"""In which reports latents are active, how strongly, and where most: for a block of latents at a time."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Companies:
    """n reports in the order of their companies.

    Attributes:
        order: (n,) positions, company by company, within each by report id.
        starts: (c,) where each company begins.
        report_id: (n,).
    """

    order: np.ndarray
    starts: np.ndarray
    report_id: np.ndarray

    @classmethod
    def of(cls, company: np.ndarray, report_id: np.ndarray) -> "Companies":
        """From codes, equal for one company, and ids."""
        order = np.lexsort((report_id, company))
        return cls(order, np.flatnonzero(np.diff(company[order], prepend=np.nan) != 0), report_id)


def activity(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(b,) int64 reports in which each latent is active, and (b, 5) float64 minimum, quartiles and maximum of its
    activations there, linear between neighbours; NaN for a latent that is never active.

    Args:
        values: (n, b) features.

    Cost: a sort of each column. Memory: `values` once more.
    """
    ordered = np.sort(values.T, axis=1)
    n, active = len(values), (values > 0).sum(axis=0)
    place = n - active[:, None] + np.linspace(0.0, 1.0, 5) * (active[:, None] - 1)
    if n == 0:
        return active, np.full((len(active), 5), np.nan)
    below = np.clip(np.floor(place).astype(np.int64), 0, n - 1)
    low, high = (np.take_along_axis(ordered, np.minimum(below + up, n - 1), axis=1).astype(float) for up in (0, 1))
    return active, np.where(active[:, None] > 0, low + (place - below) * (high - low), np.nan)


def top_reports(values: np.ndarray, companies: Companies, k: int) -> np.ndarray:
    """(b, k) int64 positions of the reports in which each latent is most active, one per company; -1 pads.

    Equal activations go by the lower report id.

    Args:
        values: (n, b) features.
        companies: of the n reports.

    Cost: O(n b). Memory: `values` twice more, and 16 bytes for each report of the companies in question.
    """
    top = np.full((values.shape[1], k), -1, dtype=np.int64)
    if not values.size or k == 0:
        return top
    ordered = values[companies.order]
    best = _best(ordered, companies.starts)
    least = np.partition(best, -k, axis=0)[-k] if len(best) > k else np.zeros(len(top), values.dtype)
    company, latent = np.nonzero((best >= least) & (best > 0))
    row = companies.order[_first_best(ordered, companies.starts, best, company, latent)]
    order = np.lexsort((companies.report_id[row], -best[company, latent], latent))
    latent, row = latent[order], row[order]
    rank = np.arange(len(latent)) - np.searchsorted(latent, latent)
    top[latent[rank < k], rank[rank < k]] = row[rank < k]
    return top


def _best(ordered: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(c, b) largest values of each company's rows: whole rows at once, where numpy's `reduceat` goes value by value.

    Cost: O(n b), and a round for each report of the company with most.
    """
    best = ordered[starts]
    size = np.diff(starts, append=len(ordered))
    for report in range(1, size.max(initial=0)):
        more = np.flatnonzero(size > report)
        best[more] = np.maximum(best[more], ordered[starts[more] + report])
    return best


def ranked(
    values: np.ndarray, company: np.ndarray, report_id: np.ndarray, k: int, year: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """`top_reports` as columns latent, rank (1 is the strongest), report_id, activation; of each year, too, where years
    are given: latent by latent, then by year.

    Args:
        values: (n, b) features. company, report_id, year: (n,).
    """
    parts = []
    for of_year in [None] if year is None else np.unique(year):
        rows = np.arange(len(values)) if of_year is None else np.flatnonzero(year == of_year)
        some = values if of_year is None else values[rows]
        top = top_reports(some, Companies.of(company[rows], report_id[rows]), k)
        latent, rank = np.nonzero(top >= 0)
        row = top[latent, rank]
        columns = {
            "latent": latent,
            "rank": rank + 1,
            "report_id": report_id[rows[row]],
            "activation": some[row, latent],
        }
        parts.append(columns if of_year is None else {**columns, "year": np.full(len(latent), of_year)})
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(together["latent"], kind="stable")
    return {name: column[order] for name, column in together.items()}


def _first_best(
    ordered: np.ndarray, starts: np.ndarray, best: np.ndarray, company: np.ndarray, latent: np.ndarray
) -> np.ndarray:
    """Row of the first report of each company in which the latent is as active as anywhere in the company."""
    size = np.diff(starts, append=len(ordered))[company]
    end = np.cumsum(size)
    pair = np.repeat(np.arange(len(company)), size)
    row = np.arange(len(pair)) + np.repeat(starts[company] - (end - size), size)
    hit = np.flatnonzero(ordered[row, latent[pair]] == best[company, latent][pair])
    return row[hit[np.flatnonzero(np.diff(pair[hit], prepend=-1))]]
