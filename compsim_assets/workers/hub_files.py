"""Files of models on the Hugging Face hub: a busy hub is asked again, and what it refuses is not taken for missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import huggingface_hub

from compsim_assets.universe.hub import Patience
from compsim_assets.universe.hub.calls import patiently

# What a model's own folder has beside its weights.
_SETTINGS = ["*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken"]


def settings_folder(source: str, where: str) -> Path:
    """A model's folder with everything but weights, of one commit: what is not in it does not exist.

    transformers takes a tokenizer's settings that a busy hub refuses for missing, and loads another tokenizer.

    Args:
        source: a folder, or a hub name. where: begins the messages.

    Raises:
        FileNotFoundError: the hub repository is not there, or the hub fails after all tries.
    """
    if Path(source).is_dir():
        return Path(source)
    return from_hub(
        lambda: huggingface_hub.snapshot_download(source, allow_patterns=_SETTINGS, ignore_patterns="*/*"),
        source,
        where,
    )


def module_folder(source: str, folder: Path, module: str, where: str) -> Path:
    """A folder inside of a model's folder, as `settings_folder` gave it, with all of its files."""
    if not Path(source).is_dir():
        from_hub(
            lambda: huggingface_hub.snapshot_download(source, allow_patterns=f"{module}/*", revision=folder.name),
            source,
            where,
        )
    return folder / module


def from_hub(download: Callable[[], str], name: str, where: str) -> Path:
    """What a download gives, tried again where that may help; offline what is in the cache.

    Raises:
        FileNotFoundError: it cannot be had; the message begins with `where`.
    """
    huggingface_hub.utils.disable_progress_bars()
    try:
        if huggingface_hub.is_offline_mode():
            return Path(download())
        return Path(patiently(download, name, _say, Patience()))
    except (OSError, ValueError, huggingface_hub.errors.HfHubHTTPError) as error:
        raise FileNotFoundError(unreachable(where, error)) from error


def unreachable(where: str, error: Exception) -> str:
    """What is said of a model that can be had neither here nor there."""
    offline = "offline" if huggingface_hub.constants.HF_HUB_OFFLINE else "online"
    return (
        f"{where}: cannot be loaded, neither as a folder nor from the Hugging Face hub ({offline}, "
        f"cache {huggingface_hub.constants.HF_HUB_CACHE}): {error}"
    )


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
