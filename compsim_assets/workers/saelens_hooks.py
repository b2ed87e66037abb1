"""Which module of a model an SAELens checkpoint reads, and which token stood before the texts it was trained on.

A hook of TransformerLens (`blocks.8.hook_resid_post`) is a place in the forward pass, the same for all models; a module
of transformers (`h.8`) is a name, another for each. What lies between two modules (`hook_resid_mid`) has no name there.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from torch import nn

from compsim_assets.workers.saelens_files import SaeLensCoder
from compsim_assets.workers.tokenization import Tokenizer

_HOOK = re.compile(r"blocks\.(?P<layer>\d+)\.(?P<place>hook_\w+)")
# Their layers end with a norm: what TransformerLens calls the residual stream is before it, in no module's output.
_NORM_LAST = frozenset(
    {"albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "mpnet", "roberta", "xlm-roberta"}
)
# Where a part's output is added as it is: TransformerLens reads others after one more norm, or scaled.
_PARTS = {
    "gpt2": {"hook_attn_out": "attn", "hook_mlp_out": "mlp"},
    "gpt_neox": {"hook_attn_out": "attention", "hook_mlp_out": "mlp"},
    "llama": {"hook_attn_out": "self_attn", "hook_mlp_out": "mlp"},
    "mistral": {"hook_attn_out": "self_attn", "hook_mlp_out": "mlp"},
    "qwen2": {"hook_attn_out": "self_attn", "hook_mlp_out": "mlp"},
}


def is_hook(name: str) -> bool:
    """Whether this is one of TransformerLens' names."""
    return _HOOK.fullmatch(name) is not None


def module_of_hook(hook: str, model: nn.Module) -> str:
    """Name of the module of a headless model whose output stands at the hook.

    Args:
        hook: `blocks.N.hook_...`, or a module as the model with a head calls it (`model.layers.8`).

    Raises:
        ValueError: no module's output does.
    """
    modules = dict(model.named_modules())
    if not (match := _HOOK.fullmatch(hook)):
        # Of a headless model's modules the first part of the name, "model." or "transformer.", is missing.
        inner = [hook, hook.partition(".")[2]]
        if name := next((name for name in inner if name and name in modules), None):
            return name
        raise ValueError(f"{type(model).__name__} has no module for the hook {hook!r}")
    layers, kind = _layers(model), str(_config(model, "model_type"))
    number, place = int(match["layer"]), match["place"]
    stream = "hook_normalized_resid_post" if kind in _NORM_LAST else "hook_resid_post"
    if place == "hook_resid_pre" and number > 0:
        # What goes into a layer is what came out of the one before, behind its norm where there is one.
        number, place = number - 1, stream
    if place == stream:
        name = f"{layers}.{number}"
    elif part := _PARTS.get(kind, {}).get(place):
        name = f"{layers}.{number}.{part}"
    else:
        raise ValueError(f"no module of {type(model).__name__} gives what is at the hook {hook!r}{_instead(kind)}")
    if name not in modules:
        raise ValueError(f"{type(model).__name__} has no module {name!r} for the hook {hook!r}")
    return name


def _instead(kind: str) -> str:
    if kind not in _NORM_LAST:
        return ""
    return ": its layers end with a norm, so a layer's output is at hook_normalized_resid_post"


def as_trained(sae: SaeLensCoder, model: nn.Module, module: str, tokenize: Tokenizer, where: str) -> tuple[int, ...]:
    """Let an SAE read what it was trained on: centred activations, and the tokens before each text, which are returned.

    Args:
        sae: gets told whether it centres. model: that it reads. module: whose output.
        tokenize: how. where: begins the messages.

    Raises:
        ValueError: it was trained on another module, or on texts that begin with what the tokenizer does not have.
    """
    config = sae.config
    try:
        if config.hook and (trained_on := module_of_hook(config.hook, model)) != module:
            raise ValueError(
                f"was trained at {config.hook!r}, which is the module {trained_on!r}: hookpoint is {module!r}"
            )
        prefix = missing_prefix(tokenize.tokenizer) if config.prepend_bos else ()
        replace(tokenize, prefix=prefix).check_room()
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    sae.centre = config.centred and takes_mean_out(model)
    return prefix


def takes_mean_out(model: nn.Module) -> bool:
    """Whether centred weights change what is in the residual stream: only a model with LayerNorm can be centred."""
    return not any(_config(model, key) is not None for key in ("rms_norm_eps", "rms_norm_epsilon"))


def missing_prefix(tokenizer: Any) -> tuple[int, ...]:
    """The token that TransformerLens puts before a text and this tokenizer does not; empty where it does.

    Raises:
        ValueError: there is no such token.
    """
    bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.cls_token_id
    begun = tokenizer("a", return_attention_mask=False)["input_ids"]
    if begun and begun[0] in {tokenizer.bos_token_id, tokenizer.cls_token_id} - {None}:
        return ()
    if bos is None:
        raise ValueError("was trained with a token before each text (prepend_bos), the tokenizer has none")
    return (int(bos),)


def _layers(model: nn.Module) -> str:
    """Name of the list of the model's layers."""
    n = _config(model, "num_hidden_layers")
    lists = [name for name, module in model.named_modules() if isinstance(module, nn.ModuleList) and len(module) == n]
    if not lists:
        raise ValueError(f"{type(model).__name__} has no list of {n} layers")
    return min(lists, key=lambda name: name.count("."))


def _config(model: nn.Module, key: str) -> Any:
    return getattr(getattr(model, "config", None), key, None)
