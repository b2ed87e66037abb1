"""Labels and detection scores of judges, ours and delphi's."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.contracts import TABLES
from compsim_assets.contracts.table import validate
from compsim_assets.universe.intake.decisions import Decisions
from compsim_assets.universe.judging.judged import read_judged
from compsim_assets.universe.judging.labels import file_stem, plain, read_labels
from compsim_assets.universe.layout import UniverseError


def label(folder: Path, latent: int, text: object, hookpoint: str = "layers.3", suffix: str = ".txt") -> Path:
    path = folder / "explanations" / f"{hookpoint}_latent{latent}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(text))
    return path


def detection(folder: Path, latent: int, *correct: bool | None) -> None:
    examples = [
        {"str_tokens": [" a"], "activations": [0.0], "distance": -1.0, "activating": False, "probability": None,
         "prediction": None if right is None else not right, "correct": right}
        for right in correct
    ]  # fmt: skip
    path = folder / "scores" / "detection" / f"layers.3_latent{latent}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(examples))


def judged(folder: Path) -> pd.DataFrame:
    table = read_judged(folder, Decisions().of("fuzz_scores"))[TABLES["judged_latents"].names]
    return validate(TABLES["judged_latents"], table).to_pandas()


def test_labels_and_scores_come_together(tmp_path: Path) -> None:
    label(tmp_path, 7, "oil and gas")
    label(tmp_path, 4711, "of a judge of ours")
    (tmp_path / "judge").mkdir()
    record = {"model": "some-\x1bmodel", "prompt_version": 1}
    (tmp_path / "judge" / "layers.3_latent4711.json").write_text(json.dumps(record))
    detection(tmp_path, 7, True, True, False, None)
    detection(tmp_path, 9, True)
    rows = judged(tmp_path)
    assert list(rows["latent"]) == [7, 9, 4711]
    assert rows["judge_label"].fillna("-").tolist() == ["oil and gas", "-", "of a judge of ours"]
    assert rows["judge"].tolist() == ["", "", "some-model"]
    assert rows["prompt_version"].fillna(-1).tolist() == [-1, -1, 1]
    np.testing.assert_allclose(rows["detection"], [200 / 3, 100, np.nan])
    assert rows["n_examples"].tolist() == [4, 1, 0]
    assert rows["n_unscored"].tolist() == [1, 0, 0]


def test_without_files_the_table_is_empty(tmp_path: Path) -> None:
    assert judged(tmp_path / "nothing").empty


@pytest.mark.parametrize("text", ["Explanation could not be parsed.", "No explanation found", "", "\u200b\x07"])
def test_what_delphi_writes_for_no_label_is_none(tmp_path: Path, text: str) -> None:
    label(tmp_path, 1, text)
    assert read_labels(tmp_path).empty


def test_labels_are_plain(tmp_path: Path) -> None:
    label(tmp_path, 1, "a\nb\x1b[31m\u202e" + "c" * 10_000)
    (text,) = read_labels(tmp_path)["judge_label"]
    assert text.startswith("a b[31mccc")
    assert len(text) == 200


@pytest.mark.parametrize("content", ["", "{", "7", '["a"]', "null", "\xff", '"' + "a" * (1 << 20) + '"'])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    path = label(tmp_path, 1, "")
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UniverseError, match="_latent1"):
        read_labels(tmp_path)


def test_a_second_label_is_refused(tmp_path: Path) -> None:
    label(tmp_path, 1, "one")
    label(tmp_path, 1, "two", suffix=".json")
    with pytest.raises(UniverseError, match="a second label for latent 1 of"):
        read_labels(tmp_path)


def test_a_broken_record_says_nothing(tmp_path: Path) -> None:
    label(tmp_path, 1, "one")
    (tmp_path / "judge").mkdir()
    for content in ("", "{", "[]", '{"model": 7, "prompt_version": "x"}'):
        (tmp_path / "judge" / "layers.3_latent1.json").write_text(content)
        assert read_labels(tmp_path)["judge_label"].tolist() == ["one"]


def test_files_are_called_as_delphi_calls_them() -> None:
    assert file_stem("layers.30", 100026) == "layers.30_latent100026"
    assert file_stem("h/0/mlp", 1) == "h--0--mlp_latent1"


def test_plain_keeps_what_is_written() -> None:
    assert plain("  Öl & Gas – 石油 <b>  ") == "Öl & Gas – 石油 <b>"
    assert plain("a" * 300, 10) == "aaaaaaaaa…"
