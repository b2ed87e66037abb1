"""Where an SAE's checkpoint lies, and its decoder's directions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.workers.hub_files import from_hub

if TYPE_CHECKING:
    import torch

DECODER = "W_dec"


def checkpoint_folder(name: str, hookpoint: str, where: str) -> Path:
    """Folder of a hookpoint's sparsify checkpoint: `cfg.json` and `sae.safetensors` are in it.

    Args:
        name: a folder that holds the checkpoint, or one folder per hookpoint; or a hub name, of which only the
            hookpoint's folder is downloaded.
        hookpoint: name of the module that the SAE was trained on.
        where: begins the messages.

    Raises:
        FileNotFoundError: no checkpoint there.
    """
    import huggingface_hub

    root = Path(name)
    if not root.is_dir():
        root = from_hub(lambda: huggingface_hub.snapshot_download(name, allow_patterns=f"{hookpoint}/*"), name, where)
    folders = [root, root / hookpoint]
    folder = next((folder for folder in folders if (folder / "cfg.json").is_file()), None)
    if folder is None or not (folder / "sae.safetensors").is_file():
        raise FileNotFoundError(f"{where}: cfg.json and sae.safetensors are expected in {folders[0]} or {folders[1]}")
    return folder


def decoder_directions(name: str, hookpoint: str) -> torch.Tensor:
    """(D, width) the direction that each latent writes, in the checkpoint's dtype.

    Raises:
        FileNotFoundError: no checkpoint there, or one without a decoder.
    """
    from safetensors import safe_open

    where = f"sae = {name!r}"
    folder = checkpoint_folder(name, hookpoint, where)
    with safe_open(folder / "sae.safetensors", framework="pt") as weights:
        if DECODER not in weights.keys():  # noqa: SIM118 - no mapping
            raise FileNotFoundError(f"{where}: {folder / 'sae.safetensors'} has no {DECODER}")
        return weights.get_tensor(DECODER)
