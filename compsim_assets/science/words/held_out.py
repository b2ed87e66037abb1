"""How well a group's terms tell its texts from others, in companies that the terms were not chosen on."""

import numpy as np
from scipy import sparse


def areas(
    matrix: sparse.csr_array, terms: np.ndarray, tops: sparse.csr_array, company: np.ndarray, judged: np.ndarray
) -> np.ndarray:
    """(G,) area under the curve of "how many of the group's terms a text has": the chance that one of its texts has
    more than a text of another company, equal numbers counted half. NaN without either.

    Args:
        matrix: (m, t) int, 1 where a text has a term.
        terms: (G, k) terms of each group, -1 for none.
        tops: (G, m) bool, each group's texts.
        company: (m,) codes from 0. Other texts of a group's own companies count nowhere.
        judged: (m,) bool, texts to judge on.

    Cost: a sparse product of the texts with the groups' terms. Memory: 1 byte x G x (texts + companies), and the
    product.
    """
    texts = np.flatnonzero(judged)
    n_groups, n_terms = terms.shape
    tops = sparse.csr_array(tops[:, texts])
    group_of_top = np.repeat(np.arange(n_groups), np.diff(tops.indptr))
    is_top = np.zeros((n_groups, len(texts)), dtype=bool)
    is_top[group_of_top, tops.indices] = True
    code = company[texts]
    its_company = np.zeros((n_groups, int(company.max(initial=-1)) + 1), dtype=bool)
    its_company[group_of_top, code[tops.indices]] = True
    present = np.flatnonzero(terms.ravel() >= 0)
    place = (terms.ravel()[present], present // n_terms)
    weights = sparse.csc_array((np.ones(len(present), np.int32), place), (matrix.shape[1], n_groups))
    scores = sparse.coo_array(matrix[texts] @ weights)
    text, group = scores.coords
    top, related = is_top[group, text], its_company[group, code[text]]
    levels = n_terms + 1
    histogram = [
        np.bincount(group[of] * levels + scores.data[of], minlength=n_groups * levels).reshape(n_groups, levels)
        for of in (top, ~related)
    ]
    sizes = is_top.sum(axis=1), its_company @ -np.bincount(code, minlength=its_company.shape[1]) + len(texts)
    for counted, size in zip(histogram, sizes, strict=True):
        counted[:, 0] = size - counted[:, 1:].sum(axis=1)
    tops_with, others_with = histogram
    fewer = np.cumsum(others_with, axis=1) - others_with
    wins = (tops_with * (fewer + 0.5 * others_with)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(wins / (sizes[0] * sizes[1].astype(float)))
