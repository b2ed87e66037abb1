"""The business lines of the sample universe, and the groups of lines that share latents."""

from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np

from compsim_assets.sample.line import Line
from compsim_assets.sample.phrases_consumer import CONSUMER
from compsim_assets.sample.phrases_energy import ENERGY, FARMING, MATERIALS
from compsim_assets.sample.phrases_finance import FINANCE, REAL_ESTATE
from compsim_assets.sample.phrases_technology import HEALTH, TECHNOLOGY

_SECTORS = (FINANCE, ENERGY, HEALTH, TECHNOLOGY, CONSUMER, REAL_ESTATE, FARMING, MATERIALS)


def _two_by_two(sectors: tuple[tuple[Line, ...], ...]) -> tuple[Line, ...]:
    """Two lines of each sector, then the next two: a short prefix holds lines that share a code."""
    pairs = [[sector[i : i + 2] for i in range(0, len(sector), 2)] for sector in sectors]
    rounds = zip_longest(*pairs, fillvalue=())
    return tuple(chain.from_iterable(chain.from_iterable(rounds)))


LINES: tuple[Line, ...] = _two_by_two(_SECTORS)


@dataclass(frozen=True)
class Group:
    """Lines that some planted latents speak of.

    Kinds: "line", "sector", "theme", "copied" (the boilerplate that small firms of one line copy)
    and "noise" (no line: texts that are about several things at once).
    """

    kind: str
    name: str
    members: tuple[int, ...]


def groups(lines: int) -> list[Group]:
    """Groups over the first `lines` lines; sectors and themes where they hold 2 lines or more."""
    chosen = LINES[:lines]
    found = [Group("line", line.name, (i,)) for i, line in enumerate(chosen)]
    sectors = list(dict.fromkeys(line.sector for line in chosen))
    themes = sorted({theme for line in chosen for theme in line.themes})
    for name in sectors:
        found.append(Group("sector", name, _where(chosen, lambda line, n=name: line.sector == n)))
    for name in themes:
        found.append(Group("theme", name, _where(chosen, lambda line, n=name: n in line.themes)))
    found = [group for group in found if group.kind == "line" or len(group.members) >= 2]
    found += [Group("copied", line.name, (i,)) for i, line in enumerate(chosen)]
    return [*found, Group("noise", "", ())]


def _where(lines, accept) -> tuple[int, ...]:
    return tuple(i for i, line in enumerate(lines) if accept(line))


def group_weights(weights: np.ndarray, boilerplate: np.ndarray, found: list[Group]) -> np.ndarray:
    """Share of every group in every report.

    Args:
        weights: (n, lines) shares of the lines.
        boilerplate: (n,) bool, reports of companies that copy.
        found: the groups.

    Returns:
        (n, groups): sums over a group's lines; 0 in copied groups for companies that do not copy;
        for noise, what is not the largest line.
    """
    diffuse = 1.0 - weights.max(axis=1)
    columns = [weights[:, list(g.members)].sum(axis=1) if g.members else diffuse for g in found]
    copied = [group.kind == "copied" for group in found]
    return np.stack(columns, axis=1) * np.where(copied, boilerplate[:, None], True)
