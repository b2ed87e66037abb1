"""Weighted log-odds of terms between a group's texts and all texts, and a group's best terms.

All texts are compared with, the group's among them: a term that none but the group's have would else be told from
nothing at all, and with no certainty.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

PRIOR = 10.0
"""Size of the prior: the terms of as many, shared out as in all of them."""

Z_AT_LEAST = 3.0
"""Log-odds in deviations from which on a term sets texts apart."""

_SHARE_AT_LEAST = 0.2  # of a group's texts that have a term of it
_CANDIDATES = 4  # times the terms that are wanted: terms that only repeat others fall out


@dataclass(frozen=True)
class Background:
    """All that a group's texts are compared with.

    Attributes:
        size: how many texts there are; or companies, of which each counts once.
        counts: (t,) float64, how many have each term; a company that has it in a third of its texts counts a third.
    """

    size: float
    counts: np.ndarray


def log_odds(group: np.ndarray, everything: np.ndarray, prior: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Weighted log-odds with an informative Dirichlet prior, in deviations; elementwise, float64.

    Args:
        group, everything: term's count in the group's texts, and in all.
        prior: term's prior count.
        totals: (3, ...) sums of the three over all terms, of the same shape or one that broadcasts.
    """
    n, m, a = totals
    inside, outside = group + prior, everything + prior
    with np.errstate(divide="ignore", invalid="ignore"):  # where there is one term alone
        difference = np.log(inside / (n + a - inside)) - np.log(outside / (m + a - outside))
        return np.asarray(difference / np.sqrt(1.0 / inside + 1.0 / outside))


def best_terms(
    counts: sparse.csr_array,
    sizes: np.ndarray,
    background: Background,
    stems: np.ndarray,
    n_terms: int,
    at_least: float = Z_AT_LEAST,
) -> np.ndarray:
    """(G, n_terms) int64 terms that set each group's texts apart, the strongest first; -1 where there are no more.

    A term is in two texts of the group at least, and in a fifth of them. One whose words, but for a plural, are all in
    stronger terms is left out. Of equal terms two words come before one, then the lower number.

    Args:
        counts: (G, t), texts of each group with each term.
        sizes: (G,), texts of each group.
        background: of which the groups are part.
        stems: (t, 2) of each term's first and last word.
        at_least: log-odds of a term.

    Cost: O(nonzero counts), and their sort.
    """
    # Most terms of a group are in one of its texts: they go first.
    several = np.flatnonzero(counts.data >= 2)
    group = np.repeat(np.arange(counts.shape[0]), np.diff(np.searchsorted(several, counts.indptr)))
    enough = counts.data[several] >= np.ceil(_SHARE_AT_LEAST * sizes)[group]
    several, group = several[enough], group[enough]
    term, inside = counts.indices[several].astype(np.int64), counts.data[several].astype(float)
    total = background.counts.sum()
    n = np.asarray(counts.sum(axis=1), dtype=float)[group]
    scale = PRIOR / max(background.size, 1.0)
    # Of a company that has the term in few of its texts, the group may have just those.
    everything = np.maximum(background.counts[term], inside)
    totals = np.stack([n, np.maximum(total, n), np.full(len(n), scale * total)])
    z = log_odds(inside, everything, scale * background.counts[term], totals)
    apart = z >= at_least
    group, term, z = group[apart], term[apart], z[apart]
    single = stems[term, 0] == stems[term, 1]
    order = np.lexsort((term, single, -z, group))
    group, term = group[order], term[order]
    rank = np.arange(len(group)) - np.searchsorted(group, group)
    first = rank < _CANDIDATES * n_terms
    candidates = np.full((counts.shape[0], _CANDIDATES * n_terms), -1, dtype=np.int64)
    candidates[group[first], rank[first]] = term[first]
    return _without_repeats(candidates, stems, n_terms)


def _without_repeats(candidates: np.ndarray, stems: np.ndarray, n_terms: int) -> np.ndarray:
    """The first `n_terms` candidates of each group whose words are not all in those taken before."""
    n = len(candidates)
    taken, words = np.full((n, n_terms), -1, dtype=np.int64), np.full((n, n_terms, 2), -1, dtype=np.int64)
    size, everything = np.zeros(n, dtype=np.int64), np.arange(n)
    for term in candidates.T:
        parts = stems[term] if len(stems) else np.empty((n, 2), dtype=np.int64)
        repeats = (parts[:, :, None, None] == words[:, None]).any(axis=(2, 3)).all(axis=1)
        rows = everything[(term >= 0) & ~repeats & (size < n_terms)]
        taken[rows, size[rows]], words[rows, size[rows]] = term[rows], parts[rows]
        size[rows] += 1
    return taken
