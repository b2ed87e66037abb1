"""SAELens checkpoints: what its own encode computes, and each file that is refused by name."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compsim_assets.science.latents.extraction import sum_of_latents
from compsim_assets.workers.sae_files import checkpoint_folder, decoder_directions, is_saelens
from compsim_assets.workers.saelens_files import load_saelens, read_config
from compsim_assets_tests.workers.saelens_checkpoints import (
    ARCHITECTURES,
    N_LATENTS,
    WIDTH,
    K,
    config_of,
    encoded,
    metadata,
    save_checkpoint,
    weights_for,
)

CPU = torch.device("cpu")
VARIANTS: list[dict[str, Any]] = [
    {},
    {"apply_b_dec_to_input": False},
    {"normalize_activations": "layer_norm"},
    {"normalize_activations": "constant_norm_rescale"},
]


def activations(n: int = 40, seed: int = 3) -> torch.Tensor:
    return torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(seed)) * 3 + 0.5


def dense(folder: Path, x: torch.Tensor) -> np.ndarray:
    """[tokens, latents] of what the coder says token by token."""
    top_acts, top_indices, acts = load_saelens(folder, CPU, "here").encode(x)
    out = torch.zeros(len(x), acts.shape[1], dtype=torch.float64)
    out.scatter_add_(1, top_indices, top_acts.double())
    return out.numpy()


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_activations_are_those_of_the_formula(architecture: str, changes: dict[str, Any], tmp_path: Path) -> None:
    save_checkpoint(tmp_path, config_of(architecture, **changes))
    expected = encoded(tmp_path, activations().numpy())
    got = dense(tmp_path, activations())
    np.testing.assert_allclose(got, expected, atol=1e-5, rtol=1e-5)
    assert ((got > 0) == (expected > 0)).all()
    assert 0 < (expected > 0).mean() < 1


def test_topk_may_choose_by_decoder_norm(tmp_path: Path) -> None:
    config = config_of("topk", rescale_acts_by_decoder_norm=True)
    save_checkpoint(tmp_path / "by", config)
    save_checkpoint(tmp_path / "plain", config_of("topk"))
    x = activations()
    np.testing.assert_allclose(dense(tmp_path / "by", x), encoded(tmp_path / "by", x.numpy()), atol=1e-5, rtol=1e-5)
    assert ((dense(tmp_path / "by", x) > 0) != (dense(tmp_path / "plain", x) > 0)).any()


@given(st.integers(0, 2**31), st.sampled_from(ARCHITECTURES), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_sums_do_not_depend_on_who_is_beside_whom(
    tmp_path_factory: pytest.TempPathFactory, seed: int, architecture: str, n_texts: int
) -> None:
    folder = tmp_path_factory.mktemp("sae")
    save_checkpoint(folder, config_of(architecture), weights_for(architecture, seed=seed))
    sae = load_saelens(folder, CPU, "here")
    x = activations(50, seed)
    owners = torch.arange(50) * n_texts // 50
    together = sum_of_latents(sae.encode, x, owners, n_texts, N_LATENTS)
    for text in range(n_texts):
        mine = x[owners == text].flip(0)
        alone = sum_of_latents(sae.encode, mine, torch.zeros(len(mine), dtype=torch.int64), 1, N_LATENTS)[0]
        torch.testing.assert_close(alone, together[text], rtol=1e-5, atol=1e-5)
        expected = encoded(folder, mine.numpy()).sum(axis=0)
        np.testing.assert_allclose(alone.numpy(), expected, rtol=1e-4, atol=1e-4)


def test_old_spellings_mean_the_same(tmp_path: Path) -> None:
    old = {
        "architecture": "standard",
        "d_in": WIDTH,
        "d_sae": N_LATENTS,
        "dtype": "torch.float32",
        "hook_point": "blocks.1.hook_resid_post",
        "hook_point_head_index": None,
        "activation_fn_str": "topk",
        "activation_fn_kwargs": {"k": K},
        "normalize_activations": False,
        "prepend_bos": True,
    }
    weights = weights_for("topk")
    save_checkpoint(tmp_path / "old", old, {**weights, "scaling_factor": torch.ones(N_LATENTS)})
    save_checkpoint(tmp_path / "new", config_of("topk"), weights)
    np.testing.assert_array_equal(dense(tmp_path / "old", activations()), dense(tmp_path / "new", activations()))
    config = read_config(tmp_path / "old", "here")
    assert (config.hook, config.prepend_bos) == ("blocks.1.hook_resid_post", True)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"architecture": "abstopk"}, "architecture 'abstopk': expected one of standard, topk, jumprelu, gated"),
        ({"architecture": "transcoder"}, "architecture 'transcoder'"),
        ({"architecture": "matching_pursuit"}, "architecture 'matching_pursuit'"),
        ({"architecture": None}, "architecture None"),
        (
            {"normalize_activations": "expected_average_only_in"},
            "'expected_average_only_in': the encoder expects .* fold",
        ),
        ({"normalize_activations": True}, "'expected_average_only_in': the encoder expects"),
        ({"normalize_activations": "covariance_whitening"}, "'covariance_whitening': the encoder expects"),
        ({"normalize_activations": "sphere"}, "normalize_activations = 'sphere' is not known"),
        ({"reshape_activations": "hook_z"}, "reshape_activations = 'hook_z' is not known"),
        ({"activation_fn": "tanh-relu"}, "activation = 'tanh-relu' is not known"),
        ({"metadata": metadata(hook_head_index=3)}, "hook_head_index = 3 is not known"),
        ({"dtype": "int8"}, "dtype = 'int8' is not known"),
        ({"k": 0}, "k = 0: a topk encoder"),
        ({"k": None}, "k = None: a topk encoder"),
        ({"d_in": "wide"}, "not what SAELens writes"),
        ({"metadata": [1]}, "not what SAELens writes"),
    ],
)
def test_what_is_not_computed_here_is_refused_by_name(changes: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {**config_of("topk"), **changes}, weights_for("topk"))
    with pytest.raises(ValueError, match=complaint) as caught:
        load_saelens(tmp_path, CPU, "extraction.toml: sae = 'x'")
    assert str(caught.value).startswith("extraction.toml: sae = 'x': ")


@pytest.mark.parametrize(
    ("architecture", "weights", "complaint"),
    [
        ("jumprelu", {"threshold": None}, "sae_weights.safetensors lacks threshold"),
        ("topk", {"b_dec": None, "b_enc": None}, "lacks b_dec, b_enc"),
        ("topk", {"W_enc": torch.zeros(N_LATENTS, WIDTH)}, r"W_enc is \(96, 16\), expected \(16, 96\)"),
        ("topk", {"scaling_factor": torch.full((N_LATENTS,), 2.0)}, "scaling_factor: a finetuned encoder"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    architecture: str, weights: dict[str, torch.Tensor | None], complaint: str, tmp_path: Path
) -> None:
    there = {**weights_for(architecture), **weights}
    save_checkpoint(
        tmp_path, config_of(architecture), {name: value for name, value in there.items() if value is not None}
    )
    with pytest.raises(ValueError, match=complaint):
        load_saelens(tmp_path, CPU, "here")


def test_a_bias_that_is_not_subtracted_need_not_be_there(tmp_path: Path) -> None:
    weights = weights_for("standard")
    save_checkpoint(tmp_path / "with", config_of("standard", apply_b_dec_to_input=False), weights)
    without = {name: value for name, value in weights.items() if name not in ("b_dec", "W_dec")}
    save_checkpoint(tmp_path / "without", config_of("standard", apply_b_dec_to_input=False), without)
    np.testing.assert_array_equal(dense(tmp_path / "with", activations()), dense(tmp_path / "without", activations()))


@pytest.mark.parametrize(
    ("named", "stored", "expected"),
    [
        ("float32", {"W_dec": torch.bfloat16, "W_enc": torch.bfloat16}, torch.float32),
        ("bfloat16", {}, torch.bfloat16),
        (None, {"W_dec": torch.float64, "W_enc": torch.bfloat16, "b_enc": torch.float16}, torch.float32),
        (None, {"W_enc": torch.bfloat16, "b_enc": torch.bfloat16, "b_dec": torch.bfloat16}, torch.bfloat16),
    ],
)
def test_the_encoder_computes_in_the_dtype_that_is_named_whatever_the_file(
    named: str | None, stored: dict[str, torch.dtype], expected: torch.dtype, tmp_path: Path
) -> None:
    weights = {name: value.to(stored.get(name, value.dtype)) for name, value in weights_for("topk").items()}
    save_checkpoint(tmp_path, config_of("topk", dtype=named), weights)
    sae = load_saelens(tmp_path, CPU, "here")
    assert sae.dtype == expected
    assert sae.encode(activations())[0].dtype == expected


def test_a_folder_is_known_by_its_files_and_gives_its_decoder(tmp_path: Path) -> None:
    weights = save_checkpoint(tmp_path / "blocks.1.hook_resid_post", config_of("jumprelu"))
    folder = checkpoint_folder(str(tmp_path), "blocks.1.hook_resid_post", "here")
    assert is_saelens(folder)
    assert decoder_directions(str(tmp_path), "blocks.1.hook_resid_post").equal(weights["W_dec"])
    with pytest.raises(FileNotFoundError, match=r"sae\.safetensors \(of eai-sparsify\) or sae_weights"):
        checkpoint_folder(str(tmp_path), "blocks.2.hook_resid_post", "here")


@pytest.mark.skipif(importlib.util.find_spec("sae_lens") is None, reason="sae-lens is not installed")
@pytest.mark.parametrize("changes", [*VARIANTS, {"rescale_acts_by_decoder_norm": True}, {"dtype": "bfloat16"}], ids=str)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_library_itself_encodes_the_same(architecture: str, changes: dict[str, Any], tmp_path: Path) -> None:
    from sae_lens import SAE

    config = config_of(architecture, **changes)
    save_checkpoint(tmp_path / "ours", config)
    theirs = SAE.load_from_disk(tmp_path / "ours")
    theirs.save_model(tmp_path / "theirs")
    x = activations()
    with torch.no_grad():
        expected = theirs.encode(x).double().numpy()
    for folder in (tmp_path / "ours", tmp_path / "theirs"):
        np.testing.assert_allclose(dense(folder, x), expected, atol=1e-5, rtol=1e-5)
    told = json.loads((tmp_path / "theirs" / "cfg.json").read_text())
    assert set(config) <= set(told) | {"rescale_acts_by_decoder_norm"}
