"""How to get SAE features from text: a universe's `extraction.toml`, read and checked."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

DTYPES = ("auto", "float32", "bfloat16", "float16")

_REQUIRED = ("model", "sae", "hookpoint", "max_tokens")
_PACKAGE = "package:"
# The hub's rule for a repository name, with and without an owner.
_HUB_MODEL = re.compile(r"^[\w.-]+(/[\w.-]+)?$", re.ASCII)
_HUB_SAE = re.compile(r"^[\w.-]+/[\w.-]+$", re.ASCII)


@dataclass(frozen=True)
class ExtractionSettings:
    """Which model, sparse autoencoder, module and length turn descriptions into SAE features.

    Relative folders are made absolute by `from_toml`, so that a worker in another directory, or on
    another node with the same file system, finds them.
    """

    model: str
    """The language model: an absolute folder, `package:NAME` (an installed package that carries a
    `model/` folder) or a hub name."""

    sae: str
    """The sparsify checkpoint: an absolute folder (of the checkpoint itself, or with one folder a
    hookpoint) or a hub name `owner/name`."""

    hookpoint: str
    """Name of the module whose output the SAE reads, as the headless model names it:
    `layers.30` (Llama), `encoder.layer.4` (BERT)."""

    max_tokens: int
    """Descriptions are cut to this many tokens, special tokens included."""

    dtype: str = "auto"
    """The language model's numbers: `auto` is float32 on a CPU, and on a GPU bfloat16 where the
    model was published in it. The SAE keeps the dtype of its checkpoint."""

    tokens_per_batch: int = 4096
    """Padded tokens in one forward pass (a longer description makes a batch of its own)."""

    file: str = "extraction.toml"
    """Where these settings come from; error messages begin with it."""

    def __post_init__(self) -> None:
        for name in ("model", "sae", "hookpoint", "dtype", "file"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{self.file}: {name} must be a non-empty string, not {value!r}")
        for name in ("max_tokens", "tokens_per_batch"):
            value = getattr(self, name)
            # A TOML boolean is a Python int.
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{self.file}: {name} must be a whole number >= 1, not {value!r}")
        if self.dtype not in DTYPES:
            raise ValueError(
                f"{self.file}: dtype must be one of {', '.join(DTYPES)}, not {self.dtype!r}"
            )

    @classmethod
    def from_toml(cls, path: Path | str) -> ExtractionSettings:
        """Read and check `extraction.toml`.

        Raises:
            FileNotFoundError: the file, or a folder that it names, is not there.
            ValueError: not TOML, a key missing or unknown, a value of the wrong kind.
        """
        path = Path(path).resolve()
        values = _read(path)
        allowed = [field.name for field in fields(cls) if field.name != "file"]
        for key in values:
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, n=1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                raise ValueError(
                    f"{path}: unknown key {key!r}{hint}; the keys are {', '.join(allowed)}"
                )
        if missing := [key for key in _REQUIRED if key not in values]:
            raise ValueError(f"{path}: required key {', '.join(missing)} is missing")
        settings = cls(**values, file=str(path))
        located = {
            "model": _locate(settings.model, "model", path, _HUB_MODEL),
            "sae": _locate(settings.sae, "sae", path, _HUB_SAE),
        }
        return cls(**{**asdict(settings), **located})

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain strings and numbers: what a worker gets."""
        return asdict(self)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path} is not there: it says which model, sae, hookpoint and max_tokens turn text "
            "into SAE features"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not valid TOML: {error}") from error


def _locate(name: str, key: str, toml: Path, hub_name: re.Pattern[str]) -> str:
    """The absolute folder that `name` means; a package or hub name as it is."""
    where = f"{toml}: {key} = {name!r}"
    if name.startswith(_PACKAGE):
        if key != "model":
            raise ValueError(f"{where}: only the model may come from an installed package")
        return name
    folder = toml.parent / Path(name).expanduser()
    if folder.is_dir():
        return str(folder.resolve())
    if folder.exists():
        raise ValueError(f"{where}: {folder} is a file; a folder is expected")
    looks_like_path = name.startswith((".", "/", "~")) or not hub_name.match(name)
    if looks_like_path:
        raise FileNotFoundError(
            f"{where}: there is no folder {folder}, and the text is not a hub name "
            f"({'owner/name or name' if key == 'model' else 'owner/name'}) either"
        )
    return name
