"""Random small universes for hypothesis: a drawn seed and drawn structure, filled in by numpy."""

from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from compsim_assets_tests.science.oracles import BruteForce, YearPairs, year_pairs


def examples(count: int) -> settings:
    """The same `count` examples on every run, without a time limit on any of them."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@dataclass
class Universe:
    """Reports in no particular order: report_id, year (n,), scores (n, P), returns (n, 12), NaN for a missing month."""

    report_id: np.ndarray
    year: np.ndarray
    scores: np.ndarray
    returns: np.ndarray

    def positions(self) -> list[np.ndarray]:
        """Positions of each year's reports, years ascending."""
        return [np.flatnonzero(self.year == year) for year in sorted(set(self.year.tolist()))]

    def brute_force(self) -> BruteForce:
        return BruteForce(self.year_pairs())

    def year_pairs(self) -> list[YearPairs]:
        return [year_pairs(self.scores[rows], self.returns[rows]) for rows in self.positions()]


SCORES = ("clustered", "normal", "grid", "duplicates", "equal", "one-hot", "line")


def make_scores(rng: np.random.Generator, n: int, dimensions: int, kind: str) -> np.ndarray:
    """Score vectors: generic ones, kinds with exact ties (grid, duplicates, one-hot, line) or nothing else (equal)."""
    if kind == "clustered":
        centres = rng.normal(size=(3, dimensions))
        return centres[rng.integers(3, size=n)] + 0.3 * rng.normal(size=(n, dimensions))
    if kind == "grid":
        return rng.integers(-1, 2, size=(n, dimensions)).astype(float)
    if kind == "duplicates":
        return rng.normal(size=(max(n // 2, 1), dimensions))[rng.integers(max(n // 2, 1), size=n)]
    if kind == "equal":
        return np.tile(rng.normal(size=dimensions), (n, 1)) * rng.uniform(0.5, 2, size=(n, 1))
    if kind == "one-hot":
        return np.eye(dimensions)[rng.integers(dimensions, size=n)] * rng.uniform(0.5, 2, size=(n, 1))
    if kind == "line":
        return rng.normal(size=(n, 1)) * np.ones((1, dimensions))
    return rng.normal(size=(n, dimensions))


def make_returns(rng: np.random.Generator, scores: np.ndarray) -> np.ndarray:
    """Monthly returns that follow the first scores' signs, so that similar reports move together."""
    group = (scores[:, 0] > 0).astype(int)
    return rng.normal(size=(2, 12))[group] + rng.normal(size=(len(scores), 12))


@st.composite
def universes(draw: st.DrawFn, max_years: int = 8, max_reports: int = 8) -> Universe:
    """Universes with years of one company, constant returns, missing months, ties, duplicates and zero scores."""
    sizes = draw(
        st.lists(st.integers(1, max_reports), min_size=1, max_size=max_years).filter(lambda sizes: sum(sizes) >= 2)
    )
    kind = draw(st.sampled_from(SCORES))
    dimensions = draw(st.integers(1, 6))
    zeros, constant, missing = (draw(st.sampled_from([0.0, 0.2, 1.0])) for _ in range(3))
    # All three at once, everywhere, leaves nothing to test.
    if kind != "equal" and zeros == 1.0:
        zeros = 0.1
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = sum(sizes)
    scores = make_scores(rng, n, dimensions, kind)
    returns = make_returns(rng, scores)
    scores[rng.random(n) < zeros] = 0.0
    returns[rng.random(n) < constant * 0.5] = 0.1
    returns[rng.random(n) < missing * 0.5, rng.integers(12)] = np.nan
    year = rng.permutation(np.repeat(1996 + np.arange(len(sizes)), sizes))
    return Universe(rng.permutation(np.arange(100, 100 + n)), year, scores, returns)
