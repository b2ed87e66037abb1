"""SAE features that a universe lacks are extracted from its texts or token ids, as its extraction.toml says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_reports
from compsim_assets_tests.workers import tiny_models

TEXTS = ["bank of gold", "oil and steel", "bank of gold", None]


@pytest.fixture
def run(tmp_path: Path) -> Local:
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


def test_every_report_with_a_text_has_the_features_of_its_text(run: Local) -> None:
    found = extract(run)
    assert sorted(found) == [100, 107, 114]
    np.testing.assert_array_equal(found[100], found[114])
    assert not np.allclose(found[100], found[107])
    universe = run.folder / "universe"
    slow, _ = tiny_models.slow_features(
        universe / "model",
        universe / "sae" / f"encoder.layer.{tiny_models.LAYER}",
        tiny_models.LAYER,
        ["bank of gold", "oil and steel"],
        12,
    )
    np.testing.assert_allclose([found[100], found[107]], slow, atol=1e-4)


def test_the_manifest_names_what_made_the_features(run: Local) -> None:
    extract(run)
    folder = run.results.array_folder("sae_features")
    manifest = json.loads((folder / "features.json").read_text())
    assert len(manifest.pop("content")) == 64
    assert manifest == {
        "origin": "extracted",
        "hookpoint": f"encoder.layer.{tiny_models.LAYER}",
        "model": str(run.folder / "universe" / "model"),
        "sae": str(run.folder / "universe" / "sae"),
        "universe": run.results.universe_stamp(),
        "n_latents": tiny_models.N_LATENTS,
        "n_reports": 3,
    }
    said = run.metadata("sae_features")
    assert said["origin"] == "extracted"
    assert said["shape"] == f"3 reports x {tiny_models.N_LATENTS} latents, float32"
    assert (said["n_unique"], said["n_empty"]) == (2, 1)
    assert list((run.results.folder / ".scratch").iterdir()) == []


def test_token_ids_do_as_well_as_texts(run: Local) -> None:
    from_texts = extract(run)
    tokenizer = tiny_models.make_tokenizer("bert")
    ids: Any = [tokenizer(text)["input_ids"] if text else None for text in TEXTS]
    write_reports(run.folder / "universe", section_1=None, input_ids=pa.array(ids))
    from_tokens = extract(run)
    assert sorted(from_tokens) == sorted(from_texts)
    for report, values in from_texts.items():
        np.testing.assert_allclose(from_tokens[report], values, atol=1e-5)


def test_texts_that_are_all_missing_are_an_error_and_leave_the_previous_features(run: Local) -> None:
    before = extract(run)
    write_reports(run.folder / "universe", section_1=pa.array([None, "", " ", None], pa.string()))
    with pytest.raises(UniverseError, match="no report has a description"):
        extract(run)
    after = run.read("sae_features").set_index("report_id")["features"]
    for report, values in before.items():
        np.testing.assert_array_equal(after[report], values)


def test_a_broken_extraction_toml_is_named(run: Local) -> None:
    path = run.folder / "universe" / "extraction.toml"
    path.write_text('model = "model"\nsae = "sae"\nhookpoint = "encoder.layer.1"\n')
    with pytest.raises(ValueError, match=f"{path}: required key max_tokens is missing"):
        extract(run)
