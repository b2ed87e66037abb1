"""Table 2 of small tables, and which fuzz scores speak of the features."""

import math

import numpy as np
import pandas as pd
import pytest

from compsim_assets.evidence.table_two import scores_for, table_2_row

NAN = math.nan


def test_table_2_row() -> None:
    clusters = pd.DataFrame({"year": [1, 1, 1, 2, 2, 2, 2], "cluster_id": [1, 1, 2, 1, 1, 2, 2]})
    summary = pd.DataFrame({"n_candidates": [10, 20, 0], "n_strong": [1, 6, 0]})
    curve = pd.DataFrame(
        {"min_share": [0.0, 1.0, 2.0], "mean_interpretability": [60.0, 75.0, NAN], "n_latents": [9, 2, 0]}
    )
    assert table_2_row("base", clusters, summary, curve) == {
        "mode": "base",
        "n_clusters": 3,
        "n_clusters_studied": 3,
        "n_latents_scored": 9,
        "mean_interpretability": 60.0,
        "top_interpretability": 75.0,
        "top_min_share": 1.0,
        "median_proportion_strong": pytest.approx(0.2),
    }


def test_table_2_row_of_nothing() -> None:
    row = table_2_row(
        "rolling",
        pd.DataFrame({"year": [1], "cluster_id": [1]}),
        pd.DataFrame({"n_candidates": [], "n_strong": []}),
        pd.DataFrame({"min_share": [0.0], "mean_interpretability": [NAN], "n_latents": [0]}),
    )
    assert (row["n_clusters"], row["n_clusters_studied"]) == (0, 0)
    assert math.isnan(row["mean_interpretability"])
    assert math.isnan(row["median_proportion_strong"])


def hook_scores(hookpoints: list[str], latents: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"hookpoint": hookpoints, "latent": latents, "interpretability": np.full(len(latents), 60.0)})


def test_scores_of_another_hookpoint_are_not_ours() -> None:
    scores = hook_scores(["layers.30", "layers.3", "layers.30"], [5, 6, 9])
    usable, note = scores_for(scores, "layers.30", 10)
    assert usable["latent"].tolist() == [5, 9]
    assert "2 latents of layers.30" in note
    none, note = scores_for(scores, "layers.7", 10)
    assert none.empty
    assert "layers.3, layers.30" in note


def test_features_of_unknown_origin_match_a_single_hookpoint_whose_latents_exist() -> None:
    scores = hook_scores(["layers.30"] * 2, [5, 9])
    assert len(scores_for(scores, None, 10)[0]) == 2
    assert scores_for(scores, None, 9)[0].empty
    assert scores_for(hook_scores(["a", "b"], [1, 2]), None, 10)[0].empty
    assert scores_for(scores.iloc[:0], None, 10)[0].empty
