"""What a judge left in a universe, as a table of the platform."""

import json

import pytest

from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_features, write_reports


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Local:
    made = Local(tmp_path_factory.mktemp("judged"))
    universe = made.folder / "universe"
    universe.mkdir()
    write_reports(universe)
    write_features(universe, [100, 107, 114, 121], [[1.0, 0.0, 2.0]] * 4)
    made.run(["descriptions", "judged_latents"])
    return made


def test_without_a_judge_the_table_is_empty_and_says_so(run: Local) -> None:
    assert run.read("judged_latents").empty
    said = run.metadata("judged_latents")
    assert said["judges"] == "none"
    assert said["note"] == "nobody has judged latents: `compsim judge` does, where it is set up"


def test_labels_and_scores_become_rows(run: Local) -> None:
    folder = run.folder / "universe" / "fuzz_scores"
    example = {"str_tokens": [" a"], "activations": [0], "distance": -1.0, "activating": False, "prediction": False}
    for name, content in {
        "explanations/layers.3_latent2.txt": "what a judge\x1b[31m calls it",
        "judge/layers.3_latent2.json": {"model": "some-model", "prompt_version": 1},
        "scores/detection/layers.3_latent2.txt": [{**example, "probability": None, "correct": True}],
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    run.run(["judged_latents"])
    row = run.read("judged_latents").iloc[0].to_dict()
    assert row == {
        "latent": 2, "hookpoint": "layers.3", "judge_label": "what a judge[31m calls it", "judge": "some-model",
        "prompt_version": 1, "detection": 100.0, "n_examples": 1, "n_unscored": 0,
    }  # fmt: skip
    said = run.metadata("judged_latents")
    assert (said["labels"], said["judges"], said["mean_detection"]) == (1, "some-model", 100.0)
