"""A universe's encoders, from its `embedding.toml` or `extraction.toml`, read and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from compsim_assets.contracts.methods import BY_NAME
from compsim_assets.universe.extraction import (
    HUB_MODEL,
    ExtractionSettings,
    ModelSettings,
    check_keys,
    locate,
    read_toml,
)
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.vintages import Vintage, read_vintages

DEFAULT_NAME = "embedding"

_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SAYS = "for each encoder, a table [NAME] with model and max_tokens, how descriptions become embeddings"


@dataclass(frozen=True, kw_only=True)
class EncoderSettings(ModelSettings):
    """A language model whose last hidden state, averaged over a description's tokens, is its embedding."""

    name: str
    """What its methods are called by: letters, digits, "_" and "-"."""

    file: str = "embedding.toml"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _NAME.fullmatch(self.name):
            raise UniverseError(f"{self.file}: the name {self.name!r} must be letters, digits, '_' and '-' alone")
        # A name among those of other kinds of methods would be read as one of those.
        if self.name in BY_NAME and BY_NAME[self.name].reserved:
            raise UniverseError(f"{self.file}: {self.name!r} is a method of ours, expected another name")


class Encoders(NamedTuple):
    """A universe's encoders, and a note on where they come from, or on what to write to have one."""

    settings: list[EncoderSettings]
    note: str


def encoders_of(folder: Path) -> Encoders:
    """The encoders of `embedding.toml`; without it the language model of `extraction.toml`; else none.

    Raises:
        FileNotFoundError: a folder that a file names is not there.
        UniverseError: what a file says will not do; names file, table and key.
    """
    embedding, extraction = folder / "embedding.toml", folder / "extraction.toml"
    if embedding.exists():
        return Encoders(_read_encoders(embedding.resolve()), f"as {embedding} says")
    if extraction.exists():
        model = ExtractionSettings.from_toml(extraction)
        shared = {field.name: getattr(model, field.name) for field in fields(ModelSettings)}
        shared["vintages"] = _models_alone(model)
        note = f"there is no {embedding}: {DEFAULT_NAME!r} is the language model of {extraction.name}"
        return Encoders([EncoderSettings(name=DEFAULT_NAME, **shared)], note)
    none = f"there are no embeddings: neither {embedding} nor {extraction.name} is there"
    return Encoders([], f"{none}. To have some, write {embedding.name}: {_SAYS}")


def _models_alone(extraction: ExtractionSettings) -> tuple[Vintage, ...]:
    """The different models of the extraction's vintages, each of the earliest that has it: SAEs play no part."""
    earliest: dict[str, Vintage] = {}
    for vintage in extraction.vintages:
        model = extraction.of(vintage).model
        earliest.setdefault(model, Vintage(knowledge=vintage.knowledge, model=model))
    return tuple(earliest.values())


def _read_encoders(path: Path) -> list[EncoderSettings]:
    tables = read_toml(path, _SAYS)
    if not tables:
        raise UniverseError(f"{path}: names no encoder, expected {_SAYS}; or remove the file")
    return [_encoder(path, name, values) for name, values in tables.items()]


def _encoder(path: Path, name: str, values: Any) -> EncoderSettings:
    if not isinstance(values, dict):
        raise UniverseError(f"{path}: {name!r} is no table, expected {_SAYS}")
    file = f"{path} [{name}]"
    given = {key: value for key, value in values.items() if key != "vintages"}
    vintages: tuple[Vintage, ...] = ()
    if "vintages" in values:
        located = partial(_located, path=path, file=file)
        vintages = read_vintages(values["vintages"], file, ["model"], given, located)
        given = {**vintages[-1].changes, **given}
    check_keys(given, file, EncoderSettings, ("model", "max_tokens"))
    settings = EncoderSettings(**given, vintages=vintages, name=name, file=file)
    return replace(settings, model=_located("model", settings.model, path, file))


def _located(key: str, value: str, path: Path, file: str) -> str:
    return locate(value, key, path.parent, file, HUB_MODEL)
