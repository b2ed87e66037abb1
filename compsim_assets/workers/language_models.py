"""Loads a language model with its tokenizer, and the sparse autoencoder (SAE) of an extraction.

Each comes from a folder, from the Hugging Face hub (or its local cache, offline) or, the model
only, from an installed package that carries a `model/` folder. Weights are read from safetensors
alone and no code that comes with a model is ever run.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_model
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from compsim_assets.science.latents.extraction import FeatureExtractor, activations_at, find_module
from compsim_assets.workers.hub_files import settings_folder, unreachable
from compsim_assets.workers.padding import check_neighbours, readable_tokens
from compsim_assets.workers.sae_files import checkpoint_folder, is_saelens
from compsim_assets.workers.saelens_files import SaeLensCoder, load_saelens
from compsim_assets.workers.saelens_hooks import as_trained, is_hook, module_of_hook
from compsim_assets.workers.tokenization import Tokenizer

# What `encode` reads. sparsify leaves an encoder weight that its file lacks at its random start.
_ENCODER_WEIGHTS = ("encoder.weight", "encoder.bias", "b_dec")


# Texts of different lengths, read alone and together before any other is.
_PROBES = ["steel", "The company sells oil, gas and bread, and it owns a bank.", "of gold and drugs"]


@dataclass(frozen=True)
class LoadedModels:
    """What an extraction needs, on its device."""

    tokenize: Tokenizer
    extract: FeatureExtractor
    dtype: torch.dtype
    sae: Any
    width: int


@dataclass(frozen=True)
class HookedModel:
    """A language model on its device, and the module of this name whose output, of this width, is wanted."""

    tokenize: Tokenizer
    model: nn.Module
    module: nn.Module
    width: int
    name: str


def load_models(settings: Mapping[str, Any], device: torch.device) -> LoadedModels:
    """Load model, tokenizer and SAE and check that they fit together.

    Args:
        settings: `ExtractionSettings.to_dict()`.
        device: where to compute.

    Raises:
        FileNotFoundError: a folder, package or hub repository is not there.
        ValueError: something does not fit. Every message begins with the settings' file.
    """
    file, hookpoint = settings["file"], settings["hookpoint"]
    hooked = load_hooked_model(settings, device)
    sae = load_sparse_coder(settings["sae"], hookpoint, device, file)
    if sae.d_in != hooked.width:
        raise ValueError(
            f"{file}: sae = {settings['sae']!r} reads activations of width {sae.d_in}, but the "
            f"output of {hookpoint!r} in model = {settings['model']!r} has width {hooked.width}"
        )
    tokenize = hooked.tokenize
    if isinstance(sae, SaeLensCoder):
        where = f"{file}: sae = {settings['sae']!r}"
        tokenize = replace(tokenize, prefix=as_trained(sae, hooked.model, hooked.name, tokenize, where))
    extract = FeatureExtractor(
        hooked.model,
        hooked.module,
        sae.encode,
        sae.num_latents,
        device,
        sae.dtype,
        tokens_at_once=settings["tokens_per_batch"],
    )
    dtype = next(hooked.model.parameters()).dtype
    return LoadedModels(tokenize, extract, dtype, sae, hooked.width)


def load_hooked_model(settings: Mapping[str, Any], device: torch.device) -> HookedModel:
    """Load model and tokenizer, and find the module whose output is wanted.

    Args:
        settings: `ExtractionSettings.to_dict()`.
        device: where to compute.

    Raises:
        FileNotFoundError: a folder, package or hub repository is not there.
        ValueError: something does not fit. Every message begins with the settings' file.
    """
    file, hookpoint = settings["file"], settings["hookpoint"]
    model, unset, tokenizer = load_language_model(settings, device)
    try:
        name = module_of_hook(hookpoint, model) if is_hook(hookpoint) else hookpoint
        module = find_module(model, name)
        width, reached = _probe(model, module, device)
        if settings["tokens_per_batch"] > 1:
            check_neighbours(model, module, [tokens.ids for tokens in tokenizer(_PROBES)], device)
    except ValueError as error:
        raise ValueError(f"{file}: hookpoint = {hookpoint!r}: {error}") from error
    # transformers fills weights that a checkpoint lacks with random numbers and only warns.
    if lacking := [name for name in unset if name.rpartition(".")[0] in reached]:
        raise ValueError(
            f"{file}: model = {settings['model']!r}: the checkpoint lacks weights that are needed "
            f"up to the hookpoint: {', '.join(sorted(lacking)[:5])}"
        )
    return HookedModel(tokenizer, model, module, width, name)


def load_sparse_coder(name: str, hookpoint: str, device: torch.device, file: str) -> Any:
    """The SAE of a hookpoint, encoder only, in the dtype of the checkpoint's encoder, whatever that of its decoder.

    An encoder's weights of several dtypes get one that holds all of them.

    Args:
        name: a folder that holds the checkpoint, or one folder per hookpoint; or a hub name, of which
            only the hookpoint's folder is downloaded.
        hookpoint: name of the module that the SAE was trained on.
        device: where to put it.
        file: the settings' file, for messages.

    Raises:
        FileNotFoundError: no checkpoint there.
        ValueError: the checkpoint lacks encoder weights, or is a transcoder.
    """
    where = f"{file}: sae = {name!r}"
    folder = checkpoint_folder(name, hookpoint, where)
    if is_saelens(folder):
        return load_saelens(folder, device, where)
    with safe_open(folder / "sae.safetensors", framework="pt") as weights:
        lacking = sorted(set(_ENCODER_WEIGHTS) - set(weights.keys()))
        if lacking:
            raise ValueError(f"{where}: sae.safetensors lacks {', '.join(lacking)}")
        dtypes = [weights.get_slice(key)[:0].dtype for key in _ENCODER_WEIGHTS]
    config = json.loads((folder / "cfg.json").read_text())
    if config.get("transcode"):
        raise ValueError(f"{where}: a transcoder reads a module's input; an autoencoder is expected")
    # Seconds to import, so only once everything else is in order.
    from sparsify import SparseCoder, SparseCoderConfig

    # Its own load_from_disk takes the dtype of the file's first tensor, the decoder's, and rounds the encoder to it.
    width = config.pop("d_in")
    shape = SparseCoderConfig.from_dict(config, drop_extra_fields=True)
    sae = SparseCoder(width, shape, device, reduce(torch.promote_types, dtypes), decoder=False)
    load_model(sae, folder / "sae.safetensors", strict=False, device=str(device))
    return sae.eval()


def model_source(name: str, where: str) -> str:
    """The folder that `package:NAME` means; a folder or hub name as it is.

    The package is looked up and not imported: only its files are wanted.

    Raises:
        FileNotFoundError: no such package here, or it has no `model/` folder.
    """
    if not name.startswith("package:"):
        return name
    package = name.removeprefix("package:")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None:
        raise FileNotFoundError(
            f"{where}: no package {package!r} is installed in {sys.prefix} (the name to import is "
            "expected, with underscores)"
        )
    for location in spec.submodule_search_locations or []:
        if (Path(location) / "model" / "config.json").is_file():
            return str(Path(location) / "model")
    raise FileNotFoundError(f"{where}: package {package!r} has no folder model/ with a config.json")


def choose_dtype(setting: str, published: Any, device: torch.device) -> torch.dtype:
    """The model's dtype: `auto` is bfloat16 on a GPU for a model published in it, else float32."""
    if setting != "auto":
        return getattr(torch, setting)
    if device.type == "cuda" and published == torch.bfloat16 and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float32


def dtype_name(dtype: torch.dtype) -> str:
    """The dtype as settings spell it: "float32"."""
    return str(dtype).removeprefix("torch.")


def load_language_model(settings: Mapping[str, Any], device: torch.device) -> tuple[nn.Module, set[str], Tokenizer]:
    """The model without a head, the names of weights its checkpoint did not set, its tokenizer.

    Args:
        settings: `model`, `max_tokens`, `dtype` and `file`, which every message begins with; `long_texts`, or they
            are cut.
        device: where to put the model.

    Raises:
        FileNotFoundError: a folder, package or hub repository is not there.
        ValueError: it cannot be loaded, or does not read `max_tokens`.
    """
    where = f"{settings['file']}: model = {settings['model']!r}"
    source = model_source(settings["model"], where)
    revision = "main" if Path(source).is_dir() else settings_folder(source, where).name
    transformers_logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
        # A key-value cache would keep every layer's keys and values for nothing.
        config.use_cache = False
        model, loading = AutoModel.from_pretrained(
            source,
            config=config,
            revision=revision,
            dtype=choose_dtype(settings["dtype"], config.dtype, device),
            device_map={"": device},
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, trust_remote_code=False)
    except OSError as error:
        raise FileNotFoundError(unreachable(where, error)) from error
    except (ValueError, RuntimeError, ImportError) as error:
        raise ValueError(f"{where}: cannot be loaded: {error}") from error
    limits = _limits(settings["max_tokens"], model, tokenizer, settings["file"])
    limits = replace(limits, chunk=settings.get("long_texts") == "chunk")
    return model.eval(), set(loading["missing_keys"]), limits


def _limits(max_tokens: int, model: Any, tokenizer: Any, file: str) -> Tokenizer:
    """The tokenizer with its limits, checked against the model's."""
    positions = readable_tokens(model)
    if positions is not None and max_tokens > positions:
        raise ValueError(f"{file}: max_tokens = {max_tokens}: the model reads at most {positions}")
    tokenizer.truncation_side = "right"
    limits = Tokenizer(tokenizer, max_tokens, model.get_input_embeddings().num_embeddings)
    try:
        limits.check_room()
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    return limits


def _probe(model: nn.Module, module: nn.Module, device: torch.device) -> tuple[int, set[str]]:
    """Width of the hookpoint's output and names of the modules run on the way, from one token."""
    entered: set[nn.Module] = set()
    handle = nn.modules.module.register_module_forward_pre_hook(lambda called, _args: entered.add(called))
    try:
        with torch.inference_mode():
            token = torch.zeros(1, 1, dtype=torch.int64, device=device)
            width = activations_at(model, module, token, torch.ones_like(token)).shape[-1]
    finally:
        handle.remove()
    return width, {name for name, called in model.named_modules() if called in entered}
