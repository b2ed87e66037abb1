"""delphi's score files, old and new, and what is said about broken ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compsim_assets.universe.intake.decisions import Decisions
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.score_files import read_score_file, read_scores


def example(activating: Any, correct: Any, **more: Any) -> dict[str, Any]:
    return {
        "str_tokens": [" bank"],
        "activations": [0.5],
        "distance": 3 if activating else -1.0,
        "activating": activating,
        "prediction": 1,
        "probability": None,
        "correct": correct,
        **more,
    }


def write(folder: Path, examples: Any, name: str = "layers.30_latent17.txt") -> Path:
    path = folder / name
    path.write_text(examples if isinstance(examples, str) else json.dumps(examples))
    return path


def test_a_file_is_a_score_of_one_latent(tmp_path: Path) -> None:
    # Active: 2 of 3 right; others: 1 of 2 right; one without an answer.
    examples = [example(True, c) for c in (True, True, False)]
    examples += [example(False, c) for c in (True, False, None)]
    assert read_score_file(write(tmp_path, examples)) == {
        "hookpoint": "layers.30",
        "latent": 17,
        "interpretability": pytest.approx(60.0),
        "balanced_accuracy": pytest.approx(100 * (2 / 3 + 1 / 2) / 2),
        "n_examples": 6,
        "n_unscored": 1,
    }


@pytest.mark.parametrize("prediction", [0, 1, True, False, None])
def test_the_kind_of_prediction_does_not_matter(tmp_path: Path, prediction: Any) -> None:
    examples = [example(True, True, prediction=prediction), example(False, False)]
    assert read_score_file(write(tmp_path, examples))["interpretability"] == 50.0


def test_without_any_answer_there_is_no_score(tmp_path: Path) -> None:
    score = read_score_file(write(tmp_path, [example(True, None), example(False, None)]))
    assert np.isnan(score["interpretability"])
    assert np.isnan(score["balanced_accuracy"])
    assert (score["n_examples"], score["n_unscored"]) == (2, 2)


def test_answers_for_one_side_alone_are_not_balanced(tmp_path: Path) -> None:
    score = read_score_file(write(tmp_path, [example(True, True), example(False, None)]))
    assert score["interpretability"] == 100.0
    assert np.isnan(score["balanced_accuracy"])


@pytest.mark.parametrize(
    ("name", "hookpoint", "latent"),
    [
        ("layers.30_latent0.txt", "layers.30", 0),
        ("encoder.layer.4_latent6143.json", "encoder.layer.4", 6143),
        ("model_latent_space_latent12.txt", "model_latent_space", 12),
        ("layers.3_latent0034.txt", "layers.3", 34),
    ],
)
def test_hookpoint_and_latent_are_in_the_name(tmp_path: Path, name: str, hookpoint: str, latent: int) -> None:
    score = read_score_file(write(tmp_path, [example(True, True)], name))
    assert (score["hookpoint"], score["latent"]) == (hookpoint, latent)


@pytest.mark.parametrize("name", ["layers.30_latent.txt", "_latent3.txt", "a_latent3.csv"])
def test_a_bad_name_is_shown_a_good_one(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, [example(True, True)], name)
    with pytest.raises(UniverseError, match=rf"{name}: expected a name like layers\.30_latent"):
        read_score_file(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('[{"correct": tru', "line 1"),
        ("", "line 1"),
        ('{"correct": true}', "list of examples"),
        ("[1, 2]", "list of examples"),
        ([{"activating": True}], "'correct'"),
        ([{"correct": True}], "'activating'"),
        ([example(None, True)], "example 0: 'activating' is null"),
        ([example(True, True), example(True, "yes")], "'correct' is 'yes'"),
        ([example(True, [1])], "'correct' is"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_broken_content_names_the_file(tmp_path: Path, content: Any, problem: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UniverseError, match=problem) as raised:
        read_score_file(path)
    assert str(raised.value).startswith(f"{path}: ")


def test_bytes_that_are_no_text_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "layers.30_latent1.txt"
    path.write_bytes(b"\xff\xfe\x00[")
    with pytest.raises(UniverseError, match=r"layers\.30_latent1\.txt: "):
        read_score_file(path)


def test_scores_are_ordered_by_latent_and_what_is_unanswered_is_counted(tmp_path: Path) -> None:
    unanswered = [example(True, False, prediction=-1), example(False, None)]
    paths = [
        write(tmp_path, [example(True, True), *unanswered], "layers.3_latent20.txt"),
        write(tmp_path, [example(True, True), example(False, None)], "layers.3_latent3.txt"),
        write(tmp_path, [example(True, False)], "layers.3_latent100.txt"),
    ]
    decisions = Decisions(tmp_path)
    table = read_scores(paths, decisions.of("fuzz_scores"))
    assert table["latent"].tolist() == [3, 20, 100]
    assert table["n_unscored"].tolist() == [1, 2, 0]
    assert table["interpretability"].tolist() == [100, 100, 0]
    (decision,) = decisions
    assert (decision.grade, decision.count) == ("left_out", 3)
    assert decision.example == "layers.3_latent20.txt: 2 of 3"
    assert read_scores([], decisions.of("fuzz_scores")).empty


def test_two_files_of_one_latent_are_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path, [example(True, True)], f"layers.3_latent7.{suffix}") for suffix in ("json", "txt")]
    with pytest.raises(UniverseError, match=r"layers\.3_latent7\.txt: a second score file for latent 7 of layers\.3"):
        read_scores(paths, Decisions().of("fuzz_scores"))
