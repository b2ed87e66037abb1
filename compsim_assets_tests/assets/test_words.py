"""Latents in words: from features and texts to tables, what is said where there is nothing, hostile tokens as data."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.storage.shards import FeatureShards
from compsim_assets_tests.runs import Local, Rebuilt
from compsim_assets_tests.universes import write_features, write_reports
from compsim_assets_tests.workers import tiny_models

TABLES = ["descriptions", "sae_features", "fuzz_scores", "latent_reports", "latent_years", "latent_windows"]
HOSTILE = ["<script>alert(1)</script>", "\x1b[31m red", "\u202egnp", '"],["', "\ud800", "a\x00b", "</script><!--", "…"]


@pytest.fixture
def with_texts(tmp_path: Path) -> Local:
    """Reports 100, 107, 114 and 121, and a tiny language model beside them; 100 and 114 have one text."""
    universe = tmp_path / "universe"
    write_reports(universe, section_1=["bank of gold", "oil and steel", "bank of gold", None])
    kit = tiny_models.make_kit(universe, "bert")
    (universe / "extraction.toml").write_text(
        f'model = "model"\nsae = "sae"\nhookpoint = "{kit.hookpoint}"\nmax_tokens = 12\n'
    )
    return Local(tmp_path)


def test_windows_of_an_extraction_are_of_the_reports_that_have_the_features(with_texts: Local) -> None:
    with_texts.run(TABLES)
    windows, reports = with_texts.read("latent_windows"), with_texts.read("latent_reports")
    features = with_texts.read("sae_features").set_index("report_id")["features"]
    assert set(windows["source"]) == {"extraction"}
    # The text of 100 is of another company, too: it is shown once, as that of its first report.
    assert set(windows["report_id"]) == {100, 107}
    assert with_texts.metadata("latent_windows")["windows_of_extraction"] == len(windows) > 20
    for window in windows.itertuples():
        tokens, activations = json.loads(window.tokens), json.loads(window.activations)
        assert tokens == {100: ["bank", "of", "gold"], 107: ["oil", "and", "steel"]}[window.report_id]
        assert sum(activations) == pytest.approx(features[window.report_id][window.latent], rel=1e-3)
    # Each company once, here each report.
    active = np.stack(features.to_list()) > 0
    assert len(reports) == active.sum()
    assert (reports.groupby("latent")["activation"].diff().dropna() <= 0).all()
    of_year = with_texts.read("latent_years")
    year = reports["report_id"].map(with_texts.read("descriptions").set_index("report_id")["year"])
    expected = reports.assign(year=year).sort_values(["latent", "year", "rank"], ignore_index=True)
    expected["rank"] = expected.groupby(["latent", "year"]).cumcount() + 1
    pd.testing.assert_frame_equal(of_year, expected[of_year.columns], check_dtype=False)
    assert of_year["rank"].max() == 2


def test_features_that_were_extracted_before_windows_were_kept_say_what_to_make(with_texts: Local) -> None:
    with_texts.run(TABLES)
    folder = with_texts.results.array_folder("sae_features")
    manifest = json.loads((folder / "features.json").read_text())
    del manifest["n_windows"], manifest["seal"]
    (folder / "features.json").write_text(json.dumps(manifest))
    with_texts.run(["latent_windows"])
    assert len(with_texts.read("latent_windows")) == 0
    assert "materialize 'sae_features' again" in with_texts.metadata("latent_windows")["windows"]


def score_file(tokens: list[Any], activations: list[Any]) -> str:
    silent = {"str_tokens": ["no"], "activations": [0], "activating": False, "prediction": 0, "correct": True}
    active = {"str_tokens": tokens, "activations": activations, "activating": True, "prediction": 1, "correct": True}
    return json.dumps([silent, active, {**active, "activations": [a / 2 for a in activations]}])


@pytest.fixture
def with_scores(tmp_path: Path) -> Local:
    """Ready-made features of three latents, and a judge's file of one of them, whose tokens are hostile."""
    universe = tmp_path / "universe"
    write_reports(universe)
    write_features(universe, [100, 107, 114, 121], np.eye(4, 3).tolist())
    (universe / "fuzz_scores").mkdir()
    path = universe / "fuzz_scores" / "layers.30_latent1.txt"
    path.write_text(score_file(HOSTILE, [0, 0, 2.5, 0, 0, 0, 1, 0]))
    return Local(tmp_path)


def test_hostile_tokens_of_a_judge_are_data(with_scores: Local) -> None:
    with_scores.run(TABLES)
    windows = with_scores.read("latent_windows")
    assert windows["latent"].tolist() == [1, 1]
    assert windows["activation"].tolist() == [2.5, 1.25]
    assert windows["report_id"].isna().all()
    assert set(windows["source"]) == {"scores"}
    for text in windows["tokens"]:
        assert json.loads(text) == HOSTILE
        assert text.isascii()
        assert text.isprintable()
    assert "ready-made" in with_scores.metadata("latent_windows")["windows"]


def test_the_whole_rebuild_puts_latents_into_words(rebuilt: Rebuilt) -> None:
    latents = rebuilt.read("latents")
    features = FeatureShards(rebuilt.results.array_folder("sae_features"))
    values = features.columns(0, features.n_latents)
    assert latents["latent"].tolist() == list(range(features.n_latents))
    assert latents["n_reports"].tolist() == (values > 0).sum(axis=0).tolist()
    np.testing.assert_allclose(latents["firing_rate"], (values > 0).mean(axis=0))
    windows = rebuilt.read("latent_windows")
    assert latents["n_windows"].tolist() == windows.groupby("latent").size().reindex(latents.index).fillna(0).tolist()
    nothing = latents[latents["evidence"] == "none"]
    assert (nothing["label"] == "").all()
    assert latents.loc[latents["label"] == "", "label_auc"].isna().all()
    assert (latents["label"] != "").sum() > 10
    themes = rebuilt.read("latent_themes").set_index("latent")["theme"]
    pd.testing.assert_series_equal(
        latents["theme"].astype("Float64"), themes.reindex(latents.index).astype("Float64"), check_names=False
    )
    assert latents["twin"].isna().all()  # the sample's features came ready-made
