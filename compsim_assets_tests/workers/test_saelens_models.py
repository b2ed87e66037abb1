"""SAELens checkpoints with a model: which module a hook means, and the tokens and activations of its training."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel

from compsim_assets.launch.worker import Worker
from compsim_assets.workers import extract_features, language_models
from compsim_assets.workers.saelens_hooks import module_of_hook, takes_mean_out
from compsim_assets_tests.workers.architectures import make_architecture, slow_activations
from compsim_assets_tests.workers.saelens_checkpoints import config_of, encoded, metadata, save_checkpoint
from compsim_assets_tests.workers.test_extract_features import read_output, save_texts
from compsim_assets_tests.workers.tiny_models import WORDS, Kit

CPU = torch.device("cpu")
TEXTS = ["bank of gold", "oil", " ".join(WORDS)]
STREAM = "blocks.1.hook_resid_post"
OF_BERT = "blocks.1.hook_normalized_resid_post"


def checkpoint(kit: Kit, folder: Path, architecture: str = "topk", **told: Any) -> dict[str, Any]:
    """Settings for a checkpoint beside the kit's model."""
    save_checkpoint(folder / "sae", config_of(architecture, metadata=metadata(**told)))
    return kit.settings(sae=str(folder / "sae"), max_tokens=20)


@pytest.mark.parametrize("architecture", ["topk", "jumprelu"])
@pytest.mark.parametrize(
    ("kind", "hook"),
    [("llama", STREAM), ("gpt_neox", STREAM), ("gpt2", STREAM), ("modernbert", STREAM), ("bert", OF_BERT)],
)
def test_features_are_what_the_checkpoint_says_of_the_modules_output(
    kind: str, hook: str, architecture: str, tmp_path: Path
) -> None:
    kit = make_architecture(tmp_path, kind)
    models = language_models.load_models(checkpoint(kit, tmp_path, architecture, hook_name=hook), CPU)
    got = models.extract(models.tokenize(TEXTS))
    for row, tokens in zip(got, models.tokenize(TEXTS), strict=True):
        hidden = slow_activations(kit, [tokens.ids.tolist()]).numpy()
        expected = encoded(tmp_path / "sae", hidden).sum(axis=0)
        np.testing.assert_allclose(row, expected, rtol=2e-4, atol=2e-4)
        assert ((row > 0) == (expected > 0)).all()
    named = language_models.load_models(
        {**kit.settings(sae=str(tmp_path / "sae"), max_tokens=20), "hookpoint": hook}, CPU
    )
    assert named.extract(named.tokenize(TEXTS)).tobytes() == got.tobytes()


@pytest.mark.parametrize(
    ("kind", "hook", "module"),
    [
        ("llama", "blocks.2.hook_resid_post", "layers.2"),
        ("llama", "blocks.2.hook_resid_pre", "layers.1"),
        ("llama", "blocks.2.hook_mlp_out", "layers.2.mlp"),
        ("llama", "blocks.0.hook_attn_out", "layers.0.self_attn"),
        ("llama", "model.layers.3", "layers.3"),
        ("gpt2", "blocks.3.hook_resid_post", "h.3"),
        ("gpt2", "blocks.3.hook_attn_out", "h.3.attn"),
        ("gpt2", "transformer.h.3.mlp", "h.3.mlp"),
        ("gpt_neox", "blocks.0.hook_resid_post", "layers.0"),
        ("gpt_neox", "gpt_neox.layers.0.attention", "layers.0.attention"),
        ("modernbert", "blocks.2.hook_resid_post", "layers.2"),
        ("bert", "blocks.2.hook_normalized_resid_post", "encoder.layer.2"),
        ("bert", "blocks.2.hook_resid_pre", "encoder.layer.1"),
        ("roberta", "roberta.encoder.layer.1", "encoder.layer.1"),
    ],
)
def test_a_hook_means_a_module(kind: str, hook: str, module: str, tmp_path: Path) -> None:
    model = AutoModel.from_pretrained(make_architecture(tmp_path, kind).model)
    assert module_of_hook(hook, model) == module


@pytest.mark.parametrize(
    ("kind", "hook", "complaint"),
    [
        ("bert", "blocks.2.hook_resid_post", "BertModel gives what is at .* layers end with a norm.*hook_normalized"),
        (
            "llama",
            "blocks.2.hook_resid_mid",
            "no module of LlamaModel gives what is at the hook 'blocks.2.hook_resid_mid'",
        ),
        ("llama", "blocks.0.hook_resid_pre", "no module of LlamaModel"),
        ("llama", "blocks.9.hook_resid_post", "LlamaModel has no module 'layers.9' for the hook"),
        ("modernbert", "blocks.2.hook_mlp_out", "no module of ModernBertModel"),
        ("gpt2", "transformer.layers.3", "GPT2Model has no module for the hook 'transformer.layers.3'"),
    ],
)
def test_a_hook_without_a_module_is_refused_by_name(kind: str, hook: str, complaint: str, tmp_path: Path) -> None:
    model = AutoModel.from_pretrained(make_architecture(tmp_path, kind).model)
    with pytest.raises(ValueError, match=complaint):
        module_of_hook(hook, model)


def test_a_checkpoint_of_another_layer_is_refused_by_name(tmp_path: Path) -> None:
    kit = make_architecture(tmp_path, "llama")
    settings = checkpoint(kit, tmp_path, hook_name="blocks.2.hook_resid_post")
    complaint = "was trained at 'blocks.2.hook_resid_post', which is the module 'layers.2': hookpoint is 'layers.1'"
    with pytest.raises(ValueError, match=complaint) as caught:
        language_models.load_models(settings, CPU)
    assert str(caught.value).startswith("extraction.toml: sae = ")


@pytest.mark.parametrize(("kind", "begun"), [("gpt2", True), ("llama", False), ("modernbert", False)])
def test_a_checkpoint_may_want_a_token_before_each_text(kind: str, begun: bool, tmp_path: Path) -> None:
    kit = make_architecture(tmp_path, kind)
    plain = language_models.load_models(checkpoint(kit, tmp_path, prepend_bos=False), CPU).tokenize
    wanted = language_models.load_models(checkpoint(kit, tmp_path, prepend_bos=True), CPU).tokenize
    for (before, after), text in zip(zip(plain(TEXTS), wanted(TEXTS), strict=True), TEXTS, strict=True):
        assert after.ids.tolist() == [0] * begun + before.ids.tolist()
        assert after.counted.sum() == len(text.split())
    ids = plain([TEXTS[0]])[0].ids
    assert wanted([ids])[0].ids.tolist() == wanted([TEXTS[0]])[0].ids.tolist()
    (long,) = wanted([" ".join(WORDS * 3)])
    assert (len(long.ids), long.truncated) == (20, True)


def test_a_token_that_a_tokenizer_lacks_is_an_error(tmp_path: Path) -> None:
    kit = make_architecture(tmp_path, "gpt2")
    path = kit.model / "tokenizer_config.json"
    told = {key: value for key, value in json.loads(path.read_text()).items() if key != "bos_token"}
    path.write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"token before each text .prepend_bos., the tokenizer has none"):
        language_models.load_models(checkpoint(kit, tmp_path, prepend_bos=True), CPU)


@pytest.mark.parametrize(("kind", "changes"), [("gpt2", True), ("llama", False)])
def test_centred_weights_take_the_mean_out_where_the_norm_allows_it(kind: str, changes: bool, tmp_path: Path) -> None:
    kit = make_architecture(tmp_path, kind)
    how = {"center_writing_weights": True}
    models = language_models.load_models(checkpoint(kit, tmp_path, model_from_pretrained_kwargs=how), CPU)
    (tokens,) = models.tokenize([TEXTS[2]])
    hidden = slow_activations(kit, [tokens.ids.tolist()]).numpy()
    centred = hidden - hidden.mean(axis=1, keepdims=True)
    assert np.abs(centred - hidden).max() > 0.01
    expected = encoded(tmp_path / "sae", centred if changes else hidden).sum(axis=0)
    np.testing.assert_allclose(models.extract([tokens])[0], expected, rtol=2e-4, atol=2e-4)
    assert takes_mean_out(models.extract.model) == changes


@pytest.mark.parametrize("architecture", ["standard", "jumprelu", "topk"])
def test_the_program_reads_such_a_checkpoint(architecture: str, tmp_path: Path) -> None:
    kit = make_architecture(tmp_path, "gpt_neox")
    settings = {**checkpoint(kit, tmp_path, architecture), "controls": {"random_sae": 1, "raw_activations": True}}
    extras = {"texts": str(save_texts(tmp_path, [*TEXTS, None])), "settings": settings, "output": str(tmp_path / "out")}
    worker = Worker(0, 1, CPU, extras)
    extract_features.main(worker)
    got = read_output(tmp_path / "out")
    assert got["features"].shape == (3, 96)
    summed = np.zeros_like(got["features"])
    for window in got["windows"].itertuples():
        summed[window.row, window.latent] = sum(json.loads(window.activations))
    np.testing.assert_allclose(summed, got["features"], rtol=1e-3, atol=1e-3)
    assert (tmp_path / "out" / "unique_random_sae-1.npy").exists() == (architecture == "topk")


def test_lengths_of_decoder_rows_do_not_change_what_is_standardised(tmp_path: Path) -> None:
    kit = make_architecture(tmp_path, "llama")
    texts = [" ".join(WORDS[start:]) for start in range(9)]
    made = []
    settings = checkpoint(kit, tmp_path, "jumprelu")
    for _ in range(2):
        models = language_models.load_models(settings, CPU)
        made.append(models.extract(models.tokenize(texts)).astype(float))
        # As SAELens folds them: each decoder row at unit length, what is read as many times larger.
        weights = save_checkpoint(tmp_path / "sae", json.loads((tmp_path / "sae" / "cfg.json").read_text()))
        length = weights["W_dec"].norm(dim=1)
        folded = {name: weights[name] * length for name in ("W_enc", "b_enc", "threshold")}
        folded |= {"W_dec": weights["W_dec"] / length[:, None], "b_dec": weights["b_dec"]}
        save_checkpoint(tmp_path / "sae", json.loads((tmp_path / "sae" / "cfg.json").read_text()), folded)
    plain, by_length = made
    active = plain.std(axis=0) > 0
    np.testing.assert_allclose(by_length, plain * length.numpy(), rtol=1e-4, atol=1e-4)
    standardised = [(some - some.mean(axis=0))[:, active] / some.std(axis=0)[active] for some in made]
    np.testing.assert_allclose(*standardised, rtol=1e-3, atol=1e-3)
    assert length.max() > 10 * length.min()
