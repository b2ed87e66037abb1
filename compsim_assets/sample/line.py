"""What one business line of the sample universe is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A line of business: what its companies write, which codes they file under, how they move.

    Attributes:
        name: the line as it is written in a description ("regional banking").
        sector: coarse group that shares a few latents and a weak return factor.
        sic_code: four digits, text; several lines share one, as real SIC codes do.
        themes: cross-sector traits that share a few latents ("regulated", ...).
        endings: last words of company names.
        offers: what a company does; verb phrases for "<company> ...".
        sentences: whole sentences about its customers, inputs and rivals.
        wording: chance that a company's text activates a given latent of the line: how alike the
            texts of the line are.
        common: size of the line's return factor, as a multiple of the usual size.
        beta: exposure to the market.
        staff: people a usual company employs.
        alone: never one of several lines of a company.
    """

    name: str
    sector: str
    sic_code: str
    themes: tuple[str, ...]
    endings: tuple[str, ...]
    offers: tuple[str, ...]
    sentences: tuple[str, ...]
    wording: float = 0.8
    common: float = 1.0
    beta: float = 1.0
    staff: int = 2500
    alone: bool = False
