"""Tiny models of several architectures, and a slow way to read texts with them: one window at a time, unpadded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    GPTNeoXConfig,
    GPTNeoXModel,
    LlamaConfig,
    LlamaModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from compsim_assets_tests.workers.tiny_models import LAYER, WIDTH, WORDS, Kit, make_sae

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]  # ids 0 to 3
POSITIONS = 64
_SIZES = {"vocab_size": len(SPECIAL) + len(WORDS), "initializer_range": 0.3}
_USUAL = {
    **_SIZES,
    "hidden_size": WIDTH,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 1,
}
_GPT2 = {**_SIZES, "n_embd": WIDTH, "n_layer": 4, "n_head": 2, "n_positions": POSITIONS}
_MODERN = {"global_attn_every_n_layers": 2, "local_attention": 4, "bos_token_id": 0, "eos_token_id": 2}
# Of each architecture: the model, its hookpoint, and how special tokens stand around a text.
ARCHITECTURES: dict[str, tuple[Any, str, str]] = {
    "llama": (lambda: LlamaModel(LlamaConfig(**_USUAL)), f"layers.{LAYER}", "<s> $A"),
    "bert": (lambda: BertModel(BertConfig(**_USUAL)), f"encoder.layer.{LAYER}", "<s> $A </s>"),
    "gpt_neox": (lambda: GPTNeoXModel(GPTNeoXConfig(**_USUAL)), f"layers.{LAYER}", "$A"),
    "gpt2": (lambda: GPT2Model(GPT2Config(**_GPT2)), f"h.{LAYER}", "$A"),
    "modernbert": (
        lambda: ModernBertModel(ModernBertConfig(**_USUAL, **_MODERN, cls_token_id=0, sep_token_id=2)),
        f"layers.{LAYER}",
        "<s> $A </s>",
    ),
    "roberta": (
        lambda: RobertaModel(RobertaConfig(**{**_USUAL, "max_position_embeddings": POSITIONS + 2})),
        f"encoder.layer.{LAYER}",
        "<s> $A </s>",
    ),
}


def make_architecture(folder: Path, kind: str, padding_side: str = "right") -> Kit:
    """Save a random tiny model of an architecture with tokenizer and SAE in `folder`."""
    torch.manual_seed(21)
    build, hookpoint, frame = ARCHITECTURES[kind]
    model = build()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(std=0.2)
    model.save_pretrained(folder / "model")
    tokenizer_of(frame, padding_side).save_pretrained(folder / "model")
    make_sae(folder / "sae" / hookpoint)
    return Kit(folder / "model", folder / "sae", hookpoint)


def tokenizer_of(frame: str, padding_side: str = "right") -> PreTrainedTokenizerFast:
    """A word is a token."""
    ids = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    framing = [(token, ids[token]) for token in frame.split() if token in ids]
    tokenizer.post_processor = processors.TemplateProcessing(single=frame, special_tokens=framing)
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    if frame.endswith("</s>"):
        names |= {"cls_token": "<s>", "sep_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side=padding_side, **names)


def windows_of(kit: Kit, text: str, max_tokens: int, chunk: bool) -> list[list[int]]:
    """Ids of each window of a text, frame included."""
    tokenizer = AutoTokenizer.from_pretrained(kit.model)
    encoded = tokenizer(text, return_special_tokens_mask=True)
    ids, added = encoded["input_ids"], encoded["special_tokens_mask"]
    body = [token for token, special in zip(ids, added, strict=True) if not special]
    lead = ids[: added.index(0)] if 0 in added else ids
    end = ids[len(lead) + len(body) :]
    room = max_tokens - len(lead) - len(end)
    parts = [body[start : start + room] for start in range(0, max(len(body), 1), room)]
    return [[*lead, *part, *end] for part in (parts if chunk else parts[:1])]


def slow_activations(kit: Kit, windows: Sequence[Sequence[int]], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """[tokens, width] of the hookpoint at all tokens of the windows that are text, one window after another."""
    network = AutoModel.from_pretrained(kit.model, dtype=dtype).eval()
    module = dict(network.named_modules())[kit.hookpoint]
    rows: list[torch.Tensor] = []
    handle = module.register_forward_hook(
        lambda _module, _args, output: rows.append(output[0][0] if isinstance(output, tuple) else output[0])
    )
    states = []
    for ids in windows:
        rows.clear()
        with torch.no_grad():
            network(input_ids=torch.tensor([list(ids)]))
        text = [number for number, token in enumerate(ids) if token not in (0, 1, 2)]
        states.append(rows[0][text])
    handle.remove()
    return torch.cat(states)


def slow_features(kit: Kit, windows: Sequence[Sequence[int]]) -> torch.Tensor:
    """(latents,) features of a text by these windows, dense, in float64."""
    import json

    from safetensors.torch import load_file

    folder = kit.sae / kit.hookpoint
    weights = {name: value.double() for name, value in load_file(folder / "sae.safetensors").items()}
    k = json.loads((folder / "cfg.json").read_text())["k"]
    hidden = slow_activations(kit, windows)
    before = torch.relu((hidden - weights["b_dec"]) @ weights["encoder.weight"].T + weights["encoder.bias"])
    least = before.sort(dim=1, descending=True).values[:, k - 1 : k]
    return torch.where(before >= least, before, 0.0).sum(dim=0)
