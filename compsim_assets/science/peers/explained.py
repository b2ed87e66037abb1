"""How much of a company's number its peers' mean explains, beyond what all others of its group explain."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import block_diag, csr_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from compsim_assets.science.device import map_on_all_cores
from compsim_assets.science.inference.bootstrap import draw_companies
from compsim_assets.science.inference.intervals import bca

# Resamples of one generator and one product.
_BLOCK = 64
# Of what is left of a number beside it: less is rounding.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Peers:
    """The peers of n rows, a row for each company and year; peers are of the row's year, and never of its company.

    weights: (n, n) what each peer counts in the row's mean, in any unit. listed: (n, n) 1 for each peer.
    """

    weights: LinearOperator
    listed: LinearOperator


def listed(weights: Sequence[csr_array]) -> Peers:
    """Peers by the weights of `peer_weights`, a square block of rows for each year."""
    stacked = csr_array(block_diag(weights, format="csr")) if weights else csr_array((0, 0))
    return Peers(aslinearoperator(stacked), aslinearoperator((stacked != 0).astype(np.float64)))


def members(group: np.ndarray) -> Peers:
    """All others of each row's group, of which a year has groups of its own; -1: of none."""
    rows = np.flatnonzero(group >= 0)
    labels, label = np.unique(group[rows], return_inverse=True)
    membership = csr_array((np.ones(len(rows)), (rows, label)), shape=(len(group), len(labels)))
    inside = csr_array((np.ones(len(rows)), (rows, rows)), shape=(len(group), len(group)))
    others = aslinearoperator(membership) @ aslinearoperator(csr_array(membership.T)) - aslinearoperator(inside)
    return Peers(others, others)


class Share(NamedTuple):
    """Shares explained with the ends of their intervals, the rows and the companies that they rest on, all (H, M)."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rows: np.ndarray
    companies: np.ndarray


class Explained:
    """The share of each row's target that the mean value of its peers explains, for M values and H targets of each.

    Both sides are less the mean of all others of the row's group: with y_i = target_i - mean of the others' targets
    and x_i = mean of the peers' values - mean of the others' values, the share is r |r| where r is sum x y over the
    root of sum x^2 sum y^2, over all rows of all years. Below zero where peers point the wrong way. The mean of the
    *others* makes sum x y zero in expectation for peers that are drawn from the group at random: a mean with the row
    itself would not, since peers leave it out.

    A row counts where target and peers have a value, and where its group has others with a value than its peers.

    Copies of companies: a row counts as often as its company is there times the mean of its peers' copies, as pairs do
    in `ResampledCorrelation`; peers stay who they are. So intervals are too wide where there is one peer; of ten peers
    that say nothing they lie beside zero somewhat too often.

    Args:
        peers: of n rows.
        values: (n, M) NaN where there is none. targets: (H, n, M).
        group: (n,) the row's group, within its year, which its peers are of, too; -1: of none, and so without a share.
        company: (n,) number of the row's company, from 0 on. n_companies: how many are drawn from.

    Cost: O(peers M) time; memory of 8 n M (3 H + 4) bytes.
    """

    def __init__(
        self,
        peers: Peers,
        values: np.ndarray,
        targets: np.ndarray,
        group: np.ndarray,
        company: np.ndarray,
        n_companies: int,
    ) -> None:
        self._peers, self._company, self._n_companies = peers, company, n_companies
        self._has = np.isfinite(values).astype(np.float64)
        self._norm = peers.weights.matmat(self._has)
        mean = _ratio(peers.weights.matmat(np.where(self._has > 0, values, 0.0)), self._norm)
        others, n_others = _others(values, group)
        x = np.where(n_others > peers.listed.matmat(self._has), mean - others, np.nan)
        y = np.stack([target - _others(target, group)[0] for target in targets])
        self._there = np.isfinite(x) & np.isfinite(y)
        x, y = np.where(self._there, x, 0.0), np.where(self._there, y, 0.0)
        # (n, 3, H, M): what a row adds to the three sums.
        self._sums = np.ascontiguousarray(
            np.stack([x * y, np.broadcast_to(x * x, y.shape), y * y]).transpose(2, 0, 1, 3)
        )
        self._least = _NOTHING * np.nanmax(np.abs(values), axis=0, initial=0.0) ** 2 * len(values)
        self._patterns = list(self._alike())

    def _alike(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Metrics that the same rows have: the first of them, all of them, and the sums (3 H, n) of these."""
        _, first, pattern = np.unique(self._has, axis=1, return_index=True, return_inverse=True)
        for number, column in enumerate(first.tolist()):
            alike = np.flatnonzero(pattern.ravel() == number)
            yield column, alike, self._sums[..., alike].reshape(len(self._sums), -1).T

    def value(self) -> np.ndarray:
        """(H, M) the shares; NaN where no two rows differ."""
        return self._shares(self._sums.sum(axis=0))

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """(H, M) rows, and companies, that the shares rest on."""
        there = self._there.transpose(1, 0, 2).astype(np.float64)
        of_company = _by_company(there.reshape(len(there), -1), self._company, self._n_companies)
        return self._there.sum(axis=1), (of_company > 0).sum(axis=0).reshape(there.shape[1:])

    def resampled(self, weights: np.ndarray) -> np.ndarray:
        """(B, H, M) the shares for (companies, B) copies of each company.

        Cost: a product of the peers' weights with B columns for each different pattern of missing values; memory
        16 n B bytes beside the sums.
        """
        copies = weights[self._company]
        shares = np.empty((weights.shape[1], *self._sums.shape[2:]))
        for column, alike, sums in self._patterns:
            has, norm = self._has[:, column, None], self._norm[:, column, None]
            drawn = copies * _ratio(self._peers.weights.matmat(has * copies), norm, 0.0)
            of_alike = (sums @ drawn).reshape(*self._sums.shape[1:3], len(alike), -1)
            shares[..., alike] = self._shares(np.moveaxis(of_alike, -1, 1), alike)
        return shares

    def left_out(self) -> np.ndarray:
        """(companies, H, M) the shares without each company, as target and as peer; memory of 24 bytes for each."""
        n, kinds, horizons, metrics = self._sums.shape
        flat, times = self._sums.reshape(n, -1), (1, kinds * horizons)
        by_peer = self._peers.weights.rmatmat(_ratio(flat, np.tile(self._norm, times), 0.0))
        gone = _by_company(flat + np.tile(self._has, times) * by_peer, self._company, self._n_companies)
        rest = (flat.sum(axis=0) - gone).reshape(-1, kinds, horizons, metrics)
        return self._shares(rest.swapaxes(0, 1))

    def _shares(self, sums: np.ndarray, metrics: np.ndarray | slice = slice(None)) -> np.ndarray:
        """r |r| from the three sums (3, ..., M)."""
        both, of_peers, of_target = sums
        least = self._least[metrics]
        told = (of_peers > least) & (of_target > least)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(told, both * np.abs(both) / (of_peers * of_target), np.nan)


def shares_explained(
    explained: Sequence[Explained],
    n_companies: int,
    resamples: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Share]:
    """The shares of each way to choose peers, with BCa intervals over companies.

    Companies are drawn with replacement, the same for all, whole: with all their years. The draws depend on the seed
    and the number of companies alone.

    Args:
        progress: called with (resamples done, resamples in all).

    Cost: see `Explained.resampled`; memory of 8 bytes per resample, company and share.
    """

    def of_block(start: int) -> list[np.ndarray]:
        drawn = draw_companies(seed, start // _BLOCK, n_companies, _BLOCK)[:, : resamples - start]
        return [one.resampled(drawn) for one in explained]

    blocks, done = [], 0
    for block in map_on_all_cores(of_block, range(0, resamples, _BLOCK), device=torch.device("cpu")):
        blocks.append(block)
        done = min(done + _BLOCK, resamples)
        if progress is not None:
            progress(done, resamples)
    shares = []
    for one, drawn in zip(explained, zip(*blocks, strict=True), strict=True):
        value = one.value()
        interval = bca(value, np.concatenate(drawn), one.left_out())
        shares.append(Share(value, interval.low, interval.high, *one.counts()))
    return shares


def _others(values: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, M) mean of all others of each row's group, NaN where there is none, and how many there are."""
    has = np.isfinite(values)
    member = group >= 0
    _, label = np.unique(group, return_inverse=True)
    filled, counted = np.where(has, values, 0.0), has.astype(np.float64)
    sums, counts = (_by_company(part, label, int(label.max(initial=-1)) + 1) for part in (filled, counted))
    n_others = np.where(member[:, None], counts[label] - counted, 0.0)
    return _ratio(sums[label] - filled, n_others), n_others


def _by_company(values: np.ndarray, company: np.ndarray, n_companies: int) -> np.ndarray:
    """(n_companies, k) sums of (n, k) rows."""
    shape = n_companies, len(company)
    return csr_array((np.ones(len(company)), (company, np.arange(len(company)))), shape=shape) @ values


def _ratio(above: np.ndarray, below: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), otherwise), where=below > 0)
