"""Loading: tokens, where models come from, and one clear error for each fault."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from compsim_assets.workers import language_models
from compsim_assets_tests.workers import tiny_models
from compsim_assets_tests.workers.tiny_models import LAYER, MAX_TOKENS, WORDS, Kit

CPU = torch.device("cpu")


def features_of(settings: dict[str, Any]) -> np.ndarray:
    models = language_models.load_models(settings, CPU)
    return models.extract(models.tokenize(["bank of gold", "steel and bread"]))


def test_truncation_is_the_tokenizers_own(kit: Kit) -> None:
    tokenize = language_models.load_models(kit.settings(), CPU).tokenize
    texts = [" ".join(WORDS[:n] * 3) for n in range(1, 9)]
    lengths = set()
    for text, tokens in zip(texts, tokenize(texts), strict=True):
        full = tokenize.tokenizer(text)["input_ids"]
        assert tokens.truncated == (len(full) > MAX_TOKENS)
        cut = tokenize.tokenizer(text, truncation=True, max_length=MAX_TOKENS)["input_ids"]
        assert tokens.ids.tolist() == cut
        lengths.add(len(full) - MAX_TOKENS)
    assert min(lengths) < 0 < max(lengths)


def test_a_text_that_just_fits_is_not_truncated(kit: Kit) -> None:
    models = language_models.load_models(kit.settings(), CPU)
    added = models.tokenize.tokenizer.num_special_tokens_to_add()
    fits = " ".join(["oil"] * (MAX_TOKENS - added))
    exact, over = models.tokenize([fits, f"{fits} gold"])
    assert not exact.truncated
    assert over.truncated
    assert over.ids.tolist() == exact.ids.tolist()


def test_what_frames_a_text_is_not_counted_and_an_unknown_word_is(kit: Kit) -> None:
    tokenize = language_models.load_models(kit.settings(), CPU).tokenize
    framing = tokenize.tokenizer.bos_token or tokenize.tokenizer.sep_token
    (tokens,) = tokenize([f"oil quux {framing} gold"])
    words = tokenize.tokenizer.convert_ids_to_tokens(tokens.ids[tokens.counted])
    assert words == ["oil", tokenize.tokenizer.unk_token, "gold"]


def test_of_a_hub_sae_only_the_hookpoint_is_asked_for(llama: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(name: str, **options: Any) -> str:
        asked.append((name, options))
        return str(llama.sae)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    language_models.load_sparse_coder("acme/saes", llama.hookpoint, CPU, "extraction.toml")
    assert asked == [("acme/saes", {"allow_patterns": f"{llama.hookpoint}/*"})]


def copied(kit: Kit, folder: Path) -> Kit:
    shutil.copytree(kit.model, folder / "model")
    shutil.copytree(kit.sae, folder / "sae")
    return Kit(folder / "model", folder / "sae", kit.hookpoint)


def without(path: Path, *names: str) -> None:
    """Take weights out of a safetensors file."""
    weights = load_file(path)
    assert set(names) <= set(weights)
    left = {name: value for name, value in weights.items() if name not in names}
    save_file(left, path, metadata={"format": "pt"})


def test_an_sae_folder_may_hold_the_checkpoint_itself(llama: Kit) -> None:
    file = "extraction.toml"
    nested = language_models.load_sparse_coder(str(llama.sae), llama.hookpoint, CPU, file)
    direct = llama.sae / llama.hookpoint
    flat = language_models.load_sparse_coder(str(direct), llama.hookpoint, CPU, file)
    assert flat.W_dec is None
    torch.testing.assert_close(flat.encoder.weight, nested.encoder.weight)


@pytest.mark.parametrize(
    ("changes", "error", "complaint"),
    [
        ({"hookpoint": "layers.7"}, ValueError, "hookpoint = 'layers.7': .* near matches: layers.3"),
        ({"max_tokens": 65}, ValueError, "max_tokens = 65: the model reads at most 64"),
        ({"max_tokens": 1}, ValueError, "max_tokens = 1 leaves no room"),
        ({"hookpoint": "layers.2"}, FileNotFoundError, "sae = .*expected in .*sae or .*layers.2"),
        ({"model": "package:no_such_pkg"}, FileNotFoundError, "no package 'no_such_pkg' is installed"),
        ({"model": "package:a-b"}, FileNotFoundError, "no package 'a-b' .* with underscores"),
        ({"model": "package:json"}, FileNotFoundError, "'json' has no folder model/"),
        ({"model": "acme/nowhere"}, FileNotFoundError, "neither as a folder nor .*offline, cache"),
        ({"sae": "acme/nowhere"}, FileNotFoundError, "neither as a folder nor .*offline, cache"),
    ],
)
def test_each_mistake_in_the_settings_is_named(
    llama: Kit, monkeypatch: pytest.MonkeyPatch, changes: dict, error: type[Exception], complaint: str
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(error, match=complaint) as caught:
        language_models.load_models(llama.settings(**changes), CPU)
    assert str(caught.value).startswith("extraction.toml: ")


def wrong_width(kit: Kit) -> None:
    tiny_models.make_sae(kit.sae / kit.hookpoint, width=24)


def transcoder(kit: Kit) -> None:
    tiny_models.make_sae(kit.sae / kit.hookpoint, transcode=True)


def sae_without_bias(kit: Kit) -> None:
    without(kit.sae / kit.hookpoint / "sae.safetensors", "b_dec")


def model_without_weights(kit: Kit) -> None:
    without(kit.model / "model.safetensors", f"layers.{LAYER}.mlp.up_proj.weight")


def model_without_safetensors(kit: Kit) -> None:
    torch.save(load_file(kit.model / "model.safetensors"), kit.model / "pytorch_model.bin")
    (kit.model / "model.safetensors").unlink()


def model_without_config(kit: Kit) -> None:
    (kit.model / "config.json").unlink()


def model_with_code(kit: Kit) -> None:
    path = kit.model / "config.json"
    config = {**json.loads(path.read_text()), "model_type": "custom"}
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    path.write_text(json.dumps(config))
    marker = kit.model / "ran"
    (kit.model / "evil.py").write_text(f"open({str(marker)!r}, 'w')")


@pytest.mark.parametrize(
    ("damage", "error", "complaint"),
    [
        (wrong_width, ValueError, "reads activations of width 24, but .* has width 16"),
        (transcoder, ValueError, "a transcoder reads"),
        (sae_without_bias, ValueError, "sae.safetensors lacks b_dec"),
        (model_without_weights, ValueError, "lacks weights .* layers.1.mlp.up_proj.weight"),
        (model_without_safetensors, FileNotFoundError, "cannot be loaded.*safetensors"),
        (model_without_config, Exception, "cannot be loaded"),
        (model_with_code, ValueError, "cannot be loaded"),
    ],
)
def test_each_fault_in_a_checkpoint_is_named(
    llama: Kit, tmp_path: Path, damage: Callable[[Kit], None], error: type[Exception], complaint: str
) -> None:
    kit = copied(llama, tmp_path)
    damage(kit)
    with pytest.raises(error, match=f"(?s){complaint}") as caught:
        language_models.load_models(kit.settings(), CPU)
    assert str(caught.value).startswith("extraction.toml: ")
    assert not (kit.model / "ran").exists()


def test_weights_behind_the_hookpoint_may_be_missing(llama: Kit, tmp_path: Path) -> None:
    kit = copied(llama, tmp_path)
    without(kit.model / "model.safetensors", "norm.weight", "layers.3.mlp.up_proj.weight")
    assert features_of(kit.settings()).tobytes() == features_of(llama.settings()).tobytes()


def test_a_model_in_a_package_is_found_without_importing_it(
    llama: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "model_carrier"
    shutil.copytree(llama.model, package / "model")
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    features = features_of(llama.settings(model="package:model_carrier"))
    assert features.tobytes() == features_of(llama.settings()).tobytes()
    assert "model_carrier" not in sys.modules


@pytest.mark.parametrize(
    ("setting", "published", "device", "supported", "expected"),
    [
        ("auto", torch.bfloat16, "cuda", True, torch.bfloat16),
        ("auto", torch.bfloat16, "cuda", False, torch.float32),
        ("auto", torch.float16, "cuda", True, torch.float32),
        ("auto", None, "cuda", True, torch.float32),
        ("auto", torch.bfloat16, "cpu", True, torch.float32),
        ("float16", torch.bfloat16, "cuda", True, torch.float16),
        ("bfloat16", torch.float32, "cpu", False, torch.bfloat16),
        ("float32", torch.bfloat16, "cuda", True, torch.float32),
    ],
)
def test_dtype(
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    published: torch.dtype | None,
    device: str,
    supported: bool,
    expected: torch.dtype,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert language_models.choose_dtype(setting, published, torch.device(device)) == expected


def test_the_model_is_loaded_in_the_dtype_that_is_asked_for(llama: Kit) -> None:
    models = language_models.load_models(llama.settings(dtype="float16"), CPU)
    assert models.dtype == torch.float16
    assert models.extract.sae_dtype == torch.float32


def stored(kit: Kit, **dtypes: torch.dtype) -> dict[str, torch.Tensor]:
    """The SAE's weights, after some were stored in another dtype; dots in names are written as underscores."""
    path = kit.sae / kit.hookpoint / "sae.safetensors"
    weights = {
        name: value.to(dtypes.get(name.replace(".", "_"), value.dtype)) for name, value in load_file(path).items()
    }
    save_file(weights, path)
    return weights


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        ({"W_dec": torch.bfloat16}, torch.float32),
        ({"W_dec": torch.bfloat16, "b_dec": torch.bfloat16}, torch.float32),
        ({"encoder_weight": torch.bfloat16, "encoder_bias": torch.float16, "b_dec": torch.bfloat16}, torch.float32),
        ({"encoder_weight": torch.bfloat16, "encoder_bias": torch.bfloat16, "b_dec": torch.bfloat16}, torch.bfloat16),
    ],
)
def test_the_encoder_keeps_its_own_numbers_whatever_the_decoder(
    llama: Kit, tmp_path: Path, dtypes: dict[str, torch.dtype], expected: torch.dtype
) -> None:
    kit = copied(llama, tmp_path)
    weights = stored(kit, **dtypes)
    sae = language_models.load_sparse_coder(str(kit.sae), kit.hookpoint, CPU, "extraction.toml")
    assert sae.dtype == expected
    for name, loaded in (
        ("encoder.weight", sae.encoder.weight),
        ("encoder.bias", sae.encoder.bias),
        ("b_dec", sae.b_dec),
    ):
        assert loaded.dtype == expected
        assert loaded.double().equal(weights[name].double())


def test_an_sae_of_one_dtype_is_what_sparsify_loads(llama: Kit) -> None:
    from sparsify import SparseCoder

    ours = language_models.load_sparse_coder(str(llama.sae), llama.hookpoint, CPU, "extraction.toml")
    theirs = SparseCoder.load_from_disk(llama.sae / llama.hookpoint, decoder=False)
    assert ours.cfg == theirs.cfg
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, value in theirs.state_dict().items():
        assert ours.state_dict()[name].equal(value)
