"""Where an SAE's checkpoint lies, whose it is, and its decoder's directions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.workers.hub_files import from_hub

# The files of weights by the libraries that write them: eai-sparsify, SAELens.
SPARSIFY = "sae.safetensors"
SAELENS = "sae_weights.safetensors"

if TYPE_CHECKING:
    import torch

DECODER = "W_dec"


def checkpoint_folder(name: str, hookpoint: str, where: str) -> Path:
    """Folder of a hookpoint's checkpoint: `cfg.json` is in it, and the weights as either library names their file.

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
    if folder is None or not weights_of(folder).is_file():
        raise FileNotFoundError(
            f"{where}: cfg.json and {SPARSIFY} (of eai-sparsify) or {SAELENS} (of SAELens) are expected in "
            f"{folders[0]} or {folders[1]}"
        )
    return folder


def weights_of(folder: Path) -> Path:
    """The file of weights in a checkpoint's folder, of either library; where there is none, eai-sparsify's."""
    return folder / SAELENS if is_saelens(folder) else folder / SPARSIFY


def is_saelens(folder: Path) -> bool:
    """Whether SAELens wrote this checkpoint."""
    return (folder / SAELENS).is_file() and not (folder / SPARSIFY).is_file()


def decoder_directions(name: str, hookpoint: str) -> torch.Tensor:
    """(D, width) the direction that each latent writes, in the checkpoint's dtype and of the length it has there.

    Raises:
        FileNotFoundError: no checkpoint there, or one without a decoder.
    """
    from safetensors import safe_open

    where = f"sae = {name!r}"
    folder = checkpoint_folder(name, hookpoint, where)
    with safe_open(weights_of(folder), framework="pt") as weights:
        if DECODER not in weights.keys():  # noqa: SIM118 - no mapping
            raise FileNotFoundError(f"{where}: {weights_of(folder)} has no {DECODER}")
        return weights.get_tensor(DECODER)
