"""Trained features against controls, where the answer is planted: the same ones, worse ones, and words that know."""

import numpy as np
import pandas as pd
import pytest

from compsim_assets.contracts import TABLES, validate
from compsim_assets.contracts.methods import CONTROL_NAMES
from compsim_assets.evidence.control_summary import summary
from compsim_assets.evidence.controls import (
    FAMILY,
    MEASURES,
    NOT_SEEN,
    control_findings,
    control_rows,
    draws_of_clusters,
    draws_of_peers,
    judged,
)
from compsim_assets.evidence.page import CONTROLS, html_page, markdown_page
from compsim_assets.evidence.verdicts import NOT_TESTABLE, REVERSED, STANDS
from compsim_assets.science.words.tfidf import cosine_scores, tfidf_rows
from compsim_assets_tests.evidence.planted_lines import Planted, dealt_out, scored


def judge(
    planted: Planted, trained: np.ndarray, controls: dict[str, list[np.ndarray]], without: str = ""
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`control_findings`, and the rows of `robustness` that it rests on; of our clusters one mode may be left out."""
    own = planted.measured(trained, ("base", "rolling", "pca"))
    parts, first = [], [own]
    for name, draws in controls.items():
        for seed, scores in enumerate(draws, start=1):
            made = planted.measured(scores, (f"{name}_base", f"{name}_rolling", name))
            first += [made] if seed == 1 else []
            parts += [draws_of_clusters(made[0], seed), draws_of_peers(made[1], seed)]
    statistics = pd.concat(parts, ignore_index=True)
    validate(TABLES["control_statistics"], statistics)
    clusters, peers = (pd.concat(tables, ignore_index=True) for tables in zip(*first, strict=True))
    clusters = clusters[clusters["method"] != without]
    rows = control_rows(clusters, peers, statistics)
    validate(TABLES["robustness"], rows)
    findings = control_findings(clusters, peers, statistics, rows, "they were not planted")
    validate(TABLES["control_findings"], findings)
    return findings, rows


def verdicts(findings: pd.DataFrame, control: str) -> pd.Series:
    return findings[findings["control"] == control].set_index(["method", "statistic", "level"])["verdict"]


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="module")
def words(planted: Planted) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns follow words alone: features know next to nothing."""
    features = planted.features(0.02)
    dealt = [dealt_out(features, seed) for seed in (1, 2, 3)]
    weights = tfidf_rows(planted.texts(), 1000)
    controls = {
        "random_sae": [scored(features)],
        "shuffled_features": [scored(each) for each in dealt],
        "tfidf_cosine": [cosine_scores(weights, 500, "cpu")],
    }
    return judge(planted, scored(features), controls)


def test_a_random_sae_that_secretly_is_the_trained_one_is_found_equal(words: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rows = words[0][words[0]["control"] == "random_sae"]
    assert len(rows) == len(MEASURES)
    # A rolling cutoff of features that know nothing has hardly a year with clusters.
    rows = rows[(rows["method"] != "rolling") | (rows["verdict"] != NOT_TESTABLE)]
    assert len(rows) >= 7
    assert (rows["verdict"] == NOT_SEEN).all()
    assert set(rows["why"]) == {"equal in all years"}
    assert (rows[["difference", "low", "high"]] == 0).all(axis=None)


def test_returns_that_follow_words_alone_are_found_so(words: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    told = verdicts(words[0], "tfidf_cosine")
    for key in (("pca", "spearman", 0), ("pca", "neighbours", 10), ("pca", "top_pairs", 1)):
        assert told[key] == REVERSED
    assert STANDS not in set(told)


def test_draws_that_know_as_little_are_not_told_apart(words: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rows = words[0][words[0]["control"] == "shuffled_features"]
    assert (rows["n_draws"] == 3).all()
    assert (rows["control_low"] <= rows["control_value"]).all()
    assert (rows["control_high"] >= rows["control_value"]).all()
    assert (rows["verdict"] == NOT_SEEN).sum() >= 6
    assert not {STANDS, REVERSED} & set(rows["verdict"])


def test_features_that_know_beat_the_same_dealt_out_anew(planted: Planted) -> None:
    features = planted.features(2.0)
    findings, rows = judge(planted, scored(features), {"shuffled_features": [scored(dealt_out(features))]})
    told = verdicts(findings, "shuffled_features")
    assert told["pca", "spearman", 0] == STANDS
    assert told["pca", "neighbours", 10] == STANDS
    assert REVERSED not in set(told)
    assert set(rows["family"]) == {FAMILY}
    tested = rows.dropna(subset="p_value")
    assert (tested["p_adjusted"] >= tested["p_value"]).all()
    assert tested["p_adjusted"].gt(tested["p_value"]).any()


def test_what_is_not_there_says_why(words: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rows = words[0][words[0]["control"] == "raw_activations"]
    assert (rows["verdict"] == NOT_TESTABLE).all()
    assert set(rows["why"]) == {"they were not planted"}
    assert len(words[0]) == len(MEASURES) * len(CONTROL_NAMES)


def test_a_cutoff_mode_that_is_left_out_is_compared_with_nothing(planted: Planted) -> None:
    scores = scored(planted.features(1.0))
    findings, rows = judge(planted, scores, {"raw_activations": [scores]}, without="rolling")
    assert set(rows["method"]) == {"base", "pca"}
    left_out = findings.query("control == 'raw_activations' and method == 'rolling'")
    assert set(left_out["why"]) == {"rolling is left out of the comparisons"}
    assert (left_out["verdict"] == NOT_TESTABLE).all()
    assert len(left_out) == 2


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        ((0.1, 0.05, 0.15, 0.001, 0.01), STANDS),
        ((0.1, 0.05, 0.15, 0.01, 0.2), NOT_SEEN),
        ((-0.1, -0.15, -0.05, 0.001, 0.01), REVERSED),
        ((0.1, -0.05, 0.25, 0.2, 1.0), NOT_SEEN),
        ((0.1, np.nan, np.nan, np.nan, np.nan), NOT_TESTABLE),
        ((0.1, 0.1, 0.1, np.nan, np.nan), STANDS),
    ],
)
def test_a_verdict_needs_interval_and_corrected_test(numbers: tuple[float, ...], verdict: str) -> None:
    assert judged(*numbers, 54, "years")[0] == verdict


def test_the_page_begins_with_them(words: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    held, claims = summary(words[0]), pd.DataFrame(columns=TABLES["findings"].names)
    assert held["trained less"].tolist() == ["Random SAE", "Shuffled features", "Words, plain cosine"]
    page = markdown_page(claims, "a universe", [], controls=held)
    assert page.index(CONTROLS) < page.index("## Claims")
    assert "+0.000 [+0.000, +0.000]" in page
    assert " worse" in page
    whole = html_page(claims, "a universe", [], {}, held)
    assert whole.index(CONTROLS) < whole.index("Claims")
    nothing = summary(words[0].assign(verdict=NOT_TESTABLE))
    assert markdown_page(claims, "a universe", [], controls=nothing) == markdown_page(claims, "a universe", [])
