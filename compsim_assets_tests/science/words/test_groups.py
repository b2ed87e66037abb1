"""Groups in words: log-odds and areas against plain loops, one block against many, planted words."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from compsim_assets.science.words import TermCounts, count_terms, describe_groups
from compsim_assets.science.words import groups as module
from compsim_assets.science.words.held_out import areas
from compsim_assets.science.words.log_odds import PRIOR, best_terms, log_odds


@st.composite
def universes(draw: st.DrawFn) -> tuple[TermCounts, np.ndarray, np.ndarray]:
    """Terms of up to 30 reports of up to 12 companies, and the top reports of up to 6 groups."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_texts, n_terms, n = int(rng.integers(1, 25)), int(rng.integers(1, 9)), int(rng.integers(1, 30))
    matrix = sparse.csr_array((rng.random((n_texts, n_terms)) < rng.uniform(0.1, 0.9)).astype(np.int32))
    row = rng.integers(-1, n_texts, n)
    company_of_text = rng.integers(0, 12, n_texts)
    company = np.where(row >= 0, company_of_text[row], 99)
    used, row = np.unique(row, return_inverse=True)  # every text is of some report
    row = row - int(used[0] < 0)
    counts = TermCounts(
        sparse.csr_array(matrix[used[used >= 0]]),
        row,
        [f"t{i}" for i in range(n_terms)],
        np.stack([np.arange(n_terms), np.arange(n_terms)], axis=1),
    )
    top = rng.integers(-1, n, (int(rng.integers(0, 7)), int(rng.integers(1, 9))))
    return counts, top, company


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 500)), min_size=2, max_size=10),
    st.floats(0.1, 50, allow_nan=False),
)
def test_log_odds_are_those_of_the_paper(pairs: list[tuple[int, int]], scale: float) -> None:
    group, rest = np.array(pairs, dtype=float).T
    prior = scale * (group + rest + 1) / (group + rest + 1).sum()
    totals = np.array([[group.sum()], [rest.sum()], [prior.sum()]])
    ours = log_odds(group, rest, prior, totals)
    for w, z in enumerate(ours):
        y, x, a = group[w], rest[w], prior[w]
        n, m, a0 = group.sum(), rest.sum(), prior.sum()
        delta = math.log((y + a) / (n + a0 - y - a)) - math.log((x + a) / (m + a0 - x - a))
        assert z == pytest.approx(delta / math.sqrt(1 / (y + a) + 1 / (x + a)), rel=1e-9, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(universes(), st.integers(0, 2**31))
def test_areas_are_those_of_a_plain_loop(universe: tuple[TermCounts, np.ndarray, np.ndarray], seed: int) -> None:
    counts, top, of_report = universe
    texts = module._texts(counts, of_report, seed)
    tops = module._tops(counts, top, len(texts.company))
    rng = np.random.default_rng(seed)
    terms = (
        np.stack([rng.permutation(np.r_[np.arange(len(counts.terms)), [-1] * 3])[:3] for _ in top]).reshape(-1, 3)
        if len(top)
        else np.empty((0, 3), dtype=np.int64)
    )
    part = sparse.csr_array(tops.multiply((texts.half == 0).astype(np.int32)))
    part.eliminate_zeros()
    ours = areas(texts.matrix, terms, part, texts.company, module._others(texts, 0, seed))
    dense, is_top = counts.matrix.toarray(), tops.toarray().astype(bool)
    judged = np.flatnonzero(texts.half == 0)
    for g in range(len(top)):
        score = dense[:, terms[g][terms[g] >= 0]].sum(axis=1)
        positive = [i for i in judged if is_top[g, i]]
        related = {texts.company[i] for i in positive}
        negative = [i for i in judged if texts.company[i] not in related]
        if not positive or not negative:
            assert np.isnan(ours[g])
            continue
        wins = [(score[i] > score[j]) + 0.5 * (score[i] == score[j]) for i in positive for j in negative]
        assert ours[g] == pytest.approx(np.mean(wins), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(universes(), st.integers(1, 4))
def test_best_terms_are_those_of_a_plain_loop(
    universe: tuple[TermCounts, np.ndarray, np.ndarray], n_terms: int
) -> None:
    counts, top, of_report = universe
    texts = module._texts(counts, of_report, 0)
    tops = module._tops(counts, top, len(texts.company))
    dense = counts.matrix.toarray().astype(float)
    companies = sorted(set(texts.company.tolist()))
    shares = np.array([dense[texts.company == c].mean(axis=0) for c in companies]).reshape(-1, dense.shape[1])
    background = module._background(texts, texts.half >= 0)
    assert background.size == pytest.approx(len(companies))
    np.testing.assert_allclose(background.counts, shares.sum(axis=0), rtol=1e-12)
    summed = sparse.csr_array(tops @ counts.matrix)
    sizes = np.asarray(tops.sum(axis=1))
    ours = best_terms(summed, sizes, background, counts.stems, n_terms)
    total = background.counts.sum()
    for g in range(len(top)):
        y = tops.toarray()[g] @ dense
        prior = PRIOR / max(len(companies), 1) * background.counts
        totals = np.array([[y.sum()], [max(total, y.sum())], [prior.sum()]])
        z = log_odds(y, np.maximum(background.counts, y), prior, totals)
        fits = [w for w in range(len(y)) if y[w] >= 2 and y[w] >= 0.2 * sizes[g] and z[w] >= 3]
        expected = sorted(fits, key=lambda w: (-z[w], w))[:n_terms]
        assert ours[g][ours[g] >= 0].tolist() == expected


@settings(max_examples=40, deadline=None)
@given(universes(), st.integers(1, 3))
def test_blocks_make_no_difference(universe: tuple[TermCounts, np.ndarray, np.ndarray], block: int) -> None:
    counts, top, company = universe
    one, many = (describe_groups(counts, top, company, block=size) for size in (1000, block))
    assert one.terms == many.terms
    assert one.label == many.label
    np.testing.assert_array_equal(one.auc, many.auc)
    assert len(one.label) == len(top)
    assert all(np.isnan(a) for a, label in zip(one.auc, one.label, strict=True) if not label)


PLANTED = [
    ["grain silos", "harvest"], ["loans", "deposits"], ["drilling rigs", "crude"], ["vaccines", "trials"],
    ["freight", "railcars"], ["antennas", "spectrum"], ["timber", "sawmills"], ["casinos", "slots"],
]  # fmt: skip


def planted() -> tuple[TermCounts, np.ndarray, np.ndarray]:
    """160 companies of eight lines, two reports each; a line's texts have its two words, and words of any.

    A group per line, one without reports, and one of random reports.
    """
    rng = np.random.default_rng(4)
    line, company = np.repeat(np.arange(160) % 8, 2), np.repeat(np.arange(160), 2)
    filler = [f"filler{chr(97 + i)}{chr(97 + j)}" for i in range(8) for j in range(8)]
    texts = []
    for i in range(320):
        some = [w for w in PLANTED[line[i]] if rng.random() < 0.8] + list(rng.choice(filler, 10))
        texts.append(". ".join(rng.permutation(some)))
    counts = count_terms(texts, [f"name{chr(97 + c // 26)}{chr(97 + c % 26)}" for c in company])
    first = [np.flatnonzero(line == k)[::2] for k in range(8)]
    random = rng.choice(np.arange(0, 320, 2), 20, replace=False)
    return counts, np.stack([*first, np.full(20, -1), random]), company


def test_planted_words_are_told_with_confidence_and_nothing_is_said_without_evidence() -> None:
    counts, top, company = planted()
    words = describe_groups(counts, top, company)
    for of_group, some in zip(words.terms, PLANTED, strict=False):
        assert set(some) == set(of_group[:2])
    assert (words.auc[:8] > 0.9).all()
    assert words.label[8] == ""
    assert np.isnan(words.auc[8])
    assert not words.auc[9] > 0.7
    again = describe_groups(counts, top, company)
    assert (again.terms, again.label) == (words.terms, words.label)
    np.testing.assert_array_equal(again.auc, words.auc)


def test_a_term_that_only_repeats_stronger_ones_is_left_out() -> None:
    counts, top, company = planted()
    assert not {"grain", "silos"} <= set(describe_groups(counts, top, company).terms[0])
