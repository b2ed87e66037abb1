"""How well a group's terms tell its texts from others, in companies that the terms were not chosen on."""

from typing import NamedTuple

import numpy as np
from scipy import sparse


class Others(NamedTuple):
    """Texts that groups' texts are told from: their terms, (o, t) int, and their companies, (o,) codes from 0."""

    matrix: sparse.csr_array
    company: np.ndarray


def areas(
    matrix: sparse.csr_array, terms: np.ndarray, tops: sparse.csr_array, company: np.ndarray, others: Others
) -> np.ndarray:
    """(G,) area under the curve of "how many of the group's terms a text has": the chance that one of its texts has
    more than a text of another company, equal numbers counted half. NaN without either.

    Args:
        matrix: (m, t) int, 1 where a text has a term.
        terms: (G, k) terms of each group, -1 for none.
        tops: (G, m) nonzero at each group's texts.
        company: (m,) codes.
        others: what they are told from; those of a group's own companies do not count.

    Cost: a sparse product of the others with the groups' terms. Memory: the product, the groups' texts, and a byte for
    each group and company.
    """
    n_groups, n_terms = terms.shape
    group_of_top = np.repeat(np.arange(n_groups), np.diff(tops.indptr))
    present = np.flatnonzero(terms.ravel() >= 0)
    place = (present // max(n_terms, 1), terms.ravel()[present])
    weights = sparse.csr_array((np.ones(len(present), np.int32), place), (n_groups, matrix.shape[1]))
    of_top = np.asarray(matrix[tops.indices].multiply(weights[group_of_top]).sum(axis=1)).ravel()
    of_other = sparse.coo_array(others.matrix @ weights.T)
    text, group = of_other.coords
    n_companies = int(max(company.max(initial=-1), others.company.max(initial=-1))) + 1
    its_company = np.zeros((n_groups, n_companies), dtype=bool)
    its_company[group_of_top, company[tops.indices]] = True
    unrelated = ~its_company[group, others.company[text]]
    per_company = np.bincount(others.company, minlength=n_companies)
    n_others = len(others.company) - its_company @ per_company
    tops_with = _histogram(group_of_top, of_top, n_groups, n_terms + 1)
    others_with = _histogram(group[unrelated], of_other.data[unrelated], n_groups, n_terms + 1)
    others_with[:, 0] = n_others - others_with[:, 1:].sum(axis=1)
    fewer = np.cumsum(others_with, axis=1) - others_with
    wins = (tops_with * (fewer + 0.5 * others_with)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(wins / (tops_with.sum(axis=1) * n_others.astype(float)))


def _histogram(group: np.ndarray, score: np.ndarray, n_groups: int, levels: int) -> np.ndarray:
    """(G, levels) how many of each group have each score."""
    return np.bincount(group * levels + score, minlength=n_groups * levels).reshape(n_groups, levels)
