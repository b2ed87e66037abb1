"""A language model, tokenizer and SAE small enough to make on the spot, and a slow way to use them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedTokenizerFast,
)

WORDS = ["bank", "oil", "steel", "bread", "chips", "cloud", "rail", "drug", "gold", "of", "and"]
FRAMES = {  # special tokens, and how they stand around a text
    "llama": ({"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, "<s> $A"),
    "bert": (
        {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"},
        "[CLS] $A [SEP]",
    ),
}
FRAMES["modernbert"] = FRAMES["bert"]
WIDTH, N_LATENTS, K, LAYER, MAX_TOKENS = 16, 96, 7, 1, 12


@dataclass(frozen=True)
class Kit:
    """A model folder and an SAE folder, and the settings that name them."""

    model: Path
    sae: Path
    hookpoint: str

    def settings(self, **changes: Any) -> dict[str, Any]:
        return {
            "model": str(self.model),
            "sae": str(self.sae),
            "hookpoint": self.hookpoint,
            "max_tokens": MAX_TOKENS,
            "dtype": "auto",
            "tokens_per_batch": 40,
            "file": "extraction.toml",
            **changes,
        }


def make_kit(folder: Path, kind: str, seed: int = 11) -> Kit:
    """Save a random tiny Llama, BERT or ModernBERT with tokenizer and SAE in `folder`; another seed, another model."""
    torch.manual_seed(seed)
    special, _ = FRAMES[kind]
    sizes = {
        "vocab_size": len(WORDS) + len(special),
        "hidden_size": WIDTH,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
    }
    model: Any = MODELS[kind](sizes)
    model.save_pretrained(folder / "model")
    make_tokenizer(kind).save_pretrained(folder / "model")
    hookpoint = f"encoder.layer.{LAYER}" if kind == "bert" else f"layers.{LAYER}"
    make_sae(folder / "sae" / hookpoint, seed=seed + 1)
    return Kit(folder / "model", folder / "sae", hookpoint)


def make_tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """A word is a token; Llama's has no padding token."""
    special, frame = FRAMES[kind]
    ids = {word: number for number, word in enumerate([*special.values(), *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=special["unk_token"]))
    tokenizer.normalizer = normalizers.Lowercase() if kind == "llama" else None
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    framing = [(token, ids[token]) for token in frame.split() if token in ids]
    tokenizer.post_processor = processors.TemplateProcessing(single=frame, special_tokens=framing)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def _modernbert(sizes: dict[str, int]) -> ModernBertModel:
    # A window of four tokens: local attention sees less than the whole text, as in a real one.
    tokens = {f"{name}_token_id": number for number, name in enumerate(("cls", "sep", "pad", "bos", "eos"))}
    return ModernBertModel(ModernBertConfig(**sizes, **tokens, local_attention=4))


MODELS: dict[str, Any] = {
    "llama": lambda sizes: LlamaModel(LlamaConfig(**sizes)),
    "bert": lambda sizes: BertModel(BertConfig(**sizes)),
    "modernbert": _modernbert,
}


def make_sae(folder: Path, width: int = WIDTH, seed: int = 12, **changes: Any) -> None:
    """Save a random SAE whose biases are not zero."""
    from sparsify import SparseCoder, SparseCoderConfig

    torch.manual_seed(seed)
    sae = SparseCoder(width, SparseCoderConfig(num_latents=N_LATENTS, k=K, **changes))
    with torch.no_grad():
        sae.encoder.bias.normal_(std=0.2)
        sae.b_dec.normal_()
    sae.save_to_disk(folder)


def slow_features(
    model: Path, sae: Path, layer: int, texts: list[str], max_tokens: int
) -> tuple[np.ndarray, np.ndarray]:
    """Features and numbers of tokens, a text at a time, unpadded, all layers, dense, in float64."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModel.from_pretrained(model, dtype=torch.float64).eval()
    weights = {name: value.double() for name, value in load_file(sae / "sae.safetensors").items()}
    k = json.loads((sae / "cfg.json").read_text())["k"]
    sums, counts = [], []
    for text in texts:
        encoded = tokenizer(text, truncation=True, max_length=max_tokens, return_special_tokens_mask=True)
        ids = torch.tensor([encoded["input_ids"]])
        with torch.no_grad():
            hidden = network(input_ids=ids, output_hidden_states=True).hidden_states[layer + 1][0]
        hidden = hidden[torch.tensor(encoded["special_tokens_mask"]) == 0]
        pre = (hidden - weights["b_dec"]) @ weights["encoder.weight"].T + weights["encoder.bias"]
        pre = torch.relu(pre)
        threshold = pre.sort(dim=1, descending=True).values[:, k - 1 : k]
        sums.append(torch.where(pre >= threshold, pre, 0.0).sum(dim=0).numpy())
        counts.append(len(hidden))
    return np.array(sums), np.array(counts)
