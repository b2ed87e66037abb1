"""A universe's encoders, from its `embedding.toml` or `extraction.toml`, and the embeddings they made."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from compsim_assets.partitions import cutoff_modes
from compsim_assets.storage.results import Results, read_manifest
from compsim_assets.universe.extraction import (
    HUB_MODEL,
    ExtractionSettings,
    ModelSettings,
    check_keys,
    locate,
    read_toml,
)
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import numpy as np

MANIFEST = "embeddings.json"
FOLDER = "embeddings"
DEFAULT_NAME = "embedding"
_BLOCK_BYTES = 32 << 20

_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# Methods of other kinds: a name among them would be read as one of those.
_TAKEN = {
    "walk_forward", "sic_code", "sic_division", "gics_sector", "population", "pca", "supervised", "sic2", "pairs",
    *cutoff_modes.get_partition_keys(),
}  # fmt: skip
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
        if self.name in _TAKEN:
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
    own, extraction = folder / "embedding.toml", folder / "extraction.toml"
    if own.exists():
        return Encoders(_read_encoders(own.resolve()), f"as {own} says")
    if extraction.exists():
        known = ExtractionSettings.from_toml(extraction).to_dict()
        shared = {field.name: known[field.name] for field in fields(ModelSettings)}
        note = f"there is no {own}: {DEFAULT_NAME!r} is the language model of {extraction.name}"
        return Encoders([EncoderSettings(name=DEFAULT_NAME, **shared)], note)
    note = f"there are no embeddings: neither {own} nor {extraction.name} is there. To have some, write {own.name}: {_SAYS}"
    return Encoders([], note)


def _read_encoders(path: Path) -> list[EncoderSettings]:
    tables = read_toml(path, _SAYS)
    if not tables:
        raise UniverseError(f"{path}: names no encoder, expected {_SAYS}; or remove the file")
    return [_encoder(path, name, values) for name, values in tables.items()]


def _encoder(path: Path, name: str, values: Any) -> EncoderSettings:
    if not isinstance(values, dict):
        raise UniverseError(f"{path}: {name!r} is no table, expected {_SAYS}")
    file = f"{path} [{name}]"
    check_keys(values, file, EncoderSettings, ("model", "max_tokens"))
    settings = EncoderSettings(**values, name=name, file=file)
    model = locate(settings.model, "model", path.parent, file, HUB_MODEL)
    return replace(settings, model=model)


class Embeddings(NamedTuple):
    """What one encoder made of the reports that have a text, report ids ascending."""

    report_id: np.ndarray
    """(n,) int64."""

    year: np.ndarray
    """(n,) int64."""

    matrix: np.ndarray
    """(n, width) float32."""


def write_embeddings(
    path: Path,
    report_id: np.ndarray,
    year: np.ndarray,
    unique: np.ndarray,
    row: np.ndarray,
    digest: Any,
) -> None:
    """Write report_id, year and embedding, a block of reports at a time.

    Args:
        path: of the Parquet file.
        report_id, year, row: (n,) int64 each; `row` in `unique` is the report's embedding.
        unique: (m, width) float32.
        digest: a hash that takes in what is written, in the same way whatever the blocks.

    Cost: memory for one block.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from compsim_assets.storage.shards import list_column

    width = unique.shape[1]
    names = {
        "report_id": pa.int64(),
        "year": pa.int64(),
        "embedding": pa.list_(pa.float32(), width),
    }
    size = max(1, _BLOCK_BYTES // (4 * width))
    digest.update(report_id.tobytes())
    digest.update(year.tobytes())
    # A dictionary of numbers that hardly repeat would only cost time.
    with pq.ParquetWriter(path, pa.schema(names), compression="zstd", use_dictionary=False) as file:
        for start in range(0, len(row), size):
            block = slice(start, start + size)
            matrix = unique[row[block]]
            digest.update(matrix.tobytes())
            columns = [pa.array(report_id[block]), pa.array(year[block]), list_column(matrix)]
            file.write_table(pa.table(columns, schema=pa.schema(names)))


def read_embeddings(results: Results) -> dict[str, Embeddings]:
    """The embeddings of every encoder, in the order of `embedding.toml`.

    Raises:
        FileNotFoundError: not materialized yet.
        UniverseError: they belong to other descriptions than the present ones.

    Cost: memory for all of them.
    """
    from pyarrow.parquet import read_table

    from compsim_assets.storage.shards import matrix_of

    folder = results.array_folder(FOLDER)
    if not (folder / MANIFEST).exists():
        raise FileNotFoundError(f"{folder} does not exist: materialize '{FOLDER}' first")
    # A new version may be published meanwhile: the link is followed once, for all of one version.
    folder = folder.resolve()
    manifest = read_manifest(folder, MANIFEST)
    if manifest["universe"] != results.universe_stamp():
        raise UniverseError(
            f"{folder} was made from other descriptions than the present ones: materialize '{FOLDER}' again"
        )
    tables = {e["name"]: read_table(folder / f"{e['name']}.parquet") for e in manifest["encoders"]}
    return {
        name: Embeddings(
            table["report_id"].to_numpy(),
            table["year"].to_numpy(),
            matrix_of(table["embedding"]),
        )
        for name, table in tables.items()
    }
