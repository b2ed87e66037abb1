"""Which texts are trained on and which are held out, so that nothing of a held-out company was seen."""

import numpy as np


def hold_out(text: np.ndarray, company: np.ndarray, part: float, seed: int) -> np.ndarray:
    """(n,) bool: the reports whose texts are not trained on but measured.

    Companies with a text in common are on one side, so that no text is on both. Groups of companies are taken in an
    order that the seed draws, each that still fits, until `part` of the companies are held out. One group is never held
    out: the first. What texts say plays no part, only which are equal.

    Args:
        text: (n,) number of each report's text, from 0 without gaps; -1 where it has none, which is never held out.
        company: (n,) number of each report's company, from 0.
        part: share of the companies. seed: of the order.

    Cost: O(n).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    there = np.flatnonzero(text >= 0)
    held = np.zeros(len(text), dtype=bool)
    if not part or not len(there):
        return held
    companies = np.unique(company[there], return_inverse=True)[1]
    n_texts, n_companies = int(text.max()) + 1, int(companies.max()) + 1
    edges = (np.ones(len(there), dtype=np.int8), (text[there], n_texts + companies))
    graph = coo_array(edges, shape=(n_texts + n_companies,) * 2)
    group = connected_components(graph, directed=False)[1][n_texts:]
    group = np.unique(group, return_inverse=True)[1]
    sizes = np.bincount(group)
    wanted = max(1, round(part * n_companies))
    taken = np.zeros(len(sizes), dtype=bool)
    for each in np.random.default_rng([seed, 1]).permutation(len(sizes))[1:]:
        if sizes[taken].sum() + sizes[each] <= wanted:
            taken[each] = True
    held[there] = taken[group[companies]]
    return held
