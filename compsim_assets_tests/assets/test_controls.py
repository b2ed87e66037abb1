"""Controls: what stands in the SAE features' place, and what is said where there is none."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.storage.controls import ControlFeatures, ControlScores
from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_features, write_reports


@pytest.fixture
def run(tmp_path: Path) -> Local:
    """Reports 100, 107, 114 and 121."""
    write_reports(tmp_path / "universe")
    return Local(tmp_path)


def test_features_that_came_ready_made_have_no_model_to_ask(run: Local) -> None:
    write_features(run.folder / "universe", [100, 107, 114, 121], [[0, 1.5, 7], [2, 0, 0], [0, 0, 8], [1, 0, 0]])
    run.run(["descriptions", "sae_features", "control_features", "control_scores"])
    features = ControlFeatures(run.results.array_folder("control_features"))
    assert features.note.startswith("features came ready-made: there is no model")
    assert list(features.matrices()) == []
    scores = ControlScores(run.results.array_folder("control_scores"))
    assert {control.name for control, _ in scores.controls()} >= {"shuffled_features"}
    assert features.note in json.loads((scores.folder / "control_scores.json").read_text())["notes"]
    for _, each in scores.controls():
        assert each.report_id.tolist() == [100, 107, 114, 121]
        assert np.isfinite(each.matrix).all()
        assert pd.Series(each.year).between(1990, 2030).all()
