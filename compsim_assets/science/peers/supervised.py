"""Latents chosen by the returns of earlier years: companies that share them moved together more than others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from compsim_assets.science.companies import own_pairs
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.linkage.years import rows_by_year
from compsim_assets.science.pca.standardise import FeatureMatrix
from compsim_assets.science.peers.squares import Products, Values, held
from compsim_assets.science.peers.statistics import cosines

# The first years, this share of them, train the scores; the rest judge them (method section 6).
TRAINING_SHARE = 0.75


@dataclass(frozen=True)
class LatentScores:
    """Scores of all D latents.

    score: (D,) mean return correlation of the training pairs in which the latent is active in both, less that of all
        training pairs; NaN without such a pair.
    n_pairs: (D,) int64, those pairs.
    """

    score: np.ndarray
    n_pairs: np.ndarray

    def enough(self, min_pairs: int) -> np.ndarray:
        """(D,) bool: latents with at least so many pairs, and one at least."""
        return self.n_pairs >= max(min_pairs, 1)

    def selected(self, most: int, min_pairs: int) -> np.ndarray:
        """(D,) bool: the `most` highest positive scores of enough pairs; of equal ones the first latents."""
        score = np.where(self.enough(min_pairs), self.score, -np.inf)
        best = np.argsort(-score, kind="stable")[:most]
        highest = np.zeros(len(score), dtype=bool)
        highest[best] = True
        return highest & (score > 0)


def training_years(years: Iterable[int]) -> list[int]:
    """The first floor(0.75 n) of n distinct years."""
    distinct = sorted({int(year) for year in years})
    return distinct[: int(TRAINING_SHARE * len(distinct))]


def score_latents(
    features: FeatureMatrix,
    year: np.ndarray,
    returns: np.ndarray,
    training: Iterable[int],
    block: int = 2048,
    progress: Callable[[int, int], None] | None = None,
    company: np.ndarray | None = None,
) -> LatentScores:
    """Score every latent by the training years' pairs, without listing one.

    With u the returns centred and scaled to length one, the correlations of all pairs among m reports sum to
    (|sum of u|^2 - m) / 2. So a year needs only the product of its (D, n_y) activity with the (n_y, 12) unit returns.

    Args:
        features: (n, D); a latent is active in a report where its value is above 0.
        year, returns: (n,), (n, 12) log returns of the reports in the same order. A report without defined returns is
            in no pair.
        training: years to learn from. Rows of other years are not looked at.
        block: latents read at once.
        progress: called with (latents done, latents in all).
        company: (n,) numbers of the reports' companies: reports of one company are no pair. None: all are different.

    Cost: 12 n D multiply-adds in float64; memory 4 n block + 8 n_y block bytes. 20,000 reports of 131,072 latents:
    31 G multiply-adds.
    """
    unit, defined = normalise_returns(returns)
    wanted = defined & np.isin(year, list(training))
    rows = [np.flatnonzero(wanted)[of_year] for of_year in rows_by_year(year[wanted])[1]]
    ends = [own_pairs(None if company is None else company[of_year]) for of_year in rows]
    own_rho = [np.einsum("ij,ij->i", unit[y][a], unit[y][b]) for y, (a, b) in zip(rows, ends, strict=True)]
    n_latents = features.shape[1]
    total, n_pairs = np.zeros(n_latents), np.zeros(n_latents, dtype=np.int64)
    for start in range(0, n_latents, block):
        stop = min(start + block, n_latents)
        values = features.columns(start, stop)
        for of_year, (a, b), rho in zip(rows, ends, own_rho, strict=True):
            # A thirteenth month of ones counts the members in the same product.
            months = np.column_stack([unit[of_year], np.ones(len(of_year))])
            active = values[of_year] > 0
            *sums, members = months.T @ active.astype(np.float64)
            total[start:stop] += (np.square(sums).sum(axis=0) - members) / 2
            n_pairs[start:stop] += (members * (members - 1) / 2).astype(np.int64)
            if len(rho):
                both = active[a] & active[b]
                total[start:stop] -= rho @ both
                n_pairs[start:stop] -= both.sum(axis=0)
        if progress is not None:
            progress(stop, n_latents)
    everywhere = _mean_of_pairs([unit[of_year] for of_year in rows], own_rho)
    score = np.divide(total, n_pairs, out=np.full(n_latents, np.nan), where=n_pairs > 0)
    return LatentScores(score - everywhere, n_pairs)


def _mean_of_pairs(years: list[np.ndarray], own_rho: list[np.ndarray]) -> float:
    """Mean correlation of all pairs of each year's unit returns, without those of a company with itself (`own_rho`)."""
    total = sum((np.square(unit.sum(axis=0)).sum() - len(unit)) / 2 for unit in years)
    n_pairs = sum(len(unit) * (len(unit) - 1) // 2 for unit in years)
    total, n_pairs = total - sum(rho.sum() for rho in own_rho), n_pairs - sum(map(len, own_rho))
    return float(total / n_pairs) if n_pairs else np.nan


def shared_weight(active: np.ndarray, weight: np.ndarray) -> Values:
    """(n, n) similarity of reports: the weight of the latents active in both, as a share of all weight.

    The dot product of the reports' activity (1 or 0, as the scores were made with), each latent weighted by its score.
    A longer description has more active latents and so is more similar to everything: see `length_free`.

    Args:
        active: (n, J) bool. weight: (J,) positive.

    Cost: n^2 J multiply-adds; memory 8 n J + 8 n^2 bytes.
    """
    return held(Products(active * np.sqrt(weight / weight.sum()), unit=False))


def length_free(active: np.ndarray, weight: np.ndarray) -> Values:
    """(n, n) cosine of the weighted activity that `shared_weight` multiplies: how many latents are active cancels out.

    A report without an active latent has similarity 0 to everything. Arguments and cost as of `shared_weight`.
    """
    return cosines(active * np.sqrt(weight))
