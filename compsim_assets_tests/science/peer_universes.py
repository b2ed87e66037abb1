"""Small years of reports, and the statistics of their peers by explicit loops."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.peers.statistics import YearReports, correlations, cosines
from compsim_assets_tests.science.strategies import SCORES, make_scores


@dataclass
class Year:
    """Reports in any order: ids, scores (n, P), returns (n, 12), SIC groups, companies, lengths."""

    report_id: np.ndarray
    scores: np.ndarray
    returns: np.ndarray
    sic2: np.ndarray
    company: np.ndarray
    length: np.ndarray

    def reports(self, year: int = 2010) -> YearReports:
        rho = correlations(*normalise_returns(self.returns))
        codes = {"sic2": self.sic2, "company": self.company, "length": self.length}
        given = YearReports(year, self.report_id, rho, self.returns, **codes)
        return given.take(np.argsort(self.report_id))

    def similarity(self) -> np.ndarray:
        return cosines(self.scores[np.argsort(self.report_id)])

    def take(self, order: np.ndarray) -> "Year":
        return Year(**{name: values[order] for name, values in vars(self).items()})


def make_year(seed: int, n: int = 30, kind: str = "normal", missing: float = 0.1) -> Year:
    """Reports whose returns have a common part, some with a missing month, in no order."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(size=(n, 12)) + rng.normal(size=12)
    returns[rng.random(n) < missing, rng.integers(12)] = np.nan
    return Year(
        rng.permutation(n) + 100,
        make_scores(rng, n, 4, kind),
        returns,
        rng.integers(-1, 4, n),
        rng.permutation(n),
        rng.uniform(10, 1000, n),
    )


years = st.builds(
    make_year,
    st.integers(0, 10_000),
    n=st.integers(1, 14),
    kind=st.sampled_from(SCORES),
    missing=st.sampled_from([0.0, 0.3, 1.0]),
)


def slow_weights(similarity: np.ndarray, allowed: np.ndarray, k: int) -> Iterator[tuple[int, dict[int, float]]]:
    """Each report that has more than k peers to choose from, and the weights of those it chooses."""
    for report in range(len(similarity)):
        peers = [other for other in range(len(similarity)) if allowed[report, other]]
        if len(peers) <= k:
            continue
        edge = sorted((similarity[report, peer] for peer in peers), reverse=True)[k - 1]
        above = [peer for peer in peers if similarity[report, peer] > edge]
        tied = [peer for peer in peers if similarity[report, peer] == edge]
        weights = dict.fromkeys(above, 1 / k)
        weights |= {peer: (k - len(above)) / len(tied) / k for peer in tied}
        yield report, weights


def slow_existing(similarity: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    n = len(similarity)
    there = np.zeros((n, n), dtype=bool)
    for a in range(n):
        for b in range(n):
            exists = not np.isnan(similarity[a, b]) and not np.isnan(correlation[a, b])
            there[a, b] = a != b and exists
    return there
