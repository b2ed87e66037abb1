"""What columns say, where it is planted: latents of a line of business, the same dealt out anew, and the same twice."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.contracts import TABLES, validate
from compsim_assets.contracts.methods import CONTROL_NAMES
from compsim_assets.evidence import control_reasons
from compsim_assets.evidence.control_reasons import (
    BEYOND_CHANCE,
    COVERED,
    LABELS,
    TRAINED,
    Compared,
    Matrix,
    compared_reports,
    reason_findings,
    reason_rows,
)
from compsim_assets.evidence.control_summary import summary
from compsim_assets.evidence.controls import NOT_SEEN
from compsim_assets.evidence.verdicts import NOT_TESTABLE, STANDS
from compsim_assets.science.pca.arrays import ArrayFeatures, SparseFeatures
from compsim_assets.science.words.tfidf import tfidf_rows
from compsim_assets_tests.evidence.planted_lines import LINES, Planted, dealt_out, scored

OPTIONS = {"themes": LINES, "columns": 8192, "labels": 512, "reports": 20, "halves": 6, "seed": 0}


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted(companies=240, n_years=3)


def compared(planted: Planted, **changes: int) -> Compared:
    descriptions = pd.DataFrame(
        {
            "report_id": planted.ids,
            "year": planted.year,
            "cik": planted.company,
            "company_name": [f"Company{company}" for company in planted.company],
            "ticker": None,
            "description": planted.texts(),
        }
    )
    return compared_reports(planted.ids, descriptions, OPTIONS | changes)


def matrix(name: str, features: np.ndarray, draw: int = 1) -> Matrix:
    ids = np.arange(len(features))
    return Matrix(name, draw, ArrayFeatures(features), ids, ids, scored(features))


@pytest.fixture(scope="module")
def reasons(planted: Planted) -> pd.DataFrame:
    """Features that know the lines; of controls the same ones, two draws dealt out anew, and words."""
    features = planted.features(3.0)
    ids, words = np.arange(len(features)), tfidf_rows(planted.texts(), 1000)
    given = [
        matrix(TRAINED, features),
        matrix("random_sae", features),
        *(matrix("shuffled_features", dealt_out(features, seed), seed) for seed in (1, 2)),
        Matrix("tfidf", 1, SparseFeatures(words), ids, ids, scored(words.toarray())),
    ]
    reports = compared(planted)
    table = pd.concat([reason_rows(each, reports) for each in given], ignore_index=True)
    validate(TABLES["control_reasons"], table)
    return table


def means(reasons: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    return reasons.groupby(["method", "statistic"])["value"].mean().to_dict()


def test_latents_of_a_line_are_told_by_its_words(reasons: pd.DataFrame) -> None:
    by = means(reasons)
    assert by[TRAINED, LABELS] > 0.95
    assert by["shuffled_features", LABELS] == pytest.approx(0.5, abs=0.05)
    assert ("tfidf", LABELS) not in by


def test_themes_cover_what_is_planted_and_little_of_what_is_dealt_out(reasons: pd.DataFrame) -> None:
    by = means(reasons)
    # Of eight groups five cover most, whatever they are: what is beyond that is small.
    assert by[TRAINED, BEYOND_CHANCE] > 0.02
    assert abs(by["shuffled_features", BEYOND_CHANCE]) < by[TRAINED, BEYOND_CHANCE] / 4
    assert by["tfidf", BEYOND_CHANCE] > 0.02
    assert all(by[method, COVERED] > 0 for method in (TRAINED, "random_sae", "tfidf"))


def test_verdicts_are_those_planted(reasons: pd.DataFrame) -> None:
    findings = reason_findings(reasons, "it was not planted")
    validate(TABLES["control_findings"], findings)
    assert len(findings) == 3 * len(CONTROL_NAMES)
    told = findings.set_index(["control", "statistic"])
    assert told.loc[("shuffled_features", LABELS), "verdict"] == STANDS
    assert told.loc[("shuffled_features", BEYOND_CHANCE), "verdict"] == STANDS
    assert told.loc[("shuffled_features", LABELS), "n_draws"] == 2
    same = told.loc["random_sae"]
    assert (same["verdict"] == NOT_SEEN).all()
    assert (same[["difference", "low", "high"]] == 0).all(axis=None)
    assert set(same["why"]) == {"equal in all halves of the companies"}
    whys = told[told["verdict"] == NOT_TESTABLE]["why"]
    assert whys["raw_activations", LABELS] == "it was not planted"
    assert "names itself" in whys["tfidf", LABELS]
    assert "no axes" in whys["tfidf_cosine", COVERED]
    corrected = findings.dropna(subset="p_value")
    assert (corrected["p_adjusted"] >= corrected["p_value"]).all()
    shown = summary(findings).set_index("trained less")
    assert shown.loc["Shuffled features", "labels' AUC"].endswith("better")


def test_a_sample_of_columns_is_the_same_whatever_the_block(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    features = planted.features(3.0)
    reports = compared(planted, columns=16, halves=3)
    some = reason_rows(matrix(TRAINED, features), reports)
    assert set(some["n_columns"]) == {16}
    monkeypatch.setattr(control_reasons, "_BLOCK", 7)
    pd.testing.assert_frame_equal(reason_rows(matrix(TRAINED, features), reports), some)


def test_too_few_groups_cover_nothing_that_could_be_told(planted: Planted) -> None:
    rows = reason_rows(matrix(TRAINED, planted.features(3.0)), compared(planted, themes=7, halves=3))
    assert rows[rows["statistic"] != LABELS]["value"].isna().all()
    assert rows[rows["statistic"] == LABELS]["value"].notna().all()
    findings = reason_findings(pd.concat([rows, rows.assign(method="random_sae")]), "").set_index(
        ["control", "statistic"]
    )
    assert "fewer than three" in findings.loc[("random_sae", COVERED), "why"]


def test_reports_that_a_control_lacks_do_not_matter_to_it(planted: Planted) -> None:
    """Where some have no text: rows and places are those of the others."""
    features, reports = planted.features(3.0), compared(planted, halves=3)
    at = np.flatnonzero(planted.ids % 5 != 0)
    scores = scored(features[at])
    rows = np.arange(len(at))
    plain = reason_rows(Matrix("random_sae", 1, ArrayFeatures(features[at]), rows, at, scores), reports)
    mixed = rows[::-1].copy()
    turned = reason_rows(Matrix("random_sae", 1, ArrayFeatures(features[at][::-1]), mixed, at, scores), reports)
    pd.testing.assert_frame_equal(plain, turned)
    assert plain["value"].notna().all()
