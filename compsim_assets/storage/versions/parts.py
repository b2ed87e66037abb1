"""Which files a results folder holds, result by result, and what a manifest says of them."""

import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from compsim_assets.contracts import TABLES
from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.storage.checksums import checksum
from compsim_assets.storage.lineage import name_of
from compsim_assets.storage.results import MANIFESTS, Results, read_manifest

PUBLISHED = "published"
_FOLDERS = {*TABLES, *MANIFESTS, "figures"}  # others are inputs: the sample's universe
# It says what changed since the last version, so it differs between versions that hold the same.
BESIDE = frozenset({"rebuild_report"})


def parts(results: Results) -> dict[str, list[Path]]:
    """Files of each result, relative to the folder; of several that belong to one asset (`findings.html`) all."""
    files = dict[str, list[Path]]()
    for path in sorted(_walk(results.folder)):
        relative = path.relative_to(results.folder)
        files.setdefault(_result_of(relative), []).append(relative)
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_file():
            yield Path(entry.path)
        elif entry.name in _FOLDERS:  # of an array it is a link to the folder's present version
            yield from (path for path in Path(entry.path).rglob("*") if path.is_file())


def _result_of(path: Path) -> str:
    """The name of the result that a file belongs to."""
    first, *rest = path.parts
    if not rest or first in MANIFESTS:
        return Path(first).stem
    if first == "figures":
        return name_of(path.stem, rest[0] if len(rest) > 1 else None)
    return name_of(first, path.stem) if path.stem in CUTOFF_MODES else first


def describe(results: Results, name: str, files: list[Path], before: Mapping[str, Any], old: Path | None) -> Any:
    """What the manifest says of a result: content, rows of a table, note, and each file's size and checksum.

    Args:
        before: what the last version's manifest says of it; old: that version's folder. A file that is still the same
            one keeps its checksum, so that a version costs what is new in it, and damage meanwhile is noticed. So does
            one that was sealed when it was written.
    """
    described = dict[str, Any](content=results.content(name), files={})
    sealed = read_manifest(results.array_folder(name), MANIFESTS[name]).get("xxh3", {}) if name in MANIFESTS else {}
    for path in files:
        last = before.get("files", {}).get(path.as_posix())
        unchanged = last and old and same(results.folder / path, old / path)
        size = (results.folder / path).stat().st_size
        described["files"][path.as_posix()] = (
            last
            if unchanged
            else {"size": size, "xxh3": sealed.get("/".join(path.parts[1:])) or checksum(results.folder / path)}
        )
    rows = _rows(results.folder / files[0])
    note = results.note(name)
    return described | ({} if rows is None else {"rows": rows}) | ({} if note is None else {"note": vars(note)})


def same(one: Path, other: Path) -> bool:
    """Whether both are one file on the disk."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _rows(path: Path) -> int | None:
    if path.suffix != ".parquet":
        return None
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def digest_of(described: Mapping[str, Any]) -> str:
    """One number for what a version holds: the same for the same bytes in all files."""
    lines = sorted(
        f"{path} {file['xxh3']}"
        for name, result in described.items()
        if name not in BESIDE
        for path, file in result["files"].items()
    )
    return blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()
