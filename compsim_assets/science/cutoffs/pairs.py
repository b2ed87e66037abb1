"""Cutoffs where a year is a list of its pairs: MeanCorr of every cutoff, and clusters at given ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from compsim_assets.science.cutoffs.step_function import StepFunction, steps_of_nodes
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import Dendrogram, leaves
from compsim_assets.science.linkage.distance import DistanceScale, fit_scale, moments_of
from compsim_assets.science.linkage.pairs import YearPairs, pair_graph
from compsim_assets.science.linkage.spanning_tree import Bottlenecks


def link_pairs(
    years: Sequence[int], pairs_of_year: Callable[[int], YearPairs], progress: Callable[[int, int], None] | None = None
) -> tuple[dict[int, StepFunction], DistanceScale]:
    """Step function of each year, by cosine distance, and the scale of the distances over all years' existing pairs.

    Args:
        years: to link, in this order.
        pairs_of_year: the pairs of a year, called once for each.
        progress: called with (years done, years in all) after each year.

    Cost: O(m log n) time per year; memory of one year's pairs, about 120 m bytes with them. 15 million pairs of 25
    years take about 5 s on two cores.
    """
    curves, moments = {}, []
    for done, year in enumerate(years, start=1):
        graph = pair_graph(pairs_of_year(year))
        curves[year] = pair_step_function(graph.forest(), graph.a, graph.b, graph.correlation)
        moments.append(moments_of(graph.distance))
        if progress is not None:
            progress(done, len(years))
    return curves, fit_scale(moments)


def pair_step_function(tree: Dendrogram, a: np.ndarray, b: np.ndarray, correlation: np.ndarray) -> StepFunction:
    """MeanCorr for every cutoff of one year, as `step_function`, from the correlations of its pairs.

    A pair lies inside a cluster from the merge on that joins its ends: their lowest common ancestor. What a node of the
    tree holds is what its children hold and the pairs of its own merge.

    Args:
        tree: from `spanning_forest`, of a graph that has an edge for each of these pairs.
        a, b: (m,) positions of the ends of each pair, never the same.
        correlation: (m,) without NaN.

    Cost: O(n log n + m) time, about 80 m bytes.
    """
    n, merges = tree.n_points, len(tree.height)
    node = n + _merge_of_pairs(tree, a, b)
    pairs = np.bincount(node, minlength=n + merges)
    total = np.bincount(node, weights=correlation, minlength=n + merges)
    size = np.ones(n + merges, dtype=np.int64)
    # Each merge needs its children's totals, so this part is sequential.
    for parent, (left, right) in enumerate(tree.children.tolist(), start=n):
        pairs[parent] += pairs[left] + pairs[right]
        total[parent] += total[left] + total[right]
        size[parent] = size[left] + size[right]
    return steps_of_nodes(tree, total, pairs, size)


def _merge_of_pairs(tree: Dendrogram, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m,) the merge that joins the two points of each pair: the latest one between their leaves."""
    if len(a) == 0:
        return np.empty(0, dtype=np.int64)
    order, merge = leaves(tree)
    latest = Bottlenecks(order, merge.astype(np.float64), torch.device("cpu"))
    return latest.between(torch.from_numpy(a), torch.from_numpy(b)).long().numpy()


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

    Cost: as `link_pairs`; memory of one year's pairs and all years' trees.
    """
    if not any(thetas.values()):
        return
    trees, moments = {}, []
    for year in years:
        graph = pair_graph(pairs_of_year(year))
        trees[year] = graph.report_id, graph.forest()
        moments.append(moments_of(graph.distance))
    scale = fit_scale(moments)
    for name, by_year in thetas.items():
        for year, theta in by_year.items():
            report_id, tree = trees[year]
            cluster = cut(tree, float(scale.distance(theta)))
            yield YearCut(name=name, year=year, theta=theta, report_id=report_id, cluster=cluster)
