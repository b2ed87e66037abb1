"""Groups in words: a label, terms, and how well they hold in other companies, for a block of groups at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from compsim_assets.science.companies import first_of_each
from compsim_assets.science.words.counts import TermCounts
from compsim_assets.science.words.held_out import Others, areas
from compsim_assets.science.words.log_odds import Z_AT_LEAST, Background, best_terms

_IN_LABEL = 3
_BLOCK = 1024

OTHERS = 20_000
"""Texts of each half of the companies, drawn once, that groups' texts are told from; fewer where there are fewer."""


@dataclass(frozen=True)
class GroupWords:
    """What is said of each of G groups.

    Attributes:
        label: its first terms, separated by commas; "" where nothing sets its texts apart.
        terms: of each, the strongest first.
        auc: (G,) float64, how well terms chosen on half of the companies tell the group's texts of the other half from
            other companies' texts, mean of both ways; NaN without a label, or with too few companies.
    """

    label: list[str]
    terms: list[list[str]]
    auc: np.ndarray


class _Texts(NamedTuple):
    """The different texts: their terms, companies, which half of the companies they are of, how much each counts."""

    matrix: sparse.csr_array
    company: np.ndarray
    half: np.ndarray
    weight: np.ndarray


def describe_groups(
    counts: TermCounts,
    top: np.ndarray,
    company: np.ndarray,
    *,
    n_terms: int = 8,
    seed: int = 0,
    by_company: bool = True,
    block: int = _BLOCK,
    progress: Callable[[int, int], None] | None = None,
) -> GroupWords:
    """Terms that set each group's top reports apart from all other reports, with how well they hold elsewhere.

    The same whatever the block.

    Args:
        counts: terms of n reports.
        top: (G, k) int64 positions of each group's top reports; -1 pads.
        company: (n,) codes of the reports' companies, equal for one company.
        n_terms: of each group, at most.
        seed: of the halves of the companies.
        by_company: a company counts once, its texts in equal parts: what it writes year after year is no more evidence
            than what it writes in one. False: every text counts.
        block: groups at once.
        progress: called with groups done and in all.

    Cost: for each group O(terms of its top texts + texts with its terms). Memory: the terms of 2 x
    OTHERS texts, and for a block those of its texts and block x companies bytes.
    """
    texts = _texts(counts, company, seed, by_company)
    backgrounds = [_background(texts, texts.half >= 0), *(_background(texts, texts.half == side) for side in (0, 1))]
    others = [_others(texts, side, seed) for side in (0, 1)]
    terms = np.full((len(top), n_terms), -1, dtype=np.int64)
    auc = np.full(len(top), np.nan)
    for start in range(0, len(top), block):
        rows = slice(start, min(start + block, len(top)))
        tops = _tops(counts, top[rows], len(texts.company))
        terms[rows], auc[rows] = _describe(texts, counts.stems, tops, backgrounds, others, n_terms)
        if progress:
            progress(rows.stop, len(top))
    spelled = [[counts.terms[term] for term in of_group if term >= 0] for of_group in terms.tolist()]
    return GroupWords([", ".join(some[:_IN_LABEL]) for some in spelled], spelled, auc)


def _texts(counts: TermCounts, company: np.ndarray, seed: int, by_company: bool = True) -> _Texts:
    """A text's company is that of its first report; the halves are drawn among companies that have texts."""
    _, code = np.unique(company[first_of_each(counts.row)], return_inverse=True)
    n = int(code.max(initial=-1)) + 1
    # By the order of first appearance, so that the companies' codes do not matter.
    _, first = np.unique(code, return_index=True)
    half = np.empty(n, dtype=np.int64)
    half[np.argsort(first, kind="stable")] = np.random.default_rng(seed).permutation(n) % 2
    weight = 1.0 / np.bincount(code, minlength=n)[code] if by_company else np.ones(len(code))
    return _Texts(counts.matrix, code, half[code], weight)


def _background(texts: _Texts, of: np.ndarray) -> Background:
    weight = np.where(of, texts.weight, 0.0)
    return Background(float(weight.sum()), weight @ texts.matrix)


def _others(texts: _Texts, side: int, seed: int) -> Others:
    """Texts of a half, all or as many as will do."""
    there = np.flatnonzero(texts.half == side)
    if len(there) > OTHERS:
        there = np.sort(np.random.default_rng((seed, side)).choice(there, OTHERS, replace=False))
    return Others(texts.matrix[there], texts.company[there])


def _tops(counts: TermCounts, top: np.ndarray, n_texts: int) -> sparse.csr_array:
    """(G, m) int32, 1 for each group's texts, however many of its top reports have them."""
    group, rank = np.nonzero(top >= 0)
    text = counts.row[top[group, rank]]
    group, text = group[text >= 0], text[text >= 0]
    pair = np.unique(group * n_texts + text)
    place = (pair // max(n_texts, 1), pair % max(n_texts, 1))
    return sparse.csr_array((np.ones(len(pair), np.int32), place), (len(top), n_texts))


def _describe(
    texts: _Texts,
    stems: np.ndarray,
    tops: sparse.csr_array,
    backgrounds: list[Background],
    others: list[Others],
    n_terms: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(b, n_terms) terms and (b,) areas of a block."""
    parts = [sparse.csr_array(tops.multiply((texts.half == side).astype(np.int32))) for side in (0, 1)]
    for part in parts:
        part.eliminate_zeros()
    of_half = [sparse.csr_array(part @ texts.matrix) for part in parts]
    sizes = [np.asarray(part.sum(axis=1)) for part in parts]
    everything, *halves = backgrounds
    terms = best_terms(sparse.csr_array(of_half[0] + of_half[1]), sizes[0] + sizes[1], everything, stems, n_terms)
    both = np.full((2, len(terms)), np.nan)
    for side in (0, 1):
        # Half the evidence for the same odds.
        elsewhere = best_terms(of_half[side], sizes[side], halves[side], stems, n_terms, Z_AT_LEAST / 2**0.5)
        area = areas(texts.matrix, elsewhere, parts[1 - side], texts.company, others[1 - side])
        # One company shows nothing that two have in common.
        both[side] = np.where((sizes[side] >= 2) & (terms[:, 0] >= 0), area, np.nan)
    defined = np.isfinite(both)
    with np.errstate(invalid="ignore"):
        return terms, np.where(defined, both, 0.0).sum(axis=0) / defined.sum(axis=0)
