"""Themes: latents that are active in the same reports, grouped; how many groups, by what held-out pairs say."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from compsim_assets.science.linkage.nearest import nearest_peers
from compsim_assets.science.pca.standardise import Progress
from compsim_assets.science.reasons.parts import Axes, ScoredReports

# Numbers of themes that are tried, each with so many seeds.
LATTICE = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
N_SEEDS = 3
# Principal axes that latents are placed on.
N_AXES = 64
# Of the largest themes; the share of a cosine that they are to cover, in this share of held-out pairs.
N_LARGEST, COVERED, PAIRS = 5, 0.5, 0.8
# Held-out pairs that are looked at.
N_PAIRS = 512
_BLOCK = 2048
# A latent's length on the axes, relative to the longest: below, it never varies.
_CONSTANT = 1e-6
_STARTS = 10


@dataclass(frozen=True)
class Trial:
    """A number of themes, learned on some companies and judged on pairs of others; means over seeds.

    covered: mean share of a pair's cosine that its five largest themes add up to. pairs_covered: share of pairs in
    which that is half or more. by_chance: `covered` of groups of the same sizes with latents at random.
    stability: how much of a pair's largest theme is the same where k-means starts from another seed: mean Jaccard index
    of the two sets of latents.
    """

    n_themes: int
    covered: float
    pairs_covered: float
    by_chance: float
    stability: float


def place_latents(axes: Axes, explained_variance: np.ndarray, n_latents: int, n_axes: int = N_AXES) -> np.ndarray:
    """(D, min(P, n_axes)) places of the latents, at length one: latent j at sqrt(lambda_p) W_pj.

    The inner product of two places, before they are scaled, is the covariance of the two latents in the space of these
    axes: the truncated singular value decomposition of the standardised columns. 0 for a latent that never varies.
    """
    root = np.sqrt(np.maximum(explained_variance[:n_axes], 0))
    places = np.empty((n_latents, len(root)), dtype=np.float32)
    for start in range(0, n_latents, _BLOCK):
        stop = min(start + _BLOCK, n_latents)
        places[start:stop] = (axes.block(start, stop)[: len(root)] * root[:, None]).T
    return _at_length_one(places)


def place_latents_by(reports: ScoredReports, rows: np.ndarray, n_axes: int = N_AXES) -> np.ndarray:
    """The places of `place_latents` as some reports alone give them: other axes, in the space of the same scores.

    Cost: n D n_axes multiply-adds and one reading of these reports' features.
    """
    scores = reports.scores[rows, :n_axes].astype(np.float64)
    basis = torch.from_numpy(np.linalg.qr(scores - scores.mean(axis=0))[0].astype(np.float32))
    places = np.empty((reports.n_latents, basis.shape[1]), dtype=np.float32)
    for start in range(0, reports.n_latents, _BLOCK):
        latents = slice(start, min(start + _BLOCK, reports.n_latents))
        places[latents] = (torch.from_numpy(reports.standardised(latents, rows)).T @ basis).numpy()
    return _at_length_one(places)


def _at_length_one(places: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(places, axis=1, keepdims=True)
    varies = length > _CONSTANT * max(float(length.max(initial=0.0)), 1e-30)
    return np.divide(places, length, out=np.zeros_like(places), where=varies)


def group_latents(places: np.ndarray, n_themes: int, seed: int, starts: int = _STARTS) -> np.ndarray:
    """(D,) theme of each latent, by k-means of the places: 0 is the one with most latents, -1 a latent without a place.

    Of equally large themes the one with the earliest latent is first. One thread: the parts of a centre would be added
    in any order, and the last bits decide ties.
    """
    there = np.flatnonzero(places.any(axis=1))
    theme = np.full(len(places), -1)
    if len(there) == 0:
        return theme
    count = min(n_themes, len(np.unique(places[there], axis=0)))
    with threadpool_limits(1):
        labels = KMeans(count, n_init=starts, random_state=seed).fit(places[there]).labels_
    numbers, first, size = np.unique(labels, return_index=True, return_counts=True)
    rank = np.empty(labels.max() + 1, dtype=np.int64)
    rank[numbers[np.lexsort((first, -size))]] = np.arange(len(numbers))
    theme[there] = rank[labels]
    return theme


def try_numbers(
    reports: ScoredReports, year: np.ndarray, company: np.ndarray, *, seed: int = 0, lattice: tuple[int, ...] = LATTICE
) -> list[Trial]:
    """Numbers of themes, learned on half of the companies and judged on the nearest pairs of the other half.

    Args:
        year, company: (n,) of the reports; a company is a number.
        lattice: numbers to try; those above a quarter of the latents that vary are left out.

    Returns:
        None of them where either half has too little: no pair of companies in one year, fewer than two reports, or
        fewer than four times eight latents that vary.

    Cost: k-means of D places on 128 axes for every number and seed; n D 64 multiply-adds to place the latents; memory
    4 D 128 bytes and a block of features.
    """
    generator = np.random.default_rng([seed, 1])
    n_companies = int(company.max(initial=-1)) + 1
    learning = generator.permutation(n_companies) < n_companies // 2
    rows = np.flatnonzero(learning[company])
    a, b = _nearest_pairs(reports, np.flatnonzero(~learning[company]), year, company, generator)
    if len(rows) < 2 or len(a) == 0:
        return []
    places = place_latents_by(reports, rows)
    there = places.any(axis=1)
    numbers = [number for number in lattice if number <= there.sum() // 4]
    if not numbers:
        return []
    labels = [[group_latents(places, number, seed + s, starts=1) for s in range(N_SEEDS)] for number in numbers]
    by_chance = [[_shuffled(theme, generator) for theme in of_number] for of_number in labels]
    sums = _sums(reports, a, b, [theme for of_number in (*labels, *by_chance) for theme in of_number])
    trials = []
    for position, (number, of_number) in enumerate(zip(numbers, labels, strict=True)):
        learned = sums[position * N_SEEDS :][:N_SEEDS]
        shuffled = sums[(len(numbers) + position) * N_SEEDS :][:N_SEEDS]
        shares, chance = (np.stack([_largest(part) for part in parts]) for parts in (learned, shuffled))
        top = [part.argmax(axis=1) for part in learned]
        same = [_overlap(of_number[i], of_number[j], top[i], top[j]) for i in range(N_SEEDS) for j in range(i)]
        covered = float((shares >= COVERED).mean())
        trials.append(Trial(number, float(shares.mean()), covered, float(chance.mean()), float(np.mean(same))))
    return trials


def number_of_themes(trials: list[Trial]) -> int:
    """The number whose themes are learned best: gain times stability, gain being what they cover beyond chance.

    Few themes cover much, as any few large groups of latents would: that is what is subtracted. Many are found in
    other ways by another seed. Only those numbers compete whose five largest themes cover half of the cosine in four
    held-out pairs of five; where none does, the one that does so most often is taken, of equal ones the larger. 1
    where nothing was tried.
    """
    if not trials:
        return 1
    enough = [trial for trial in trials if trial.pairs_covered >= PAIRS]
    if not enough:
        return max(trials, key=lambda trial: (trial.pairs_covered, trial.n_themes)).n_themes
    return max(enough, key=lambda trial: ((trial.covered - trial.by_chance) * trial.stability, trial.n_themes)).n_themes


def _largest(shares: np.ndarray) -> np.ndarray:
    """(m,) sum of each pair's five largest shares of its cosine; (m, T)."""
    return np.sort(shares, axis=1)[:, -N_LARGEST:].sum(axis=1)


def _overlap(first: np.ndarray, second: np.ndarray, top_first: np.ndarray, top_second: np.ndarray) -> float:
    """Mean Jaccard index of the latents of two themes, those of pairs; `top_...` (m,) number them in two groupings."""
    there = first >= 0
    both = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(both, (first[there], second[there]), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None] - both
    return float((both / either)[top_first, top_second].mean())


def _shuffled(theme: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    there = theme >= 0
    shuffled = theme.copy()
    shuffled[there] = generator.permutation(theme[there])
    return shuffled


def _nearest_pairs(
    reports: ScoredReports, rows: np.ndarray, year: np.ndarray, company: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Reports and the nearest report of another company in the same year, all among `rows`; a sample of them."""
    blocks = list(nearest_peers(reports.scores[rows], year[rows], rows, 1, company=company[rows]))
    a, b = (
        np.concatenate([block[name] for block in blocks] or [np.empty(0, dtype=np.int64)])
        for name in ("report_id", "peer_id")
    )
    if len(a) > N_PAIRS:
        sample = np.sort(generator.choice(len(a), N_PAIRS, replace=False))
        a, b = a[sample], b[sample]
    return a, b


def _sums(reports: ScoredReports, a: np.ndarray, b: np.ndarray, themes: list[np.ndarray]) -> list[np.ndarray]:
    """Of several groupings: (m, T) share of each theme in each pair's cosine."""
    ends = np.cumsum([0, *(int(theme.max(initial=-1)) + 1 for theme in themes)]).tolist()
    sums = torch.zeros(len(a), ends[-1])
    total = torch.zeros(len(a), dtype=torch.float64)
    for start in range(0, reports.n_latents, _BLOCK):
        latents = slice(start, min(start + _BLOCK, reports.n_latents))
        axes = torch.from_numpy(np.ascontiguousarray(reports.axes.block(latents.start, latents.stop)))
        (u_a, v_a), (u_b, v_b) = (reports.parts(rows, latents, axes) for rows in (a, b))
        values = (u_a * v_b + u_b * v_a) / 2
        total += values.sum(dim=1, dtype=torch.float64)
        inside = torch.zeros(latents.stop - latents.start, ends[-1])
        for first, theme in zip(ends[:-1], themes, strict=True):
            number = theme[latents]
            there = np.flatnonzero(number >= 0)
            inside[there, first + number[there]] = 1.0
        sums += values @ inside
    shares = (sums.double() / total[:, None]).numpy()
    return np.split(shares, ends[1:-1], axis=1)


def theme_activity(reports: ScoredReports, theme: np.ndarray, progress: Progress | None = None) -> np.ndarray:
    """(n, T) float32 standardised activation of each report, summed over each theme's latents.

    Cost: n D multiply-adds for every theme, and one reading of the features; memory 4 n T bytes and a block of them.
    """
    n_themes, n = int(theme.max(initial=-1)) + 1, len(reports.scores)
    sums = torch.zeros(n, n_themes)
    for start in range(0, reports.n_latents, _BLOCK):
        latents = slice(start, min(start + _BLOCK, reports.n_latents))
        inside = torch.zeros(latents.stop - latents.start, n_themes)
        there = np.flatnonzero(theme[latents] >= 0)
        inside[there, theme[latents][there]] = 1.0
        sums.addmm_(torch.from_numpy(reports.standardised(latents)), inside)
        if progress is not None:
            progress(latents.stop, reports.n_latents)
    return sums.numpy()
