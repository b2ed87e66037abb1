"""SAE features: imported from any layout, unusable rows dropped and said; or extracted from texts and token ids."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.storage.results import StaleResult
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_features, write_reports
from compsim_assets_tests.workers import tiny_models

CUT = ["clustered_reports", "dendrograms", "cutoff_curve", "distance_scale", "cutoffs", "clusters"]
FEATURES = [[0.0, 1.5, 7.5], [2.0, 0.0, 0.0], [0.0, 0.0, 8.0], [0.01, 0.0, 0.0]]


@pytest.fixture
def run(tmp_path: Path) -> Local:
    """Reports 100, 107, 114 and 121."""
    write_reports(tmp_path / "universe")
    return Local(tmp_path)


def test_features_are_imported_whatever_their_order(run: Local) -> None:
    write_features(run.folder / "universe", [114, 100, 121, 107], FEATURES)
    run.run(["descriptions", "sae_features"])
    table = run.read("sae_features").set_index("report_id")["features"]
    for report, values in zip([114, 100, 121, 107], FEATURES, strict=True):
        np.testing.assert_array_equal(table[report], np.array(values, np.float32))
    said = run.metadata("sae_features")
    assert said["origin"] == "imported"
    assert said["dagster/row_count"] == 4
    assert (said["latents"], said["shape"]) == (3, "4 reports x 3 latents, float32")
    assert said["dropped"] == "none"
    assert said["data"] == "local"


def test_what_is_dropped_is_said(run: Local) -> None:
    rows = [*FEATURES[:2], [1.0, 2.0], [np.nan, 0.0, 0.0], [1.0, 1.0, 1.0]]
    write_features(run.folder / "universe", [100, 107, 114, 121, 999], rows)
    run.run(["descriptions", "sae_features"])
    assert set(run.metadata("sae_features")["dropped"].split(", ")) == {
        "1 length is not 3",
        "1 not finite",
        "1 features without a report",
        "2 report without features",
    }
    assert sorted(run.read("sae_features")["report_id"]) == [100, 107]


def test_the_distribution_of_values(run: Local) -> None:
    write_features(run.folder / "universe", [114, 100, 121, 107], FEATURES)
    run.run(["descriptions", "sae_features", "feature_distribution"])
    table = run.read("feature_distribution")
    assert len(table) == 302
    assert table.iloc[0].tolist() == [0.0, 0.0, 7.0, 7 / 12]
    assert table.iloc[-1].tolist() == [7.5, np.inf, 1.0, 1 / 12]
    counted = table[(table["count"] > 0) & (table["bin_right"] > 0)]
    edges = list(zip(counted["bin_left"].round(6), counted["bin_right"].round(6), strict=True))
    assert edges == [(0.0, 0.025), (1.475, 1.5), (1.975, 2.0), (7.475, 7.5), (7.5, np.inf)]


def test_the_features_come_before_the_text(run: Local) -> None:
    """With features there, extraction.toml is not read."""
    (run.folder / "universe" / "extraction.toml").write_text("this is no TOML")
    write_features(run.folder / "universe", [114, 100, 121, 107], FEATURES)
    run.run(["descriptions", "sae_features"])
    assert run.metadata("sae_features")["origin"] == "imported"


def test_a_report_without_features_is_in_no_cluster(run: Local) -> None:
    write_features(run.folder / "universe", [114, 100, 121], FEATURES[:3])
    run.run(["descriptions", "returns", "published_pairs", "sae_features", "pca", "pca_scores", *CUT])
    clusters = run.read("clusters", "base")
    assert sorted(clusters["report_id"]) == [100, 114, 121]
    year = pd.Series({100: 2015, 114: 2015, 121: 2016})
    assert clusters["year"].tolist() == year.loc[clusters["report_id"]].tolist()


# -- Extracted ----------------------------------------------------------------------------------------------------

TEXTS = ["bank of gold", "oil and steel", "bank of gold", None]


@pytest.fixture
def with_texts(tmp_path: Path) -> Local:
    """Reports 100, 107, 114 and 121, and a tiny language model beside them."""
    universe = tmp_path / "universe"
    write_reports(universe, section_1=TEXTS)
    kit = tiny_models.make_kit(universe, "bert")
    (universe / "extraction.toml").write_text(
        f'model = "model"\nsae = "sae"\nhookpoint = "{kit.hookpoint}"\nmax_tokens = 12\n'
    )
    return Local(tmp_path)


def extract(run: Local) -> dict[int, np.ndarray]:
    run.run(["descriptions", "sae_features"])
    table = run.read("sae_features")
    return dict(zip(table["report_id"], table["features"], strict=True))


def test_every_report_with_a_text_has_the_features_of_its_text(with_texts: Local) -> None:
    found = extract(with_texts)
    assert sorted(found) == [100, 107, 114]
    np.testing.assert_array_equal(found[100], found[114])
    assert not np.allclose(found[100], found[107])
    universe = with_texts.folder / "universe"
    slow, _ = tiny_models.slow_features(
        universe / "model",
        universe / "sae" / f"encoder.layer.{tiny_models.LAYER}",
        tiny_models.LAYER,
        ["bank of gold", "oil and steel"],
        12,
    )
    np.testing.assert_allclose([found[100], found[107]], slow, atol=1e-4)


def test_a_text_of_ten_megabytes_has_the_features_of_its_first_tokens(with_texts: Local) -> None:
    start = "gold bank of steel and oil " * 3  # more than max_tokens
    write_reports(with_texts.folder / "universe", section_1=[start, start + "gold " * 2_000_000, "oil", None])
    features = extract(with_texts)
    np.testing.assert_array_equal(features[100], features[107])
    assert not np.allclose(features[100], features[114])


def test_the_manifest_names_what_made_the_features(with_texts: Local) -> None:
    extract(with_texts)
    folder = with_texts.results.array_folder("sae_features")
    manifest = json.loads((folder / "features.json").read_text())
    assert manifest.pop("content") == with_texts.results.content("sae_features") != ""
    assert sorted(manifest.pop("files")) == sorted(p.name for p in folder.iterdir() if p.name != "features.json")
    assert sorted(manifest.pop("xxh3")) == sorted([*(path.name for path in folder.glob("*.arrow")), "windows.parquet"])
    assert manifest.pop("n_windows") > 0
    assert len(manifest.pop("seal")) == 32
    assert manifest == {
        "origin": "extracted",
        "hookpoint": f"encoder.layer.{tiny_models.LAYER}",
        "model": str(with_texts.folder / "universe" / "model"),
        "sae": str(with_texts.folder / "universe" / "sae"),
        "n_latents": tiny_models.N_LATENTS,
        "n_reports": 3,
    }
    said = with_texts.metadata("sae_features")
    assert said["origin"] == "extracted"
    assert said["shape"] == f"3 reports x {tiny_models.N_LATENTS} latents, float32"
    assert (said["n_unique"], said["n_empty"]) == (2, 1)
    assert list((with_texts.results.folder / ".scratch").iterdir()) == []


def test_token_ids_do_as_well_as_texts(with_texts: Local) -> None:
    from_texts = extract(with_texts)
    tokenizer = tiny_models.make_tokenizer("bert")
    ids: Any = [tokenizer(text)["input_ids"] if text else None for text in TEXTS]
    write_reports(with_texts.folder / "universe", section_1=None, input_ids=pa.array(ids))
    from_tokens = extract(with_texts)
    assert sorted(from_tokens) == sorted(from_texts)
    for report, values in from_texts.items():
        np.testing.assert_allclose(from_tokens[report], values, atol=1e-5)


def test_texts_that_are_all_missing_are_an_error_and_leave_the_previous_features(with_texts: Local) -> None:
    before = extract(with_texts)
    write_reports(with_texts.folder / "universe", section_1=pa.array([None, "", " ", None], pa.string()))
    with pytest.raises(UniverseError, match="no report has a description"):
        extract(with_texts)
    after = FeatureShards(with_texts.results.array_folder("sae_features"))
    np.testing.assert_array_equal(after.columns(0, after.n_latents), list(before.values()))
    assert after.report_id.tolist() == list(before)
    with pytest.raises(StaleResult, match="sae_features was made from other descriptions than the present ones"):
        with_texts.read("sae_features")


def test_a_broken_extraction_toml_is_named(with_texts: Local) -> None:
    path = with_texts.folder / "universe" / "extraction.toml"
    path.write_text('model = "model"\nsae = "sae"\nhookpoint = "encoder.layer.1"\n')
    with pytest.raises(ValueError, match=f"{path}: required key max_tokens is missing"):
        extract(with_texts)
