"""Published figures of latents beside ours: interpretability, strong features, values."""

from dataclasses import replace

import numpy as np
import pandas as pd

from compsim_assets.science.latents.values import value_distribution
from compsim_assets_tests.evidence.compared_figures import NAN, compared, nothing

CURVE_COLUMNS = ["min_share", "mean_interpretability", "n_latents", "share_of_latents"]
STRONG = pd.DataFrame(
    {
        "members": ["1,2"] * 3 + ["3,4"] * 3 + ["5,6"] * 3 + ["7,8"] * 3,
        "latent": [1, 2, 3] * 4,
        # Latent 1 is strong in all clusters, 2 in one of four, 3 in none.
        "strong": [True, True, False] + [True, False, False] * 3,
    }
)
SCORES = pd.DataFrame({"latent": [1, 2, 3, 9], "interpretability": [80.0, 60.0, NAN, 10.0]})


def test_interpretability_of_published_strong_features_and_of_ours() -> None:
    curve = pd.DataFrame([[24, 70.0, 2, 1.0], [30, 75.0, 1, 0.5]], columns=CURVE_COLUMNS)
    computed = replace(nothing(), curves={"base": curve}, fuzz_scores=SCORES, strong_features={"base": STRONG})
    at_30 = compared(computed, "interpretability_at", "base", "30")
    assert (at_30["ours"], at_30["replayed"], at_30["note"]) == (75.0, 80.0, "")
    assert compared(computed, "interpretability_at", "base", "24")["replayed"] == 70.0
    # Latent 9 has a score, but no published cluster knew it.
    assert compared(computed, "interpretability_at", "base", "0")["replayed"] == 70.0
    other = compared(computed, "interpretability_at", "rolling", "24")
    assert np.isnan(other["ours"])
    assert np.isnan(other["replayed"])


def test_no_latent_left_at_a_share_is_null() -> None:
    curve = pd.DataFrame([[30, NAN, 0, 0.0]], columns=CURVE_COLUMNS)
    row = compared(replace(nothing(), curves={"base": curve}), "interpretability_at", "base", "30")
    assert np.isnan(row["ours"])
    assert "no scored latent is strong in 30 %" in row["note"]


def test_median_proportion_of_strong_features() -> None:
    own = pd.DataFrame({"proportion": [0.1, 0.2, 0.9]})
    computed = replace(nothing(), proportions={"base": own}, strong_features={"base": STRONG})
    row = compared(computed, "median_proportion", "base")
    assert row["ours"] == 0.2
    # Two, one, one and one strong of the thousand that the published script divides by.
    assert row["replayed"] == 0.001


def test_shares_of_feature_values() -> None:
    values = np.array([[0.0, 0.0, 0.0, 7.5], [7.6, 100.0, 1.0, 0.01]], dtype=np.float32)
    computed = replace(nothing(), feature_distribution=value_distribution([values]))
    assert compared(computed, "share_zero")["ours"] == 3 / 8
    assert compared(computed, "share_above")["ours"] == 2 / 8


def test_mean_interpretability_is_that_of_the_scored_latents() -> None:
    computed = replace(nothing(), fuzz_scores=SCORES)
    assert compared(computed, "mean_interpretability")["ours"] == 50.0


def test_scores_without_any_answer_say_so() -> None:
    scores = pd.DataFrame({"latent": [1], "interpretability": [NAN]})
    row = compared(replace(nothing(), fuzz_scores=scores), "mean_interpretability")
    assert row["note"] == "not computable here: no fuzz score has an answer"
