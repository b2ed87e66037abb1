"""Controls of an extraction: matrices of the same texts beside the features, which they leave as they are."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from compsim_assets.workers import extract_features, language_models
from compsim_assets_tests.launch.warm import by_hand
from compsim_assets_tests.workers.test_extract_features import CPU, extract
from compsim_assets_tests.workers.texts import TEXTS, UNIQUE
from compsim_assets_tests.workers.tiny_models import LAYER, MAX_TOKENS, N_LATENTS, WIDTH, WORDS, Kit

CONTROLS = {"random_sae": 2, "raw_activations": True}
NAMES = ["random_sae-1", "random_sae-2", "raw_activations-1", "raw_activations_mean-1"]


def matrices(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem.removeprefix("unique_"): np.load(path) for path in sorted(folder.glob("unique_*-*.npy"))}


def hidden_states(kit: Kit, text: str) -> np.ndarray:
    """(tokens, width) at the hookpoint, of the text's own tokens, a text at a time."""
    tokenizer = AutoTokenizer.from_pretrained(kit.model)
    given = tokenizer(
        text, truncation=True, max_length=MAX_TOKENS, return_tensors="pt", return_special_tokens_mask=True
    )
    special = given.pop("special_tokens_mask")[0].bool()
    with torch.inference_mode():
        outputs = AutoModel.from_pretrained(kit.model).eval()(**given, output_hidden_states=True)
    return outputs.hidden_states[LAYER + 1][0][~special].numpy()


def test_each_control_has_a_row_for_each_text(kit: Kit, tmp_path: Path) -> None:
    plain = extract(tmp_path, kit.settings(), TEXTS)
    assert matrices(tmp_path / "out") == {}
    got = extract(tmp_path, kit.settings(controls=CONTROLS), TEXTS)
    assert got.features.tobytes() == plain.features.tobytes()
    made = matrices(tmp_path / "out")
    assert sorted(made) == NAMES
    for name, width in zip(NAMES, [N_LATENTS, N_LATENTS, WIDTH, WIDTH], strict=True):
        assert made[name].shape == (len(UNIQUE), width)
        assert made[name].dtype == np.float32
        assert made[name].any(axis=1).all()
    assert (made["random_sae-1"] != made["random_sae-2"]).any()
    assert (made["random_sae-1"] != got.features).any()


def test_raw_activations_are_the_hookpoints(kit: Kit, tmp_path: Path) -> None:
    extract(tmp_path, kit.settings(controls=CONTROLS), UNIQUE)
    made, states = matrices(tmp_path / "out"), [hidden_states(kit, text) for text in UNIQUE]
    for name, reduce in (("raw_activations-1", np.sum), ("raw_activations_mean-1", np.mean)):
        expected = np.stack([reduce(state, axis=0) for state in states])
        np.testing.assert_allclose(made[name], expected, rtol=1e-4, atol=1e-4)


def test_the_random_sae_has_the_trained_ones_lengths_biases_and_k(llama: Kit, tmp_path: Path) -> None:
    extract(tmp_path, llama.settings(controls=CONTROLS), UNIQUE)
    models = language_models.load_models(llama.settings(), CPU)
    sae = models.sae
    beside = extract_features.controls_beside(CONTROLS, models)
    state = torch.from_numpy(np.concatenate([hidden_states(llama, text) for text in UNIQUE]))
    features = beside["random_sae-1"].of_tokens(state, torch.arange(len(state)), len(state))
    assert (features > 0).sum(dim=1).max() <= sae.cfg.k
    assert (features > 0).any(dim=1).all()
    # Summed over all texts it is the same as text by text.
    made = matrices(tmp_path / "out")["random_sae-1"]
    np.testing.assert_allclose(features.sum(dim=0).numpy(), made.sum(axis=0), rtol=1e-3, atol=1e-3)


def test_controls_are_the_same_by_two_processes(llama: Kit, tmp_path: Path, one_thread: None) -> None:
    texts = TEXTS + [" ".join(pair) for pair in itertools.product(WORDS, WORDS)]
    settings: dict[str, Any] = llama.settings(controls=CONTROLS)
    extract(tmp_path, settings, texts)
    extras = {"texts": str(tmp_path / "texts.parquet"), "settings": settings, "output": str(tmp_path / "two")}
    by_hand("compsim_assets.workers.extract_features", extras, tmp_path / "ranks", ranks=2, imports=["sparsify"])
    alone, two = matrices(tmp_path / "out"), matrices(tmp_path / "two")
    assert sorted(alone) == sorted(two) == NAMES
    for name in NAMES:
        assert alone[name].tobytes() == two[name].tobytes()


@pytest.mark.parametrize("asked", [{}, {"random_sae": 0, "raw_activations": False}])
def test_none_are_made_where_none_are_asked_for(llama: Kit, asked: dict[str, Any]) -> None:
    assert extract_features.controls_beside(asked, language_models.load_models(llama.settings(), CPU)) == {}
