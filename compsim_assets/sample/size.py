"""How large a sample universe is."""

from dataclasses import dataclass

from compsim_assets.sample.lines import LINES

GENERATOR_VERSION = "3"


@dataclass(frozen=True)
class SampleSize:
    """Sizes of a sample universe. The defaults give about 4,000 reports in 12 years.

    Attributes:
        companies: companies over all years, at least 2 per line.
        first_year: first year with reports. Prices start in the December before it.
        years: number of years, at least 2.
        latents: D, the length of a feature vector.
        lines: business lines, from `lines.LINES`.
        latents_per_line: planted latents of a line, fewer where they would take up more than 40 % of all latents.
        scored_per_line: planted latents of a line that get a fuzz score.
        scored_latents: latents with a fuzz score, at most: planted ones first, then noise.
        examples: examples in a score file, an even number.
        cointegrated_pairs: planted pairs, fewer where too few companies fit.
    """

    companies: int = 400
    first_year: int = 2009
    years: int = 12
    latents: int = 2000
    lines: int = 30
    latents_per_line: int = 25
    scored_per_line: int = 5
    scored_latents: int = 300
    examples: int = 60
    cointegrated_pairs: int = 8

    def __post_init__(self) -> None:
        """Raises ValueError where the sizes do not fit one another."""
        if not 2 <= self.lines <= len(LINES):
            raise ValueError(f"lines must be 2..{len(LINES)}, not {self.lines}")
        if self.companies < 2 * self.lines:
            raise ValueError(f"companies must be at least 2 per line: {2 * self.lines}")
        if self.years < 2:
            raise ValueError(f"years must be at least 2, not {self.years}")
        if self.latents < 16 * self.lines:
            raise ValueError(f"latents must be at least 16 per line: {16 * self.lines}")
        if self.examples < 10 or self.examples % 2:
            raise ValueError(f"examples must be even and at least 10, not {self.examples}")

    @property
    def planted_per_line(self) -> int:
        """Planted latents of a line that fit this many latents."""
        return max(4, min(self.latents_per_line, int(0.4 * self.latents / self.lines)))


FULL = SampleSize()
