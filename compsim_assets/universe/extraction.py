"""How to get SAE features from text: a universe's `extraction.toml`, read and checked."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self, get_type_hints

from compsim_assets.universe.extraction_tables import Controls, Training
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.vintages import Vintage, assign, read_vintages

DTYPES = ("auto", "float32", "bfloat16", "float16")
LONG_TEXTS = ("cut", "chunk")

_REQUIRED = ("model", "hookpoint", "max_tokens")
_TABLES: dict[str, type[Training] | type[Controls]] = {"train": Training, "controls": Controls}
# What a vintage may have of its own.
_OF_VINTAGES = ("model", "sae", "hookpoint")
_PACKAGE = "package:"
# The hub's rule for a repository name, with and without an owner.
HUB_MODEL = re.compile(r"^[\w.-]+(/[\w.-]+)?$", re.ASCII)
HUB_SAE = re.compile(r"^[\w.-]+/[\w.-]+$", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which language model reads descriptions, and how: what all programs with one have in common."""

    model: str
    """The language model: an absolute folder, `package:NAME` (an installed package that carries a
    `model/` folder) or a hub name."""

    max_tokens: int
    """Tokens that the model reads at once, special tokens included; longer descriptions are cut, or read in windows."""

    dtype: str = "auto"
    """The language model's numbers: `auto` is float32 on a CPU, and on a GPU bfloat16 where the
    model was published in it."""

    tokens_per_batch: int = 4096
    """Padded tokens in one forward pass (a longer description makes a batch of its own)."""

    file: str
    """Where these settings come from; error messages begin with it."""

    vintages: tuple[Vintage, ...] = ()
    """Models of their time, ascending: each for reports that are younger than what it has read. Empty where one model
    reads all reports."""

    may_be_empty: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            value = getattr(self, name)
            if kind is str and (not isinstance(value, str) or not value.strip()) and name not in self.may_be_empty:
                raise UniverseError(f"{self.file}: {name} must be a non-empty string, not {value!r}")
            # A TOML boolean is a Python int.
            whole = isinstance(value, int) and not isinstance(value, bool)
            if kind is int and (not whole or value < 1):
                raise UniverseError(f"{self.file}: {name} must be a whole number >= 1, not {value!r}")
        if self.dtype not in DTYPES:
            raise UniverseError(f"{self.file}: dtype must be one of {', '.join(DTYPES)}, not {self.dtype!r}")

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain strings and numbers: what a worker gets."""
        return {name: value for name, value in asdict(self).items() if name != "vintages"}

    def of(self, vintage: Vintage) -> Self:
        """These settings with the model and the rest of a vintage, and no other vintage beside it."""
        return replace(self, **vintage.changes, vintages=())


@dataclass(frozen=True, kw_only=True)
class ExtractionSettings(ModelSettings):
    """Which model, sparse autoencoder, module and length turn descriptions into SAE features.

    Relative folders are made absolute by `from_toml`, so that a worker in another directory, or on
    another node with the same file system, finds them. The SAE keeps the dtype of its checkpoint.
    """

    sae: str = ""
    """The checkpoint, of eai-sparsify or SAELens: an absolute folder (of the checkpoint itself, or with one folder
    per hookpoint) or a hub name `owner/name`. Empty where one is trained, until it is."""

    hookpoint: str
    """Name of the module whose output the SAE reads, as the headless model names it:
    `layers.30` (Llama), `encoder.layer.4` (BERT); or as TransformerLens does: `blocks.8.hook_resid_post`."""

    long_texts: str = "cut"
    """What is done with a description of more than max_tokens: it is cut; or read in consecutive windows of so many,
    over which features are summed (`chunk`)."""

    train: Training | None = None
    """How an SAE is trained on the universe's own texts; None where `sae` is one."""

    controls: Controls = field(default_factory=Controls)
    """What else is read from the same activations, to hold the SAE against."""

    file: str = "extraction.toml"

    may_be_empty: ClassVar[tuple[str, ...]] = ("sae",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.long_texts not in LONG_TEXTS:
            raise UniverseError(
                f"{self.file}: long_texts must be one of {', '.join(LONG_TEXTS)}, not {self.long_texts!r}"
            )
        for name, table in _TABLES.items():
            if isinstance(values := getattr(self, name), dict):
                object.__setattr__(self, name, table.of(values, f"{self.file} [{name}]"))

    def of(self, vintage: Vintage) -> Self:
        """As of any model; and an SAE that is trained reads nothing later, either."""
        settings = super().of(vintage)
        if settings.train is None:
            return settings
        until = min(vintage.last_year, settings.train.train_until or vintage.last_year)
        return replace(settings, train=replace(settings.train, train_until=until))

    def of_newest(self, years: Iterable[int]) -> tuple[Self, str]:
        """These settings with the newest vintage that reads a year, and its day; as they are where there are none.

        Raises:
            UniverseError: no year is younger than a vintage.
        """
        newest = assign(self.vintages, years, self.file).newest if self.vintages else None
        return (self.of(newest), str(newest.knowledge)) if newest else (self, "")

    @classmethod
    def from_toml(cls, path: Path | str) -> ExtractionSettings:
        """Read and check `extraction.toml`.

        Raises:
            FileNotFoundError: the file, or a folder that it names, is not there.
            UniverseError: not TOML, a key missing or unknown, a value of the wrong kind.
        """
        path = Path(path).resolve()
        values = read_toml(path, "which model, sae, hookpoint and max_tokens turn text into SAE features")
        vintages = _vintages(values, path)
        values = {**(vintages[-1].changes if vintages else {}), **values, "vintages": vintages}
        check_keys(values, str(path), cls, _REQUIRED)
        for name in _TABLES:
            if not isinstance(values.get(name, {}), dict):
                raise UniverseError(f"{path}: [{name}] must be a table, not {values[name]!r}")
        if ("sae" in values) == ("train" in values):
            both = "either, not both" if "sae" in values else "required key sae is missing"
            raise UniverseError(f"{path}: {both}: sae names an SAE, a table [train] says how to train one")
        settings = cls(**values, file=str(path))
        model = locate(settings.model, "model", path.parent, str(path), HUB_MODEL)
        sae = locate(settings.sae, "sae", path.parent, str(path), HUB_SAE) if settings.sae else ""
        return replace(settings, model=model, sae=sae)


def _vintages(values: dict[str, Any], path: Path) -> tuple[Vintage, ...]:
    """The file's vintages, which are taken out of its values; where an SAE is trained, they have none of their own."""
    if (tables := values.pop("vintages", None)) is None:
        return ()
    keys = [key for key in _OF_VINTAGES if key != "sae" or "train" not in values]
    hub = {"model": HUB_MODEL, "sae": HUB_SAE}

    def located(key: str, value: str) -> str:
        return locate(value, key, path.parent, f"{path} [[vintages]]", hub[key]) if key in hub else value

    return read_vintages(tables, str(path), keys, values, located)


def check_keys(values: Mapping[str, Any], file: str, settings: type[Any], required: Sequence[str]) -> None:
    """The keys of a table of settings: none unknown, all there that are required.

    Raises:
        UniverseError: names the key.
    """
    allowed = [field.name for field in fields(settings) if field.name not in ("file", "name")]
    for key in values:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise UniverseError(f"{file}: unknown key {key!r}{hint}; the keys are {', '.join(allowed)}")
    if missing := [key for key in required if key not in values]:
        raise UniverseError(f"{file}: required key {', '.join(missing)} is missing")


def read_toml(path: Path, says: str) -> dict[str, Any]:
    """The content of a file of settings; `says` completes "it says", for the error without it.

    Raises:
        FileNotFoundError: the file is not there.
        UniverseError: not TOML.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is not there: it says {says}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UniverseError(f"{path}: not valid TOML: {error}") from error


def locate(name: str, key: str, beside: Path, file: str, hub_name: re.Pattern[str]) -> str:
    """The absolute folder that `name` means; a package or hub name as it is.

    Args:
        name: what the settings say.
        key: where they say it.
        beside: folder that relative ones start from.
        file: the settings' file, for messages.
        hub_name: `HUB_MODEL` or `HUB_SAE`.

    Raises:
        FileNotFoundError: neither a folder nor a name.
        UniverseError: a file, or a package where none will do.
    """
    where = f"{file}: {key} = {name!r}"
    if name.startswith(_PACKAGE):
        if key != "model":
            raise UniverseError(f"{where}: only the model may come from an installed package")
        return name
    folder = beside / Path(name).expanduser()
    if folder.is_dir():
        return str(folder.resolve())
    if folder.exists():
        raise UniverseError(f"{where}: {folder} is a file; a folder is expected")
    looks_like_path = name.startswith((".", "/", "~")) or not hub_name.match(name)
    if looks_like_path:
        raise FileNotFoundError(
            f"{where}: there is no folder {folder}, and the text is not a hub name "
            f"({'owner/name or name' if key == 'model' else 'owner/name'}) either"
        )
    return name
