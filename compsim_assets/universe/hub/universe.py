"""The source `huggingface`: reports, features and pairs from hub data sets, everything else from a folder."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.storage.results import Results
from compsim_assets.universe.folder import Universe, folder_of
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.report_files import REPORT_COLUMNS
from compsim_assets.universe.table_files import TableFiles

if TYPE_CHECKING:
    from compsim_assets.settings import Settings
    from compsim_assets.universe.hub import HubDataset

# Each table's columns that can have another name in a data set.
_COLUMNS = {
    "reports": (*REPORT_COLUMNS, "input_ids"),
    "features": (ID, "features"),
    "pairs": ("Company1", "Company2", "year", "cosine_similarity", "correlation"),
}
_KEYS: dict[str, type] = {
    "dataset": str, "revision": str, "config": str, "split": str, "columns": dict,
    "keep_downloads": bool,
}  # fmt: skip


@dataclass(frozen=True)
class HubTable:
    """Where one table comes from, as huggingface.toml says.

    dataset: owner/name, or a local folder in the hub's layout (in the file, `./...` and `../...` start from the file's own
    folder). columns: the contract's name -> the data set's own.
    keep_downloads: whether downloaded files stay in the hub's cache once their content is imported.
    """

    dataset: str
    revision: str = "main"
    config: str | None = None
    split: str = "train"
    columns: Mapping[str, str] = field(default_factory=dict)
    keep_downloads: bool = True

    def source(self) -> "HubDataset":
        """What the hub is asked for."""
        from compsim_assets.universe.hub import HubDataset

        return HubDataset(self.dataset, self.revision, self.config, self.split)


@dataclass(frozen=True)
class HubUniverse(Universe):
    """Tables from the hub as configured; `folder` holds the rest, and need not exist.

    cache: folder of ours that remembers which version of each data set was used last.
    """

    tables: Mapping[str, HubTable]
    cache: Path
    log: Callable[[str], None]

    def has(self, name: str) -> bool:
        return name in self.tables

    def revision(self, name: str) -> str:
        from compsim_assets.universe.hub import recorded

        if name not in self.tables:
            return ""
        found = recorded(self.tables[name].source(), self.cache)
        return f"{found.dataset.dataset}@{found.commit}" if found else ""

    def table(self, name: str, refresh: bool = False) -> TableFiles | None:
        from compsim_assets.universe.hub import fetch, forget, is_here, recorded, resolve

        if name not in self.tables:
            return None
        described = self.tables[name]
        found = None if refresh else recorded(described.source(), self.cache)
        revision = found or resolve(described.source(), self.cache, self.log)

        def get(number: int) -> Path:
            file = revision.files[number]
            if not is_here(revision, file):
                size = "" if file.size is None else f", {file.size / 1e6:,.0f} MB"
                self.log(f"{name}: downloading {file.name}, file {number + 1} of {len(revision.files)}{size}")
            return fetch(revision, file, self.log)

        def release(number: int) -> None:
            if not described.keep_downloads:
                forget(revision, revision.files[number])

        return TableFiles(
            names=tuple(f"{described.dataset}/{file.name}" for file in revision.files),
            fetch=get,
            release=release,
            version="\n".join(file.sha256 or revision.commit for file in revision.files),
            columns=described.columns,
        )


def open_hub(settings: "Settings", log: Callable[[str], None] | None = None) -> HubUniverse:
    """The hub's data sets that huggingface.toml names: the project's own, changed by the one in COMPSIM_UNIVERSE.

    Raises:
        UniverseError: a folder that does not exist, a huggingface.toml that cannot be understood.
    """
    import logging

    results = Results.of(settings)
    folder = folder_of(settings) if settings.universe else results.array_folder("universe")
    default = package_files("compsim_assets.universe.hub") / "huggingface.toml"
    tables = _parse(default.read_bytes(), str(default), {})
    if (own := folder / "huggingface.toml").exists():
        tables = _parse(own.read_bytes(), str(own), tables)
    used = {name: _table_of(table, folder) for name, table in tables.items() if table["dataset"]}
    said = log or logging.getLogger("compsim").info
    return HubUniverse(folder, used, results.folder / ".hub", said)


def _parse(text: bytes, name: str, tables: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Tables by name, each with the keys of `tables` unless the text gives them."""
    try:
        found = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UniverseError(f"{name}: not TOML ({problem})") from None
    for table, keys in found.items():
        if table not in _COLUMNS or not isinstance(keys, dict):
            raise UniverseError(f"{name}: '{table}', expected tables {', '.join(_COLUMNS)}")
        _check(table, keys, f"{name}: [{table}]")
    return {**tables, **{table: _merged(tables.get(table, {}), keys) for table, keys in found.items()}}


def _check(table: str, keys: dict[str, Any], place: str) -> None:
    for key, value in keys.items():
        if key not in _KEYS:
            raise UniverseError(f"{place} has {key}, expected {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            expected = {str: "text", bool: "true or false"}.get(_KEYS[key], '{ours = "theirs"}')
            raise UniverseError(f"{place} {key} is {value!r}, expected {expected}")
    for ours, theirs in keys.get("columns", {}).items():
        if ours not in _COLUMNS[table]:
            known = ", ".join(_COLUMNS[table])
            raise UniverseError(f"{place} columns has {ours}, expected names among {known}")
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
