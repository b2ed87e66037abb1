"""Business descriptions in readable English, from the phrase banks of a report's lines."""

import numpy as np

from compsim_assets.sample.line import Line
from compsim_assets.sample.lines import LINES

UNITS = 7  # offers and sentences of a description, shared out among its lines

_CITIES = (
    "Port Amberly, Lower Quandary, Saint Elmsworth, Fort Marigold, New Dunmere, Westering, "
    "Cedar Hollow Springs, Mill Crossing, Lake Tarrow, Grand Sallow, Eastbridge Falls, Tall Oaks, "
    "Halden Bay, Old Pemberly, Silver Notch, North Wexcombe, Dovers Landing, Kingsmere, "
    "Blue Heron Point, Rivermouth"
)
_PLACES = (
    "{name} has its head office in {city} and employed {people} people at the end of {year}.",
    "At December 31, {year}, {name} and its subsidiaries had {people} employees, most of them near {city}.",
    "From its base in {city}, {name} employed {people} people at the close of {year}.",
)
_EVENTS = (
    "During {year} the board extended a share repurchase program.",
    "In {year} the company renewed its credit agreement with a group of banks.",
    "A new chief financial officer joined in {year}.",
    "The company changed its auditors in {year}.",
    "In {year} it adopted new rules on how revenue is recognized.",
    "A securities lawsuit against its officers was dismissed in {year}.",
    "In {year} it replaced its accounting systems.",
    "Directors nominated by a large shareholder joined the board in {year}.",
    "It refinanced its senior notes at a lower coupon in {year}.",
    "The dividend policy was left unchanged in {year}.",
    "In {year} it consolidated two offices in {city} into one.",
    "A shelf registration statement became effective in {year}.",
)


def describe(
    rng: np.random.Generator, names: list[str], company: np.ndarray, year: np.ndarray, weights: np.ndarray
) -> list[str]:
    """Descriptions of n reports, 60 to 150 words each.

    A company keeps its city, its staff and its choice of phrases, which moves on by one phrase
    every four years.

    Args:
        rng: source of every choice.
        names: names of the companies.
        company, year: (n,) int, index of the report's company, and its calendar year.
        weights: (n, lines) float64, shares of the lines.

    Returns:
        n texts.
    """
    cities = _CITIES.split(", ")
    habits = rng.integers(0, 2**31, (len(names), 2 + weights.shape[1]))
    size = np.exp(rng.normal(0, 0.9, len(names)))
    drift = np.exp(rng.normal(0, 0.08, len(company)))
    event = rng.integers(0, len(_EVENTS), len(company))
    texts = []
    for i, c in enumerate(company):
        order = np.argsort(-weights[i], kind="stable")
        present = [(LINES[k], float(weights[i, k]), int(habits[c, 2 + k])) for k in order[:3]]
        facts = {
            "name": names[c],
            "year": int(year[i]),
            "city": cities[habits[c, 0] % len(cities)],
            "people": f"{2 + round(present[0][0].staff * size[c] * drift[i]):,}",
        }
        parts = _business(names[c], int(year[i]), [p for p in present if p[1] > 0])
        parts.append(_PLACES[habits[c, 1] % len(_PLACES)].format(**facts))
        parts.append(_EVENTS[event[i]].format(**facts))
        texts.append(" ".join(parts))
    return texts


def _business(name: str, year: int, present: list[tuple[Line, float, int]]) -> list[str]:
    """What the company does, line by line, the largest first."""
    parts = []
    for rank, (line, share, habit) in enumerate(present):
        units = max(1, round(share * UNITS))
        offers = _pick(line.offers, (units + 1) // 2, habit + year // 4)
        if rank == 0:
            parts.append(f"{name} {offers[0]}.")
        else:
            parts.append(f"Its {line.name} business, {round(100 * share)} percent of revenue in {year}, {offers[0]}.")
        if len(offers) > 1:
            parts.append(f"It also {', and it '.join(offers[1:3])}.")
        if len(offers) > 3:
            parts.append(f"In addition it {offers[3]}.")
        parts.extend(_pick(line.sentences, units // 2, habit // 7 + year // 4))
    return parts


def _pick(bank: tuple[str, ...], count: int, start: int) -> list[str]:
    """`count` neighbours of a bank, around its end."""
    return [bank[(start + i) % len(bank)] for i in range(min(count, len(bank)))]
