"""SAELens checkpoints, read without the library: `cfg.json` and `sae_weights.safetensors`, encoder only.

What is read is what the library's own `encode` computes (sae-lens 6), to the last digits: the activations' dtype, their
normalisation, whether b_dec is subtracted before encoding, the nonlinearity, the rescaling by decoder norms. Files of
versions before 6 keep under other names what `_of_old` gives today's. Anything else is refused by name.

Which module a checkpoint reads is in `saelens_hooks`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor, nn

from compsim_assets.workers.sae_files import SAELENS

# What each architecture's encoder reads; b_dec only where it is subtracted, W_dec only where its norms count.
_TENSORS = {
    "standard": ("W_enc", "b_enc"),
    "topk": ("W_enc", "b_enc"),
    "jumprelu": ("W_enc", "b_enc", "threshold"),
    "gated": ("W_enc", "b_gate", "r_mag", "b_mag"),
}
_NORMALISATIONS = ("none", "layer_norm", "constant_norm_rescale")
# Trained on scaled inputs; the factors are not in the checkpoint until they are folded into its weights.
_UNFOLDED = ("expected_average_only_in", "covariance_whitening")
_OLD_NAMES = {"hook_point": "hook_name", "hook_point_head_index": "hook_head_index", "activation_fn_str": "activation"}
_DTYPES = {name: getattr(torch, name) for name in ("float32", "float64", "float16", "bfloat16")}


@dataclass(frozen=True)
class SaeLensConfig:
    """What a checkpoint's `cfg.json` says of its encoder and of where its activations come from.

    Attributes:
        architecture: a key of `_TENSORS`.
        d_in, d_sae: width of the activations, number of latents.
        k: of topk; 0 otherwise.
        dtype: the encoder computes in; None: that of its weights.
        subtracts: whether b_dec is subtracted from an activation before it is encoded.
        normalised: how activations are, one of `_NORMALISATIONS`.
        by_norm: whether topk chooses by activation times decoder norm, and gives that.
        hook: where the activations come from, as TransformerLens or transformers names it; empty: not said.
        centred: whether TransformerLens took the mean out of all that is written into the residual stream.
        prepend_bos: whether a token stood before each text; None: not said.
    """

    architecture: str
    d_in: int
    d_sae: int
    k: int = 0
    dtype: torch.dtype | None = None
    subtracts: bool = True
    normalised: str = "none"
    by_norm: bool = False
    hook: str = ""
    centred: bool = False
    prepend_bos: bool | None = None


def read_config(folder: Path, where: str) -> SaeLensConfig:
    """Read `cfg.json`, of any version.

    Args:
        folder: of the checkpoint. where: begins the messages.

    Raises:
        ValueError: an encoder that is not ours to imitate; the message names what it is.
    """
    where = f"{where}: {folder / 'cfg.json'}"
    try:
        told = json.loads((folder / "cfg.json").read_text())
        config = _of_old(told | (told.get("metadata") or {}))
        architecture, d_in, d_sae = config["architecture"], int(config["d_in"]), int(config["d_sae"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{where}: is not what SAELens writes: {error!r}") from error
    _refuse(config, architecture, where)
    k = int(config.get("k") or 0) if architecture == "topk" else 0
    if architecture == "topk" and not 1 <= k <= d_sae:
        raise ValueError(f"{where}: k = {config.get('k')!r}: a topk encoder of {d_sae} latents needs a k from 1 on")
    how = config.get("model_from_pretrained_kwargs") or {}
    return SaeLensConfig(
        architecture,
        d_in,
        d_sae,
        k,
        _DTYPES.get(str(config.get("dtype", "")).removeprefix("torch.")),
        bool(config.get("apply_b_dec_to_input", True)),
        config["normalize_activations"],
        bool(config.get("rescale_acts_by_decoder_norm", False)) and architecture == "topk",
        str(config.get("hf_hook_name") or config.get("hook_name") or ""),
        bool(how.get("center_writing_weights", False)),
        config.get("prepend_bos"),
    )


def _of_old(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys as version 6 names them."""
    new = {_OLD_NAMES.get(key, key): value for key, value in config.items()}
    new["activation"] = new.get("activation") or new.get("activation_fn") or "relu"
    new.setdefault("architecture", "standard")
    if new["activation"] == "topk":
        new |= {"architecture": "topk", "k": (new.get("activation_fn_kwargs") or {}).get("k"), "activation": "relu"}
    if isinstance(normalised := new.get("normalize_activations"), bool) or normalised is None:
        new["normalize_activations"] = "expected_average_only_in" if normalised else "none"
    new.setdefault("reshape_activations", "hook_z" if "hook_z" in str(new.get("hook_name", "")) else "none")
    return new


def _refuse(config: Mapping[str, Any], architecture: Any, where: str) -> None:
    """Raise ValueError for what this module does not compute."""
    if architecture not in _TENSORS:
        raise ValueError(f"{where}: architecture {architecture!r}: expected one of {', '.join(_TENSORS)}")
    normalised = config["normalize_activations"]
    if normalised in _UNFOLDED:
        raise ValueError(
            f"{where}: normalize_activations = {normalised!r}: the encoder expects activations scaled by what is not "
            "in the checkpoint; save it with that folded into its weights, as SAELens does at the end of a training"
        )
    wrong = {
        "normalize_activations": normalised not in _NORMALISATIONS,
        "activation": config["activation"] != "relu",
        "reshape_activations": config["reshape_activations"] != "none",
        "hook_head_index": config.get("hook_head_index") is not None,
        "dtype": str(config.get("dtype") or "float32").removeprefix("torch.") not in _DTYPES,
    }
    for key in (key for key, refused in wrong.items() if refused):
        raise ValueError(f"{where}: {key} = {config[key]!r} is not known here: features would be others")


class Linear(NamedTuple):
    """Weights, [latents, d_in], and biases, [latents], of an encoder."""

    weight: Tensor
    bias: Tensor


class SaeLensCoder(nn.Module):
    """A checkpoint's encoder, with what `FeatureExtractor` and the controls ask of an SAE.

    Attributes:
        config: of the checkpoint.
        d_in, num_latents: as in eai-sparsify.
        centre: whether the mean of an activation is taken out of it first.
    """

    def __init__(self, config: SaeLensConfig, weights: Mapping[str, Tensor]) -> None:
        """weights: those that `config` needs, in one dtype, and `norm`, the decoder's, where `config.by_norm`."""
        super().__init__()
        self.config, self.centre = config, False
        self.d_in, self.num_latents = config.d_in, config.d_sae
        for name, weight in weights.items():
            self.register_buffer(name, weight)

    @property
    def cfg(self) -> SaeLensConfig:
        """The config where it encodes as eai-sparsify does, TopK of plain activations less b_dec; else no attribute.

        Such an SAE can be held against one of random directions.
        """
        config = self.config
        if config.k and config.subtracts and config.normalised == "none" and not config.by_norm and not self.centre:
            return config
        raise AttributeError("cfg")

    @property
    def encoder(self) -> Linear:
        """Weights and biases as eai-sparsify has them."""
        return Linear(self.get_buffer("W_enc").T, self.get_buffer("b_enc"))

    @property
    def dtype(self) -> torch.dtype:
        """The encoder's numbers."""
        return self.get_buffer("W_enc").dtype

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Active latents of each token, the strongest first unless their number is fixed.

        Args:
            x: [tokens, d_in] activations.

        Returns:
            Activations and latents, [tokens, k] each, and what k were chosen from, [tokens, latents]. Where the number
            of active latents differs from token to token, k is the largest, and the rest of a row is 0.
        """
        acts = self._activate(self._prepared(x))
        if self.config.k:
            top_acts, top_indices = acts.topk(self.config.k, dim=-1, sorted=False)
            return top_acts.relu(), top_indices, acts
        most = int((acts > 0).sum(dim=-1).max()) if len(acts) else 0
        return *acts.topk(max(1, most), dim=-1), acts

    def _prepared(self, x: Tensor) -> Tensor:
        """The encoder's input: centred, normalised, without b_dec."""
        x = x.to(self.dtype)
        if self.centre:
            x = x - x.mean(dim=-1, keepdim=True)
        if self.config.normalised == "constant_norm_rescale":
            x = x * (self.d_in**0.5 / x.norm(dim=-1, keepdim=True))
        elif self.config.normalised == "layer_norm":
            x = x - x.mean(dim=-1, keepdim=True)
            x = x / (x.std(dim=-1, keepdim=True) + 1e-5)
        return x - self.get_buffer("b_dec") if self.config.subtracts else x

    def _activate(self, x: Tensor) -> Tensor:
        encoder = self.get_buffer("W_enc")
        if self.config.architecture == "gated":
            gate = x @ encoder + self.get_buffer("b_gate") > 0
            magnitude = x @ (encoder * self.get_buffer("r_mag").exp()) + self.get_buffer("b_mag")
            return magnitude.relu() * gate
        before = x @ encoder + self.get_buffer("b_enc")
        if self.config.by_norm:
            before = before * self.get_buffer("norm")
        if self.config.architecture == "topk":
            return before
        after = before.relu()
        return after * (before > self.get_buffer("threshold")) if self.config.architecture == "jumprelu" else after


def load_saelens(folder: Path, device: torch.device, where: str) -> SaeLensCoder:
    """The encoder of a checkpoint.

    It computes in the dtype that `cfg.json` names, as the library does, whatever that of the file; without a name in
    one that holds all of the encoder's tensors.

    Raises:
        ValueError: of another architecture, or the file lacks tensors or has some of other shapes.
    """
    config = read_config(folder, where)
    names = [*_TENSORS[config.architecture], *(["b_dec"] if config.subtracts else [])]
    with safe_open(folder / SAELENS, framework="pt", device=str(device)) as file:
        there = set(file.keys())
        if lacking := sorted({*names, *(["W_dec"] if config.by_norm else [])} - there):
            raise ValueError(f"{where}: {folder / SAELENS} lacks {', '.join(lacking)}")
        if "scaling_factor" in there and not bool((file.get_tensor("scaling_factor") == 1).all()):
            raise ValueError(f"{where}: {folder / SAELENS}: scaling_factor: a finetuned encoder is not known here")
        weights = {name: file.get_tensor(name) for name in names}
        dtype = config.dtype or reduce(torch.promote_types, (weight.dtype for weight in weights.values()))
        weights = {name: weight.to(dtype) for name, weight in weights.items()}
        if config.by_norm:
            weights["norm"] = file.get_tensor("W_dec").to(dtype).norm(dim=-1)
    shapes = {"W_enc": (config.d_in, config.d_sae), "b_dec": (config.d_in,)}
    for name, weight in weights.items():
        if weight.shape != (expected := shapes.get(name, (config.d_sae,))):
            raise ValueError(f"{where}: {folder / SAELENS}: {name} is {tuple(weight.shape)}, expected {expected}")
    return SaeLensCoder(config, weights).eval()
