"""Lists of pairs for tests: random ones, and all pairs of a universe; their trees and step functions."""

from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.pairs import pair_step_function
from compsim_assets.science.cutoffs.step_function import StepFunction
from compsim_assets.science.linkage.dendrogram import Dendrogram
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.linkage.pairs import PairGraph, YearPairs, pair_graph, spanning_forest
from compsim_assets.science.linkage.scale import DistanceScale, fit_scale
from compsim_assets.science.linkage.trees import YearTrees
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe

CUTOFFS = [-1.0, 0.0, 0.125, 0.2, 0.25, 0.5, 0.9, 1.0, 1.3, 2.0, 9.0]


def link(graph: PairGraph, near: int = 8) -> Dendrogram:
    return spanning_forest(graph.a, graph.b, graph.distance, len(graph.report_id), near)


def link_years_of_pairs(pairs: Mapping[int, YearPairs]) -> tuple[YearTrees, DistanceScale]:
    """The trees of some years' pairs, and the scale of their distances."""
    graphs = [pair_graph(of_year, without_returns=True) for of_year in pairs.values()]
    rows = [np.arange(len(graph.report_id)) for graph in graphs]
    trees = YearTrees(np.array(list(pairs)), rows, [graph.forest() for graph in graphs])
    return trees, fit_scale(graph.moments() for graph in graphs)


def steps(graph: PairGraph, near: int = 8) -> StepFunction:
    return pair_step_function(link(graph, near), graph.a, graph.b, graph.correlation)


def listed(graph: PairGraph) -> oracles.YearPairs:
    ends = list(zip(graph.a.tolist(), graph.b.tolist(), strict=True))
    return oracles.YearPairs(len(graph.report_id), ends, graph.distance.tolist(), graph.correlation.tolist())


def random_pairs(
    rng: np.random.Generator, n: int, share: float, kind: str = "uniform", missing: float = 0.0
) -> YearPairs:
    """Some of all pairs of n reports, in either direction and in no order; cosines of kind `eighths` tie."""
    ids = rng.choice(1000, n, replace=False)
    a, b = np.triu_indices(n, 1)
    kept = rng.permutation(np.flatnonzero(rng.random(len(a)) < share))
    a, b = a[kept], b[kept]
    turned = rng.random(len(a)) < 0.5
    a, b = np.where(turned, b, a), np.where(turned, a, b)
    cosine = rng.uniform(-1, 1, size=len(a))
    if kind == "eighths":
        cosine = rng.integers(4, 9, size=len(a)) / 8
    correlation = rng.uniform(-1, 1, size=len(a))
    correlation[rng.random(len(a)) < missing] = np.nan
    return YearPairs(ids[a], ids[b], cosine, correlation)


@st.composite
def year_pairs(draw: st.DrawFn, max_reports: int = 10) -> YearPairs:
    """Graphs with ties, zero distances, several components and missing correlations."""
    return random_pairs(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        draw(st.integers(0, max_reports)),
        draw(st.sampled_from([0.1, 0.3, 0.6, 1.0])),
        draw(st.sampled_from(["uniform", "eighths"])),
        draw(st.sampled_from([0.0, 0.3, 1.0])),
    )


def complete(universe: Universe) -> list[YearPairs]:
    """All pairs of each year, from scores and returns."""
    unit, defined = normalise_returns(universe.returns)
    years = []
    for rows in universe.positions():
        a, b = np.triu_indices(len(rows), 1)
        cosine = np.einsum("ij,ij->i", *(unit_rows(universe.scores[rows])[end] for end in (a, b)))
        correlation = np.einsum("ij,ij->i", unit[rows][a], unit[rows][b])
        correlation[~(defined[rows][a] & defined[rows][b])] = np.nan
        ids = universe.report_id[rows]
        years.append(YearPairs(ids[a], ids[b], cosine, correlation))
    return years
