"""Clusters of pairs at given cutoffs: the published thetas, applied again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compsim_assets.science.linkage.dendrogram import cut
from compsim_assets.science.linkage.distance import fit_scale, moments_of
from compsim_assets.science.linkage.pairs import YearPairs, pair_graph


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
        years, pairs_of_year: the pairs, read a year at a time.
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
            yield YearCut(name, year, theta, report_id, cut(tree, float(scale.distance(theta))))
