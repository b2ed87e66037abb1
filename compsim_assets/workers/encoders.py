"""Loads a language model to embed texts with: plain transformers, or as sentence-transformers saves it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import nn

from compsim_assets.science.latents.embeddings import TextEmbedder
from compsim_assets.workers.hub_files import module_folder, settings_folder
from compsim_assets.workers.language_models import load_language_model, model_source
from compsim_assets.workers.tokenization import Tokenizer

_OLD_POOLING = "pooling_mode_"  # sentence-transformers before version 6: one key per mode
_OLD_MODES = {"cls_token": "cls", "max_tokens": "max", "mean_tokens": "mean"}


@dataclass(frozen=True)
class LoadedEncoder:
    """What an embedding needs, on its device.

    Attributes:
        pooling: what its files prescribe, "mean" or another; empty where they say nothing. Means are taken always.
        left_out: kinds of sentence-transformers' modules behind the pooling that change directions.
    """

    tokenize: Tokenizer
    embed: TextEmbedder
    dtype: torch.dtype
    pooling: str
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Modules:
    """What sentence-transformers' `modules.json` lists: folder of the transformer, pooling, kinds of other modules."""

    transformer: str = ""
    pooling: str = ""
    others: tuple[str, ...] = ()


def load_encoder(settings: Mapping[str, Any], device: torch.device) -> LoadedEncoder:
    """Load the model and its tokenizer and check that it gives a last hidden state.

    Args:
        settings: `EncoderSettings.to_dict()`.
        device: where to compute.

    Raises:
        FileNotFoundError: a folder, package or hub repository is not there.
        ValueError: the model will not do. Every message begins with the settings' file.
    """
    where = f"{settings['file']}: model = {settings['model']!r}"
    source = model_source(settings["model"], where)
    modules = read_modules(source, where)
    if modules.transformer:
        folder = module_folder(source, settings_folder(source, where), modules.transformer, where)
        settings = {**settings, "model": str(folder)}
    model, unset, tokenize = load_language_model(settings, device)
    if getattr(model.config, "is_encoder_decoder", False):
        raise ValueError(f"{where}: an encoder or a decoder is expected, not both in one")
    width, lacking = _probe(model, unset, device, where)
    if lacking:
        # transformers fills weights that a checkpoint lacks with random numbers and only warns.
        raise ValueError(f"{where}: the checkpoint lacks weights that are needed: {', '.join(lacking[:5])}")
    embed = TextEmbedder(model, width, device)
    dtype = next(model.parameters()).dtype
    return LoadedEncoder(tokenize, embed, dtype, modules.pooling, modules.others)


def read_modules(source: str, where: str) -> Modules:
    """What a sentence-transformers model says of itself; nothing where the model is a plain one.

    Args:
        source: a folder or a hub name.
        where: begins the messages.

    Raises:
        FileNotFoundError: the hub repository is not there, or the hub refuses an answer after all tries.
        ValueError: a file is not what sentence-transformers writes.
    """
    folder = settings_folder(source, where)
    try:
        listed = [
            (module["type"].rpartition(".")[2], module["path"]) for module in _read(folder / "modules.json") or []
        ]
        places = dict(reversed(listed))  # of two the first
        transformer = str(PurePosixPath(places.get("Transformer", "")))
        pooling = ""
        if "Pooling" in places:
            pooling = _pooling(_read(module_folder(source, folder, places["Pooling"], where) / "config.json") or {})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{where}: modules.json or the pooling's config.json: {error!r}") from error
    others = tuple(kind for kind, _ in listed if kind not in ("Transformer", "Pooling", "Normalize"))
    return Modules("" if transformer == "." else transformer, pooling, others)


def _pooling(config: dict[str, Any]) -> str:
    if "pooling_mode" in config:
        modes = config["pooling_mode"]
        return modes if isinstance(modes, str) else " and ".join(modes)
    modes = [
        key.removeprefix(_OLD_POOLING) for key, on in config.items() if key.startswith(_OLD_POOLING) and on is True
    ]
    return " and ".join(_OLD_MODES.get(mode, mode) for mode in modes)


def _read(path: Path) -> Any:
    """A JSON file; None where there is none."""
    return json.loads(path.read_text()) if path.is_file() else None


def _probe(model: nn.Module, unset: set[str], device: torch.device, where: str) -> tuple[int, list[str]]:
    """Width of the last hidden state, and which of the unset weights take part in it, from one token.

    A pooler, for example, stands behind it, and many a checkpoint has none.
    """
    suspects = {name: weight for name, weight in model.named_parameters() if name in unset}
    model.requires_grad_(False)
    for weight in suspects.values():
        weight.requires_grad_(True)
    token = torch.zeros(1, 1, dtype=torch.int64, device=device)
    try:
        hidden = model(input_ids=token, attention_mask=torch.ones_like(token)).last_hidden_state
        if hidden.shape[:-1] != token.shape:
            raise ValueError(f"a state of shape {tuple(hidden.shape)} for one token")
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: does not give texts a last hidden state: {error}") from error
    if not hidden.requires_grad:
        return hidden.shape[-1], []
    weights = list(suspects.values())
    gradients = torch.autograd.grad(hidden.sum(), weights, allow_unused=True)
    lacking = [name for name, gradient in zip(suspects, gradients, strict=True) if gradient is not None]
    return hidden.shape[-1], sorted(lacking)
