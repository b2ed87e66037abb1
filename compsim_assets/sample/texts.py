"""Business descriptions in readable English, from the phrase banks of a report's lines."""

import numpy as np

from compsim_assets.sample.lines import LINES, Line, phrases

UNITS = 7  # offers and sentences of a description, shared out among its lines


def describe(
    rng: np.random.Generator, names: list[str], company: np.ndarray, year: np.ndarray, weights: np.ndarray
) -> list[str]:
    """Descriptions of n reports, 60 to 150 words each.

    A company keeps its city, its staff and its choice of phrases, which moves on by one phrase every four years.

    Args:
        rng: source of every choice.
        names: names of the companies.
        company, year: (n,) int, index of the report's company, and its calendar year.
        weights: (n, lines) float64, shares of the lines.

    Returns:
        n texts.
    """
    common = phrases("companies")
    cities, places, events = common["cities"], common["places"], common["events"]
    habits = rng.integers(0, 2**31, (len(names), 2 + weights.shape[1]))
    size = np.exp(rng.normal(0, 0.9, len(names)))
    drift = np.exp(rng.normal(0, 0.08, len(company)))
    event = rng.integers(0, len(events), len(company))
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
        parts.append(places[habits[c, 1] % len(places)].format(**facts))
        parts.append(events[event[i]].format(**facts))
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
