"""SAE features of some companies, from a model of how many tokens a latent is active on.

Their logarithm is the latent's own level, what a company always writes, what a planted cluster copies, and the
report's own; planted latents add what the text is about. An activation is about 0.65 a token, and about half of the
values are zero.
"""

import numpy as np

from benchmarks.universe.companies import Companies
from benchmarks.universe.shape import Shape
from compsim_assets.sample.features import SPREAD, Latents, make_latents
from compsim_assets.sample.lines import Group, group_weights, groups

_STREAM, _LATENTS, _CLUSTERS = 7, 8, 9
_HABIT, _REPORT = 0.7, 0.35  # deviations of the logarithm: of a company, of a report
_COPIED = (0.93, 0.99)  # correlation of a company's habit with its cluster's
_ROUNDED_ALIKE = 0.8  # of what decides whether half a token is one: what a company's texts share
_STEP = 512.0  # features are multiples of its inverse, as sums of half-precision numbers are

# Of one who writes: deviations of the logarithms, (D,), what decides on roundings, (D,), planted latents in use.
_Writing = tuple[np.ndarray, np.ndarray, np.ndarray]


class Features:
    """Draws the features of one company after the other."""

    def __init__(self, shape: Shape, companies: Companies) -> None:
        self._shape, self._companies = shape, companies
        self.groups: list[Group] = groups(shape.lines)
        self.latents: Latents = make_latents(shape.stream(_LATENTS), shape.as_sample(), self.groups)
        self._level = np.log(self.latents.rate).astype(np.float32)
        self._activation = self.latents.activation.astype(np.float32)
        self._planted = np.flatnonzero(self.latents.group >= 0)
        self._wording = self.latents.wording[self._planted]
        self._peak = self.latents.peak[self._planted].astype(np.float32)
        self._share = group_weights(companies.weights, companies.family >= 0, self.groups)

    def of(self, company: int) -> np.ndarray:
        """(r, D) float32 features of a company's r reports, by year. O(r D), in four times their memory."""
        rng = self._shape.stream(_STREAM, company)
        mine = self._companies.company == company
        clusters = self._companies.clusters[self._companies.year[mine], company]
        n, width = len(clusters), len(self._level)
        own = self._written(rng)
        rate = np.float32(_REPORT) * rng.standard_normal((n, width), dtype=np.float32)
        rate += self._level + rng.normal(0, 0.12, (n, 1)).astype(np.float32)
        rounded = np.float32(1 - _ROUNDED_ALIKE) * rng.random((n, width), dtype=np.float32)
        share = self._share[company, self.latents.group[self._planted]].astype(np.float32) * self._peak
        for report, cluster in enumerate(clusters):
            habit, rounding, used = own if cluster < 0 else self._copied(own, int(cluster))
            np.exp(rate[report] + np.float32(_HABIT) * habit, out=rate[report])
            rate[report, self._planted] += share * used
            rounded[report] += np.float32(_ROUNDED_ALIKE) * rounding
        rate += rounded
        tokens = np.floor(rate)
        rate -= tokens  # between 0 and 1, and of no further use to the number of tokens
        rate -= 0.5
        rate *= np.float32(SPREAD * np.sqrt(12)) * np.sqrt(tokens)
        tokens += rate
        tokens *= self._activation * np.float32(_STEP)
        return np.rint(tokens, out=tokens) / np.float32(_STEP)

    def _written(self, rng: np.random.Generator) -> _Writing:
        width = len(self._level)
        habit, rounding = rng.standard_normal(width, dtype=np.float32), rng.random(width, dtype=np.float32)
        return habit, rounding, rng.random(len(self._planted)) < self._wording

    def _copied(self, own: _Writing, cluster: int) -> _Writing:
        """What the companies of a cluster copy, and a little of one's own."""
        rng = self._shape.stream(_CLUSTERS, cluster)
        alike = np.float32(rng.uniform(*_COPIED))
        habit, rounding, used = self._written(rng)
        return alike * habit + np.sqrt(1 - alike**2) * own[0], rounding, used
