"""The source `huggingface`: reports, features and pairs from hub data sets, everything else from a folder."""

import logging
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from compsim_assets.storage.results import Results
from compsim_assets.universe import hub
from compsim_assets.universe.folder import Universe, folder_of
from compsim_assets.universe.intake.columns import Names
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.reports.files import REPORT_COLUMNS
from compsim_assets.universe.table_files import TableFiles

if TYPE_CHECKING:
    from compsim_assets.settings import Settings

# Each table's columns that can have another name in a data set.
_COLUMNS = {
    "reports": (*REPORT_COLUMNS, "input_ids"),
    "features": (ID, "features"),
    "pairs": ("Company1", "Company2", "year", "cosine_similarity", "correlation"),
}
_KEYS: dict[str, type] = {
    "dataset": str, "revision": str, "config": str, "split": str, "columns": dict, "keep_downloads": bool,
}  # fmt: skip


@dataclass(frozen=True)
class HubTable:
    """Where one table comes from, as huggingface.toml says.

    dataset: owner/name, or a local folder in the hub's layout (in the file, `./...` and `../...` start from the file's
    own folder). columns: the contract's name -> the data set's own.
    keep_downloads: whether files are downloaded into the hub's cache, to stay; else they go once they are imported.
    """

    dataset: str
    revision: str = "main"
    config: str | None = None
    split: str = "train"
    columns: Mapping[str, str] = field(default_factory=dict)
    keep_downloads: bool = True

    def source(self) -> hub.HubDataset:
        """What the hub is asked for."""
        return hub.HubDataset(self.dataset, self.revision, self.config, self.split)


@dataclass(frozen=True)
class HubUniverse(Universe):
    """Tables from the hub as configured; `folder` holds the rest, and need not exist.

    cache: folder of ours that remembers which version of each data set was used last.
    """

    as_published: ClassVar[bool] = True

    tables: Mapping[str, HubTable]
    cache: Path
    log: Callable[[str], None]

    def has(self, name: str) -> bool:
        return name in self.tables

    def revision(self, name: str) -> str:
        if name not in self.tables:
            return ""
        revision = hub.recorded(self.tables[name].source(), self.cache)
        return f"{revision.dataset.dataset}@{revision.commit}" if revision else ""

    def table(self, name: str, refresh: bool = False) -> TableFiles | None:
        if name not in self.tables:
            return None
        described = self.tables[name]
        on_record = None if refresh else hub.recorded(described.source(), self.cache)
        revision = on_record or hub.resolve(described.source(), self.cache, self.log, keep=described.keep_downloads)

        def get(number: int) -> Path:
            file = revision.files[number]
            if not hub.is_here(revision, file):
                size = "" if file.size is None else f", {file.size / 1e6:,.0f} MB"
                self.log(f"{name}: downloading {file.name}, file {number + 1} of {len(revision.files)}{size}")
            return hub.fetch(revision, file, self.log, keep=described.keep_downloads)

        def release(number: int) -> None:
            hub.forget(revision, revision.files[number])

        return TableFiles(
            names=tuple(f"{described.dataset}/{file.name}" for file in revision.files),
            fetch=get,
            release=release,
            version="\n".join(file.sha256 or revision.commit for file in revision.files),
            spelling=Names(given=described.columns),
        )


def open_hub(settings: "Settings", log: Callable[[str], None] | None = None) -> HubUniverse:
    """The hub's data sets that huggingface.toml names: the project's own, changed by the one in COMPSIM_UNIVERSE.

    Raises:
        UniverseError: a folder that does not exist, a huggingface.toml that cannot be understood.
    """
    results = Results.of(settings)
    folder = folder_of(settings) if settings.universe else results.array_folder("universe")
    default = package_files("compsim_assets.universe.hub") / "huggingface.toml"
    tables = _parse(default.read_bytes(), str(default), {})
    if (changes := folder / "huggingface.toml").exists():
        tables = _parse(changes.read_bytes(), str(changes), tables)
    used = {name: _table_of(table, folder) for name, table in tables.items() if table["dataset"]}
    return HubUniverse(folder, used, results.folder / ".hub", log or logging.getLogger("compsim").info)


def _parse(text: bytes, name: str, tables: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Tables by name, each with the keys of `tables` unless the text gives them."""
    try:
        changes = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UniverseError(f"{name}: not TOML ({problem})") from None
    for table, keys in changes.items():
        if table not in _COLUMNS or not isinstance(keys, dict):
            raise UniverseError(f"{name}: '{table}', expected tables {', '.join(_COLUMNS)}")
        _check(table, keys, f"{name}: [{table}]")
    return {**tables, **{table: _merged(tables.get(table, {}), keys) for table, keys in changes.items()}}


def _check(table: str, keys: dict[str, Any], place: str) -> None:
    for key, value in keys.items():
        if key not in _KEYS:
            raise UniverseError(f"{place} has {key}, expected {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            expected = {str: "text", bool: "true or false"}.get(_KEYS[key], '{ours = "theirs"}')
            raise UniverseError(f"{place} {key} is {value!r}, expected {expected}")
    for ours, theirs in keys.get("columns", {}).items():
        if ours not in _COLUMNS[table]:
            raise UniverseError(f"{place} columns has {ours}, expected names among {', '.join(_COLUMNS[table])}")
        if not isinstance(theirs, str):
            raise UniverseError(f"{place} columns: {ours} is {theirs!r}, expected a column's name")


def _table_of(keys: dict[str, Any], folder: Path) -> HubTable:
    """The table; a relative folder does not depend on where the program was started."""
    dataset = keys["dataset"]
    place = str((folder / dataset).resolve()) if dataset.startswith(".") else dataset
    return HubTable(**{**keys, "dataset": place})


def _merged(base: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    """Another data set starts from the defaults, not from the former one's revision and columns."""
    return keys if keys.get("dataset", base.get("dataset")) != base.get("dataset") else {**base, **keys}
