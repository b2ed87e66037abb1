"""What a matrix says of companies: are its columns told by words, do a few themes cover what makes companies alike?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import CONTROL_NAMES
from compsim_assets.evidence.controls import both_sides, judged
from compsim_assets.evidence.verdicts import NOT_TESTABLE
from compsim_assets.science.companies import names_of, report_companies
from compsim_assets.science.inference.draws import mean_of_halves_and_draws
from compsim_assets.science.inference.tests import holm
from compsim_assets.science.latents.activity import Companies, top_reports
from compsim_assets.science.pca.arrays import ArrayFeatures
from compsim_assets.science.pca.standardise import FeatureMatrix, StandardisedFeatures
from compsim_assets.science.reasons.parts import AxesOfScores, HeldAxes, ScoredReports
from compsim_assets.science.reasons.themes import try_numbers
from compsim_assets.science.words.counts import TermCounts, count_terms
from compsim_assets.science.words.groups import describe_groups

TRAINED = "trained"
"""The SAE's own features, in the column `method`."""

LABELS, COVERED, BEYOND_CHANCE = "label_auc", "theme_coverage", "theme_coverage_beyond_chance"
METHOD = "pca"
"""Our similarity, which themes cover the cosines of."""

_CLAIMS = {
    LABELS: "how well terms tell a column's reports",
    COVERED: "what five themes cover of a cosine",
    BEYOND_CHANCE: "what five themes cover of a cosine beyond chance",
}
_WITHOUT_LABELS = ("tfidf",)
_WORDS, _PLAIN = "a column is a word, which names itself", "its cosine has no axes; see tfidf for the same words"
_NO_COLUMNS = {("tfidf", LABELS): _WORDS, **{("tfidf_cosine", name): _PLAIN for name in _CLAIMS}}
_BLOCK = 2048
_CHANCE = 0.5
# Groups of columns, at least: five of fewer cover nearly all.
_FEWEST = 8


@dataclass(frozen=True)
class Compared:
    """n reports that matrices are compared on, and how.

    company: (n,) codes. counts: terms of their texts.
    themes, columns, labels, reports, halves, seed: see the asset's Launchpad.
    """

    report_id: np.ndarray
    year: np.ndarray
    company: np.ndarray
    counts: TermCounts
    themes: int
    columns: int
    labels: int
    reports: int
    halves: int
    seed: int


@dataclass(frozen=True)
class Matrix:
    """Features or what stands in their place: `of` (m, D) different rows, scores (k, P) of k reports, which of the rows
    each of these has, and where each is among those compared. Of which draw.
    """

    method: str
    draw: int
    of: FeatureMatrix
    row: np.ndarray
    at: np.ndarray
    scores: np.ndarray


def compared_reports(report_id: np.ndarray, descriptions: pd.DataFrame, options: Mapping[str, int]) -> Compared:
    """The reports with features, and terms of their texts.

    Args:
        descriptions: report_id, year, description, and what names a company.
        options: themes, columns, labels, reports, halves, seed.
    """
    of_reports = descriptions.set_index("report_id").loc[report_id].reset_index()
    company = report_companies(of_reports, report_id)
    texts = [text if isinstance(text, str) else None for text in of_reports["description"]]
    counts = count_terms(texts, names_of(of_reports, company))
    return Compared(report_id, of_reports["year"].to_numpy(), company, counts, **options)


def reason_rows(matrix: Matrix, compared: Compared) -> pd.DataFrame:
    """Rows of `control_reasons` of one matrix, once for every half of the companies.

    Of more columns than `compared.columns` a sample is taken, the same one of matrices of equal width.

    Cost: one pass over the matrix, then k c P multiply-adds of float64 for c columns, and k-means of c places for every
    half. Memory: 12 k c bytes and 4 P c.
    """
    at, generator = matrix.at, np.random.default_rng([compared.seed, matrix.of.shape[1]])
    sample = _sample(generator, matrix.of.shape[1], compared.columns)
    values = _columns(matrix.of, sample)[matrix.row]
    reports = _scored(values, matrix.scores)
    labelled = values[:, _sample(generator, len(sample), compared.labels)]
    top = top_reports(labelled, Companies.of(compared.company[at], compared.report_id[at]), compared.reports)
    top = np.where(top >= 0, at[top], -1)
    rows = []
    for half in range(compared.halves):
        seed = compared.seed + half
        numbers = _coverage(reports, compared, at, seed)
        if matrix.method not in _WITHOUT_LABELS:
            numbers[LABELS] = _label_auc(top, compared, seed)
        rows += [{"half": half + 1, "statistic": name, "value": value} for name, value in numbers.items()]
    names = TABLES["control_reasons"].names
    return pd.DataFrame(rows).assign(method=matrix.method, seed=matrix.draw, n_columns=len(sample))[names]


def _sample(generator: np.random.Generator, n: int, most: int) -> np.ndarray:
    """Ascending positions: all n, or as many as wanted."""
    return np.arange(n) if n <= most else np.sort(generator.choice(n, most, replace=False))


def _columns(matrix: FeatureMatrix, columns: np.ndarray) -> np.ndarray:
    """(m, c) float32 values of some columns, ascending, read a block at a time."""
    values = np.empty((matrix.shape[0], len(columns)), dtype=np.float32)
    for start in range(0, matrix.shape[1], _BLOCK):
        stop = min(start + _BLOCK, matrix.shape[1])
        inside = slice(*np.searchsorted(columns, [start, stop]).tolist())
        if inside.stop > inside.start:
            values[:, inside] = matrix.columns(start, stop)[:, columns[inside] - start]
    return values


def _scored(values: np.ndarray, scores: np.ndarray) -> ScoredReports:
    """The reports by some of their columns: shares of a cosine are those of what these add up to."""
    features = ArrayFeatures(values)
    scaler = StandardisedFeatures(features, np.ones(len(values)), block=_BLOCK, dtype=torch.float64, device="cpu")
    scaler.fit()
    variance = scores.var(axis=0, dtype=np.float64, ddof=1)
    axes = AxesOfScores(features, scores, scaler.mean, scaler.scale, variance).block(0, values.shape[1])
    return ScoredReports(features, scores, HeldAxes(axes), scaler.mean, scaler.scale)


def _label_auc(top: np.ndarray, compared: Compared, seed: int) -> float:
    """Mean over columns that are active in two companies or more; chance where nothing sets their reports apart."""
    shown = top[(top >= 0).sum(axis=1) >= 2]
    if len(shown) == 0:
        return np.nan
    area = describe_groups(compared.counts, shown, compared.company, seed=seed).auc
    return float(np.where(np.isnan(area), _CHANCE, area).mean())


def _coverage(reports: ScoredReports, compared: Compared, at: np.ndarray, seed: int) -> dict[str, float]:
    year, company, lattice = compared.year[at], compared.company[at], (compared.themes,)
    enough = compared.themes >= _FEWEST
    trials = try_numbers(reports, year, company, seed=seed, lattice=lattice) if enough else []
    if not trials:
        return {COVERED: np.nan, BEYOND_CHANCE: np.nan}
    return {COVERED: trials[0].covered, BEYOND_CHANCE: trials[0].covered - trials[0].by_chance}


def reason_findings(control_reasons: pd.DataFrame, missing: str) -> pd.DataFrame:
    """Rows of `control_findings`: a row per control and statistic, corrected together.

    Args:
        missing: why controls are not there.
    """
    tables = {
        key: rows.pivot(index="seed", columns="half", values="value")
        for key, rows in control_reasons.groupby(["method", "statistic"])
    }
    tests, rows = {}, []
    for name, statistic in ((name, statistic) for name in CONTROL_NAMES for statistic in _CLAIMS):
        if (name, statistic) in tables and (TRAINED, statistic) in tables:
            difference = tables[TRAINED, statistic].to_numpy() - tables[name, statistic].to_numpy()
            tests[name, statistic] = mean_of_halves_and_draws(difference)
    adjusted = dict(zip(tests, holm(np.array([test.p_value for test in tests.values()])), strict=True))
    n_tests = sum(not np.isnan(p_value) for p_value in adjusted.values())
    for name, (_, _, what) in CONTROL_NAMES.items():
        for statistic, words in _CLAIMS.items():
            row: dict[str, Any] = {"claim": f"Trained features beat {what}: {words}", "control": name}
            row |= {"statistic": statistic, "level": 0.0, "method": METHOD, "n_draws": 0, "n_years": 0}
            if (test := tests.get((name, statistic))) is None:
                why = _NO_COLUMNS.get((name, statistic), missing or "it was not made")
                rows.append({**row, "verdict": NOT_TESTABLE, "why": why})
                continue
            numbers = {"low": test.low, "high": test.high, "p_value": test.p_value}
            numbers["p_adjusted"] = float(adjusted[name, statistic])
            verdict, why = judged(test.mean, **numbers, n_tests=n_tests, of="halves of the companies")
            row |= {"difference": test.mean, **numbers, "verdict": verdict, "why": why}
            rows.append(row | both_sides(tables[TRAINED, statistic].iloc[0], tables[name, statistic]))
    return pd.DataFrame(rows, columns=TABLES["control_findings"].names)
