"""A training on disk: what a killed one goes on from, and the SAE that comes out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from compsim_assets.science.training.coder import Coder
from compsim_assets.science.training.fit import Fit
from compsim_assets.storage.publish import PublishedFolder
from compsim_assets.workers.activation_files import Units

_FORMAT = "1"  # change it when the same texts and settings would give other bytes
_ARRAYS = ("encoder", "bias", "decoder", "centre")
_MOMENTS = tuple(f"{array}.{moment}" for array in _ARRAYS for moment in ("first", "second"))


@dataclass
class Window:
    """Sums since the last measure, over tokens."""

    error: float = 0.0
    active: float = 0.0
    tokens: int = 0


@dataclass
class State:
    """Everything that decides how a training goes on."""

    fit: Fit
    units: Units
    window: Window = field(default_factory=Window)
    history: list[dict[str, Any]] = field(default_factory=list)
    revived: int = 0


def save_state(state: State, folder: Path, processes: int) -> None:
    """Write the state in one step: a kill leaves this one or the one before."""
    fit = state.fit
    arrays = dict(zip(_ARRAYS, fit.coder.arrays(), strict=True)) | dict(zip(_MOMENTS, fit.moments, strict=True))
    plain = {
        "format": _FORMAT,
        "processes": processes,
        "threads": torch.get_num_threads(),
        "fit": {"step": fit.step, "end": fit.end, "measures": fit.measures},
        "length": state.units.length,
        "window": vars(state.window),
        "history": state.history,
        "revived": state.revived,
    }
    with PublishedFolder(folder).new_file(folder / "state.safetensors") as aside:
        more = {"last_active": fit.last_active, "mean": torch.from_numpy(state.units.mean)}
        save_file({**arrays, **more}, aside, {"state": json.dumps(plain)})


def load_state(folder: Path, processes: int, device: torch.device) -> State | None:
    """The state that was written last; None where there is none, or one of another number of processes."""
    try:
        with safe_open(folder / "state.safetensors", framework="pt", device=str(device)) as file:
            plain = json.loads(file.metadata()["state"])
            if (plain["format"], plain["processes"]) != (_FORMAT, processes):
                return None
            coder = Coder(*(file.get_tensor(name) for name in _ARRAYS))
            moments = [file.get_tensor(name) for name in _MOMENTS]
            fit = Fit(coder, moments, file.get_tensor("last_active"), **plain["fit"])
            units = Units(file.get_tensor("mean").cpu().numpy(), plain["length"])
    except (FileNotFoundError, SafetensorError, KeyError):
        return None
    return State(fit, units, Window(**plain["window"]), plain["history"], plain["revived"])


def save_coder(coder: Coder, units: Units, k: int, folder: Path) -> None:
    """Write the SAE, in the activations' own units, as eai-sparsify does: `cfg.json` and `sae.safetensors`."""
    from sparsify import SparseCoder, SparseCoderConfig

    latents, width = coder.decoder.shape
    shape = SparseCoderConfig(num_latents=latents, k=k, expansion_factor=max(1, latents // width))
    # A decoder that is no copy of a random encoder is made below.
    sae = SparseCoder(width, shape)
    with torch.no_grad():
        sae.encoder.weight.copy_(coder.encoder)
        sae.encoder.bias.copy_(coder.bias * units.length)
        assert sae.W_dec is not None
        sae.W_dec.copy_(coder.decoder)
        sae.b_dec.copy_(coder.centre * units.length + torch.from_numpy(units.mean).to(coder.centre))
    sae.save_to_disk(folder)
