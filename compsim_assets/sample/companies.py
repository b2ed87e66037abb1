"""The companies: who they are, which lines they are in, from when to when."""

from dataclasses import dataclass

import numpy as np

from compsim_assets.sample.lines import LINES, phrases
from compsim_assets.sample.size import SampleSize

WRONG_CODES = 0.17  # share of companies filed under another line's code; pivots add stale ones
BOILERPLATE = 0.2  # share of companies that write what others of their line write
MISSING_CODES = 0.03  # share of companies without a code


@dataclass(frozen=True)
class Companies:
    """C companies over Y years.

    Attributes:
        names: (C,) company names.
        tickers: (C,) tickers, 5 letters starting with ZQ.
        ciks: (C,) registrant numbers, text.
        sic_codes: (C,) four digits or None.
        weights: (Y, C, lines) float64, shares of the lines, rows sum to 1.
        first, last: (C,) int, first and last year with a report, counted from 0.
        boilerplate: (C,) bool, small firms in one line: they copy much of their text from one
            another, and their returns hardly follow the line.
        long_form: (C,) bool, which of two ways of writing a filing; boilerplate is of one form.
        listed_in_january: (C,) bool, no price before the January of the first year.
        stops_in_november: (C,) bool, last price at the end of November of the last year.
    """

    names: list[str]
    tickers: list[str]
    ciks: list[str]
    sic_codes: list[str | None]
    weights: np.ndarray
    first: np.ndarray
    last: np.ndarray
    boilerplate: np.ndarray
    long_form: np.ndarray
    listed_in_january: np.ndarray
    stops_in_november: np.ndarray

    @property
    def dominant(self) -> np.ndarray:
        """(Y, C) int, the line of the largest share."""
        return self.weights.argmax(axis=2)

    def reports(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) int company and (n,) int year of every report, by company, then year."""
        year = np.arange(len(self.weights))
        exists = (year >= self.first[:, None]) & (year <= self.last[:, None])
        company, year = np.nonzero(exists)
        return company, year


def make_companies(rng: np.random.Generator, size: SampleSize) -> Companies:
    """Draw all companies. O(years x companies x lines)."""
    n = size.companies
    lines = _choose_lines(rng, size)
    first, last = _lifetimes(rng, n, size.years)
    odd = max(1, n // 130)
    boilerplate = rng.random(n) < BOILERPLATE
    names, tickers, ciks = _identities(rng, lines[:, 0])
    return Companies(
        names=names,
        tickers=tickers,
        ciks=ciks,
        sic_codes=_sic_codes(rng, lines[:, 0], size.lines),
        weights=_weights(rng, lines, boilerplate, size),
        first=first,
        last=last,
        boilerplate=boilerplate,
        long_form=boilerplate | (rng.random(n) < 0.5),
        listed_in_january=_some(rng, first > 0, odd),
        stops_in_november=_some(rng, (last < size.years - 1) & (last > first), odd),
    )


def _choose_lines(rng: np.random.Generator, size: SampleSize) -> np.ndarray:
    """(C, 3) three different lines of each company; the others lean to the sector of the first."""
    popularity = rng.uniform(0.85, 1.2, size.lines)
    spare = rng.choice(size.lines, size.companies - 2 * size.lines, p=popularity / popularity.sum())
    primary = rng.permutation(np.concatenate([np.repeat(np.arange(size.lines), 2), spare]))
    sectors = np.array([line.sector for line in LINES[: size.lines]])
    score = rng.gumbel(size=(size.companies, size.lines))
    score += 1.5 * (sectors[primary][:, None] == sectors[None, :])
    score[:, [line.alone for line in LINES[: size.lines]]] = -np.inf
    score[np.arange(size.companies), primary] = np.inf
    order = np.argsort(-score, axis=1, kind="stable")[:, :3]
    return order if size.lines >= 3 else np.concatenate([order, order[:, :1]], axis=1)


def _weights(rng: np.random.Generator, lines: np.ndarray, boilerplate: np.ndarray, size: SampleSize) -> np.ndarray:
    """(Y, C, lines) shares: softmax of three logits that drift, small shares dropped."""
    n = size.companies
    kind = rng.choice(4, n, p=(0.46, 0.32, 0.13, 0.09))  # pure, two lines, three lines, pivot
    kind[boilerplate | np.array([line.alone for line in LINES])[lines[:, 0]]] = 0
    second = np.choose(kind, [-4.0, rng.uniform(-1.2, 0, n), rng.uniform(-1, 0, n), 0.0])
    third = np.choose(kind, [-6.0, -5.0, rng.uniform(-1, 0, n), -6.0])
    slope = np.stack([np.zeros(n), rng.normal(0, 0.5, n), rng.normal(0, 0.5, n)], axis=1)
    slope[kind == 3, 1] = 7.0  # from nearly all in the first line to nearly all in the second
    time = np.linspace(-0.5, 0.5, size.years)
    walk = rng.normal(0, 0.08, (size.years, n, 3)).cumsum(axis=0)
    logits = np.stack([np.zeros(n), second, third], axis=1)[None] + walk
    logits = logits + slope[None] * time[:, None, None]
    share = np.exp(logits - logits.max(axis=2, keepdims=True))
    share /= share.sum(axis=2, keepdims=True)
    share[share < 0.04] = 0.0
    share /= share.sum(axis=2, keepdims=True)
    weights = np.zeros((size.years, n, size.lines))
    for slot in range(3):
        weights[:, np.arange(n), lines[:, slot]] += share[:, :, slot]
    return weights


def _lifetimes(rng: np.random.Generator, n: int, years: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last year of each company: most live through, the others for 2 years or more."""
    enters = np.where(rng.random(n) < 0.22, rng.integers(0, years - 1, n), 0)
    leaves = np.where(rng.random(n) < 0.22, rng.integers(1, years, n), years - 1)
    return enters, np.minimum(np.maximum(leaves, enters + 1), years - 1)


def _some(rng: np.random.Generator, allowed: np.ndarray, wanted: int) -> np.ndarray:
    """(C,) bool, True for at most `wanted` of the allowed companies."""
    candidates = np.flatnonzero(allowed)
    picked = np.zeros(len(allowed), dtype=bool)
    picked[rng.choice(candidates, min(wanted, len(candidates)), replace=False)] = True
    return picked


def _sic_codes(rng: np.random.Generator, primary: np.ndarray, lines: int) -> list[str | None]:
    """Codes of the first line at entry; some of another line, a few missing."""
    n = len(primary)
    codes: list[str | None] = [LINES[line].sic_code for line in primary]
    in_use = sorted({line.sic_code for line in LINES[:lines]})
    order = rng.permutation(n)
    wrong = round(WRONG_CODES * n)
    missing = max(1, round(MISSING_CODES * n))
    for company in order[:wrong]:
        others = [code for code in in_use if code != codes[company]]
        codes[company] = others[rng.integers(len(others))] if others else codes[company]
    for company in order[wrong : wrong + missing]:
        codes[company] = None
    return codes


def _identities(rng: np.random.Generator, primary: np.ndarray) -> tuple[list[str], list[str], list[str]]:
    """Names from made-up words and the line's endings; tickers and registrant numbers to match."""
    n = len(primary)
    parts = phrases("companies")
    roots = [front + back for front in parts["name_fronts"] for back in parts["name_backs"]]
    if n > len(roots):
        raise ValueError(f"at most {len(roots)} companies have a name of their own, not {n}")
    words = rng.permutation(len(roots))
    ending = rng.integers(0, 1_000_000, n)
    names = []
    for i, line in enumerate(primary):
        endings = LINES[line].endings
        names.append(f"{roots[words[i]]} {endings[ending[i] % len(endings)]}")
    letters = [chr(65 + i) for i in range(26)]
    numbers = rng.permutation(26**3)[:n]
    tickers = [f"ZQ{letters[k // 676]}{letters[k // 26 % 26]}{letters[k % 26]}" for k in numbers]
    ciks = [str(99_000_000 + int(k)) for k in rng.permutation(10 * n)[:n]]
    return names, tickers, ciks
