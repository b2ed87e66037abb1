"""SAE features of the sample: sums over tokens of TopK activations, with planted latents."""

from dataclasses import dataclass

import numpy as np

from compsim_assets.sample.lines import LINES, Group
from compsim_assets.sample.size import SampleSize

ACTIVATION = 0.65  # usual size of one token's activation: the first hump, twice it the second
SPREAD = 0.15  # of one token's activation, relative
FORM = 0.7  # log rate a latent gains or loses with the form of a filing
PEAK = 30.0  # tokens on which a planted latent is active in a report all about its group
PLANTED = {"line": 1.0, "sector": 0.35, "theme": 0.25, "copied": 0.2}  # of a line's number
STRAY = {"line": 0.04, "noise": 0.02}  # chance that any company uses a latent, half as often
# Share of a group's latents that a company's texts use; lines have their own.
WORDING = {"sector": 0.8, "theme": 0.8, "copied": 1.0, "noise": 0.4}
NOISE = 0.08  # share of latents that are sparse and about no line
_ROWS = 500  # reports made at once


@dataclass(frozen=True)
class Latents:
    """D latents.

    Attributes:
        group: (D,) int, the group a planted latent speaks of, -1 for generic ones.
        kind: (D,) text, the group's kind, or "generic" for latents of language any filing uses.
        rate: (D,) float64, tokens a report activates the latent on, whatever it is about.
        peak: (D,) float64, tokens added by a report all about the latent's group.
        wording: (D,) float64, share of its group's latents that a company's texts use.
        activation: (D,) float64, usual activation of one token.
    """

    group: np.ndarray
    kind: np.ndarray
    rate: np.ndarray
    peak: np.ndarray
    wording: np.ndarray
    activation: np.ndarray


def make_latents(rng: np.random.Generator, size: SampleSize, groups: list[Group]) -> Latents:
    """Draw the latents; the planted ones lie at random positions."""
    planted = np.concatenate([np.full(_planted(group, size), i) for i, group in enumerate(groups)]).astype(np.int64)
    if len(planted) > size.latents:
        raise ValueError(f"{len(planted)} planted latents do not fit {size.latents}")
    group = np.full(size.latents, -1)
    group[rng.permutation(size.latents)[: len(planted)]] = planted
    normal = rng.normal(size=size.latents)
    generic = group < 0
    return Latents(
        group=group,
        kind=np.array([g.kind for g in groups] + ["generic"])[group],
        rate=np.where(generic, np.exp(1.0 + 1.4 * normal), np.exp(-1.25 + 0.8 * normal)),
        peak=np.where(generic, 0.0, PEAK * np.exp(rng.normal(0, 0.4, size.latents))),
        wording=np.array([_wording(g) for g in groups] + [1.0])[group],
        activation=ACTIVATION * np.exp(rng.normal(0, 0.05, size.latents)),
    )


def _planted(group: Group, size: SampleSize) -> int:
    """Number of latents that speak of a group."""
    if group.kind == "noise":
        return round(NOISE * size.latents)
    return max(1, round(size.planted_per_line * PLANTED[group.kind]))


def _wording(group: Group) -> float:
    return LINES[group.members[0]].wording if group.kind == "line" else WORDING[group.kind]


def make_features(
    rng: np.random.Generator, latents: Latents, share: np.ndarray, company: np.ndarray, long_form: np.ndarray
) -> np.ndarray:
    """Features of n reports.

    A latent's tokens are Poisson around its rate, which varies by company (the same in all its
    years), by report and by the length of the text; the feature is the sum of their activations.

    Args:
        latents: the latents.
        share: (n, groups) float64, how much of a report is about each group.
        company: (n,) int, the report's company.
        long_form: (C,) bool, which of two ways of writing the company has.

    Returns:
        (n, D) float32. O(n D) time; beside the result, blocks of 500 reports.
    """
    n, width = len(share), len(latents.group)
    companies = len(long_form)
    house_style = rng.normal(0, 0.6, (companies, width)).astype(np.float32)
    # Two ways of writing a filing, kept by a company: they spread the distances of all pairs.
    form = np.where(long_form, FORM, -FORM)
    house_style += form[:, None] * rng.choice((-1, 1), width) * (latents.group < 0)
    length = rng.normal(0, 0.12, n)
    planted = np.flatnonzero(latents.group >= 0)
    used = _used(rng, latents, planted, companies)
    chance = np.array([STRAY.get(kind, 0.0) for kind in latents.kind[planted]])
    stray = 0.5 * (rng.random((companies, len(planted))) < chance)
    features = np.empty((n, width), dtype=np.float32)
    for start in range(0, n, _ROWS):
        rows = slice(start, min(start + _ROWS, n))
        mood = house_style[company[rows]] + 0.6 * rng.standard_normal((rows.stop - start, width), dtype=np.float32)
        rate = latents.rate * np.exp(mood + length[rows, None])
        about = share[rows][:, latents.group[planted]] * latents.peak[planted]
        about = about * used[company[rows]] + stray[company[rows]] * latents.peak[planted]
        rate[:, planted] += about * np.exp(0.5 * mood[:, planted])
        tokens = rng.poisson(rate).astype(np.float32)
        noise = rng.standard_normal(tokens.shape, dtype=np.float32)
        total = latents.activation * (tokens + SPREAD * np.sqrt(tokens) * noise)
        features[rows] = np.maximum(total, 0.05 * (tokens > 0))
    return features


def _used(rng: np.random.Generator, latents: Latents, planted: np.ndarray, n: int) -> np.ndarray:
    """(n, planted) bool: which latents of a group a company uses, as many for every company."""
    used = np.empty((n, len(planted)), dtype=bool)
    for group in np.unique(latents.group[planted]):
        columns = np.flatnonzero(latents.group[planted] == group)
        rank = rng.random((n, len(columns))).argsort(axis=1).argsort(axis=1)
        used[:, columns] = rank < round(latents.wording[planted[columns[0]]] * len(columns))
    return used
