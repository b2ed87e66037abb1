"""Who is there in which year, in which line of business, and in which planted cluster."""

from dataclasses import dataclass

import numpy as np

from benchmarks.universe.shape import Shape
from compsim_assets.sample.lines import LINES, phrases

_STREAM = 1
_WRONG_CODES, _MISSING_CODES = 0.17, 0.03
_ONE_LINE = 0.5  # share of companies in one line alone


@dataclass(frozen=True)
class Companies:
    """C companies, n reports, F planted clusters.

    Attributes:
        first, last: (C,) int, years with a report, counted from 0.
        weights: (C, lines) float64, shares of the lines; rows sum to 1.
        sic_codes: (C,) four digits or None.
        clusters: (Y, C) int, the planted cluster of a company's report, -1 for none.
        reverting: (F,) bool, clusters whose prices are cointegrated.
        report_id: (n,) int64. company, year: (n,) int, by company, then year.
    """

    first: np.ndarray
    last: np.ndarray
    weights: np.ndarray
    sic_codes: list[str | None]
    clusters: np.ndarray
    reverting: np.ndarray
    report_id: np.ndarray
    company: np.ndarray
    year: np.ndarray

    @property
    def family(self) -> np.ndarray:
        """(C,) int, the cluster that a company is in in any year, -1 for none: there is one at most."""
        return self.clusters.max(axis=0)

    def name(self, company: int) -> str:
        """Made-up words and the line's ending."""
        words = phrases("companies")
        fronts, backs = words["name_fronts"], words["name_backs"]
        rest, front = divmod(company, len(fronts))
        rest, back = divmod(rest, len(backs))
        endings = LINES[int(self.weights[company].argmax())].endings
        middle = f"{fronts[rest]} " if rest else ""
        return f"{fronts[front]}{backs[back]} {middle}{endings[company % len(endings)]}"

    @staticmethod
    def ticker(company: int) -> str:
        """Five letters, in the order of the companies."""
        return "ZQ" + "".join(chr(65 + company // 26**place % 26) for place in (2, 1, 0))

    @staticmethod
    def cik(company: int) -> str:
        """Above those of any company."""
        return str(99_000_000 + company)


def make_companies(shape: Shape) -> Companies:
    """Draw all. O(years x companies)."""
    rng = shape.stream(_STREAM)
    per_year = shape.reports_of_years()
    tenant = _tenants(rng, shape, per_year)
    slot_clusters, slot_line, reverting = _planted(rng, shape)
    clusters = np.full((shape.years, shape.companies), -1)
    slot_of = np.empty(shape.companies, dtype=np.int64)
    for year, count in enumerate(per_year):
        clusters[year, tenant[year, :count]] = slot_clusters[year, :count]
        slot_of[tenant[year, :count]] = np.arange(count)
    there = np.zeros((shape.companies, shape.years), dtype=bool)
    for year, count in enumerate(per_year):
        there[tenant[year, :count], year] = True
    company, year = np.nonzero(there)
    weights = _weights(rng, slot_line[slot_of], (clusters >= 0).any(axis=0), shape)
    return Companies(
        first=there.argmax(axis=1),
        last=shape.years - 1 - there[:, ::-1].argmax(axis=1),
        weights=weights,
        sic_codes=_codes(rng, weights.argmax(axis=1), shape.lines),
        clusters=clusters,
        reverting=reverting,
        report_id=rng.choice(8 * len(company), len(company), replace=False).astype(np.int64),
        company=company,
        year=year,
    )


def _tenants(rng: np.random.Generator, shape: Shape, per_year: np.ndarray) -> np.ndarray:
    """(Y, slots) the company of each slot: as many leave as enter, about the same number every year."""
    tenant = np.empty((shape.years, shape.slots), dtype=np.int64)
    tenant[0] = np.arange(shape.slots)
    newcomers = shape.companies - shape.slots
    entered = np.arange(shape.years) * newcomers // (shape.years - 1)
    for year in range(1, shape.years):
        tenant[year] = tenant[year - 1]
        new = np.arange(entered[year - 1], entered[year])
        tenant[year, rng.choice(per_year.min(), len(new), replace=False)] = shape.slots + new
    return tenant


def _planted(rng: np.random.Generator, shape: Shape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Y, slots) clusters, (slots,) lines, the same within a cluster, (F,) whether prices of a cluster revert."""
    clusters = np.full((shape.years, shape.slots), -1)
    line = rng.integers(0, shape.lines, shape.slots)
    reverting, start = [], 0
    for members, of_years in shape.clusters:
        for number in range(of_years.max()):
            slots = slice(start, start + members)
            clusters[of_years > number, slots] = len(reverting)
            line[slots] = line[start]
            reverting.append(members <= 4 and number % 2 == 0)
            start += members
    return clusters, line, np.array(reverting)


def _weights(rng: np.random.Generator, line: np.ndarray, planted: np.ndarray, shape: Shape) -> np.ndarray:
    """(C, lines) shares: one line, or two; one for those of a planted cluster."""
    n = len(line)
    second = np.where(planted | (rng.random(n) < _ONE_LINE), 0.0, rng.uniform(0.1, 0.45, n))
    other = (line + rng.integers(1, shape.lines, n)) % shape.lines
    weights = np.zeros((n, shape.lines))
    weights[np.arange(n), line] = 1.0 - second
    weights[np.arange(n), other] += second
    return weights


def _codes(rng: np.random.Generator, line: np.ndarray, lines: int) -> list[str | None]:
    """Codes of the first line; some of another line, a few missing."""
    filed = np.where(rng.random(len(line)) < _WRONG_CODES, rng.integers(0, lines, len(line)), line)
    missing = rng.random(len(line)) < _MISSING_CODES
    return [None if none else LINES[k].sic_code for k, none in zip(filed, missing, strict=True)]
