"""Versions of the code that assets run: the same for as long as nothing is changed that could change a result.

A version is a hash of the functions, classes and values of this package that can be reached from an asset's function,
of the programs that it starts, and of the data files that these read. Comments, documentation, layout and line numbers
do not count, nor what lies in the same file and is not used. Code that carries results without making them is set
apart. What does not belong here: versions of data (`storage`, `universe`), and what is made again because of either.

`scopes` finds what a piece of code uses, `slices` cuts a file into pieces by name, `package` follows them.
"""

import inspect
import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.code_versions.package import Package
from compsim_assets.contracts import TABLES

if TYPE_CHECKING:
    import dagster as dg

_ROOT = __name__.partition(".")[0]
_TABLES = f"{_ROOT}.contracts.TABLES"  # of which the columns count, where a table is made or named
# What carries results and judges them, and does not make them: how they are named, written, noted, described, checked
# and found again; how programs are started and heard; and what is noted with every result: settings, the sample's
# version and what the universe's files hold.
_APART = (
    "checks",
    "launch",
    "sample",
    "settings",
    "storage.io_managers",
    "storage.lineage",
    "storage.previews",
    "storage.publish",
    "storage.reading",
    "storage.results",
    "universe.fingerprint",
    "universe.intake.contents",
)


def code_version_of(function: Callable[..., Any], asset: str = "") -> str:
    """Version of the code that a function of this package runs.

    It changes with the function's signature and body (not with its decorators) and with all that these use of the
    package: functions, classes, values, programs, and data files that the code names. What decorators collect is not
    followed.

    Args:
        function: a function of a module; of one inside another the whole outer one counts.
        asset: what it makes: the names and types of its table's columns count, and of a step that makes several assets
            nothing that stands under `if "OTHER" in names`.
    """
    inner = inspect.unwrap(function)
    return version_of(inner.__module__, inner.__qualname__.partition(".")[0], asset)


def version_of(module: str, name: str, asset: str = "") -> str:
    """The same by the dotted name of a module and the name of what is in it, which need not be imported."""
    package = _package()
    columns = package.entries.get(_entry(asset))
    version = package.version(module, name, asset, [f"{asset} {columns}"] if columns else [])
    package.remember()
    return version


def versioned(assets: Iterable[Any]) -> list["dg.AssetsDefinition"]:
    """The same assets with versions: of the step's function, of the asset's own table, and of what it has as such."""

    def with_version(definition: "dg.AssetsDefinition") -> "dg.AssetsDefinition":
        function = definition.op.compute_fn.decorated_fn  # type: ignore[union-attr]

        def version(spec: "dg.AssetSpec") -> str:
            of_step = code_version_of(function, spec.key.path[-1])
            return f"{of_step}.{spec.code_version}" if spec.code_version else of_step

        return definition.map_asset_specs(lambda spec: spec.replace_attributes(code_version=version(spec)))

    return [with_version(definition) for definition in assets]


def package_in(folder: Path, cache: Path | None) -> Package:
    """This package, its source read from a folder; cache: see `Package`."""
    columns = {
        _entry(name): " ".join(f"{column.name}:{column.type}" for column in table.columns)
        for name, table in TABLES.items()
    }
    return Package(_ROOT, folder, cache, (_TABLES, *(f"{_ROOT}.{name}" for name in _APART)), columns)


@cache
def _package() -> Package:
    user = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return package_in(Path(__file__).parents[1], user / "compsim")


def _entry(table: str) -> str:
    return f"{_TABLES}[{table}]"
