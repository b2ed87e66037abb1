"""How large a generated universe is."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np

from benchmarks.inputs import SIZES
from compsim_assets.sample.lines import LINES
from compsim_assets.sample.size import SampleSize

REPORTS, YEARS, COMPANIES, LATENTS, SCORES = 27_888, 25, 5_548, 131_072, 980
LAST_YEAR = 2020
_FEWEST_YEARS = 8  # the rolling cutoff needs five before its first
_RELATIVE = 12  # clusters of so many members and more grow with a year
_EXAMPLES = 100  # of a latent's fuzz score


@dataclass(frozen=True)
class Shape:
    """The paper's shape times a scale; with as many latents as are asked for.

    Raises:
        ValueError: so small that a year would have fewer than eight reports, or so large that names run out.
    """

    scale: float
    seed: int = 0
    width: int | None = None

    def __post_init__(self) -> None:
        if self.slots < 8 or self.companies > 20_000:
            raise ValueError(f"scale {self.scale:g} gives years of {self.slots} reports, {self.companies} companies")

    @property
    def reports(self) -> int:
        """Of all years."""
        return round(REPORTS * self.scale)

    @property
    def years(self) -> int:
        """The last of them is 2020."""
        return max(_FEWEST_YEARS, round(YEARS * sqrt(self.scale)))

    @property
    def first_year(self) -> int:
        """The first year with reports."""
        return LAST_YEAR + 1 - self.years

    @property
    def slots(self) -> int:
        """Reports of a year, at most: each is of another company, which holds the slot until the next one takes it."""
        return -(-self.reports // self.years)

    @property
    def companies(self) -> int:
        """Of all years, each with a ticker."""
        return max(round(COMPANIES * self.scale), self.slots)

    @property
    def latents(self) -> int:
        """The length of a report's features."""
        return self.width or round(LATENTS * self.scale)

    @property
    def lines(self) -> int:
        """Lines of business."""
        return max(2, min(len(LINES), 30, self.companies // 2, self.latents // 16))

    def reports_of_years(self) -> np.ndarray:
        """(Y,) reports of each year."""
        return np.diff(np.arange(self.years + 1) * self.reports // self.years)

    @cached_property
    def clusters(self) -> list[tuple[int, np.ndarray]]:
        """Members of a cluster, and (Y,) how many such clusters each year has; the smallest first."""
        planted, room = [], self.slots
        for paper_members, paper_count in SIZES["paper"].clusters.items():
            grown = round(paper_members * sqrt(self.scale)) if paper_members >= _RELATIVE else paper_members
            members = max(2, min(grown, self.slots // 3))
            count = max(1, round(paper_count * self.scale * paper_members / members))
            of_years = np.diff(np.arange(self.years + 1) * count // self.years)
            of_years = np.minimum(of_years, room // members)
            room -= members * int(of_years.max())
            planted.append((members, of_years))
        return planted

    def as_sample(self) -> SampleSize:
        """What the sample's latents and fuzz scores are made from."""
        return SampleSize(
            companies=max(self.companies, 2 * self.lines),
            first_year=self.first_year,
            years=self.years,
            latents=self.latents,
            lines=self.lines,
            latents_per_line=self.latents,  # as many as may be: four in ten are of a line
            scored_per_line=-(-SCORES // 40),
            scored_latents=max(20, round(SCORES * min(1.0, self.scale))),
            examples=_EXAMPLES,
        )

    def stream(self, *names: int) -> np.random.Generator:
        """Random numbers of one part alone."""
        return np.random.default_rng([self.seed, *names])
