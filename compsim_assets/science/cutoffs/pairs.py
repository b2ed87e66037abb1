"""Cutoffs where a year is a list of its pairs: MeanCorr of every cutoff, and clusters at given ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from compsim_assets.science.companies import company_codes
from compsim_assets.science.cutoffs.step_function import (
    StepFunction,
    companies_of_nodes,
    pairs_of_nodes,
    steps_of_nodes,
)
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import Dendrogram
from compsim_assets.science.linkage.pairs import YearPairs, pair_graph
from compsim_assets.science.linkage.scale import fit_scale
from compsim_assets.science.linkage.trees import YearTrees

if TYPE_CHECKING:
    import pandas as pd


def curves_of_pairs(
    trees: YearTrees, pairs_of_year: Callable[[int], YearPairs], company: "pd.Series | None" = None
) -> dict[int, StepFunction]:
    """Step function of each linked year, by cosine distance, from the correlations of its pairs.

    Args:
        trees: from `PairGraph.forest` of each year: points are the reports in its pairs, ids ascending.
        pairs_of_year: the pairs of a year, called once for each.
        company: company of each report, by report id: reports of one company are no pair. None: all are different.

    Cost: O(m + n log n) time per year; memory of one year's pairs, about 120 m bytes with them.
    """
    curves = {}
    for year, _, tree in trees:
        graph = pair_graph(pairs_of_year(year), without_returns=True)
        codes = company_codes(company, graph.report_id)
        curves[year] = pair_step_function(tree, graph.a, graph.b, graph.correlation, codes)
    return curves


def pair_step_function(
    tree: Dendrogram, a: np.ndarray, b: np.ndarray, correlation: np.ndarray, company: np.ndarray | None = None
) -> StepFunction:
    """MeanCorr for every cutoff of one year, as `step_function`, from the correlations of its pairs.

    Args:
        tree: from `spanning_forest`, of a graph that has an edge for each of these pairs.
        a, b: (m,) positions of the ends of each pair, never the same.
        correlation: (m,); a pair without one (NaN) does not count.
        company: (n,) numbers of the reports' companies: reports of one company are no pair. None: all are different.

    Cost: O(n log n + m) time, about 80 m bytes.
    """
    counts = ~np.isnan(correlation)
    if company is not None:
        counts &= company[a] != company[b]
    if not counts.all():
        a, b, correlation = a[counts], b[counts], correlation[counts]
    pairs, total = pairs_of_nodes(tree, a, b, correlation)
    size = companies_of_nodes(tree, np.arange(tree.n_points) if company is None else company)
    return steps_of_nodes(tree, total, pairs, size)


@dataclass(frozen=True)
class YearCut:
    """Clusters of one year at one cutoff: (n,) report ids, ascending, and their cluster numbers."""

    name: str
    year: int
    theta: float
    report_id: np.ndarray
    cluster: np.ndarray


def cut_pairs(
    years: Sequence[int], pairs_of_year: Callable[[int], YearPairs], thetas: Mapping[str, Mapping[int, float]]
) -> Iterator[YearCut]:
    """Components of every year's existing pairs at standardised cutoffs; the scale is that of all `years`.

    Args:
        years, pairs_of_year: the pairs, read one year at a time.
        thetas: by name, the cutoff of each year that is to be cut.

    Cost: as linking them, O(m log n) time per year; memory of one year's pairs and all years' trees.
    """
    if not any(thetas.values()):
        return
    trees, moments = {}, []
    for year in years:
        graph = pair_graph(pairs_of_year(year))
        trees[year] = graph.report_id, graph.forest()
        moments.append(graph.moments())
    scale = fit_scale(moments)
    for name, by_year in thetas.items():
        for year, theta in by_year.items():
            report_id, tree = trees[year]
            cluster = cut(tree, float(scale.distance(theta)))
            yield YearCut(name=name, year=year, theta=theta, report_id=report_id, cluster=cluster)
