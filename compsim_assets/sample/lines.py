"""The business lines of the sample universe, read from TOML files, and the groups of lines that share latents."""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

# Names of files, in the order of their lines: a line's number is its place in LINES, so this order decides every byte.
_SECTORS = ("finance", "energy", "health", "technology", "consumer", "real_estate", "farming", "materials")


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
        wording: chance that a company's text activates a given latent of the line: how alike the texts of the line are.
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


@cache
def phrases(file: str) -> dict[str, Any]:
    """The content of one of the .toml files here."""
    return tomllib.loads((Path(__file__).parent / f"{file}.toml").read_text(encoding="utf-8"))


def _sector(file: str) -> list[Line]:
    texts = ("themes", "endings", "offers", "sentences")
    return [
        Line(**{**line, **{name: tuple(line[name]) for name in texts}, "sector": file.replace("_", " ")})
        for line in phrases(file)["lines"]
    ]


def _two_by_two(sectors: Iterable[list[Line]]) -> tuple[Line, ...]:
    """Two lines of each sector, then the next two: a short prefix holds lines that share a code."""
    pairs = [[sector[i : i + 2] for i in range(0, len(sector), 2)] for sector in sectors]
    return tuple(chain.from_iterable(chain.from_iterable(zip_longest(*pairs, fillvalue=()))))


LINES: tuple[Line, ...] = _two_by_two(map(_sector, _SECTORS))


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
    present = LINES[:lines]

    def shared(kind: str, names: Iterable[str], belongs: Callable[[Line, str], bool]) -> list[Group]:
        members = {name: tuple(i for i, line in enumerate(present) if belongs(line, name)) for name in names}
        return [Group(kind, name, several) for name, several in members.items() if len(several) >= 2]

    return [
        *(Group("line", line.name, (i,)) for i, line in enumerate(present)),
        *shared("sector", (line.sector for line in present), lambda line, name: line.sector == name),
        *shared("theme", sorted({t for line in present for t in line.themes}), lambda line, name: name in line.themes),
        *(Group("copied", line.name, (i,)) for i, line in enumerate(present)),
        Group("noise", "", ()),
    ]


def group_weights(weights: np.ndarray, boilerplate: np.ndarray, groups: list[Group]) -> np.ndarray:
    """Share of every group in every report.

    Args:
        weights: (n, lines) shares of the lines.
        boilerplate: (n,) bool, reports of companies that copy.
        groups: the groups.

    Returns:
        (n, groups): sums over a group's lines; 0 in copied groups for companies that do not copy;
        for noise, what is not the largest line.
    """
    diffuse = 1.0 - weights.max(axis=1)
    columns = [weights[:, list(g.members)].sum(axis=1) if g.members else diffuse for g in groups]
    copied = [group.kind == "copied" for group in groups]
    return np.stack(columns, axis=1) * np.where(copied, boilerplate[:, None], True)
