"""Fuzz score files in delphi's format."""

import json
from pathlib import Path

import numpy as np
import pytest

from compsim_assets_tests.sample.conftest import Sample

KEYS = ["str_tokens", "activations", "distance", "activating", "prediction", "probability", "correct"]


@pytest.fixture(scope="module")
def scores(full: Sample) -> dict[int, list[dict]]:
    """Examples by latent."""
    files = sorted((full.folder / "fuzz_scores").iterdir())
    return {int(Path(f).stem.removeprefix("layers.30_latent")): json.loads(f.read_text()) for f in files}


def test_files_are_those_of_delphi(scores: dict[int, list[dict]]) -> None:
    assert len(scores) == 300
    for examples in scores.values():
        assert len(examples) == 60
        assert sum(e["activating"] for e in examples) == 30
        assert all(list(e) == KEYS for e in examples)
        assert all(len(e["str_tokens"]) == len(e["activations"]) == 8 for e in examples)
        assert {type(e["activating"]) for e in examples} == {bool}


def test_activations_distance_and_answers_agree(scores: dict[int, list[dict]]) -> None:
    for example in (e for examples in scores.values() for e in examples):
        active, answer = example["activating"], example["prediction"]
        assert (max(example["activations"]) > 0) == active
        assert example["distance"] in range(10) if active else example["distance"] == -1.0
        assert (answer is None) == (example["correct"] is None)
        if answer is not None:
            assert example["correct"] == (bool(answer) == active)


def test_some_examples_have_no_answer(scores: dict[int, list[dict]]) -> None:
    answers = [e["correct"] for examples in scores.values() for e in examples]
    assert np.mean([answer is None for answer in answers]) == pytest.approx(0.03, abs=0.01)


def test_planted_latents_are_interpretable_and_noise_is_not(full: Sample, scores: dict[int, list[dict]]) -> None:
    kind = full.latents.set_index("latent")["kind"]
    right = {
        latent: 100 * np.mean([e["correct"] for e in examples if e["correct"] is not None])
        for latent, examples in scores.items()
    }
    by_kind = {k: [v for j, v in right.items() if kind[j] == k] for k in set(kind[list(right)])}
    assert set(by_kind) == {"line", "sector", "theme", "noise"}
    assert len(by_kind["line"]) == 150
    assert 80 < np.mean(by_kind["line"]) < 90
    assert 50 < np.mean(by_kind["noise"]) < 60
    assert np.quantile(by_kind["line"], 0.05) > np.mean(by_kind["noise"])
    per_line = full.latents.loc[[j for j in right if kind[j] == "line"]].groupby("line").size()
    assert (per_line == 5).all()


def test_windows_of_a_line_are_its_own_words(full: Sample, scores: dict[int, list[dict]]) -> None:
    latents = full.latents.set_index("latent")
    latent = next(j for j in scores if latents.loc[j, "name"] == "regional banking")
    words = {True: "", False: ""}
    for example in scores[latent]:
        words[example["activating"]] += "".join(example["str_tokens"]).lower()
    assert words[True].count("bank") >= 5 * max(1, words[False].count("bank"))
