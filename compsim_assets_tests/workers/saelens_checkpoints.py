"""Tiny checkpoints as SAELens writes them, made without it, and its formulas in float64."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

WIDTH, N_LATENTS, K = 16, 96, 7
ARCHITECTURES = ("standard", "topk", "jumprelu", "gated")


def metadata(**changes: Any) -> dict[str, Any]:
    """What version 6 keeps of the training."""
    return {
        "sae_lens_version": "6.54.12",
        "sae_lens_training_version": "6.54.12",
        "model_name": "tiny",
        "hook_name": "blocks.1.hook_resid_post",
        "prepend_bos": False,
        "model_from_pretrained_kwargs": {"center_writing_weights": False},
        **changes,
    }


def config_of(architecture: str, **changes: Any) -> dict[str, Any]:
    """A `cfg.json` of version 6."""
    ours = {"k": K, "rescale_acts_by_decoder_norm": False} if architecture == "topk" else {}
    return {
        "d_in": WIDTH,
        "d_sae": N_LATENTS,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": metadata(),
        **ours,
        "architecture": architecture,
        **changes,
    }


def weights_for(
    architecture: str, width: int = WIDTH, latents: int = N_LATENTS, seed: int = 5
) -> dict[str, torch.Tensor]:
    """Random weights whose biases are not zero, and whose decoder's rows are of any length."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * scale

    weights = {
        "W_enc": draw(width, latents, scale=width**-0.5),
        "W_dec": draw(latents, width) * draw(latents, 1).exp(),
        "b_dec": draw(width),
    }
    if architecture == "gated":
        named = {
            "b_gate": draw(latents, scale=0.2),
            "r_mag": draw(latents, scale=0.3),
            "b_mag": draw(latents, scale=0.2),
        }
        return weights | named
    weights["b_enc"] = draw(latents, scale=0.2)
    return weights | ({"threshold": draw(latents, scale=0.4)} if architecture == "jumprelu" else {})


def save_checkpoint(
    folder: Path, config: dict[str, Any], weights: dict[str, torch.Tensor] | None = None
) -> dict[str, torch.Tensor]:
    """Write both files; returns the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = weights or weights_for(config["architecture"], config["d_in"], config["d_sae"])
    save_file(weights, folder / "sae_weights.safetensors")
    (folder / "cfg.json").write_text(json.dumps(config))
    return weights


def encoded(folder: Path, x: np.ndarray) -> np.ndarray:
    """[tokens, latents] what the library's `encode` gives by its formulas (sae-lens 6.54), in float64.

    x: [tokens, width].
    """
    config = json.loads((folder / "cfg.json").read_text())
    weights = {name: value.double().numpy() for name, value in load_file(folder / "sae_weights.safetensors").items()}
    x = x.astype(float)
    if config["normalize_activations"] == "constant_norm_rescale":
        x = x * x.shape[1] ** 0.5 / np.linalg.norm(x, axis=1, keepdims=True)
    if config["normalize_activations"] == "layer_norm":
        x = x - x.mean(axis=1, keepdims=True)
        x = x / (x.std(axis=1, ddof=1, keepdims=True) + 1e-5)
    x = x - weights["b_dec"] * config["apply_b_dec_to_input"]
    if config["architecture"] == "gated":
        active = x @ weights["W_enc"] + weights["b_gate"] > 0
        return active * np.maximum(x @ (weights["W_enc"] * np.exp(weights["r_mag"])) + weights["b_mag"], 0)
    before = x @ weights["W_enc"] + weights["b_enc"]
    if config["architecture"] == "jumprelu":
        return np.maximum(before, 0) * (before > weights["threshold"])
    if config["architecture"] == "topk":
        if config["rescale_acts_by_decoder_norm"]:
            before = before * np.linalg.norm(weights["W_dec"], axis=1)
        least = np.sort(before, axis=1)[:, -config["k"], None]
        return np.where(before >= least, np.maximum(before, 0), 0)
    return np.maximum(before, 0)
