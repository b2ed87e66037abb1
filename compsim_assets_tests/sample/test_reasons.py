"""Reasons in the full sample: the themes of a pair of one business line name that line in its own words."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from compsim_assets.evidence.theme_words import words_of_themes
from compsim_assets.sample.lines import LINES, Line
from compsim_assets.science.linkage.nearest import nearest_peers
from compsim_assets.science.pca.fit import fit_pca
from compsim_assets.science.reasons.contributions import ComparedYear, Wanted, reasons_of_years
from compsim_assets.science.reasons.parts import HeldAxes, ScoredReports
from compsim_assets.science.reasons.themes import (
    group_latents,
    number_of_themes,
    place_latents,
    theme_activity,
    try_numbers,
)
from compsim_assets_tests.sample.conftest import ID, Sample
from compsim_assets_tests.science.reasons.made_reports import Rows

pytestmark = pytest.mark.waits(30)

N_AXES = 400
# Words that more lines use name none of them.
LINES_AT_MOST = 3


def _words(text: str) -> set[str]:
    return set(re.findall("[a-z]+", text.lower()))


def _own_words(lines: tuple[Line, ...]) -> list[set[str]]:
    """Of each line the words of its phrases that few lines use."""
    every = [_words(" ".join((line.name, *line.offers, *line.sentences))) for line in lines]
    often = Counter(word for words in every for word in words)
    return [{word for word in words if often[word] <= LINES_AT_MOST} for words in every]


def test_the_top_theme_of_a_pair_names_its_line(full: Sample) -> None:
    year = full.reports["year"].to_numpy().astype(int)
    company = pd.factorize(full.reports["cik"])[0]
    pca = fit_pca(Rows(full.features), N_AXES)
    assert pca.components is not None
    reports = ScoredReports(Rows(full.features), pca.scores, HeldAxes(pca.components), pca.mean, pca.scale)
    number = number_of_themes(try_numbers(reports, year, company, lattice=(16, 32, 48, 64, 128)))
    assert 30 <= number <= 64  # there are thirty lines, and what lines share
    theme = group_latents(place_latents(reports.axes, pca.explained_variance, reports.n_latents), number, seed=0)
    described = full.reports.rename(columns={ID: "report_id", "section_1": "description"})
    themes = words_of_themes(theme_activity(reports, theme), described, company, n_reports=20, n_terms=8, seed=0)
    own, line = _own_words(LINES[: full.weights.shape[1]]), full.weights.argmax(axis=1)
    named, covered = [], []
    for one in np.unique(year)[::4]:
        rows = np.flatnonzero(year == one)
        near = pd.concat(
            [pd.DataFrame(b) for b in nearest_peers(pca.scores[rows], year[rows], np.arange(len(rows)), 5)]
        )
        pairs = np.unique(np.sort(near[["report_id", "peer_id"]].to_numpy(), axis=1), axis=0)
        of_line = line[rows[pairs]]
        pairs, of_line = pairs[of_line[:, 0] == of_line[:, 1]], of_line[of_line[:, 0] == of_line[:, 1], 0]
        compared = ComparedYear(rows, pairs[:, 0], pairs[:, 1], np.arange(len(pairs)))
        wanted = Wanted(theme, number, np.full(reports.n_latents, -1), 0)
        (reasons,) = reasons_of_years(reports, [compared], wanted)
        labels = themes["label"].to_numpy()[reasons.themes.argmax(axis=1)]
        named += [bool(_words(label) & own[k]) for label, k in zip(labels, of_line, strict=True)]
        covered += (np.sort(reasons.themes, axis=1)[:, -5:].sum(axis=1) / reasons.total).tolist()
        assert reasons.themes.sum(axis=1) == pytest.approx(reasons.total, abs=1e-6)
    assert len(named) > 2000
    assert np.mean(named) >= 0.95
    assert np.mean(np.array(covered) >= 0.5) >= 0.95
